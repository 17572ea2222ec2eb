"""Rules for what moves or guards data: reads, writes, flushes, locks, server-side copies, holes."""

from __future__ import annotations

from collections.abc import Sequence

from smbench.lift.constants import (
    FSCTL_DUPLICATE_EXTENTS,
    FSCTL_QUERY_ALLOCATED_RANGES,
    FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK,
    FSCTL_SRV_COPYCHUNK_WRITE,
    FSCTL_SRV_REQUEST_RESUME_KEY,
    LOCK_EXCLUSIVE,
    LOCK_FAIL_IMMEDIATELY,
    LOCK_SHARED,
    LOCK_UNLOCK,
)
from smbench.lift.control import function_of
from smbench.lift.rule import Applies, Case, ExchangeRule, Opened, RunRule, refused
from smbench.trace.messages import (
    IoctlRequest,
    LockElement,
    LockRequest,
    ReadRequest,
    ReadResponse,
    WriteRequest,
    WriteResponse,
)
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import (
    AllocatedRanges,
    Call,
    CopyRange,
    Flush,
    Lock,
    PunchHole,
    Read,
    Unlock,
    Write,
)
from smbench.workload.model import Disposition

SMALLEST_PIECE = 1 << 16
"""Clients cut large calls into pieces of their rsize or wsize, which is never below 64 KiB."""
LARGEST_CALL = 16 << 20
"""Longer runs are read-ahead or a copy loop, not one call of an application."""
_WRITE_THROUGH = 1
_COPIES = frozenset((FSCTL_SRV_COPYCHUNK, FSCTL_SRV_COPYCHUNK_WRITE))
_LOCK_FLAGS = frozenset(
    (
        LOCK_SHARED,
        LOCK_EXCLUSIVE,
        LOCK_SHARED | LOCK_FAIL_IMMEDIATELY,
        LOCK_EXCLUSIVE | LOCK_FAIL_IMMEDIATELY,
        LOCK_UNLOCK,
    )
)

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


def _first_piece(opened: Opened, exchange: Exchange) -> bool:
    del opened
    return _is_whole_piece(exchange)


def _next_piece(opened: Opened, exchange: Exchange) -> bool:
    """Contiguous, no longer than the first, and sent while the first was not answered yet: pieces of
    one call are sent together, a loop of calls waits for each answer."""
    first, last = opened.held[0], opened.held[-1]
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
    through = bool(_flags(opened.held[0]) & _WRITE_THROUGH)
    return Write(opened.handle, *_whole(opened.held), through)


def _had_last_piece(opened: Opened) -> bool:
    return not _is_whole_piece(opened.held[-1])


def several(opened: Opened) -> bool:
    """Whether an open holds more than one exchange: a run of one is none."""
    return len(opened.held) > 1


PIPELINES: tuple[RunRule, ...] = (
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
        call=lambda opened: Read(opened.handle, *_whole(opened.held)),
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
    return (Write(case.opened.handle, *extent(case.exchange), bool(_flags(case.exchange) & _WRITE_THROUGH)),)


def _elements(exchange: Exchange) -> tuple[LockElement, ...]:
    return exchange.request.locks if isinstance(exchange.request, LockRequest) else ()


def _odd_flags(case: Case) -> bool:
    elements = _elements(case.exchange)
    return not elements or any(element.flags not in _LOCK_FLAGS for element in elements)


def _refused_together(case: Case) -> bool:
    return len(_elements(case.exchange)) > 1 and refused(case.exchange.status)


def _is_many(case: Case) -> bool:
    return len(_elements(case.exchange)) > 1


def _locks(case: Case) -> tuple[Call, ...]:
    return tuple(_lock(case.opened.handle, element) for element in _elements(case.exchange))


def _lock(handle: int, element: LockElement) -> Call:
    if element.flags & LOCK_UNLOCK:
        return Unlock(handle, element.offset, element.length)
    return Lock(
        handle,
        element.offset,
        element.length,
        exclusive=bool(element.flags & LOCK_EXCLUSIVE),
        wait=not element.flags & LOCK_FAIL_IMMEDIATELY,
    )


def _is_copy(case: Case) -> bool:
    request = case.exchange.request
    return (
        isinstance(request, IoctlRequest)
        and request.function in _COPIES
        and case.found is not None
        and bool(request.chunks)
        and case.scene.source_of(request.resume_key) is not None
    )


def _copies(case: Case) -> tuple[Call, ...]:
    request = case.exchange.request
    if not isinstance(request, IoctlRequest):
        return ()
    source = case.scene.source_of(request.resume_key)
    return tuple(
        CopyRange(
            -1 if source is None else source,
            case.opened.handle,
            chunk.source_offset,
            chunk.target_offset,
            chunk.length,
        )
        for chunk in request.chunks
    )


def _is_range(function: int) -> Applies:
    def applies(case: Case) -> bool:
        request = case.exchange.request
        return (
            isinstance(request, IoctlRequest)
            and request.function == function
            and case.found is not None
            and request.offset is not None
            and request.length is not None
        )

    return applies


def _range(exchange: Exchange) -> tuple[int, int]:
    request = exchange.request
    return (request.offset or 0, request.length or 0) if isinstance(request, IoctlRequest) else (0, 0)


def _has_function(*functions: int) -> Applies:
    def applies(case: Case) -> bool:
        return function_of(case.exchange) in functions

    return applies


def _function_name(case: Case) -> str:
    return f"FSCTL 0x{function_of(case.exchange) or 0:08X}"


_IOCTL = frozenset((Command.IOCTL,))
_LOCK = frozenset((Command.LOCK,))

DATA: tuple[ExchangeRule, ...] = (
    ExchangeRule(
        name="read",
        disposition=Disposition.EXACT,
        evidence="cifs-mapping §2: preadv on cache=none is exact up to rsize",
        commands=frozenset((Command.READ,)),
        calls=_read,
    ),
    ExchangeRule(
        name="write",
        disposition=Disposition.EXACT,
        evidence="cifs-mapping §2: pwritev on cache=none is exact up to wsize",
        commands=frozenset((Command.WRITE,)),
        calls=_write,
    ),
    ExchangeRule(
        name="flush",
        disposition=Disposition.EXACT,
        evidence="cifs-mapping §2: fsync",
        commands=frozenset((Command.FLUSH,)),
        calls=lambda case: (Flush(case.opened.handle),),
    ),
    ExchangeRule(
        name="lock-invalid",
        disposition=Disposition.UNSUPPORTED,
        reason="a lock without ranges, or with flags that [MS-SMB2] forbids: no call asks so",
        evidence="[MS-SMB2] 2.2.26.1",
        commands=_LOCK,
        applies=_odd_flags,
        detail=lambda case: " ".join(f"0x{element.flags:X}" for element in _elements(case.exchange)[:4]),
    ),
    ExchangeRule(
        name="locks-refused",
        disposition=Disposition.UNSUPPORTED,
        reason="several ranges (un)locked at once and refused: which of them failed is not told",
        evidence="[MS-SMB2] 3.3.5.14.1, 3.3.5.14.2: only what was unlocked before the failure stays so",
        commands=_LOCK,
        applies=_refused_together,
    ),
    ExchangeRule(
        name="locks",
        disposition=Disposition.APPROXIMATE,
        reason="several ranges asked for at once are locked one after the other",
        evidence="[MS-SMB2] 3.3.5.14.2; cifs-mapping §1: cifs.ko sends one element a call",
        commands=_LOCK,
        applies=_is_many,
        calls=_locks,
    ),
    ExchangeRule(
        name="lock",
        disposition=Disposition.EXACT,
        evidence="cifs-mapping §2: OFD lock",
        commands=_LOCK,
        calls=_locks,
    ),
    ExchangeRule(
        name="resume-key",
        disposition=Disposition.CLIENT,
        reason="the client asks for the key of a server-side copy by itself",
        evidence="cifs-mapping §1: copy_file_range sends REQUEST_RESUME_KEY and COPYCHUNK",
        commands=_IOCTL,
        applies=_has_function(FSCTL_SRV_REQUEST_RESUME_KEY),
    ),
    ExchangeRule(
        name="copy",
        disposition=Disposition.EXACT,
        evidence="[MS-SMB2] 2.2.31.1; cifs-mapping §1: copy_file_range, one a chunk",
        commands=_IOCTL,
        applies=_is_copy,
        calls=_copies,
    ),
    ExchangeRule(
        name="copy-of-unknown",
        disposition=Disposition.UNSUPPORTED,
        reason="server-side copy from a key that the capture never saw handed out, or of nothing",
        evidence="[MS-SMB2] 3.3.5.15.6",
        commands=_IOCTL,
        applies=_has_function(*_COPIES),
    ),
    ExchangeRule(
        name="punch",
        disposition=Disposition.EXACT,
        evidence="[MS-FSCC] 2.3.71; cifs-mapping §1: fallocate(PUNCH_HOLE or ZERO_RANGE)",
        commands=_IOCTL,
        applies=_is_range(FSCTL_SET_ZERO_DATA),
        calls=lambda case: (PunchHole(case.opened.handle, *_range(case.exchange)),),
    ),
    ExchangeRule(
        name="allocated-ranges",
        disposition=Disposition.EXACT,
        evidence="[MS-FSCC] 2.3.52; cifs-mapping §1: FIEMAP, SEEK_DATA",
        commands=_IOCTL,
        applies=_is_range(FSCTL_QUERY_ALLOCATED_RANGES),
        calls=lambda case: (AllocatedRanges(case.opened.handle, *_range(case.exchange)),),
    ),
    ExchangeRule(
        name="sparse",
        disposition=Disposition.CLIENT,
        reason="the client marks a file sparse by itself before it grows it or punches holes",
        evidence="cifs-mapping §1: ftruncate and PUNCH_HOLE send SET_SPARSE first",
        commands=_IOCTL,
        applies=_has_function(FSCTL_SET_SPARSE),
    ),
    ExchangeRule(
        name="clone",
        disposition=Disposition.UNSUPPORTED,
        reason="block cloning names its source by a handle inside the payload, which is not kept",
        evidence="[MS-FSCC] 2.3.8, FSCTL_DUPLICATE_EXTENTS_TO_FILE",
        commands=_IOCTL,
        applies=_has_function(FSCTL_DUPLICATE_EXTENTS),
    ),
    ExchangeRule(
        name="other-ioctl",
        disposition=Disposition.UNSUPPORTED,
        reason="no call of a file system sends this control code",
        evidence="[MS-FSCC] 2.3",
        commands=_IOCTL,
        detail=_function_name,
    ),
)
