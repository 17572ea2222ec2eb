"""System calls that Python's os module has not, through ctypes: statx, fallocate, futimens, FIEMAP, statfs,
sync_file_range, getdents64.

ctypes releases the GIL around each. `fcntl.ioctl` is avoided: with a mutable buffer over 1,024 bytes
it kept the GIL on a CIFS mount. Each function raises OSError as the os module does.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys
from errno import EOPNOTSUPP

from smbench.smb2.constants import (
    FSCTL_SET_COMPRESSION,
    FSCTL_SET_INTEGRITY_INFORMATION,
    FSCTL_SRV_ENUMERATE_SNAPSHOTS,
)

AT_STATX_FORCE_SYNC = 0x2000
AT_EMPTY_PATH = 0x1000
AT_SYMLINK_NOFOLLOW = 0x100
STATX_BASIC_STATS_AND_BIRTH = 0xFFF
FALLOC_KEEP_SIZE = 0x01
FALLOC_PUNCH_HOLE = 0x02
FALLOC_COLLAPSE_RANGE = 0x08
FALLOC_ZERO_RANGE = 0x10
FALLOC_INSERT_RANGE = 0x20
_SYNC_FILE_RANGE_WAIT_BEFORE = 1
_AT_FDCWD = -100
UTIME_OMIT = (1 << 30) - 2
CIFS_MAGICS = frozenset([0xFF534D42, 0xFE534D42])
"""f_type of cifs and smb3 mounts (include/uapi/linux/magic.h)."""

_FIONREAD = 0x541B
# struct smb_query_info (fs/smb/client/cifs_ioctl.h): type, class, additional, flags (0: a question), how
# long an answer may be (`input_buffer_length`: as the caller sees it), how long the question is.
_QUERY_INFO = struct.Struct("=6I")
_QUERY_ANSWER = 1024
_LARGEST_ANSWER = 16384
_CIFS_QUERY_INFO = 0xC018CF07
# struct smb3_notify (the same file), packed: completion filter, whether all beneath is watched.
_NOTIFY = struct.Struct("=I?")
_CIFS_IOC_NOTIFY = 0x4005CF09

# The same file. A list of snapshots begins with how many its caller has room for: with none the server is
# only asked how many there are.
_CIFS_ENUMERATE_SNAPSHOTS, _CIFS_IOC_SET_INTEGRITY = 0x800CCF06, 0x0000CF04
_SNAPSHOTS = struct.Struct("=3I")
_LEAST_SNAPSHOTS = 16
_FS_IOC_SETFLAGS = 0x40086602
_FS_COMPR_FL = struct.pack("@l", 0x4)
_CONTROLS = {
    FSCTL_SET_INTEGRITY_INFORMATION: (_CIFS_IOC_SET_INTEGRITY, b""),
    FSCTL_SET_COMPRESSION: (_FS_IOC_SETFLAGS, _FS_COMPR_FL),
}

_IN_NONBLOCK, _IN_CLOEXEC, _IN_ONLYDIR = 0x800, 0x80000, 0x01000000

_FS_IOC_FIEMAP = 0xC020660B
_FIEMAP_EXTENTS = 128
_FIEMAP_EXTENT_LAST = 0x1

_DIRENT = struct.Struct("=QqHB")
"""struct linux_dirent64 (include/linux/dirent.h) before the name: inode, offset, its length, type."""
_DIRENTS = 32768
"""Bytes that glibc's readdir asks for at once."""

_libc = ctypes.CDLL(None, use_errno=True)

_statx = _libc.statx
_statx.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
_fallocate = _libc.fallocate
_fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
_futimens = _libc.futimens
_futimens.argtypes = [ctypes.c_int, ctypes.c_void_p]
_utimensat = _libc.utimensat
_utimensat.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
_ioctl = _libc.ioctl
_ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]
_inotify_init = _libc.inotify_init1
_inotify_init.argtypes = [ctypes.c_int]
_inotify_add_watch = _libc.inotify_add_watch
_inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
_fstatfs = _libc.fstatfs
_fstatfs.argtypes = [ctypes.c_int, ctypes.c_void_p]
_getdents64 = _libc.getdents64
_getdents64.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
_getdents64.restype = ctypes.c_ssize_t
_sync_file_range = _libc.sync_file_range
_sync_file_range.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _FiemapExtent(ctypes.Structure):
    """struct fiemap_extent (include/uapi/linux/fiemap.h)."""

    _fields_ = (
        ("logical", ctypes.c_uint64),
        ("physical", ctypes.c_uint64),
        ("length", ctypes.c_uint64),
        ("reserved64", ctypes.c_uint64 * 2),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


class _Fiemap(ctypes.Structure):
    """struct fiemap, with room for a fixed number of extents."""

    _fields_ = (
        ("start", ctypes.c_uint64),
        ("length", ctypes.c_uint64),
        ("flags", ctypes.c_uint32),
        ("mapped_extents", ctypes.c_uint32),
        ("extent_count", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("extents", _FiemapExtent * _FIEMAP_EXTENTS),
    )


# Nobody reads what statx fills in, so all threads may write over one another's.
_ignored = ctypes.create_string_buffer(256)
_ignored_address = ctypes.addressof(_ignored)


def _fail() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def statx_forced(directory_fd: int, name: str) -> None:
    """Ask the server for a name's attributes, whatever the client has cached."""
    flags = AT_STATX_FORCE_SYNC | AT_SYMLINK_NOFOLLOW
    if _statx(directory_fd, os.fsencode(name), flags, STATX_BASIC_STATS_AND_BIRTH, _ignored_address):
        raise _fail()


def fstatx_forced(fd: int) -> None:
    """Ask the server for an open file's attributes, whatever the client has cached."""
    flags = AT_STATX_FORCE_SYNC | AT_EMPTY_PATH
    if _statx(fd, b"", flags, STATX_BASIC_STATS_AND_BIRTH, _ignored_address):
        raise _fail()


def known_size(fd: int) -> int:
    """The last 32 bits of an open file's size as the client knows it: no other call leaves the server
    alone once something has changed. The descriptor's position must be 0."""
    return int.from_bytes(fcntl.ioctl(fd, _FIONREAD, bytes(4)), sys.byteorder)


def query_info(fd: int, info_type: int, level: int, additional: int = 0, length: int = 0) -> None:
    """Ask the server for one information class by the CIFS client's own ioctl: an open, the question and a
    close, as one compound. `length`: of the answer, in bytes; 0 leaves it to this function. A directory
    must not have been read through `fd`."""
    length = min(length or _QUERY_ANSWER, _LARGEST_ANSWER)
    request = ctypes.create_string_buffer(_QUERY_INFO.size + length)
    _QUERY_INFO.pack_into(request, 0, info_type, level, additional, 0, length, 0)
    if _ioctl(fd, _CIFS_QUERY_INFO, ctypes.byref(request)):
        raise _fail()


def control(fd: int, function: int, room: int) -> None:
    """Have the CIFS client send a control code of `smb2.constants.CONTROLS` about an open file; `room`: for
    the answer, in bytes."""
    if function == FSCTL_SRV_ENUMERATE_SNAPSHOTS:
        number, wanted = _CIFS_ENUMERATE_SNAPSHOTS, 0 if room <= _LEAST_SNAPSHOTS else 1
        given = _SNAPSHOTS.pack(wanted, 0, 0) + bytes(_LARGEST_ANSWER)
    elif function in _CONTROLS:
        number, given = _CONTROLS[function]
    else:
        raise OSError(EOPNOTSUPP, os.strerror(EOPNOTSUPP))
    if _ioctl(fd, number, ctypes.create_string_buffer(given, max(1, len(given)))):
        raise _fail()


def notify(fd: int, completion_filter: int, watch_tree: bool) -> None:
    """Wait for a change in a directory by the CIFS client's own ioctl: an open, CHANGE_NOTIFY, a close. Only
    a signal that kills ends the wait."""
    if _ioctl(fd, _CIFS_IOC_NOTIFY, _NOTIFY.pack(completion_filter & 0xFFFFFFFF, watch_tree)):
        raise _fail()


def inotify(directory: str, events: int) -> int:
    """A descriptor from which the events in a directory are read, without waiting for them (inotify(7))."""
    watcher: int = _inotify_init(_IN_NONBLOCK | _IN_CLOEXEC)
    if watcher < 0:
        raise _fail()
    if _inotify_add_watch(watcher, os.fsencode(directory), events | _IN_ONLYDIR) < 0:
        failure = _fail()
        os.close(watcher)
        raise failure
    return watcher


def some_entries(fd: int) -> list[str]:
    """The next entries of a directory, as many as one getdents64 gives (of CIFS: those of one answer of the
    server), without `.` and `..`; none at its end."""
    buffer = ctypes.create_string_buffer(_DIRENTS)
    filled = _getdents64(fd, buffer, _DIRENTS)
    if filled < 0:
        raise _fail()
    entries = buffer.raw[:filled]
    names = []
    at = 0
    while at < filled:
        _, _, length, _ = _DIRENT.unpack_from(entries, at)
        names.append(os.fsdecode(entries[at + _DIRENT.size : at + length].partition(b"\0")[0]))
        at += length
    return [name for name in names if name not in (".", "..")]


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    """The system call itself; os.posix_fallocate writes zeros where a file system has it not."""
    if _fallocate(fd, mode, offset, length):
        raise _fail()


def raise_kept_error(fd: int) -> None:
    """The error of an earlier write that the kernel keeps for this descriptor's next fsync, if there is one.
    It is forgotten with this; nothing is written or sent for it."""
    if _sync_file_range(fd, 0, 0, _SYNC_FILE_RANGE_WAIT_BEFORE):
        raise _fail()


def set_times(file: int | str, accessed_ns: int | None, written_ns: int | None) -> None:
    """Set the times of a descriptor, or of a path; None leaves one as it is (which os.utime cannot)."""
    times = (_Timespec * 2)()
    for slot, value in zip(times, (accessed_ns, written_ns), strict=True):
        slot.seconds, slot.nanoseconds = (0, UTIME_OMIT) if value is None else divmod(value, 1_000_000_000)
    if isinstance(file, int):
        failed = _futimens(file, ctypes.byref(times))
    else:
        failed = _utimensat(_AT_FDCWD, os.fsencode(file), ctypes.byref(times), 0)
    if failed:
        raise _fail()


def count_extents(fd: int, offset: int, length: int) -> int:
    """How many allocated extents lie in a range (FS_IOC_FIEMAP)."""
    found = 0
    end = offset + length
    request = _Fiemap()
    while offset < end:
        request.start, request.length, request.flags = offset, end - offset, 0
        request.mapped_extents, request.extent_count = 0, _FIEMAP_EXTENTS
        if _ioctl(fd, _FS_IOC_FIEMAP, ctypes.byref(request)):
            raise _fail()
        mapped = request.mapped_extents
        found += mapped
        if not mapped or request.extents[mapped - 1].flags & _FIEMAP_EXTENT_LAST:
            break
        offset = request.extents[mapped - 1].logical + request.extents[mapped - 1].length
    return found


def is_cifs(fd: int) -> bool:
    """Whether an open file or directory is on the kernel's SMB client."""
    statfs = ctypes.create_string_buffer(256)
    if _fstatfs(fd, statfs):
        raise _fail()
    return (ctypes.c_long.from_buffer(statfs).value & 0xFFFFFFFF) in CIFS_MAGICS
