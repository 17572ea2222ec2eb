"""Asking the server and not the client's caches: a mount may trust what it knows for an hour (actimeo).

What another mount, or the server itself, made of a file since shows only so. (That a name was not there
cifs.ko remembers for a second, and nothing shortens that.) On a local file system nothing is different.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

from smbench.paths.beneath import Beneath

# include/uapi/linux/stat.h, include/uapi/linux/fcntl.h
_BASIC_STATS = 0x7FF
_FORCE_SYNC = 0x2000
_NO_FOLLOW = 0x100
_STATX_SIZE = 256

_libc = ctypes.CDLL(None, use_errno=True)


def refresh(beneath: Beneath, path: str) -> None:
    """Make the next stat of `path` tell what is so now. Raises OSError where it is not there."""
    beneath.call(path, _statx)


def _statx(directory: int, name: str) -> None:
    ignored = ctypes.create_string_buffer(_STATX_SIZE)
    if _libc.statx(directory, os.fsencode(name), _FORCE_SYNC | _NO_FOLLOW, _BASIC_STATS, ignored):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def lstat(beneath: Beneath, path: str) -> os.stat_result:
    """What lstat says, as it is now. Raises OSError where it is not there."""
    refresh(beneath, path)
    return beneath.stat(path)


def forget_if_gone(beneath: Beneath, path: str) -> bool:
    """Make the client forget a name that the server has no more; whether it was so.

    cifs.ko answers EEXIST for a name that it remembers, and asks nobody.
    """
    try:
        refresh(beneath, path)
    except OSError:
        # Removing what is not there makes the client drop the name.
        for drop in (beneath.unlink, beneath.rmdir):
            with suppress(OSError):
                drop(path)
        return True
    return False
