"""Which exchanges no call of POSIX can make the kernel's SMB client send, each with its reason.

An exchange has a POSIX counterpart if some system call or ioctl of an ordinary user on a CIFS mount sends a
request with the same key (`parameters.py`) for that file. What this program only does not do, or does
otherwise, has one: it is a loss like any other. The definition is a table by command; what cannot be told
from the exchange alone (what a handle is, who holds a lock) is followed from exchange to exchange.

The sources are fs/smb/client (6.1) and what its mounts were seen to send.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smbench.lift.rule import Rule
from smbench.lift.rules.set_info import basic_times
from smbench.smb2.constants import (
    ATTRIBUTE_DIRECTORY,
    BASIC,
    CREATE,
    DIRECTORY_FILE,
    DIRECTORY_INFORMATION,
    DISPOSITION,
    END_OF_FILE,
    FSCTL_SRV_REQUEST_RESUME_KEY,
    FULL_DIRECTORY,
    FULL_EA,
    ID_FULL_DIRECTORY,
    INFO_FILE,
    INFO_SECURITY,
    LINK,
    LOCK_EXCLUSIVE,
    LOCK_FLAGS,
    LOCK_UNLOCK,
    OPEN,
    RENAME,
    SUPERSEDE,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import (
    CreateRequest,
    CreateResponse,
    IoctlRequest,
    LockRequest,
    QueryDirectoryRequest,
    ReadRequest,
    SetInfoRequest,
    WriteRequest,
)
from smbench.trace.model import Command, Exchange
from smbench.trace.values import LockElement

_OF_DIRECTORIES = frozenset((OPEN, CREATE))
"""Dispositions that calls have for directories."""
_SCANNED = frozenset((DIRECTORY_INFORMATION, FULL_DIRECTORY, ID_FULL_DIRECTORY))
"""readdir's classes: 38, with noserverino 1 or 2 (fs/smb/client/readdir.c)."""
_SET = frozenset((BASIC, RENAME, LINK, DISPOSITION, FULL_EA, END_OF_FILE))
"""Classes that the client sets: times and attributes, rename, link, removal, extended attributes, size."""
_BEYOND = 1 << 63
_CONFLICTS = frozenset((Status.LOCK_NOT_GRANTED, Status.FILE_LOCK_CONFLICT))


@dataclass(frozen=True, slots=True)
class _Granted:
    """A lock that the capture granted."""

    handle: int
    element: LockElement

    def refuses(self, other: LockElement, handle: int | None) -> bool:
        """Whether the client would know by it that another handle of its mount cannot have a lock."""
        mine = self.element
        return (
            self.handle != handle
            and bool((mine.flags | other.flags) & LOCK_EXCLUSIVE)
            and mine.offset < other.offset + other.length
            and other.offset < mine.offset + mine.length
        )


class Counterparts:
    """Fed the exchanges of one trace in order. Memory follows the directories and locks that are open."""

    def __init__(self) -> None:
        self._directories: set[int] = set()
        self._locks: dict[tuple[int, str], list[_Granted]] = {}
        """By user and path."""
        self._judges: dict[int, Callable[[Exchange], str]] = {
            Command.CREATE: self._create,
            Command.CLOSE: self._close,
            Command.READ: _nothing_moved,
            Command.WRITE: _nothing_moved,
            Command.LOCK: self._lock,
            Command.IOCTL: self._control,
            Command.QUERY_DIRECTORY: _scan,
            Command.SET_INFO: self._set,
        }

    def missing(self, exchange: Exchange, rule: Rule) -> str:
        """Why an exchange has no POSIX counterpart; empty where it has one. `rule`: the lift's for it."""
        judge = self._judges.get(exchange.command)
        reason = judge(exchange) if judge is not None else ""
        return rule.lacks_counterpart(exchange) or reason

    def _create(self, exchange: Exchange) -> str:
        request, response = exchange.request, exchange.response
        asked = request if isinstance(request, CreateRequest) else CreateRequest()
        made = response if isinstance(response, CreateResponse) else CreateResponse()
        directory = bool(
            (asked.options or 0) & DIRECTORY_FILE or (made.attributes or 0) & ATTRIBUTE_DIRECTORY
        )
        if directory and exchange.handle is not None:
            self._directories.add(exchange.handle)
        if asked.disposition == SUPERSEDE:
            return "no call supersedes a file: the nearest, O_CREAT with O_TRUNC, overwrites it"
        if (asked.options or 0) & DIRECTORY_FILE and asked.disposition not in _OF_DIRECTORIES:
            return "a directory is made (mkdir) or opened, no call asks for whichever is needed"
        return ""

    def _close(self, exchange: Exchange) -> str:
        if exchange.handle is not None:
            self._directories.discard(exchange.handle)
            for place, granted in list(self._locks.items()):
                self._keep(place, [lock for lock in granted if lock.handle != exchange.handle])
        return ""

    def _control(self, exchange: Exchange) -> str:
        request = exchange.request
        if (
            isinstance(request, IoctlRequest)
            and request.function == FSCTL_SRV_REQUEST_RESUME_KEY
            and exchange.handle in self._directories
        ):
            return "the client asks for the key of a copy, and no call copies a directory"
        return ""

    def _set(self, exchange: Exchange) -> str:
        request = exchange.request
        if not isinstance(request, SetInfoRequest) or request.info_type == INFO_SECURITY:
            return ""
        if request.info_type != INFO_FILE:
            return "no call sets a property or a quota of the whole file system"
        if request.level not in _SET:
            return f"no call sets information class {request.level}"
        if request.level == BASIC and request.attributes == 0 and not any(basic_times(request)):
            return "the client sends no change of times and attributes that changes none"
        if request.level == DISPOSITION:
            if not request.delete:
                return "no call takes back a removal"
            if exchange.handle not in self._directories:
                return "the client removes a file by DELETE_ON_CLOSE, by SET_INFO only directories"
        return ""

    def _lock(self, exchange: Exchange) -> str:
        request = exchange.request
        elements = request.locks if isinstance(request, LockRequest) else ()
        place = exchange.user, (exchange.path or "").casefold()
        if len(elements) != 1:
            return "the client locks one range at a time"
        (element,) = elements
        if element.flags not in LOCK_FLAGS:
            return "a lock with flags that no call asks for"
        if not element.length or element.offset + element.length > _BEYOND:
            return "POSIX locks no range that is empty or goes beyond 2^63"
        granted = self._locks.get(place, [])
        if exchange.status == Status.SUCCESS:
            self._granted(place, granted, exchange, element)
        elif element.flags & LOCK_UNLOCK:
            return "the client unlocks only what it holds"
        elif exchange.status in _CONFLICTS and any(
            lock.refuses(element, exchange.handle) for lock in granted
        ):
            return "the client itself refuses a lock that meets one of its mount's other handles"
        return ""

    def _granted(
        self, place: tuple[int, str], granted: list[_Granted], exchange: Exchange, element: LockElement
    ) -> None:
        handle = -1 if exchange.handle is None else exchange.handle
        if not element.flags & LOCK_UNLOCK:
            self._keep(place, [*granted, _Granted(handle, element)])
            return
        same = (handle, element.offset, element.length)
        self._keep(
            place,
            [lock for lock in granted if (lock.handle, lock.element.offset, lock.element.length) != same],
        )

    def _keep(self, place: tuple[int, str], granted: list[_Granted]) -> None:
        if granted:
            self._locks[place] = granted
        else:
            self._locks.pop(place, None)


def _nothing_moved(exchange: Exchange) -> str:
    request = exchange.request
    if isinstance(request, ReadRequest | WriteRequest) and request.length == 0:
        return "reading or writing nothing sends nothing"
    return ""


def _scan(exchange: Exchange) -> str:
    request = exchange.request
    if not isinstance(request, QueryDirectoryRequest):
        return ""
    if (request.pattern or "*") != "*":
        return "no call sends a search pattern: readdir asks for all names"
    if request.level not in _SCANNED:
        return f"no call scans by information class {request.level}: readdir asks for 38"
    return ""
