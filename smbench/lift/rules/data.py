"""Rules for reads, writes and flushes, and for the pieces that clients cut large ones into."""

from __future__ import annotations

from collections.abc import Sequence

from smbench.lift.rule import Applies, Case, ExchangeRule, Opened, RunRule, refused
from smbench.smb2.constants import (
    USE_FILE_POINTER_POSITION,
    WRITE_TO_END_OF_FILE,
    WRITEFLAG_WRITE_THROUGH,
)
from smbench.trace.messages import (
    ReadRequest,
    ReadResponse,
    WriteRequest,
    WriteResponse,
)
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import (
    Call,
    Flush,
    Read,
    Write,
)
from smbench.workload.model import Disposition

SMALLEST_PIECE = 1 << 16
"""Clients cut large calls into pieces of their rsize or wsize, which is never below 64 KiB."""
LARGEST_CALL = 16 << 20
"""Longer runs are read-ahead or a copy loop, not one call of an application."""
Moves = ReadRequest | WriteRequest


def extent(exchange: Exchange) -> tuple[int, int]:
    """Offset and length of a READ or WRITE request (-1, 0 where it has none)."""
    request = exchange.request
    if isinstance(request, ReadRequest | WriteRequest) and request.offset is not None:
        return request.offset, request.length or 0
    return -1, 0


def moved(exchange: Exchange) -> int | None:
    """The bytes that a READ or WRITE moved; None where the capture does not tell."""
    response = exchange.response
    return response.count if isinstance(response, ReadResponse | WriteResponse) else None


def _is_whole_piece(exchange: Exchange) -> bool:
    """Large, answered in full: the only kind that more pieces may follow."""
    length = extent(exchange)[1]
    return length >= SMALLEST_PIECE and not refused(exchange.status) and moved(exchange) == length


def _first_piece(case: Case) -> bool:
    return _is_whole_piece(case.exchange)


def _next_piece(opened: Opened, exchange: Exchange) -> bool:
    """Contiguous, no longer than the first, and sent while the first was not answered yet: pieces of
    one call are sent together, a loop of calls waits for each answer."""
    first, last = opened.waiting[0], opened.waiting[-1]
    if exchange.command != first.command or first.response_ns is None or refused(exchange.status):
        return False
    if exchange.time_ns >= first.response_ns:
        return False
    offset, piece = extent(last)
    at, length = extent(exchange)
    start, whole = extent(first)
    return (
        at == offset + piece
        and 0 < length <= whole
        and at + length - start <= LARGEST_CALL
        and piece == whole
        and (not isinstance(last.request, WriteRequest) or _flags(last) == _flags(exchange))
    )


def _flags(exchange: Exchange) -> int:
    return (exchange.request.flags or 0) if isinstance(exchange.request, WriteRequest) else 0


def _whole(run: Sequence[Exchange]) -> tuple[int, int]:
    offset = extent(run[0])[0]
    return offset, sum(extent(exchange)[1] for exchange in run)


def _write_whole(opened: Opened) -> Call:
    through = bool(_flags(opened.waiting[0]) & WRITEFLAG_WRITE_THROUGH)
    return Write(opened.handle, *_whole(opened.waiting), through)


def _had_last_piece(opened: Opened) -> bool:
    return not _is_whole_piece(opened.waiting[-1])


def several(opened: Opened) -> bool:
    """Whether an open holds more than one exchange: a run of one is none."""
    return len(opened.waiting) > 1


_PIPELINES: tuple[RunRule, ...] = (
    RunRule(
        name="pipelined-read",
        disposition=Disposition.APPROXIMATE,
        reason="pipelined pieces of one large read are replayed as that read, cut by the client's rsize",
        evidence="contiguous READs of one handle, all sent before the first was answered",
        command=Command.READ,
        begins=_first_piece,
        continues=_next_piece,
        ends=_had_last_piece,
        complete=several,
        call=lambda opened: Read(opened.handle, *_whole(opened.waiting)),
    ),
    RunRule(
        name="pipelined-write",
        disposition=Disposition.APPROXIMATE,
        reason="pipelined pieces of one large write are replayed as that write, cut by the client's wsize",
        evidence="contiguous WRITEs of one handle, all sent before the first was answered",
        command=Command.WRITE,
        begins=_first_piece,
        continues=_next_piece,
        ends=_had_last_piece,
        complete=several,
        call=_write_whole,
    ),
)


def _read(case: Case) -> tuple[Call, ...]:
    return (Read(case.opened.handle, *extent(case.exchange)),)


def _write(case: Case) -> tuple[Call, ...]:
    through = bool(_flags(case.exchange) & WRITEFLAG_WRITE_THROUGH)
    return (Write(case.opened.handle, *extent(case.exchange), through),)


def _append(case: Case) -> tuple[Call, ...]:
    through = bool(_flags(case.exchange) & WRITEFLAG_WRITE_THROUGH)
    return (Write(case.opened.handle, *extent(case.exchange), through, append=True),)


def _done_at(offset: int) -> Applies:
    """A write at one of the offsets that are none. One that was refused asked the server for that offset."""
    return lambda case: extent(case.exchange)[0] == offset and not _is_refusal(case.exchange.status)


def _is_refusal(status: int | None) -> bool:
    return status is not None and refused(status)


RULES: tuple[ExchangeRule | RunRule, ...] = (
    *_PIPELINES,
    ExchangeRule(
        name="read",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: preadv on cache=none is exact up to rsize",
        commands=frozenset((Command.READ,)),
        calls=_read,
    ),
    ExchangeRule(
        name="append",
        disposition=Disposition.APPROXIMATE,
        reason="an append (offset 2^64-1) is written at the end of the file as the client knows it, which "
        "others may have moved",
        evidence="[MS-FSA] 2.1.5.4; cifs-client §1: O_APPEND goes by the size that the client believes in",
        no_counterpart="a client of POSIX gives the offset of an append itself",
        commands=frozenset((Command.WRITE,)),
        applies=_done_at(WRITE_TO_END_OF_FILE),
        calls=_append,
    ),
    ExchangeRule(
        name="write-at-pointer",
        disposition=Disposition.UNSUPPORTED,
        reason="a write at the file's pointer (offset 2^64-2): SMB has no call that tells where it stands",
        evidence="[MS-FSA] 2.1.5.4: FILE_USE_FILE_POINTER_POSITION",
        commands=frozenset((Command.WRITE,)),
        applies=_done_at(USE_FILE_POINTER_POSITION),
    ),
    ExchangeRule(
        name="write",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: pwritev on cache=none is exact up to wsize",
        commands=frozenset((Command.WRITE,)),
        calls=_write,
    ),
    ExchangeRule(
        name="flush",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: fsync",
        commands=frozenset((Command.FLUSH,)),
        calls=lambda case: (Flush(case.opened.handle),),
    ),
)
