"""One mount of a share with the kernel's client, through mount.cifs.

The credentials reach mount.cifs as a file in memory (memfd, 0600) that has no name: nothing is left of it
when this process ends, however it ends.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from smbench.advice import how_to_install, this_command
from smbench.errors import SetupError
from smbench.mounts.accounts import Account
from smbench.mounts.failures import Failure, explain, hung_up, mount_errno
from smbench.mounts.opened import NotSupportedError
from smbench.mounts.options import Option, to_argument
from smbench.mounts.target import ShareTarget
from smbench.quoting import quoted

CONNECT_DEADLINE_S = 5.0
MOUNT_DEADLINE_S = 60.0
_GREETING_S = 1.0
"""An SMB server says nothing before it is spoken to; one that denies the address does so within this."""
# mount.cifs stands in sbin, which is not in every user's PATH (sudo keeps the caller's on some systems).
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def require_client() -> str:
    """The path of mount.cifs, once root, the program and the kernel's client are known to be here.

    Raises SetupError.
    """
    if os.geteuid() != 0:
        raise SetupError(
            f"only root can mount shares: run it as sudo {this_command()} …, or mount the share yourself and "
            "give that directory as the target."
        )
    program = shutil.which("mount.cifs", path=_PATH)
    if program is None:
        raise SetupError(f"mount.cifs is missing: {how_to_install('mount.cifs')}.")
    if not _kernel_has_cifs():
        modprobe = shutil.which("modprobe", path=_PATH)
        if modprobe is not None:
            subprocess.run([modprobe, "cifs"], capture_output=True, check=False)
        if not _kernel_has_cifs():
            raise SetupError(
                "this kernel has no cifs module, or may not load it (a container?): install the kernel's "
                "extra modules and run modprobe cifs on the host."
            )
    return program


def _kernel_has_cifs() -> bool:
    try:
        names = Path("/proc/filesystems").read_text(encoding="ascii").split()
    except OSError:
        return False
    return "cifs" in names or "smb3" in names


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


def mount(
    program: str,
    target: ShareTarget,
    account: Account,
    options: Iterable[Option],
    where: Path,
    deadline_s: float = MOUNT_DEADLINE_S,
) -> None:
    """Mount `target` at the empty directory `where` as `account`.

    Raises SetupError with the reason in words; nothing is then mounted by this call, or a time-out left
    it to the kernel (whoever unmounts looks at mountinfo).
    """
    options = tuple(options)
    failure = _try(program, target, account, options, where, deadline_s)
    if failure is None:
        return
    number, found = failure
    if number == errno.ENOENT and target.folder and not account.kerberos:
        found = _which_is_missing(program, target, account, options, where, deadline_s) or found
    kind = NotSupportedError if number == errno.EOPNOTSUPP else SetupError
    raise kind(f"cannot mount {target} as {account}: {found.why}; {found.next}.")


def _try(
    program: str,
    target: ShareTarget,
    account: Account,
    options: tuple[Option, ...],
    where: Path,
    deadline_s: float,
) -> tuple[int | None, Failure] | None:
    with _credentials(account) as descriptor, _kernel_log() as kernel_log:
        arguments = f"credentials=/proc/self/fd/{descriptor},{to_argument(options)}"
        # A session of its own: Ctrl-C is this process's to handle, not mount.cifs's in its middle.
        process = subprocess.Popen(
            [program, target.unc, str(where), "-o", arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(descriptor,),
            start_new_session=True,
            env={"PATH": _PATH, "LC_ALL": "C"},
        )
        with process:
            try:
                _, stderr = process.communicate(timeout=deadline_s)
            except subprocess.TimeoutExpired:
                process.kill()
                waited = f"the server takes the connection but does not answer within {deadline_s:g} s"
                return None, Failure(waited, "look at the server")
            except BaseException:
                process.kill()
                raise
        if process.returncode == 0:
            return None
        said = stderr.decode(errors="replace")
        failure = explain(said, kernel_log(), kerberos=account.kerberos)
        if mount_errno(said) == errno.EHOSTDOWN:
            failure = _why_hung_up(target) or failure
        return mount_errno(said), replace(
            failure, why=f"{failure.why} (mount.cifs exit {process.returncode})"
        )


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


def _which_is_missing(
    program: str,
    target: ShareTarget,
    account: Account,
    options: tuple[Option, ...],
    where: Path,
    deadline_s: float,
) -> Failure | None:
    """ENOENT stands for the share as for the folder: the share alone tells which."""
    if _try(program, replace(target, folder=""), account, options, where, deadline_s) is not None:
        return None
    subprocess.run(["umount", str(where)], env={"PATH": _PATH}, capture_output=True, check=False)
    return Failure(f"the share has no folder {quoted(target.folder)}", "make it, or check its name")


@contextmanager
def _credentials(account: Account) -> Iterator[int]:
    """A descriptor of a file in memory as mount.cifs(8) reads it."""
    lines = [f"username={account.name}"]
    if account.password is not None:
        lines.append(f"password={account.password}")
    if account.domain:
        lines.append(f"domain={account.domain}")
    descriptor = os.memfd_create("smbench-credentials", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, ("\n".join(lines) + "\n").encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


class _KernelLog:
    """What the kernel logged since this was made; nothing where it may not be read."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def __call__(self) -> str:
        records = []
        while self._descriptor is not None:
            try:
                records.append(os.read(self._descriptor, 8192).decode(errors="replace"))
            except BrokenPipeError:
                # Records were overwritten before they were read: the next read goes on after them.
                continue
            except OSError:
                break
        # "level,sequence,time,flags;text" (Documentation/ABI/testing/dev-kmsg).
        return "\n".join(record.partition(";")[2] for record in records)


@contextmanager
def _kernel_log() -> Iterator[_KernelLog]:
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        yield _KernelLog(None)
        return
    try:
        os.lseek(descriptor, 0, os.SEEK_END)
        yield _KernelLog(descriptor)
    finally:
        os.close(descriptor)
