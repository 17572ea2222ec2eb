"""How long files are as the capture goes on: what requests make of sizes, and what answers tell of them."""

from __future__ import annotations

from dataclasses import dataclass

from smbench.lift.names import LATEST_NS
from smbench.lift.present import File, Name
from smbench.lift.rule import refused
from smbench.lift.rules.data import extent, moved
from smbench.lift.rules.set_info import set_of
from smbench.lift.sight import Sight
from smbench.paths.stream_names import without_stream
from smbench.smb2.constants import (
    ALLOCATION,
    DELETE_ON_CLOSE,
    DISPOSITIONS,
    END_OF_FILE,
    FILE_WRITE_DATA,
    FSCTL_QUERY_ALLOCATED_RANGES,
    FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK,
    FSCTL_SRV_COPYCHUNK_WRITE,
    FSCTL_SRV_REQUEST_RESUME_KEY,
    GENERIC_ALL,
    GENERIC_WRITE,
    INFO_FILE,
    LINKS,
    LOCK_UNLOCK,
    MAXIMUM_ALLOWED,
    OPEN,
    READS_DATA,
    RENAMES,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import (
    CreateRequest,
    IoctlRequest,
    LockRequest,
    QueryInfoRequest,
    QueryInfoResponse,
)
from smbench.trace.model import Command, Exchange

_COPIES = frozenset((FSCTL_SRV_COPYCHUNK, FSCTL_SRV_COPYCHUNK_WRITE))
_KEEPS_SIZE = frozenset(
    (FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA, FSCTL_QUERY_ALLOCATED_RANGES, FSCTL_SRV_REQUEST_RESUME_KEY)
)
_WRITES_ANYWHERE = FILE_WRITE_DATA | GENERIC_WRITE | GENERIC_ALL | MAXIMUM_ALLOWED
_SIZING = frozenset((END_OF_FILE, ALLOCATION))
_CHANGING = RENAMES | LINKS | DISPOSITIONS | _SIZING


@dataclass(slots=True, eq=False)
class Holding:
    """One open of the capture, and what it was of when it was made."""

    name: Name
    file: File
    deletes: bool = False
    """By DELETE_ON_CLOSE."""
    reads: bool = True
    appends: bool = True
    """Or nobody knows: its writes may go to the end of the file, whatever their offsets say."""
    scan_ns: int = 0
    """When its present listing began."""

    @classmethod
    def of(cls, name: Name, request: CreateRequest) -> Holding:
        """What a CREATE asked for, and was given."""
        access = request.access or 0
        return cls(
            name,
            name.file,
            deletes=bool((request.options or 0) & DELETE_ON_CLOSE),
            reads=bool(access & READS_DATA),
            appends=not access & _WRITES_ANYWHERE,  # [MS-FSA] 2.1.5.4
        )


@dataclass(frozen=True, slots=True)
class Told:
    """A size that an answer tells; `least`: it may be more; `most`: it may be less."""

    size: int
    least: bool = False
    most: bool = False


def changed_by(sight: Sight, its: Holding | None) -> tuple[str, ...]:
    """The paths of which an exchange, just sent, may change the name or the size; `its`: what it works on,
    where that is answered already."""
    exchange = sight.exchange
    command, request = exchange.command, exchange.request
    asked = sight.opened.request
    deletes = bool((asked.options or 0) & DELETE_ON_CLOSE)
    if command == Command.CREATE:
        changes = asked.disposition != OPEN or deletes
    elif sight.opened.failed:
        changes = False
    elif command == Command.CLOSE:
        changes = deletes or (its is not None and its.name.doomed)
    elif command == Command.SET_INFO:
        level = set_of(exchange).level
        changes = level is None or level in _CHANGING
    elif command == Command.LOCK:
        changes = locks_something(exchange)
    elif command == Command.IOCTL:
        changes = not (isinstance(request, IoctlRequest) and request.function in _KEEPS_SIZE)
    else:
        changes = command == Command.WRITE
    if not changes:
        return ()
    path = without_stream(sight.path)
    return (path, sight.target) if sight.target else (path,)


def locks_something(exchange: Exchange) -> bool:
    """Whether a LOCK asks for a lock, and does not only give some back."""
    request = exchange.request
    return not isinstance(request, LockRequest) or any(
        not (element.flags or 0) & LOCK_UNLOCK for element in request.locks
    )


def tells_no_size(exchange: Exchange, its: Holding) -> bool:
    """Whether a READ tells nothing new of the size: most of them are within what is known."""
    if not its.reads or its.file.size is None:
        return True
    within = _is_within(exchange, its.file.size)
    if within and exchange.response_ns is not None:
        its.file.seen_ns = max(its.file.seen_ns, exchange.response_ns)
    return within


def keeps_size(exchange: Exchange, its: Holding) -> bool:
    """Whether a WRITE is within what is known, and so changes nothing of the size, if nobody cuts it off."""
    file = its.file
    if its.appends or file.size is None or exchange.response_ns is None:
        return False
    within = _is_within(exchange, file.size)
    if within:
        file.written_ns = max(file.written_ns, exchange.response_ns)
    return within


def _is_within(exchange: Exchange, size: int) -> bool:
    offset, length = extent(exchange)
    return offset >= 0 and offset + length <= size and moved(exchange) == length


def told_by(exchange: Exchange) -> Told | None:
    """The size that the answer to a READ or QUERY_INFO tells."""
    request, response = exchange.request, exchange.response
    if isinstance(response, QueryInfoResponse) and isinstance(request, QueryInfoRequest):
        known = request.info_type == INFO_FILE and response.size is not None
        return Told(response.size or 0) if known else None
    offset, length = extent(exchange)
    if exchange.command != Command.READ or offset < 0 or not length:
        return None
    if exchange.status == Status.END_OF_FILE:
        return Told(offset, most=True)
    count = 0 if refused(exchange.status) else moved(exchange)
    return Told(offset + count, least=count >= length) if count else None


def change_size(sight: Sight, its: Holding) -> None:
    """What a WRITE, a SET_INFO or an IOCTL makes of the size of its file."""
    exchange, file = sight.exchange, its.file
    if not sight.changes or (exchange.status is not None and refused(exchange.status)):
        return
    asked_ns, at_ns = exchange.time_ns, sight.answered_ns
    if exchange.status is None:
        file.cut(None, asked_ns, at_ns)
    elif exchange.command == Command.SET_INFO:
        asked = set_of(exchange)
        # Below the size an allocation truncates, to where the server's unit of it lets it.
        keeps = asked.level == ALLOCATION and file.size is not None and (asked.size or 0) >= file.size
        file.cut(file.size if keeps else asked.size if asked.level == END_OF_FILE else None, asked_ns, at_ns)
    elif exchange.command == Command.WRITE:
        file.lengthen(_end_of_write(exchange, its), asked_ns, at_ns)
    else:
        file.lengthen(_end_of_copy(exchange), asked_ns, at_ns)


def _end_of_write(exchange: Exchange, its: Holding) -> int | None:
    offset, length = extent(exchange)
    count = moved(exchange)
    if its.appends or not 0 <= offset < LATEST_NS:
        return None
    return offset + (length if count is None else count)


def _end_of_copy(exchange: Exchange) -> int | None:
    request = exchange.request
    if not isinstance(request, IoctlRequest) or request.function not in _COPIES:
        return None
    return max([0, *(chunk.target_offset + chunk.length for chunk in request.chunks)])
