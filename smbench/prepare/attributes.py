"""DOS attributes and times of a file, set and read as the file system allows.

On a CIFS mount through the client's virtual extended attributes (fs/smb/client/xattr.c); elsewhere
READONLY as mode bits, and the rest is a loss that is told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ESTALE
from pathlib import Path

from smbench.paths.beneath import Beneath
from smbench.prepare.filesystem import EXCHANGED, FIXED, SETTABLE, FileSystem, Loss, Made
from smbench.prepare.statx import is_local, made_at
from smbench.smb2.constants import ATTRIBUTE_HIDDEN, ATTRIBUTE_NORMAL, ATTRIBUTE_READONLY
from smbench.smb2.filetime import filetime, since_1970_ns
from smbench.workload.model import Kind, NamespaceEntry

_ATTRIBUTES = "user.cifs.dosattrib"
_CREATED = "user.cifs.creationtime"
_USERS = "user."


def probe(beneath: Beneath) -> FileSystem:
    """Asks the target's root for its DOS attributes, as only cifs.ko has them; who owns a local directory may
    give it what looks so."""
    local = is_local(beneath.root.fd)
    return FileSystem(cifs=not local and read_attributes(beneath, "") is not None, local=local)


@contextmanager
def _pinned(beneath: Beneath, path: str) -> Iterator[Path]:
    """A name for exactly this file, whatever is renamed meanwhile; costs no open on the wire."""
    descriptor = beneath.open(path, os.O_PATH)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def read_attributes(beneath: Beneath, path: str) -> int | None:
    """The DOS attributes; None where the file system has none. Raises OSError where the file is not there."""
    return _read_number(beneath, path, _ATTRIBUTES)


def read_created_ns(beneath: Beneath, path: str) -> int | None:
    """The creation time in nanoseconds since 1970; None where the file system has none."""
    ticks = _read_number(beneath, path, _CREATED)
    return None if ticks is None else since_1970_ns(ticks)


def _read_number(beneath: Beneath, path: str, name: str) -> int | None:
    with _pinned(beneath, path) as pinned:
        try:
            return int.from_bytes(os.getxattr(pinned, name), "little")
        except OSError:
            return None


def apply(
    beneath: Beneath, system: FileSystem, entry: NamespaceEntry, loss: Loss, *,
    owner: tuple[int, int] | None = None, made: Made | None = None,
) -> None:  # fmt: skip
    """Owner, attributes, then times: the change of an attribute may touch the times. All of the one file that
    has the name, which on a local file system has to be the one that was `made`. Raises OSError."""
    with _pinned(beneath, entry.path) as pinned:
        if made is not None:
            refuse_exchanged(pinned, made)
        if owner is not None:
            os.chown(pinned, *owner)
        if entry.attributes is not None:
            _apply_attributes(pinned, system, entry, loss)
        if system.cifs and entry.created_ns is not None:
            _apply_created(pinned, entry.created_ns, loss)
        if entry.ea_names is not None:
            _apply_eas(pinned, entry, loss)
        _apply_times(pinned, entry, loss)


def refuse_exchanged(pinned: Path, made: Made) -> None:
    """OSError where what has the name now is another file: who put it there would have it changed."""
    if made_at(int(pinned.name)) != made:
        raise OSError(ESTALE, EXCHANGED)


def read_eas(beneath: Beneath, path: str) -> set[str] | None:
    """The names of a file's extended attributes, as `NamespaceEntry` has them. Raises OSError."""
    with _pinned(beneath, path) as pinned:
        return set(_eas(pinned))


def _eas(pinned: Path) -> list[str]:
    # Names are bytes, read as Latin-1. (Those of the client itself, `user.cifs.…`, are not listed.)
    names = (os.fsencode(name).decode("latin-1") for name in os.listxattr(pinned))
    return [name.removeprefix(_USERS) for name in names if name.startswith(_USERS)]


def _apply_eas(pinned: Path, entry: NamespaceEntry, loss: Loss) -> None:
    """Those of the capture, and no others: a replay may have left some."""
    wanted = dict(zip(entry.ea_names or (), entry.ea_lengths or (), strict=True))
    try:
        for name in set(_eas(pinned)) - wanted.keys():
            os.removexattr(pinned, (_USERS + name).encode("latin-1"))
        for name, length in wanted.items():
            os.setxattr(pinned, (_USERS + name).encode("latin-1"), bytes(length))
    except OSError as error:
        loss(f"extended attributes refused ({error.strerror})")


def _apply_attributes(pinned: Path, system: FileSystem, entry: NamespaceEntry, loss: Loss) -> None:
    wanted = (entry.attributes or 0) & SETTABLE
    if (entry.attributes or 0) & FIXED:
        loss("an attribute that cannot be set (reparse point, compressed, encrypted)")
    if system.cifs:
        try:
            os.setxattr(pinned, _ATTRIBUTES, (wanted or ATTRIBUTE_NORMAL).to_bytes(4, "little"))
            return
        except OSError as error:
            loss(f"DOS attributes refused ({error.strerror})")
    # On a directory READONLY forbids nothing (it marks a customised folder).
    if entry.kind is Kind.FILE:
        mode = stat.S_IMODE(pinned.stat().st_mode)
        pinned.chmod(mode & ~0o222 if wanted & ATTRIBUTE_READONLY else mode | 0o200)
        wanted &= ~ATTRIBUTE_READONLY
    if wanted:
        loss("DOS attributes: the file system has none")


def _apply_created(pinned: Path, created_ns: int, loss: Loss) -> None:
    ticks = filetime(created_ns)
    if not ticks:
        loss("a creation time that no file system keeps")
        return
    try:
        os.setxattr(pinned, _CREATED, ticks.to_bytes(8, "little"))
    except OSError as error:
        loss(f"creation time refused ({error.strerror})")


def _apply_times(pinned: Path, entry: NamespaceEntry, loss: Loss) -> None:
    if entry.written_ns is None and entry.accessed_ns is None:
        return
    now = pinned.stat()
    written = now.st_mtime_ns if entry.written_ns is None else entry.written_ns
    accessed = written if entry.accessed_ns is None else entry.accessed_ns
    try:
        os.utime(pinned, ns=(accessed, written))
    except (OverflowError, OSError) as error:
        loss(f"times refused ({getattr(error, 'strerror', None) or error})")


def make_writable(directory: int, name: str) -> None:
    """Take READONLY away on a mount, by whichever way it has it; what cannot be changed stays."""
    with suppress(OSError):
        descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            pinned = Path(f"/proc/self/fd/{descriptor}")
            with suppress(OSError):
                os.setxattr(pinned, _ATTRIBUTES, ATTRIBUTE_NORMAL.to_bytes(4, "little"))
            pinned.chmod(stat.S_IMODE(pinned.stat().st_mode) | 0o200)
        finally:
            os.close(descriptor)


def hide(beneath: Beneath, system: FileSystem, path: str) -> None:
    """Set HIDDEN where there is such a thing."""
    if not system.cifs:
        return
    with suppress(OSError), _pinned(beneath, path) as pinned:
        os.setxattr(pinned, _ATTRIBUTES, ATTRIBUTE_HIDDEN.to_bytes(4, "little"))
