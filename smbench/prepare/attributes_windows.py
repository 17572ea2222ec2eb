"""`smbench.prepare.attributes` for Windows, where every file has DOS attributes and a time of creation."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Any

from smbench.paths.beneath_windows import Beneath
from smbench.prepare.filesystem import FIXED, SETTABLE, FileSystem, Loss, Made
from smbench.smb2.constants import (
    ATTRIBUTE_HIDDEN,
    ATTRIBUTE_NORMAL,
    ATTRIBUTE_READONLY,
    FILE_WRITE_ATTRIBUTES,
    SHARE_ALL,
)
from smbench.smb2.filetime import filetime
from smbench.workload.model import NamespaceEntry

# CreateFileW has numbers of its own for these.
_OPEN_EXISTING = 3
_BACKUP_SEMANTICS, _OPEN_REPARSE_POINT = 0x02000000, 0x00200000
_NO_HANDLE = ctypes.c_void_p(-1).value


def probe(_beneath: Beneath) -> FileSystem:
    """Windows keeps attributes and streams on whatever it mounts, as a CIFS mount does."""
    return FileSystem(cifs=True)


def read_attributes(beneath: Beneath, path: str) -> int | None:
    """The DOS attributes. Raises OSError where the file is not there."""
    found: int | None = getattr(beneath.stat(path), "st_file_attributes", None)
    return found


def read_created_ns(beneath: Beneath, path: str) -> int | None:
    """The creation time in nanoseconds since 1970."""
    status = beneath.stat(path)
    born: int = getattr(status, "st_birthtime_ns", status.st_ctime_ns)
    return born


def read_eas(_beneath: Beneath, _path: str) -> set[str] | None:
    """Nobody looks for extended attributes here."""
    return None


def apply(
    beneath: Beneath, _system: FileSystem, entry: NamespaceEntry, loss: Loss, *,
    owner: tuple[int, int] | None = None, made: Made | None = None,
) -> None:  # fmt: skip
    """Times before READONLY, which would forbid them; attributes do not touch the times here."""
    del owner, made  # there is nobody to give it to, and nothing to tell it by
    full = beneath.full(entry.path)
    times = [filetime(time) for time in (entry.created_ns, entry.accessed_ns, entry.written_ns)]
    if any(times):
        try:
            _set_times(full, times)
        except OSError as error:
            loss(f"times refused ({error.strerror})")
    if entry.ea_names:
        loss("extended attributes: they are not made on Windows")
    if entry.attributes is None:
        return
    if entry.attributes & FIXED:
        loss("an attribute that cannot be set (reparse point, compressed, encrypted)")
    try:
        _set_attributes(full, entry.attributes & SETTABLE or ATTRIBUTE_NORMAL)
    except OSError as error:
        loss(f"DOS attributes refused ({error.strerror})")


def make_writable(beneath: Beneath, path: str) -> None:
    """Take READONLY away; what cannot be changed stays."""
    with suppress(OSError):
        attributes = read_attributes(beneath, path) or 0
        _set_attributes(beneath.full(path), attributes & SETTABLE & ~ATTRIBUTE_READONLY or ATTRIBUTE_NORMAL)


def hide(beneath: Beneath, _system: FileSystem, path: str) -> None:
    """Set HIDDEN."""
    with suppress(OSError):
        _set_attributes(beneath.full(path), ATTRIBUTE_HIDDEN)


def _kernel32() -> Any:
    return getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 (there is none off Windows)


def _last_error(path: str) -> OSError:
    code = getattr(ctypes, "get_last_error")()  # noqa: B009
    return OSError(0, os.strerror(0) if not code else f"error {code}", path, code)


def _set_attributes(full: str, attributes: int) -> None:
    if not _kernel32().SetFileAttributesW(ctypes.c_wchar_p(full), ctypes.c_uint32(attributes)):
        raise _last_error(full)


def _set_times(full: str, times: list[int]) -> None:
    """Creation, access, writing as FILETIME; 0 leaves one as it is."""
    kernel32 = _kernel32()
    kernel32.CreateFileW.restype = ctypes.c_void_p
    handle = kernel32.CreateFileW(
        ctypes.c_wchar_p(full), FILE_WRITE_ATTRIBUTES, SHARE_ALL, None, _OPEN_EXISTING,
        _BACKUP_SEMANTICS | _OPEN_REPARSE_POINT, None,
    )  # fmt: skip
    if handle == _NO_HANDLE:
        raise _last_error(full)
    try:
        given = [ctypes.byref(ctypes.c_uint64(time)) if time else None for time in times]
        if not kernel32.SetFileTime(ctypes.c_void_p(handle), *given):
            raise _last_error(full)
    finally:
        kernel32.CloseHandle(ctypes.c_void_p(handle))
