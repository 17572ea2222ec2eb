"""Files that commands write where somebody names them, or beside what somebody sent: whole or not at all, and
through nothing that a name leads to."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from smbench.errors import UsageError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@contextlib.contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, that becomes `path` when all of it is there; of one that it replaces it has the mode,
    and root lets it its owner. Another name of that one (a hard link) keeps what it has.

    UsageError where a link, a FIFO or a device is there, which would lead elsewhere; OSError where it cannot
    be written.
    """
    draft = f".smbench-{secrets.token_hex(8)}"
    with _folder_of(path) as folder:
        before = _ordinary(path, folder)
        descriptor = os.open(_in(path, draft, folder), _NEW, 0o666, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                if before is not None and sys.platform != "win32":
                    if os.geteuid() == 0:
                        os.fchown(descriptor, before.st_uid, before.st_gid)
                    os.fchmod(descriptor, stat.S_IMODE(before.st_mode) & 0o777)
            os.replace(
                _in(path, draft, folder), _in(path, path.name, folder), src_dir_fd=folder, dst_dir_fd=folder
            )
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(_in(path, draft, folder), dir_fd=folder)
            raise


def write_output(path: Path, text: str) -> None:
    """Write all of a text, in UTF-8. Raises as `output_file`."""
    with output_file(path) as file:
        file.write(text.encode("utf-8", "replace"))


@contextlib.contextmanager
def _folder_of(path: Path) -> Iterator[int | None]:
    """The descriptor of the folder, whose name may be another's in a moment; None: Windows has none."""
    if sys.platform == "win32":
        yield None
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _in(path: Path, name: str, folder: int | None) -> str:
    return str(path.with_name(name)) if folder is None else name


def _ordinary(path: Path, folder: int | None) -> os.stat_result | None:
    """What is replaced; None: nothing."""
    try:
        found = os.stat(_in(path, path.name, folder), dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        what = "a link" if stat.S_ISLNK(found.st_mode) else "no ordinary file"
        raise UsageError(f"{path} is {what}, and is not written through: name the place itself, or remove it")
    return found
