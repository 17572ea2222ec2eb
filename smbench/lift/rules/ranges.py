"""Rules for byte ranges: locks, server-side copies, holes, and the other control codes of a file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from smbench.lift.rule import Applies, Case, ExchangeRule, Opened, Rule, RunRule, refused
from smbench.lift.rules.control import function_of
from smbench.lift.rules.data import several
from smbench.smb2.constants import (
    CONTROLS,
    FSCTL_DUPLICATE_EXTENTS_TO_FILE,
    FSCTL_GET_REPARSE_POINT,
    FSCTL_QUERY_ALLOCATED_RANGES,
    FSCTL_SET_REPARSE_POINT,
    FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK,
    FSCTL_SRV_COPYCHUNK_WRITE,
    FSCTL_SRV_REQUEST_RESUME_KEY,
    LOCK_EXCLUSIVE,
    LOCK_FAIL_IMMEDIATELY,
    LOCK_FLAGS,
    LOCK_UNLOCK,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import IoctlRequest, LockRequest
from smbench.trace.model import Command, Exchange
from smbench.trace.values import CopyChunk, LockElement
from smbench.workload.calls import AllocatedRanges, Call, Control, CopyRange, Lock, PunchHole, Unlock
from smbench.workload.model import Disposition

_COPIES = frozenset((FSCTL_SRV_COPYCHUNK, FSCTL_SRV_COPYCHUNK_WRITE))


def _elements(exchange: Exchange) -> tuple[LockElement, ...]:
    return exchange.request.locks if isinstance(exchange.request, LockRequest) else ()


def _odd_flags(case: Case) -> bool:
    elements = _elements(case.exchange)
    return not elements or any(element.flags not in LOCK_FLAGS for element in elements)


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
        and case.context.source_of(request.resume_key) is not None
    )


def _chunks(exchange: Exchange) -> tuple[CopyChunk, ...]:
    return exchange.request.chunks if isinstance(exchange.request, IoctlRequest) else ()


def _copies(case: Case) -> tuple[Call, ...]:
    request = case.exchange.request
    source = case.context.source_of(request.resume_key) if isinstance(request, IoctlRequest) else None
    return tuple(
        CopyRange(
            -1 if source is None else source,
            case.opened.handle,
            chunk.source_offset,
            chunk.target_offset,
            chunk.length,
        )
        for chunk in joined(_chunks(case.exchange))
    )


def joined(chunks: Iterable[CopyChunk]) -> list[CopyChunk]:
    """Chunks of a copy, those that continue one another as one."""
    ranges: list[CopyChunk] = []
    for chunk in chunks:
        last = ranges[-1] if ranges else None
        if last is not None and (chunk.source_offset, chunk.target_offset) == (
            last.source_offset + last.length,
            last.target_offset + last.length,
        ):
            ranges[-1] = CopyChunk(last.source_offset, last.target_offset, last.length + chunk.length)
        else:
            ranges.append(chunk)
    return ranges


def _goes_on_copying(opened: Opened, exchange: Exchange) -> bool:
    """By the same key, from where the last one ended, and that one had copied all."""
    first, last, request = opened.waiting[0].request, opened.waiting[-1], exchange.request
    return (
        isinstance(first, IoctlRequest)
        and isinstance(request, IoctlRequest)
        and (request.function, request.resume_key) == (first.function, first.resume_key)
        and last.status == Status.SUCCESS
        and _is_one([*_chunks(last), *request.chunks])
    )


def _is_one(chunks: Iterable[CopyChunk]) -> bool:
    return len(joined(chunks)) == 1


def _copy_whole(opened: Opened) -> Call:
    (chunk,) = joined(chain.from_iterable(map(_chunks, opened.waiting)))
    return CopyRange(
        opened.copied,
        opened.handle,
        chunk.source_offset,
        chunk.target_offset,
        chunk.length,
        request=sum(piece.length for piece in _chunks(opened.waiting[0])) if several(opened) else 0,
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


def _control(case: Case) -> tuple[Call, ...]:
    request = case.exchange.request
    room = request.output_length if isinstance(request, IoctlRequest) else None
    return (Control(case.opened.handle, function_of(case.exchange) or 0, room or 0),)


def _not_sent(exchange: Exchange) -> str:
    """A reparse point's codes are readlink's and symlink's, where the server has such points."""
    if function_of(exchange) in (FSCTL_GET_REPARSE_POINT, FSCTL_SET_REPARSE_POINT):
        return ""
    return "no system call, and no ioctl of an ordinary user, sends this control code"


def _function_name(case: Case) -> str:
    return f"FSCTL 0x{function_of(case.exchange) or 0:08X}"


_IOCTL = frozenset((Command.IOCTL,))
_LOCK = frozenset((Command.LOCK,))

RULES: tuple[Rule, ...] = (
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
        evidence="[MS-SMB2] 3.3.5.14.2; cifs-client §1: cifs.ko sends one element a call",
        commands=_LOCK,
        applies=_is_many,
        calls=_locks,
    ),
    ExchangeRule(
        name="lock",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: OFD lock",
        commands=_LOCK,
        calls=_locks,
    ),
    ExchangeRule(
        name="resume-key",
        disposition=Disposition.CLIENT,
        reason="the client asks for the key of a server-side copy by itself",
        evidence="cifs-client §1: copy_file_range sends REQUEST_RESUME_KEY and COPYCHUNK",
        answerable=True,
        commands=_IOCTL,
        applies=_has_function(FSCTL_SRV_REQUEST_RESUME_KEY),
    ),
    RunRule(
        name="copy",
        disposition=Disposition.EXACT,
        evidence="[MS-SMB2] 2.2.31.1; cifs-client §1: copy_file_range asks for one key, and sends "
        "COPYCHUNK_WRITEs until all is copied",
        command=Command.IOCTL,
        begins=lambda case: _is_copy(case) and _is_one(_chunks(case.exchange)),
        continues=_goes_on_copying,
        ends=lambda opened: refused(opened.waiting[-1].status),
        complete=lambda _: True,
        call=_copy_whole,
    ),
    ExchangeRule(
        name="copy-ranges",
        disposition=Disposition.EXACT,
        evidence="[MS-SMB2] 2.2.31.1: one request may copy several ranges; cifs-client §1: copy_file_range, "
        "one a range",
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
        evidence="[MS-FSCC] 2.3.71; cifs-client §1: fallocate(ZERO_RANGE), or PUNCH_HOLE of a sparse file",
        commands=_IOCTL,
        applies=_is_range(FSCTL_SET_ZERO_DATA),
        calls=lambda case: (PunchHole(case.opened.handle, *_range(case.exchange)),),
    ),
    ExchangeRule(
        name="allocated-ranges",
        disposition=Disposition.EXACT,
        evidence="[MS-FSCC] 2.3.52; cifs-client §1: FIEMAP",
        commands=_IOCTL,
        applies=_is_range(FSCTL_QUERY_ALLOCATED_RANGES),
        calls=lambda case: (AllocatedRanges(case.opened.handle, *_range(case.exchange)),),
    ),
    ExchangeRule(
        name="sparse",
        disposition=Disposition.CLIENT,
        reason="the client says by itself that a file is sparse, or no longer, before it grows it",
        evidence="cifs-client §1: ftruncate, PUNCH_HOLE, and fallocate of a sparse file send it first",
        answerable=True,
        commands=_IOCTL,
        applies=_has_function(FSCTL_SET_SPARSE),
    ),
    ExchangeRule(
        name="clone",
        disposition=Disposition.UNSUPPORTED,
        reason="block cloning names its source by a handle inside the payload, which is not kept",
        evidence="[MS-FSCC] 2.3.8, FSCTL_DUPLICATE_EXTENTS_TO_FILE",
        commands=_IOCTL,
        applies=_has_function(FSCTL_DUPLICATE_EXTENTS_TO_FILE),
    ),
    ExchangeRule(
        name="control",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: the client's ioctls CIFS_ENUMERATE_SNAPSHOTS and CIFS_IOC_SET_INTEGRITY, "
        "and FS_IOC_SETFLAGS with FS_COMPR_FL, send them for whoever has the file open",
        commands=_IOCTL,
        applies=lambda case: case.found is not None and function_of(case.exchange) in CONTROLS,
        calls=_control,
    ),
    ExchangeRule(
        name="other-ioctl",
        disposition=Disposition.UNSUPPORTED,
        reason="no system call, and no ioctl of an ordinary user, sends this control code",
        evidence="[MS-FSCC] 2.3; fs/smb/client/ioctl.c: only CIFS_QUERY_INFO sends any code, by path and for "
        "CAP_SYS_ADMIN alone",
        no_counterpart=_not_sent,
        commands=_IOCTL,
        detail=_function_name,
    ),
)
