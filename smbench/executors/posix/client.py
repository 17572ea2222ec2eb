"""Which client is beneath the posix executor, and all that it makes different.

A root is of the system's own files, or a mount of the kernel's SMB client (cifs.ko); the profile is
`application`, which calls as an application would, or `wire`, which lets the server be asked for all that
the workload asked, and for nothing else. That makes four clients. Nothing outside of this module asks which
one it has, but what that one does. What cifs.ko sends for which call is knowledge of fs/smb/client (6.1).
"""

from __future__ import annotations

import fcntl
import os
import struct
from errno import E2BIG, EINVAL, ENODATA, ENOSPC, ENOSYS, ENXIO, EOPNOTSUPP
from functools import lru_cache
from stat import S_IMODE, S_IWUSR
from typing import Protocol

from smbench.executors.base import OLD_HABITS, Armed, Habits, TimesSet
from smbench.executors.posix import linux_calls
from smbench.executors.posix.inotify import InotifyWatch
from smbench.executors.posix.ioctl_watch import IoctlWatch
from smbench.executors.posix.shifting import shift_data
from smbench.executors.posix.waiters import Waiters
from smbench.smb2.constants import ATTRIBUTE_READONLY
from smbench.smb2.filetime import filetime

_SECURITY = "system.cifs_acl"
_CREATED = "user.cifs.creationtime"
_ATTRIBUTES = "user.cifs.dosattrib"
_MOST_AT_HAND = 8
"""Processes that wait for work, of one user."""
_WRITE_BITS = 0o222
_NOT_TAKEN = (EOPNOTSUPP, ENOSPC, E2BIG)
"""How a file system has no room for an extended attribute, or none at all."""
_NO_FALLOCATE = (EOPNOTSUPP, ENOSYS, EINVAL)
_PUNCH = linux_calls.FALLOC_PUNCH_HOLE | linux_calls.FALLOC_KEEP_SIZE
_COLLAPSE, _INSERT = linux_calls.FALLOC_COLLAPSE_RANGE, linux_calls.FALLOC_INSERT_RANGE
_ZERO = linux_calls.FALLOC_ZERO_RANGE | linux_calls.FALLOC_KEEP_SIZE


class Opened(Protocol):
    """An open file, as `files.OpenFile`."""

    fd: int

    @property
    def name(self) -> str | int:
        """Its descriptor, or the path of one that is open by name alone."""
        ...


class Watch(Protocol):
    """What waits for changes in one open directory: `inotify.InotifyWatch`, `ioctl_watch.IoctlWatch`."""

    def wait(self, completion_filter: int, watch_tree: bool, armed: Armed) -> int:
        """0 at a change, CANCELLED where it was ended before."""
        ...

    def cancel(self) -> None:
        """End who waits."""
        ...

    def end(self) -> None:
        """The directory is closed."""
        ...


class Client:
    """Files of the system itself, called as an application calls: where no client is beneath.

    Methods raise OSError.
    """

    asks_anew = False
    """A question for attributes is to reach the server, whatever is known here."""
    names_without_opens = True
    """Whoever wants nothing but attributes opens nothing: a descriptor of the name is enough."""
    follows_names = False
    """The client keeps names, those that are missing too: so that each call asks the server for its name
    exactly once, what it may know is followed (`lookups.Lookups`), and learnt before the clock starts."""
    opens_what_is_pinned = False
    """A pinned file is opened without finding its name again, which would ask where something has changed."""
    own_handle_flags: tuple[int, ...] = ()
    """An open might be given the SMB handle of another open of its file: each gets some of these flags, of
    which no other one has all."""
    opens_late = False
    """A directory is opened when it is first read: one that was not is asked for before its close."""
    compounds_by_name = False
    """The open of a compound comes with its question, so that a descriptor of the name is enough."""
    keeps_open_options = False
    """WRITE_THROUGH and NO_INTERMEDIATE_BUFFERING have flags of open(2) that mean the same on the wire."""
    asks_classes = False
    """Information classes that no call of POSIX reaches are asked for by the client's ioctl (`questions`)."""
    renames_without_replacing = False
    """A rename is tried without replacing first: one that may replace makes the client ask for both
    directories when they are next walked through (fs/smb/client/inode.c, cifs_rename2). Where a captured
    client did so, that is a call of its own."""
    lets_go_to_remove = False
    """A name's descriptor is closed before it is removed, or the client would rename what that one names."""
    lists_to_find = False
    """A search for one name reads the directory up to it; elsewhere the name is looked up."""

    def ask_attributes(self, fd: int) -> None:
        """Ask for an open file's attributes."""
        if self.asks_anew:
            linux_calls.fstatx_forced(fd)
        else:
            os.fstat(fd)

    def ask_security(self, file: Opened) -> None:
        """Ask for a security descriptor; where there is none, for the attributes."""
        self.ask_attributes(file.fd)

    def set_security(self, file: Opened) -> None:
        """Set the security descriptor that is there again; where there is none, the mode."""
        os.chmod(file.name, S_IMODE(os.fstat(file.fd).st_mode))  # noqa: PTH101 (a descriptor)

    def set_ea(self, file: Opened, name: bytes, value: bytes) -> bool:
        """Set an extended attribute, with its prefix; without a value it goes, whether it is there or not.
        False where the file system does not take it, which is no server's answer."""
        status = os.fstat(file.fd)
        mode = S_IMODE(status.st_mode)
        # A server asks what the handle may, POSIX whether the file may be written.
        made_writable = not mode & _WRITE_BITS and status.st_uid == os.geteuid()
        try:
            if made_writable:
                os.chmod(file.name, mode | S_IWUSR)  # noqa: PTH101 (a descriptor)
            if value:
                os.setxattr(file.name, name, value)
            else:
                os.removexattr(file.name, name)
        except OSError as error:
            if error.errno in _NOT_TAKEN:
                return False
            if value or error.errno != ENODATA:
                raise
        finally:
            if made_writable:
                os.chmod(file.name, mode)  # noqa: PTH101
        return True

    def flock(self, fd: int, operation: int) -> bool:
        """Lock or unlock a whole file by flock(2); False where that is no lock as those of ranges are."""
        del fd, operation
        return False

    def set_attributes(self, file: Opened, attributes: int) -> None:
        """Set a file's attributes ([MS-FSCC] 2.6): of these only READONLY has a like, no write permission."""
        mode = os.fstat(file.fd).st_mode & 0o7777
        os.fchmod(file.fd, mode & ~_WRITE_BITS if attributes & ATTRIBUTE_READONLY else mode | 0o200)

    def set_created(self, file: Opened, created_ns: int) -> None:
        """Set the creation time, nanoseconds since 1970, where that can be set."""
        del file, created_ns

    def grow(self, fd: int, size: int, *, flushed: bool) -> bool:
        """Whether an open file was made longer without more than was captured (`flushed`: a FLUSH before it),
        so that no ftruncate is needed."""
        del fd, size, flushed
        return False

    def allocate(self, fd: int, size: int) -> bool:
        """Whether an open file was made as long by fallocate; not where that only takes room on a disk."""
        del fd, size
        return False

    def punch_hole(self, fd: int, offset: int, length: int, *, sparse: bool) -> None:
        """Zero a range of more than 0 bytes; `sparse`: of a file that becomes sparse by it."""
        del sparse
        linux_calls.fallocate(fd, _PUNCH, offset, length)

    def shift_range(self, fd: int, offset: int, length: int, *, insert: bool) -> None:
        """Take a range out of an open file, or put one of zeros in. A file system that moves whole blocks
        only, or none, has what comes after the range read and written."""
        try:
            linux_calls.fallocate(fd, _INSERT if insert else _COLLAPSE, offset, length)
        except OSError as error:
            if error.errno not in (EOPNOTSUPP, EINVAL):
                raise
            shift_data(fd, offset, length, insert=insert)

    def control(self, fd: int, function: int, room: int) -> None:
        """Send a control code about an open file; nobody else than a client has somebody to send it to."""
        del fd, function, room
        raise OSError(EOPNOTSUPP, os.strerror(EOPNOTSUPP))

    def count_ranges(self, fd: int, offset: int, length: int) -> int:
        """How many allocated ranges lie in a range: by FIEMAP, or where there is none by SEEK_DATA."""
        try:
            return linux_calls.count_extents(fd, offset, length)
        except OSError as error:
            if error.errno != EOPNOTSUPP:
                raise
        return _count_data(fd, offset, offset + length)

    def prepare_to_watch(self, waiters: Waiters, most: int) -> None:
        """So many directories may be watched at once."""
        del waiters, most

    def watch(self, fd: int, completion_filter: int, expected: int, waiters: Waiters) -> Watch:
        """A watch on an open directory, for so many notifications (0: not known)."""
        del expected, waiters
        return InotifyWatch(fd, completion_filter)


class _Wire(Client):
    """The profile `wire` of either."""

    asks_anew = True
    names_without_opens = False


class _Cifs(Client):
    """A mount of cifs.ko, in either profile."""

    def ask_security(self, file: Opened) -> None:
        os.getxattr(file.name, _SECURITY)

    def set_security(self, file: Opened) -> None:
        os.setxattr(file.name, _SECURITY, os.getxattr(file.name, _SECURITY))

    def set_ea(self, file: Opened, name: bytes, value: bytes) -> bool:
        """A value of no bytes is sent as such, and removes; removexattr asks first whether there is one."""
        os.setxattr(file.name, name, value)
        return True

    def flock(self, fd: int, operation: int) -> bool:
        """The same LOCK as any other, on whatever descriptor."""
        fcntl.flock(fd, operation)
        return True

    def set_attributes(self, file: Opened, attributes: int) -> None:
        os.setxattr(file.name, _ATTRIBUTES, struct.pack("<I", attributes))

    def set_created(self, file: Opened, created_ns: int) -> None:
        os.setxattr(file.name, _CREATED, struct.pack("<Q", filetime(created_ns)))

    def allocate(self, fd: int, size: int) -> bool:
        try:
            linux_calls.fallocate(fd, 0, 0, size)
        except OSError as error:
            if error.errno not in _NO_FALLOCATE:
                raise
            return False
        return True

    def punch_hole(self, fd: int, offset: int, length: int, *, sparse: bool) -> None:
        """Zeroing a range is one SET_ZERO_DATA; punching first marks a file sparse that is not."""
        if not sparse:
            try:
                linux_calls.fallocate(fd, _ZERO, offset, length)
            except OSError as error:
                if error.errno != EOPNOTSUPP:
                    raise
            else:
                return
        super().punch_hole(fd, offset, length, sparse=sparse)

    def shift_range(self, fd: int, offset: int, length: int, *, insert: bool) -> None:
        linux_calls.fallocate(fd, _INSERT if insert else _COLLAPSE, offset, length)

    def control(self, fd: int, function: int, room: int) -> None:
        linux_calls.control(fd, function, room)

    def count_ranges(self, fd: int, offset: int, length: int) -> int:
        """By FIEMAP, which is one message."""
        return linux_calls.count_extents(fd, offset, length)

    def prepare_to_watch(self, waiters: Waiters, most: int) -> None:
        waiters.prepare(min(most + 1, _MOST_AT_HAND))

    def watch(self, fd: int, completion_filter: int, expected: int, waiters: Waiters) -> Watch:
        del completion_filter
        return IoctlWatch(waiters, fd, expected)


class _CifsWire(_Wire, _Cifs):
    """A mount of cifs.ko that is to ask the server for just what was captured."""

    follows_names = True
    opens_what_is_pinned = True
    opens_late = True
    compounds_by_name = True
    keeps_open_options = True
    asks_classes = True
    renames_without_replacing = True
    lists_to_find = True

    def __init__(self, habits: Habits) -> None:
        self.own_handle_flags = tuple(getattr(os, name) for name in habits.opened_apart_by)
        self.lets_go_to_remove = habits.hides_what_is_open
        self._grows_in_one = habits.grows_in_one
        self._truncates_without_times = habits.after_truncating is TimesSet.NOT_AT_ALL

    def grow(self, fd: int, size: int, *, flushed: bool) -> bool:
        """One SET_INFO(EndOfFile), by fallocate; ftruncate adds a flush and, of older clients, times. Where
        the file is as long already, or the client has no lease to know it by, nothing was sent."""
        if not self._grows_in_one or (flushed and self._truncates_without_times):
            return False
        before = linux_calls.known_size(fd)
        if before >= size:
            return False
        try:
            if flushed:
                os.fsync(fd)
            linux_calls.fallocate(fd, 0, size - 1, 1)
        except OSError as error:
            if error.errno not in _NO_FALLOCATE:
                raise
            return False
        return linux_calls.known_size(fd) != before


@lru_cache
def _cifs_wire(habits: Habits) -> _CifsWire:
    """One for all users: `opens.plan_open` remembers by it."""
    return _CifsWire(habits)


LOCAL, LOCAL_WIRE, CIFS, CIFS_WIRE = Client(), _Wire(), _Cifs(), _cifs_wire(OLD_HABITS)


def client_of(root: int, profile: str, habits: Habits = OLD_HABITS) -> Client:
    """The client beneath an open directory, in the profile `application` or `wire`."""
    wire = profile == "wire"
    if linux_calls.is_cifs(root):
        if not wire:
            return CIFS
        return _cifs_wire(habits)
    return LOCAL_WIRE if wire else LOCAL


def _count_data(fd: int, offset: int, end: int) -> int:
    found = 0
    while offset < end:
        try:
            data = os.lseek(fd, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == ENXIO:
                break
            raise
        if data >= end:
            break
        found += 1
        offset = os.lseek(fd, data, os.SEEK_HOLE)
    return found
