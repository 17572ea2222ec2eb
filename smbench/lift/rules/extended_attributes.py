"""Rules for extended attributes: asked for by name, as the Linux client does it, and set on an open. What a
CREATE brings is in `opens.py`."""

from __future__ import annotations

from smbench.lift.rule import Case, ExchangeRule, Opened, OpenRule, Rule
from smbench.lift.rules.set_info import set_of
from smbench.lift.rules.whole_opens import stat_call
from smbench.smb2.constants import FILE_READ_EA, FILE_WRITE_EA, FULL_EA, INFO_FILE, OPEN
from smbench.trace.messages import QueryInfoRequest
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import Call, SetEa
from smbench.workload.model import Disposition

_SETS = frozenset((Command.SET_INFO,))


def _by_name(opened: Opened, access: int) -> bool:
    """Whether the Linux client opens a file only to send one question or change with it."""
    create, request = opened.create, opened.request
    return (
        opened.linux
        and create is not None
        and create.compound is not None
        and request.access == access
        and request.disposition == OPEN
    )


def sets_ea_by_name(opened: Opened) -> bool:
    """Whether the client opens a file only to set an extended attribute of it."""
    return _by_name(opened, FILE_WRITE_EA)


def _asks_eas(exchange: Exchange) -> bool:
    request = exchange.request
    return (
        exchange.command == Command.QUERY_INFO
        and isinstance(request, QueryInfoRequest)
        and (request.info_type, request.level) == (INFO_FILE, FULL_EA)
    )


EA_LOOK_BEFORE = Rule(
    name="look-before-set-ea",
    disposition=Disposition.CLIENT,
    reason="the client asks by itself for the extended attributes before it sets one",
    evidence="cifs-client §1: to set is CREATE (READ_EA), QUERY_INFO (15) and CLOSE, then CREATE (WRITE_EA), "
    "SET_INFO (15) and CLOSE (fs/smb/client/smb2ops.c, smb2_set_ea: is there room for one more?)",
    answerable=True,
)
"""Told by what comes after it (`smbench.lift.recogniser`); its call is a Stat."""


def _sets_eas(case: Case) -> bool:
    request = set_of(case.exchange)
    return (
        (request.info_type, request.level) == (INFO_FILE, FULL_EA)
        and bool(request.ea_names)
        and len(request.ea_names) == len(request.ea_lengths)
    )


def _sets_several(case: Case) -> bool:
    return _sets_eas(case) and len(set_of(case.exchange).ea_names) > 1


def _set(case: Case) -> tuple[Call, ...]:
    request, handle = set_of(case.exchange), case.opened.handle
    pairs = zip(request.ea_names, request.ea_lengths, strict=True)
    return tuple(SetEa(handle, name, length) for name, length in pairs)


RULES: tuple[OpenRule | ExchangeRule | Rule, ...] = (
    OpenRule(
        name="ask-eas",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: to get or list is CREATE (READ_EA), QUERY_INFO (15), CLOSE",
        undecided_for=4,  # its other threads come between
        undecided_if_done=True,
        begins=lambda opened: _by_name(opened, FILE_READ_EA),
        body=_asks_eas,
        longest=1,
        complete=lambda opened: len(opened.body) == 1,
        call=stat_call,
    ),
    ExchangeRule(
        name="set-eas",
        disposition=Disposition.APPROXIMATE,
        reason="extended attributes that one request sets are set by a call each",
        evidence="cifs-client §2: setxattr `user.*`, one a call",
        commands=_SETS,
        applies=_sets_several,
        calls=_set,
    ),
    ExchangeRule(
        name="set-attributes-ea",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: setxattr `user.*`, one a call",
        commands=_SETS,
        applies=_sets_eas,
        calls=_set,
    ),
    EA_LOOK_BEFORE,
)
