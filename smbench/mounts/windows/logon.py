"""A user is a logon: a token with credentials for the network, which a user's threads act as.

LogonUser with LOGON32_LOGON_NEW_CREDENTIALS makes a logon session that is the caller's own towards
the machine and another account's towards servers. The redirector keeps its sessions by logon, so that
one machine has as many sessions to one server as there are logons; in a single logon a second account
is refused with error 1219. Windows does not check the password here: the server does, when the first
name is opened.

The ClientGuid of SMB2 is the machine's, whatever the logon: leases, which belong to it, are not broken
between users of one machine as they are between machines.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from smbench.errors import SetupError
from smbench.mounts.accounts import Account
from smbench.mounts.windows.calls import error_code, pywin32

_NEW_CREDENTIALS = 9  # LOGON32_LOGON_NEW_CREDENTIALS
_PROVIDER_WINNT50 = 3  # the only provider that knows it

_tokens: dict[Logon, Any] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Logon:
    """A user's logon, made in each process at its first use and gone with the process; goes by pickle."""

    user: int
    """So that two users with one account have a session each."""
    name: str
    domain: str
    password: str = field(repr=False)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread acts as this user towards servers. SetupError where there is no such logon."""
        security = pywin32("win32security")
        token = self._token(security)
        try:
            security.ImpersonateLoggedOnUser(token)
        except Exception as error:
            raise _refused(self, error) from error
        try:
            yield
        finally:
            security.RevertToSelf()

    def _token(self, security: Any) -> Any:
        with _lock:
            token = _tokens.get(self)
            if token is None:
                try:
                    token = security.LogonUser(
                        self.name, self.domain, self.password, _NEW_CREDENTIALS, _PROVIDER_WINNT50
                    )
                except Exception as error:
                    raise _refused(self, error) from error
                _tokens[self] = token
            return token


def logon_of(user: int, account: Account) -> Logon:
    """The logon of a user's account. SetupError for Kerberos: tickets are not handed on."""
    if account.password is None:
        raise SetupError(
            f"{account} has kerberos = true, which on Windows is the logon of whoever runs this: give it a "
            "password, or leave out --users."
        )
    # Without a domain the name is the server's own ("." would be this machine).
    return Logon(user, account.name, account.domain or "", account.password.text())


def close_all() -> None:
    """Close this process' tokens: their sessions end with them."""
    with _lock:
        while _tokens:
            with suppress(Exception):  # a handle that is none (Wine's) is closed already
                _tokens.popitem()[1].Close()


def _refused(logon: Logon, error: Exception) -> Exception:
    if error_code(error) is None:
        return error
    reason = getattr(error, "strerror", None) or str(error)
    return SetupError(f"Windows refused a logon for {logon.name}: {str(reason).rstrip('.')}.")
