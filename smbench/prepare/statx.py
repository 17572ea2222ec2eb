"""statx(2) and statfs(2), of which Python has less: what is so now, when a file was born, and on what."""

from __future__ import annotations

import ctypes
import os
import sys

from smbench.prepare.filesystem import Made

# include/uapi/linux/stat.h, include/uapi/linux/fcntl.h
_BASIC_STATS = 0x7FF
_BIRTH = 0x800
_FORCE_SYNC = 0x2000
_NO_FOLLOW = 0x100
_EMPTY_PATH = 0x1000
_STATX_SIZE = 256
_INODE, _BORN_S, _BORN_NS = (32, 8), (80, 8), (88, 4)
"""Where they stand, and their length."""
_STATFS_SIZE = 512
_LOCAL = frozenset(
    [0xEF53, 0x58465342, 0x9123683E, 0x01021994, 0xF2F52010, 0x2FC12FC1, 0xCA451A4E]
)  # fmt: skip
"""ext2 to ext4, XFS, Btrfs, tmpfs, F2FS, ZFS, bcachefs (include/uapi/linux/magic.h): inodes and times of
birth are the file system's own, and last as long as the file. Others (network mounts, FUSE, overlays) may
make them up, anew with every mount."""

_libc = ctypes.CDLL(None, use_errno=True)


def refresh_at(directory: int, name: str) -> None:
    """Ask the server, and not the client's caches, so that the next stat tells what is so now. OSError."""
    _statx(directory, name, _FORCE_SYNC | _NO_FOLLOW, _BASIC_STATS)


def made_at(directory: int, name: str = "") -> Made:
    """Which file has a name in a directory; with none, the descriptor's own. OSError."""
    told = _statx(directory, name, _NO_FOLLOW | (0 if name else _EMPTY_PATH), _BASIC_STATS | _BIRTH)

    def number(place: tuple[int, int]) -> int:
        at, length = place
        return int.from_bytes(told[at : at + length], sys.byteorder)

    born_ns = number(_BORN_S) * 1_000_000_000 + number(_BORN_NS)
    return Made(number(_INODE), born_ns if number((0, 4)) & _BIRTH else 0)


def is_local(descriptor: int) -> bool:
    """Whether it is on a file system that tells its files apart for good. OSError."""
    told = ctypes.create_string_buffer(_STATFS_SIZE)
    if _libc.fstatfs(descriptor, told):
        raise _error(".")
    return (ctypes.c_long.from_buffer(told).value & 0xFFFFFFFF) in _LOCAL


def _statx(directory: int, name: str, flags: int, mask: int) -> bytes:
    told = ctypes.create_string_buffer(_STATX_SIZE)
    if _libc.statx(directory, os.fsencode(name), flags, mask, told):
        raise _error(name)
    return told.raw


def _error(name: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), name)
