"""What the Linux kernel's client (cifs.ko) sends for the calls that change or ask for ranges of a file.

Each is one call of a caller, by several messages on one handle: fallocate's growth, holes and shifts, and
lseek for data or a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smbench.lift.rule import Case, Opened, Rule, RunRule, refused
from smbench.lift.rules.ranges import joined
from smbench.lift.rules.set_info import set_of
from smbench.lift.rules.steps import Steps, flushes, marks_sparse, sets_size
from smbench.smb2.constants import (
    ALL_INFORMATION,
    ALLOCATION,
    FSCTL_QUERY_ALLOCATED_RANGES,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK_WRITE,
    FSCTL_SRV_REQUEST_RESUME_KEY,
    INFO_FILE,
)
from smbench.smb2.information import RANGE_BYTES
from smbench.trace.messages import IoctlRequest, IoctlResponse, QueryInfoRequest
from smbench.trace.model import Command, Exchange
from smbench.trace.values import CopyChunk
from smbench.workload.calls import AllocatedRanges, Call, PunchHole, ShiftRange, Truncate
from smbench.workload.model import Disposition

FLUSH_BEFORE_SEEK = Rule(
    name="flush-before-seek",
    disposition=Disposition.CLIENT,
    reason="the client flushes by itself what is open for writing before it asks where data is",
    evidence="fs/smb/client/smb2ops.c, smb3_llseek: what is dirty is written and flushed by an open that may "
    "write, whichever it is; seen between a QUERY_INFO and a QUERY_ALLOCATED_RANGES of another open",
    answerable=True,
)
"""Told by what comes after it (`smbench.lift.recogniser`); its call is a Flush."""


def _ioctl(exchange: Exchange, function: int) -> IoctlRequest | None:
    request = exchange.request
    if isinstance(request, IoctlRequest) and request.function == function and not refused(exchange.status):
        return request
    return None


def _zeroes(exchange: Exchange) -> bool:
    request = _ioctl(exchange, FSCTL_SET_ZERO_DATA)
    return request is not None and request.offset is not None and request.length is not None


def asks_key(exchange: Exchange) -> bool:
    """Whether a resume key is asked for, which begins a copy."""
    return _ioctl(exchange, FSCTL_SRV_REQUEST_RESUME_KEY) is not None


def _chunks(exchange: Exchange) -> tuple[CopyChunk, ...]:
    """What a request copies; empty where it is another one."""
    request = _ioctl(exchange, FSCTL_SRV_COPYCHUNK_WRITE)
    return () if request is None else request.chunks


def _asks_all(exchange: Exchange) -> bool:
    request = exchange.request
    return (
        isinstance(request, QueryInfoRequest)
        and (request.info_type, request.level) == (INFO_FILE, ALL_INFORMATION)
        and not refused(exchange.status)
    )


def _asks_one_range(exchange: Exchange) -> bool:
    """Whether allocated ranges are asked for with room for one: who lists them has room for more."""
    request = exchange.request
    return (
        isinstance(request, IoctlRequest)
        and request.function == FSCTL_QUERY_ALLOCATED_RANGES
        and request.output_length == RANGE_BYTES
        and request.offset is not None
        and request.length is not None
    )


def _sets_allocation(exchange: Exchange) -> bool:
    request = set_of(exchange)
    return (request.info_type, request.level) == (INFO_FILE, ALLOCATION) and request.size is not None


_GROW = Steps(((_asks_all, _sets_allocation, sets_size, _asks_all),))
_PUNCH = Steps(((marks_sparse, _zeroes),))
_SEEK = Steps(((_asks_all, _asks_one_range), (_asks_all, flushes, _asks_one_range)))


def _by_linux(case: Case, steps: Steps) -> bool:
    return case.opened.linux and steps.begin_with(case.exchange)


def _grown_to(opened: Opened) -> int | None:
    """The size that a file has grown to; None where it was allocated another one."""
    if not _GROW.are_made(opened):
        return None
    allocation, size = (set_of(exchange).size for exchange in opened.waiting[1:3])
    return size if size == allocation else None


def _punch(opened: Opened) -> Call:
    request = opened.waiting[-1].request
    assert isinstance(request, IoctlRequest)
    return PunchHole(opened.handle, request.offset or 0, request.length or 0, sparse=True)


def _seek(opened: Opened) -> Call:
    request = opened.waiting[-1].request
    assert isinstance(request, IoctlRequest)
    flushed = len(opened.waiting) == len(_SEEK.shapes[1])
    return AllocatedRanges(
        opened.handle, request.offset or 0, request.length or 0, seek=True, flushed=flushed
    )


def _by_key(copies: list[Exchange], asked: Exchange) -> bool:
    """Whether copies are of the file to itself, by the key that was asked for."""
    answer = asked.response
    return isinstance(answer, IoctlResponse) and all(
        isinstance(copy.request, IoctlRequest) and copy.request.resume_key == answer.resume_key
        for copy in copies
    )


def _joined(chunks: Sequence[CopyChunk]) -> CopyChunk | None:
    """The one range that chunks have copied, from its begin or from its end."""
    for ordered in (chunks, chunks[::-1]):
        if len(ranges := joined(ordered)) == 1:
            return ranges[0]
    return None


def _copies_on(copies: list[Exchange], exchange: Exchange) -> bool:
    """Whether this one goes on where the last of the copies ended, or is the first."""
    chunks = _chunks(exchange)
    return bool(chunks) and _joined([*(_chunks(copies[-1]) if copies else ()), *chunks]) is not None


def _copied(copies: list[Exchange]) -> tuple[CopyChunk | None, bool]:
    """What copies have copied together, and whether they named more chunks than they are messages."""
    chunks = [chunk for copy in copies for chunk in _chunks(copy)]
    return _joined(chunks), len(chunks) > len(copies)


def _collapses_on(opened: Opened, exchange: Exchange) -> bool:
    if sets_size(exchange):
        return len(opened.waiting) > 1
    return not sets_size(opened.waiting[-1]) and _copies_on(opened.waiting[1:], exchange)


def _collapse(opened: Opened) -> ShiftRange | None:
    if len(opened.waiting) < 3:
        return None
    key, *copies, last = opened.waiting
    copied, listed = _copied(copies)
    if copied is None or not sets_size(last) or refused(last.status) or not _by_key(copies, key):
        return None
    size, length = set_of(last).size, copied.source_offset - copied.target_offset
    if length <= 0 or size != copied.target_offset + copied.length:
        return None
    return ShiftRange(opened.handle, copied.target_offset, length, insert=False, size=size, listed=listed)


def _of_insert(waiting: list[Exchange]) -> tuple[bool, list[Exchange]]:
    """Whether the file was marked sparse first, and what follows."""
    sparse = marks_sparse(waiting[0])
    return sparse, waiting[sparse:]


def _inserts_on(opened: Opened, exchange: Exchange) -> bool:
    _, made = _of_insert(opened.waiting)
    match len(made):
        case 0:
            return sets_size(exchange)
        case 1:
            return asks_key(exchange)
    if _zeroes(exchange):
        return len(made) > 2
    return not _zeroes(made[-1]) and _copies_on(made[2:], exchange)


def _insert(opened: Opened) -> ShiftRange | None:
    sparse, made = _of_insert(opened.waiting)
    if len(made) < 4:
        return None
    first, key, *copies, last = made
    (copied, listed), zeroed = _copied(copies), last.request
    if copied is None or not isinstance(zeroed, IoctlRequest) or not _by_key(copies, key):
        return None
    size, length = set_of(first).size, copied.target_offset - copied.source_offset
    if (
        size != copied.target_offset + copied.length
        or (zeroed.offset, zeroed.length) != (copied.source_offset, length)
        or refused(first.status)
    ):
        return None
    listed |= sparse
    return ShiftRange(opened.handle, copied.source_offset, length, True, size, listed=listed, sparse=sparse)


def _whole(shift: ShiftRange | None) -> ShiftRange:
    if shift is None:
        raise LookupError("no range was shifted")
    return shift


def _inserting(name: str, command: Command, begins: Callable[[Exchange], bool], marks: str) -> RunRule:
    """The rule for a range that is put in, by what its client begins with."""
    return RunRule(
        name=name,
        disposition=Disposition.EXACT,
        evidence=f"cifs-client §1: fallocate(INSERT_RANGE) {marks}sets the size, copies what comes after the "
        "place to behind the range, and zeroes the range",
        command=command,
        begins=lambda case: case.opened.linux and begins(case.exchange),
        continues=_inserts_on,
        ends=lambda opened: len(opened.waiting) > 1 and _zeroes(opened.waiting[-1]),
        complete=lambda opened: _insert(opened) is not None,
        call=lambda opened: _whole(_insert(opened)),
    )


RULES: tuple[Rule, ...] = (
    RunRule(
        name="grow-on-linux",
        disposition=Disposition.EXACT,
        evidence="cifs-client §7: fallocate(0) beyond the end is on 7.2 QUERY_INFO, SET_INFO(Allocation), "
        "SET_INFO(EOF), QUERY_INFO",
        command=Command.QUERY_INFO,
        begins=lambda case: _by_linux(case, _GROW),
        continues=_GROW.continue_with,
        ends=_GROW.are_made,
        complete=lambda opened: _grown_to(opened) is not None,
        call=lambda opened: Truncate(opened.handle, _grown_to(opened) or 0, allocated=True),
    ),
    RunRule(
        name="punch-on-linux",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: fallocate(PUNCH_HOLE) of a file that is not sparse is SET_SPARSE and "
        "SET_ZERO_DATA",
        command=Command.IOCTL,
        begins=lambda case: _by_linux(case, _PUNCH),
        continues=_PUNCH.continue_with,
        ends=_PUNCH.are_made,
        complete=_PUNCH.are_made,
        call=_punch,
    ),
    RunRule(
        name="seek-on-linux",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: lseek(SEEK_DATA, SEEK_HOLE) is QUERY_INFO, a FLUSH where an open may "
        "write, and QUERY_ALLOCATED_RANGES with room for one",
        command=Command.QUERY_INFO,
        begins=lambda case: _by_linux(case, _SEEK),
        continues=_SEEK.continue_with,
        ends=_SEEK.are_made,
        complete=_SEEK.are_made,
        call=_seek,
        flushes=True,
    ),
    RunRule(
        name="collapse-on-linux",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: fallocate(COLLAPSE_RANGE) copies what comes after the range to its place, "
        "by REQUEST_RESUME_KEY and COPYCHUNK_WRITE on one handle, and sets the size",
        command=Command.IOCTL,
        begins=lambda case: case.opened.linux and asks_key(case.exchange),
        continues=_collapses_on,
        ends=lambda opened: sets_size(opened.waiting[-1]),
        complete=lambda opened: _collapse(opened) is not None,
        call=lambda opened: _whole(_collapse(opened)),
    ),
    _inserting("insert-on-linux", Command.SET_INFO, sets_size, ""),
    _inserting("insert-sparse-on-linux", Command.IOCTL, marks_sparse, "marks the file sparse, "),
    FLUSH_BEFORE_SEEK,
)
