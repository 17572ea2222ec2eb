"""tshark's home: a private folder with its configuration and scripts, and the keys that it is to use.

Keys stand in no file. Each of tshark's files that has some is a file in memory without a name (memfd, mode
0600), which tshark inherits; in the folder stands a link to the descriptor (`preferences` →
`/proc/self/fd/7`), which is opened as any file is. So nothing of them is left, whatever ends this process.
Tried with tshark 4.0.17 for its preferences, for tables (`smb2_seskey_list`) and for a keytab; all of them
are opened by name (fopen) in Wireshark 3.6 to 4.6 and in MIT Kerberos, so that what holds of one holds of
others. A pipe would not do: the user that tshark runs as may not open root's by a link. Where a system has
no files in memory (macOS, Windows), files with mode 0600 in the folder, which are gone with it, have to do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from smbench.capture.disk import cannot_write
from smbench.identity import Identity, ordinary_user
from smbench.scratch import PREFIX, make_scratch
from smbench.signals import deferred

_PREFERENCES = {
    "tcp.reassemble_out_of_order": "FALSE",
    "tcp.calculate_timestamps": "FALSE",
    "tcp.track_bytes_in_flight": "FALSE",
    "nameres.network_name": "FALSE",
    "nameres.dns_pkt_addr_resolution": "FALSE",
}
Content = str | bytes | Callable[[int], None]
"""Of a file: what it holds, or who writes that to it when it is open."""
_DESCRIPTORS = Path("/proc/self/fd")
"""Where a process that opens a link finds its own."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder, and the descriptors that tshark has to inherit, under their numbers, with what is linked
    there."""

    folder: Path
    descriptors: tuple[int, ...] = ()


@contextlib.contextmanager
def private_home(
    files: Mapping[str, str], preferences: Mapping[str, str], secrets: Mapping[str, Content]
) -> Iterator[Home]:
    """A home with `files`, `secrets` and `preferences` (which are secret too, where there are any beside our
    own) for whom tshark runs as alone; gone afterwards.

    SetupError where there is no place for it.
    """
    lines = "".join(f"{name}: {value}\n" for name, value in {**_PREFERENCES, **preferences}.items())
    texts: dict[str, Content] = {**files}
    hidden = dict(secrets)
    (hidden if preferences else texts)["preferences"] = lines
    folder = make_scratch(f"{PREFIX}tshark-")
    descriptors: list[int] = []
    try:
        _fill(folder, texts, hidden, descriptors)
        yield Home(folder, tuple(descriptors))
    finally:
        with deferred():  # where there are no files in memory, it has keys in it
            for descriptor in descriptors:
                os.close(descriptor)
            shutil.rmtree(folder, ignore_errors=True)


def _fill(
    folder: Path,
    files: Mapping[str, Content],
    secrets: Mapping[str, Content],
    descriptors: list[int],
) -> None:
    user = ordinary_user()
    try:
        for name, content in secrets.items():
            if (descriptor := _in_memory(content, user)) is None:
                _write(folder / name, content, user)
                continue
            descriptors.append(descriptor)
            (folder / name).symlink_to(_DESCRIPTORS / str(descriptor))
        for name, content in files.items():
            _write(folder / name, content, user)
        if user:
            os.chown(folder, user.uid, user.gid)
    except OSError as error:
        what, number = f"tshark's settings in {folder.parent}", error.errno or 0
        raise cannot_write(folder, what, number, str(error), "name another place in TMPDIR") from None


def _write(path: Path, content: Content, user: Identity | None) -> None:
    path.touch(mode=0o600)
    with path.open("wb") as file:
        _put(file.fileno(), content)
    if user:
        os.chown(path, user.uid, user.gid)


def _put(descriptor: int, content: Content) -> None:
    if callable(content):
        content(descriptor)
        return
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def _in_memory(content: Content, user: Identity | None) -> int | None:
    """A descriptor of a file in memory that only that user can open, and nobody change; None where there is
    no such thing."""
    if sys.platform != "linux" or not _DESCRIPTORS.is_dir():
        return None
    import fcntl  # not everywhere

    try:
        descriptor = os.memfd_create("smbench-keys", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError:
        return None
    try:
        _put(descriptor, content)
        os.fchmod(descriptor, 0o600)
        if user:
            os.fchown(descriptor, user.uid, user.gid)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
