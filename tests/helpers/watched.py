"""Who opens, reads or writes anything on a mount, by fanotify(7): as root, on Linux."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_CLOEXEC, _NONBLOCK, _UNLIMITED_QUEUE = 0x1, 0x2, 0x10
_MARK_ADD, _MARK_MOUNT = 0x1, 0x10
_ACCESS, _MODIFY, _CLOSE_WRITE, _OPEN = 0x1, 0x2, 0x8, 0x20
_ON_DIRECTORY = 0x40000000
_EVENT = struct.Struct("=IBBHQii")
"""struct fanotify_event_metadata: length, version, reserved, its own length, mask, descriptor, pid."""
_AT_FDCWD = -100


@dataclass(slots=True)
class Watch:
    """What was touched, as process and path."""

    descriptor: int
    _touched: set[tuple[int, str]] = field(default_factory=set)

    def touched(self) -> set[tuple[int, str]]:
        """Until now."""
        while True:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return set(self._touched)
            while data:
                length, _, _, _, _, file, pid = _EVENT.unpack_from(data)
                if file >= 0:
                    self._touched.add((pid, os.readlink(f"/proc/self/fd/{file}")))  # noqa: PTH115
                    os.close(file)
                data = data[length:]


@contextmanager
def watched(mount: Path) -> Iterator[Watch]:
    """All that lies on the mount at this path, for as long as the block lasts."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.fanotify_init(_CLOEXEC | _NONBLOCK | _UNLIMITED_QUEUE, os.O_RDONLY | os.O_LARGEFILE)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "fanotify_init")
    try:
        mask = ctypes.c_uint64(_ACCESS | _MODIFY | _CLOSE_WRITE | _OPEN | _ON_DIRECTORY)
        place = os.fsencode(mount)
        if libc.fanotify_mark(descriptor, _MARK_ADD | _MARK_MOUNT, mask, _AT_FDCWD, place):
            raise OSError(ctypes.get_errno(), "fanotify_mark")
        yield Watch(descriptor)
    finally:
        os.close(descriptor)
