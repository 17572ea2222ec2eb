"""A watch on an open directory by inotify, which keeps changes between two notifications as a server does.

On one open, notifications are answered in the order in which they came. One that comes when something was
kept is answered with all of it at once; one that waits is answered with the first change, and what follows
that is kept ([MS-FSA] 2.1.5.11, [MS-SMB2] 3.3.5.19).
"""

from __future__ import annotations

import os
import select
import struct
from collections import deque
from errno import EAGAIN
from threading import Lock
from typing import NamedTuple

from smbench.executors.base import Armed
from smbench.executors.posix import linux_calls
from smbench.executors.posix.turns import CANCELLED, Turns
from smbench.smb2.constants import (
    NOTIFY_CHANGE_ATTRIBUTES,
    NOTIFY_CHANGE_CREATION,
    NOTIFY_CHANGE_DIR_NAME,
    NOTIFY_CHANGE_EA,
    NOTIFY_CHANGE_FILE_NAME,
    NOTIFY_CHANGE_LAST_ACCESS,
    NOTIFY_CHANGE_LAST_WRITE,
    NOTIFY_CHANGE_SECURITY,
    NOTIFY_CHANGE_SIZE,
)

_EVENT = struct.Struct("iIII")
"""struct inotify_event (inotify(7)): watch, mask, cookie, length of the name."""
_ROOM = 1 << 16
_IN_ACCESS, _IN_MODIFY, _IN_ATTRIB = 0x1, 0x2, 0x4
_IN_NAMES = 0x3C0
"""Moved from, moved to, created, deleted."""
_IN_OVERFLOW, _IN_ISDIR = 0x4000, 0x40000000
_SEEN = (
    (NOTIFY_CHANGE_FILE_NAME | NOTIFY_CHANGE_DIR_NAME, _IN_NAMES),
    (NOTIFY_CHANGE_SIZE | NOTIFY_CHANGE_LAST_WRITE, _IN_MODIFY),
    (NOTIFY_CHANGE_LAST_ACCESS, _IN_ACCESS),
    (
        NOTIFY_CHANGE_ATTRIBUTES | NOTIFY_CHANGE_CREATION | NOTIFY_CHANGE_EA | NOTIFY_CHANGE_SECURITY,
        _IN_ATTRIB,
    ),
)
"""Changes that a CompletionFilter names ([MS-SMB2] 2.2.35), and inotify's word for them."""


class _Change(NamedTuple):
    mask: int
    cookie: int


class InotifyWatch:
    """A watch on the directory of descriptor `fd`, which is not needed afterwards; OSError where there can
    be none. What lies in subdirectories is not watched."""

    def __init__(self, fd: int, completion_filter: int) -> None:
        self._filter = completion_filter
        kinds = sum({kind for bits, kind in _SEEN if completion_filter & bits})
        self._events = linux_calls.inotify(f"/proc/self/fd/{fd}", kinds or _IN_ATTRIB)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._turns = Turns()
        self._kept: deque[_Change] = deque()
        self._reading = Lock()

    def wait(self, completion_filter: int, watch_tree: bool, armed: Armed) -> int:
        """Wait for a change, or take what was kept: 0, or CANCELLED where it was ended before. What the first
        notification asked for holds for all."""
        del completion_filter, watch_tree
        turn = self._turns.join()
        try:
            if turn.cancelled:
                return CANCELLED
            if turn.begins.is_set() and self._take(all_of_it=True):
                armed.tell()
                return 0
            armed.tell()
            turn.begins.wait()
            poll = select.poll()
            poll.register(self._events, select.POLLIN)
            poll.register(self._wake, select.POLLIN)
            while not self._take(all_of_it=False):
                if turn.cancelled:
                    return CANCELLED
                poll.poll()
                self._drain()
            return 0
        finally:
            if self._turns.leave(turn):
                self._free()

    def cancel(self) -> None:
        """End who waits; what changes from now on is kept for the next."""
        self._turns.cancel()
        os.eventfd_write(self._wake, 1)

    def end(self) -> None:
        """The directory is closed."""
        if self._turns.cancel(over=True):
            self._free()
        else:
            os.eventfd_write(self._wake, 1)

    def _drain(self) -> None:
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return

    def _take(self, *, all_of_it: bool) -> bool:
        """Whether something has changed; all of that, or the first, is told with it."""
        with self._reading:
            self._read()
            if not self._kept:
                return False
            first = self._kept.popleft()
            if all_of_it:
                self._kept.clear()
            elif first.cookie and self._kept and self._kept[0].cookie == first.cookie:
                self._kept.popleft()  # a renaming's other name
            return True

    def _read(self) -> None:
        while True:
            try:
                events = os.read(self._events, _ROOM)
            except OSError as error:
                if error.errno == EAGAIN:
                    return
                raise
            at = 0
            while at < len(events):
                _, mask, cookie, length = _EVENT.unpack_from(events, at)
                at += _EVENT.size + length
                # Without a name it is the directory itself that was listed or changed.
                if mask & _IN_OVERFLOW or (length and self._is_asked_for(mask)):
                    self._kept.append(_Change(mask, cookie))

    def _is_asked_for(self, mask: int) -> bool:
        named = NOTIFY_CHANGE_DIR_NAME if mask & _IN_ISDIR else NOTIFY_CHANGE_FILE_NAME
        return not mask & _IN_NAMES or bool(self._filter & named)

    def _free(self) -> None:
        os.close(self._events)
        os.close(self._wake)
