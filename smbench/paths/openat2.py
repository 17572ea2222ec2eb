"""openat2(2), which Python has not: a directory's descriptor, by a walk that stays where it shall.

Linux has it from 5.6 on. A container's older filter says EPERM for it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from errno import EAGAIN, ENOSYS, EPERM

# include/uapi/linux/openat2.h
NO_MAGICLINKS = 0x02
NO_SYMLINKS = 0x04
BENEATH = 0x08
_OPENAT2 = 437  # the same number on every architecture
_RACE_RETRIES = 100
# Absent where the platform has no such thing: the names can be checked there, the rest is Linux's.
O_PATH = getattr(os, "O_PATH", 0)
DIRECTORY = O_PATH | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
"""The flags of a directory that names are looked up in."""

if sys.platform == "linux":
    _libc = ctypes.CDLL(None, use_errno=True)
    _syscall = _libc.syscall
    _syscall.restype = ctypes.c_long


class _OpenHow(ctypes.Structure):
    """struct open_how."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_directory(start_fd: int, path: str, resolve: int) -> int:
    """A directory's descriptor, with O_PATH, by a walk from `start_fd`. OSError."""
    for _ in range(_RACE_RETRIES):
        fd = _openat2(start_fd, path, resolve)
        if fd >= 0:
            return fd
        # A rename somewhere on the way: the kernel cannot tell that the walk stayed beneath.
        if ctypes.get_errno() != EAGAIN:
            break
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), path)


def is_there(directory_fd: int) -> bool:
    """Whether the system call works here. OSError for what has nothing to do with that."""
    fd = _openat2(directory_fd, ".", BENEATH)
    if fd >= 0:
        os.close(fd)
        return True
    if ctypes.get_errno() in (ENOSYS, EPERM):
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _openat2(start_fd: int, path: str, resolve: int) -> int:
    """The descriptor, or -1 with ctypes' errno set."""
    how = _OpenHow(DIRECTORY, 0, resolve)
    return int(_syscall(_OPENAT2, start_fd, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how)))


def walk(start_fd: int | None, path: str) -> int:
    """The same without openat2, component by component; a link is refused wherever it leads."""
    absolute = path.startswith("/")
    fd = os.open("/" if absolute else ".", DIRECTORY) if start_fd is None else os.dup(start_fd)
    for component in path.strip("/").split("/"):
        try:
            below = os.open(component or ".", DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd
