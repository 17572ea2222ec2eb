"""One mount of a share with the kernel's client, through the helper's mount.cifs.

The credentials reach mount.cifs as a file in memory (memfd, 0600) that has no name: nothing is left of it
when this process ends, however it ends.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from smbench.advice import how_to_install, this_command
from smbench.errors import SetupError
from smbench.identity import Identity
from smbench.mounts.accounts import Account
from smbench.mounts.dfs import DFS
from smbench.mounts.failures import Failure, explain, hung_up, mount_errno
from smbench.mounts.opened import NotSupportedError
from smbench.mounts.options import Option
from smbench.mounts.target import ShareTarget
from smbench.privileged import client
from smbench.privileged.allowed import may_be_given
from smbench.privileged.client import Helper
from smbench.quoting import quoted
from smbench.smb2.constants import PORT

Refusal = tuple[int | None, Failure]
"""The errno of a mount that failed, where there is one, and the reason."""

CONNECT_DEADLINE_S = 5.0
MOUNT_DEADLINE_S = 60.0
_GREETING_S = 1.0
"""An SMB server says nothing before it is spoken to; one that denies the address does so within this."""


def require_helper() -> Helper:
    """What mounts and unmounts for this process. SetupError where there is none."""
    found = client.helper()
    if found is None:
        raise SetupError(
            f"only root can mount shares: run it as sudo {this_command()} …, or mount the share yourself and "
            "give that directory as the target."
        )
    return found


def require_client() -> Helper:
    """What mounts, once it, the program mount.cifs and the kernel's client are known to be here.

    Raises SetupError.
    """
    helper = require_helper()
    found = helper.ask("client")
    if not found["program"]:
        raise SetupError(f"mount.cifs is missing: {how_to_install('mount.cifs')}.")
    if not found["kernel"]:
        raise SetupError(
            "this kernel has no cifs module, or may not load it (a container?): install the kernel's "
            "extra modules and run modprobe cifs on the host."
        )
    return helper


def whose(identity: Identity | None) -> list[int] | None:
    """For whom root asks; whoever else asks does so for itself."""
    return None if identity is None else [identity.uid, identity.gid]


def require_server(target: ShareTarget, deadline_s: float = CONNECT_DEADLINE_S) -> None:
    """One TCP connection, so that a dead server answers at once and not after the kernel's retries.

    Raises SetupError.
    """
    where = f"{target.server} port {target.port}"
    try:
        socket.create_connection((target.server, target.port), timeout=deadline_s).close()
    except (socket.gaierror, UnicodeError) as error:
        raise SetupError(
            f"cannot mount {target}: the server's name {target.server} cannot be resolved; check its "
            "spelling, or give its address."
        ) from error
    except TimeoutError as error:
        raise SetupError(
            f"cannot mount {target}: {where} does not answer within {deadline_s:g} s; check that the server "
            "runs and can be reached."
        ) from error
    except OSError as error:
        raise SetupError(
            f"cannot mount {target}: no connection to {where} ({error.strerror or error}); check that the "
            "server runs and can be reached."
        ) from error


@dataclass(frozen=True, slots=True)
class Mounting:
    """A mount at `where`, a folder of a run that was begun, as `account` and for `identity`."""

    helper: Helper
    account: Account
    options: tuple[Option, ...]
    where: Path
    identity: Identity | None = None
    deadline_s: float = MOUNT_DEADLINE_S

    def tried(self, target: ShareTarget) -> Refusal | None:
        """Why it was not mounted; None: it is. A time-out may have left it to the kernel (whoever unmounts
        looks at mountinfo)."""
        with _password(self.account) as descriptors:
            answer = self.helper.ask(
                "mount", *descriptors, run=self.where.parent.name, name=self.where.name,
                account=[self.account.name, self.account.domain],
                target=[target.unc, None if target.port == PORT else target.port],
                options=[str(option) for option in self.options if _is_told(option)],
                deadline_s=self.deadline_s, whose=whose(self.identity),
            )  # fmt: skip
        status, said = answer["status"], answer["said"]
        if status is None:
            waited = f"the server takes the connection but does not answer within {self.deadline_s:g} s"
            return None, Failure(waited, "look at the server")
        if status == 0:
            return None
        failure = explain(said, answer["log"], kerberos=self.account.kerberos)
        if mount_errno(said) == errno.EHOSTDOWN:
            failure = _why_hung_up(target) or failure
        return mount_errno(said), replace(failure, why=f"{failure.why} (mount.cifs exit {status})")

    def mount(self, target: ShareTarget, named: ShareTarget | None = None) -> None:
        """Mount it. Raises SetupError with the reason in words, of a target that was named otherwise where
        DFS led from there; nothing is then mounted by this call."""
        if (refusal := self.tried(target)) is not None:
            raise self.refused(target, refusal, named)

    def undone(self) -> None:
        """Unmount it."""
        self.helper.ask(
            "umount", run=self.where.parent.name, names=[self.where.name], lazily=False,
            deadline_s=self.deadline_s,
        )  # fmt: skip

    def mounts(self, target: ShareTarget) -> bool:
        """Whether it can be mounted; it is not afterwards."""
        if self.tried(target) is not None:
            return False
        self.undone()
        return True

    def refused(self, target: ShareTarget, refusal: Refusal, named: ShareTarget | None = None) -> SetupError:
        """What a user is told of a refusal; `named` as for `mount`."""
        number, failure = refusal
        one_of_two = number == errno.ENOENT and target.folder and not self.account.kerberos
        # It stands for the share as for the folder: the share alone tells which.
        if one_of_two and self.mounts(replace(target, folder="")):
            failure = Failure(
                f"the share has no folder {quoted(target.folder)}", "make it, or check its name"
            )
        led = "" if named in (None, target) else f"DFS leads it to {target}, and there "
        kind = NotSupportedError if number == errno.EOPNOTSUPP and not led else SetupError
        return kind(f"cannot mount {named or target} as {self.account}: {led}{failure.why}; {failure.next}.")


def _is_told(option: Option) -> bool:
    # Whose it is, and what may be done with what it holds, the helper says.
    return may_be_given(option.name) and option.name != DFS


def _why_hung_up(target: ShareTarget) -> Failure | None:
    """None where it takes no connection any more."""
    try:
        with socket.create_connection((target.server, target.port), timeout=_GREETING_S) as connection:
            try:
                return hung_up(connection.recv(64))
            except TimeoutError:
                return hung_up(None)
    except OSError:
        return None


@contextmanager
def _password(account: Account) -> Iterator[list[int]]:
    """A file in memory that has it, to hand over; none with Kerberos."""
    if account.password is None:
        yield []
        return
    descriptor = os.memfd_create("smbench-password", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        account.password.write_to(descriptor)
        yield [descriptor]
    finally:
        os.close(descriptor)
