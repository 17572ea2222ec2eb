"""What the Linux kernel's client (cifs.ko) sends for the calls that change or ask for ranges of a file.

Each is one call of a caller, by several messages on one handle: fallocate's holes and shifts, and lseek for
data or a hole.
"""

from __future__ import annotations

from smbench.lift.rule import Case, Opened, Rule, RunRule, refused
from smbench.lift.rules.ranges import joined
from smbench.lift.rules.set_info import set_of
from smbench.lift.rules.steps import Steps, flushes, marks_sparse, sets_size
from smbench.smb2.constants import (
    ALL_INFORMATION,
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
from smbench.workload.calls import AllocatedRanges, Call, PunchHole, ShiftRange
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


def _asks_key(exchange: Exchange) -> bool:
    return _ioctl(exchange, FSCTL_SRV_REQUEST_RESUME_KEY) is not None


def _chunk(exchange: Exchange) -> CopyChunk | None:
    """The only one that a request copies."""
    request = _ioctl(exchange, FSCTL_SRV_COPYCHUNK_WRITE)
    return request.chunks[0] if request is not None and len(request.chunks) == 1 else None


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


_PUNCH = Steps(((marks_sparse, _zeroes),))
_SEEK = Steps(((_asks_all, _asks_one_range), (_asks_all, flushes, _asks_one_range)))


def _by_linux(case: Case, steps: Steps) -> bool:
    return case.opened.linux and steps.begin_with(case.exchange)


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


def _joined(copies: list[Exchange]) -> CopyChunk | None:
    """The range that copies, one after the other, have copied."""
    chunks = [chunk for copy in copies if (chunk := _chunk(copy)) is not None]
    ranges = joined(chunks)
    return ranges[0] if len(chunks) == len(copies) and len(ranges) == 1 else None


def _collapses_on(opened: Opened, exchange: Exchange) -> bool:
    if sets_size(exchange):
        return len(opened.waiting) > 1
    return not sets_size(opened.waiting[-1]) and _joined([*opened.waiting[1:], exchange]) is not None


def _collapse(opened: Opened) -> ShiftRange | None:
    if len(opened.waiting) < 3:
        return None
    key, *copies, last = opened.waiting
    copied = _joined(copies)
    if copied is None or not sets_size(last) or refused(last.status) or not _by_key(copies, key):
        return None
    size, length = set_of(last).size, copied.source_offset - copied.target_offset
    if length <= 0 or size != copied.target_offset + copied.length:
        return None
    return ShiftRange(opened.handle, copied.target_offset, length, insert=False, size=size)


def _inserts_on(opened: Opened, exchange: Exchange) -> bool:
    if len(opened.waiting) == 1:
        return _asks_key(exchange)
    if _zeroes(exchange):
        return len(opened.waiting) > 2
    return not _zeroes(opened.waiting[-1]) and _joined([*opened.waiting[2:], exchange]) is not None


def _insert(opened: Opened) -> ShiftRange | None:
    if len(opened.waiting) < 4:
        return None
    first, key, *copies, last = opened.waiting
    copied, zeroed = _joined(copies), last.request
    if copied is None or not isinstance(zeroed, IoctlRequest) or not _by_key(copies, key):
        return None
    size, length = set_of(first).size, copied.target_offset - copied.source_offset
    if (
        size != copied.target_offset + copied.length
        or (zeroed.offset, zeroed.length) != (copied.source_offset, length)
        or refused(first.status)
    ):
        return None
    return ShiftRange(opened.handle, copied.source_offset, length, insert=True, size=size)


def _whole(shift: ShiftRange | None) -> ShiftRange:
    if shift is None:
        raise LookupError("no range was shifted")
    return shift


RULES: tuple[Rule, ...] = (
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
        begins=lambda case: case.opened.linux and _asks_key(case.exchange),
        continues=_collapses_on,
        ends=lambda opened: sets_size(opened.waiting[-1]),
        complete=lambda opened: _collapse(opened) is not None,
        call=lambda opened: _whole(_collapse(opened)),
    ),
    RunRule(
        name="insert-on-linux",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: fallocate(INSERT_RANGE) sets the size, copies what comes after the place "
        "to behind the range, and zeroes the range",
        command=Command.SET_INFO,
        begins=lambda case: case.opened.linux and sets_size(case.exchange),
        continues=_inserts_on,
        ends=lambda opened: len(opened.waiting) > 1 and _zeroes(opened.waiting[-1]),
        complete=lambda opened: _insert(opened) is not None,
        call=lambda opened: _whole(_insert(opened)),
    ),
    FLUSH_BEFORE_SEEK,
)
