"""Connections as `net use` makes them (WNetAddConnection2), where they are asked for, and their end.

They belong to the caller's logon, which can have one account a server: for one user, or for servers that want
a connection before anything else. They are never persistent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from smbench.errors import SetupError
from smbench.mounts.accounts import Account
from smbench.mounts.windows.calls import error_code, pywin32

_RESOURCE_DISK = 1
_TEMPORARY = 4  # CONNECT_TEMPORARY: not remembered, not shown to the user
_FORCE = True

_REASONS = {
    5: "access is denied",
    53: "the server cannot be reached",
    67: "the server has no such share",
    86: "the password is wrong",
    1219: "this logon is at the server as somebody else: take logon=impersonate, or net use /delete",
    1326: "the server does not know that name and password",
    1327: "an account restriction (an empty password, or hours of logon)",
    1909: "the account is locked",
}


@contextmanager
def connections(unc: str, accounts: Sequence[Account]) -> Iterator[None]:
    """Connect to a share as each distinct account while the block lasts. SetupError where one is refused."""
    network = pywin32("win32wnet")
    made = 0
    try:
        for account in dict.fromkeys(accounts):
            resource = network.NETRESOURCE()
            resource.dwType, resource.lpRemoteName = _RESOURCE_DISK, unc
            password = None if account.password is None else account.password.text()
            try:
                network.WNetAddConnection2(resource, password, str(account), _TEMPORARY)
            except Exception as error:
                raise _refused(unc, account, error) from error
            made += 1
        yield
    finally:
        for _ in range(made):
            # It may have gone by itself: the server went, or somebody ran net use /delete.
            with suppress(Exception):
                network.WNetCancelConnection2(unc, 0, _FORCE)


def _refused(unc: str, account: Account, error: Exception) -> Exception:
    code = error_code(error)
    if code is None:
        return error
    reason = _REASONS.get(code) or f"{getattr(error, 'strerror', error)} (error {code})"
    return SetupError(f"cannot connect to {unc} as {account}: {reason}.")
