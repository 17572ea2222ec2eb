"""Rules for directories: scans and change notifications."""

from __future__ import annotations

from collections.abc import Sequence

from smbench.lift.rule import Case, ExchangeRule, Opened, RunRule
from smbench.lift.rules.data import several
from smbench.smb2.constants import RETURN_SINGLE_ENTRY, SCAN_AGAIN
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import NotifyRequest, QueryDirectoryRequest
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import Call, List, Notify
from smbench.workload.model import Disposition


def _ask(exchange: Exchange) -> QueryDirectoryRequest:
    request = exchange.request
    return request if isinstance(request, QueryDirectoryRequest) else QueryDirectoryRequest()


def _list(opened: Opened, run: Sequence[Exchange]) -> Call:
    ask = _ask(run[0])
    return List(
        handle=opened.handle,
        pattern=ask.pattern or "*",
        level=ask.level or 0,
        restart=bool((ask.flags or 0) & SCAN_AGAIN),
        output_length=ask.output_length or 0,
        calls=len(run),
        flags=ask.flags or 0,
    )


def _goes_on(opened: Opened, exchange: Exchange) -> bool:
    first, ask = _ask(opened.waiting[0]), _ask(exchange)
    flags = ask.flags or 0
    return (
        exchange.command == Command.QUERY_DIRECTORY
        and exchange.status is not None
        and not flags & (SCAN_AGAIN | RETURN_SINGLE_ENTRY)
        and ask.level == first.level
        and (ask.pattern or "*") in ((first.pattern or "*"), "*")
    )


def _begins(case: Case) -> bool:
    exchange = case.exchange
    return exchange.status == Status.SUCCESS and not (_ask(exchange).flags or 0) & RETURN_SINGLE_ENTRY


def _ends(opened: Opened) -> bool:
    return opened.waiting[-1].status != Status.SUCCESS


_SCANS: tuple[RunRule, ...] = (
    RunRule(
        name="scan",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: one scan of a directory is QUERY_DIRECTORYs until NO_MORE_FILES",
        command=Command.QUERY_DIRECTORY,
        begins=_begins,
        continues=_goes_on,
        ends=_ends,
        complete=lambda opened: several(opened) and _ends(opened),
        call=lambda opened: _list(opened, opened.waiting),
    ),
)


def _notify(case: Case) -> tuple[Call, ...]:
    request = case.exchange.request
    if not isinstance(request, NotifyRequest):
        return ()
    watch = bool(request.watch_tree)
    return (Notify(case.opened.handle, request.filter or 0, watch, request.output_length or 0),)


RULES: tuple[ExchangeRule | RunRule, ...] = (
    *_SCANS,
    ExchangeRule(
        name="list",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: scandir; pattern and class stay in the call",
        commands=frozenset((Command.QUERY_DIRECTORY,)),
        calls=lambda case: (_list(case.opened, (case.exchange,)),),
    ),
    ExchangeRule(
        name="notify",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: CIFS_IOC_NOTIFY keeps filter and depth",
        commands=frozenset((Command.CHANGE_NOTIFY,)),
        calls=_notify,
    ),
)
