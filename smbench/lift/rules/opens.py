"""Rules for CREATE and CLOSE by themselves, where they are not one call (`whole_opens.py`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smbench.lift.rule import Case, ExchangeRule, Opened, refused
from smbench.smb2.constants import ALL_INFORMATION, INFO_FILE, OPENED, SHARE_ALL
from smbench.smb2.leases import lease_of
from smbench.trace.messages import CloseRequest, CreateRequest, CreateResponse, QueryInfoRequest
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import Call, Close, Create, Open, SetEa
from smbench.workload.model import Disposition
from smbench.workload.parameters import IMPLIED, OF_CREATE

_CLIENT_CONTEXTS = frozenset(("RqLs", "DHnQ", "DH2Q", "DHnC", "DH2C", "MxAc", "QFid", "AAPL"))
"""CREATE contexts that are kept, or that a client adds and uses by itself ([MS-SMB2] 2.2.13.2)."""
_SNAPSHOT = "TWrp"


def eas_of(request: CreateRequest) -> list[tuple[str, int]]:
    """The extended attributes that a CREATE brings: names, and lengths of values."""
    return list(zip(request.ea_names, request.ea_lengths, strict=True))


def brings_eas(request: CreateRequest) -> bool:
    """Whether a CREATE brings extended attributes that are known."""
    return bool(request.ea_lengths) and len(request.ea_names) == len(request.ea_lengths)


def lost_contexts(request: CreateRequest) -> list[str]:
    """The CREATE contexts that no call keeps."""
    kept = _CLIENT_CONTEXTS | {"ExtA"} if brings_eas(request) else _CLIENT_CONTEXTS
    return sorted(set(request.contexts) - kept)


def _has_snapshot(case: Case) -> bool:
    request = case.exchange.request
    return isinstance(request, CreateRequest) and (
        _SNAPSHOT in request.contexts or request.snapshot_ns is not None
    )


def _has_lost_contexts(case: Case) -> bool:
    request = case.exchange.request
    return isinstance(request, CreateRequest) and bool(lost_contexts(request))


def _lost_names(case: Case) -> str:
    request = case.exchange.request
    return ", ".join(lost_contexts(request)) if isinstance(request, CreateRequest) else ""


def create_of(request: CreateRequest, kind: type[Call] = Open) -> Create:
    """What a CREATE asks for, as far as a call of that kind keeps it."""
    told = {
        "access": request.access or 0,
        "share_access": SHARE_ALL if request.share_access is None else request.share_access,
        "disposition": request.disposition or 0,
        "options": request.options or 0,
        "attributes": request.attributes or 0,
        "oplock": request.oplock or 0,
        "lease_state": request.lease_state or 0,
        "lease_key": request.lease_key or "",
        "parent_lease_key": request.parent_lease_key or "",
        "lease_version": 1 if request.lease_epoch is None else 2,
        "contexts": ",".join(request.contexts),
        "impersonation": 2 if request.impersonation is None else request.impersonation,
    }
    kept: dict[str, Any] = {name: told[name] for name in OF_CREATE[kind]}
    return replace(IMPLIED[kind], **kept)


def open_call(opened: Opened) -> Open:
    """The Open that a CREATE asks for, with the wire's numbers."""
    compound = opened.create is not None and opened.create.compound is not None
    return Open(
        opened.handle,
        opened.path,
        create_of(opened.request),
        opened.directory,
        compound,
        granted=_granted(opened),
    )


def _granted(opened: Opened) -> int | None:
    response = None if opened.create is None else opened.create.response
    if not isinstance(response, CreateResponse) or opened.failed:
        return None
    return lease_of(response.oplock, response.lease_state)


def close_call(case: Case) -> tuple[Call, ...]:
    """The Close, with its flags."""
    request = case.exchange.request
    flags = request.flags if isinstance(request, CloseRequest) else None
    return (Close(case.opened.handle, flags or 0),)


def _open(case: Case) -> tuple[Call, ...]:
    """With the extended attributes that the CREATE brings, which a file that was there does not take
    ([MS-FSA] 2.1.5.1.2)."""
    call, response = open_call(case.opened), case.exchange.response
    kept = isinstance(response, CreateResponse) and response.action == OPENED
    if kept or refused(case.exchange.status) or not brings_eas(case.opened.request):
        return (call,)
    return (call, *(SetEa(call.handle, name, length) for name, length in eas_of(case.opened.request)))


def _brings_eas(case: Case) -> bool:
    return brings_eas(case.opened.request)


def _not_beside_a_refused_open(exchange: Exchange) -> str:
    """The client's compounds: open, (question for class 18 | SET_INFO by name | scan), close."""
    request = exchange.request
    if exchange.command in (Command.CLOSE, Command.SET_INFO, Command.QUERY_DIRECTORY):
        return ""
    if isinstance(request, QueryInfoRequest) and (request.info_type, request.level) == (
        INFO_FILE,
        ALL_INFORMATION,
    ):
        return ""
    return "the client sends nothing of this kind along with an open that may be refused"


RULES: tuple[ExchangeRule, ...] = (
    ExchangeRule(
        name="rest-of-failed-compound",
        disposition=Disposition.CLIENT,
        reason="the rest of a compound whose CREATE was refused: the client sends it along",
        evidence="[MS-SMB2] 3.3.5.2.7.2: related requests fail with the first one's status",
        answerable=True,
        no_counterpart=_not_beside_a_refused_open,
        applies=lambda case: (
            case.found is not None and case.found.failed and case.exchange.command != Command.CREATE
        ),
    ),
    ExchangeRule(
        name="open-snapshot",
        disposition=Disposition.APPROXIMATE,
        reason="a previous version is replayed as a file of its own below a folder named by its time",
        evidence="[MS-SMB2] 2.2.13.2.7: TWrp; a target has no snapshots of the captured server",
        commands=frozenset((Command.CREATE,)),
        applies=_has_snapshot,
        calls=_open,
    ),
    ExchangeRule(
        name="open-contexts",
        disposition=Disposition.APPROXIMATE,
        reason="opened without the CREATE contexts",
        evidence="[MS-SMB2] 2.2.13.2: their payload is not kept, and no POSIX call carries them",
        commands=frozenset((Command.CREATE,)),
        applies=_has_lost_contexts,
        calls=_open,
        detail=_lost_names,
    ),
    ExchangeRule(
        name="open-with-eas",
        disposition=Disposition.APPROXIMATE,
        reason="the extended attributes that the CREATE brings are set after it",
        evidence="[MS-SMB2] 2.2.13.2.1, SMB2_CREATE_EA_BUFFER",
        commands=frozenset((Command.CREATE,)),
        applies=_brings_eas,
        calls=_open,
    ),
    ExchangeRule(
        name="open",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: open; every number of the CREATE stays in the call",
        commands=frozenset((Command.CREATE,)),
        calls=_open,
    ),
    ExchangeRule(
        name="close",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: close",
        commands=frozenset((Command.CLOSE,)),
        calls=close_call,
    ),
)
