"""Rules for byte ranges: locks, server-side copies, holes, and the other control codes of a file."""

from __future__ import annotations

from smbench.lift.rule import Applies, Case, ExchangeRule, refused
from smbench.lift.rules.control import function_of
from smbench.smb2.constants import (
    FSCTL_DUPLICATE_EXTENTS_TO_FILE,
    FSCTL_QUERY_ALLOCATED_RANGES,
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
from smbench.trace.messages import IoctlRequest, LockRequest
from smbench.trace.model import Command, Exchange
from smbench.trace.values import LockElement
from smbench.workload.calls import AllocatedRanges, Call, CopyRange, Lock, PunchHole, Unlock
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


def _copies(case: Case) -> tuple[Call, ...]:
    request = case.exchange.request
    if not isinstance(request, IoctlRequest):
        return ()
    source = case.context.source_of(request.resume_key)
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

RULES: tuple[ExchangeRule, ...] = (
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
    ExchangeRule(
        name="copy",
        disposition=Disposition.EXACT,
        evidence="[MS-SMB2] 2.2.31.1; cifs-client §1: copy_file_range, one a chunk",
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
        evidence="[MS-FSCC] 2.3.71; cifs-client §1: fallocate(PUNCH_HOLE or ZERO_RANGE)",
        commands=_IOCTL,
        applies=_is_range(FSCTL_SET_ZERO_DATA),
        calls=lambda case: (PunchHole(case.opened.handle, *_range(case.exchange)),),
    ),
    ExchangeRule(
        name="allocated-ranges",
        disposition=Disposition.EXACT,
        evidence="[MS-FSCC] 2.3.52; cifs-client §1: FIEMAP, SEEK_DATA",
        commands=_IOCTL,
        applies=_is_range(FSCTL_QUERY_ALLOCATED_RANGES),
        calls=lambda case: (AllocatedRanges(case.opened.handle, *_range(case.exchange)),),
    ),
    ExchangeRule(
        name="sparse",
        disposition=Disposition.CLIENT,
        reason="the client marks a file sparse by itself before it grows it or punches holes",
        evidence="cifs-client §1: ftruncate and PUNCH_HOLE send SET_SPARSE first",
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
        name="other-ioctl",
        disposition=Disposition.UNSUPPORTED,
        reason="no call of a file system sends this control code",
        evidence="[MS-FSCC] 2.3",
        commands=_IOCTL,
        detail=_function_name,
    ),
)
