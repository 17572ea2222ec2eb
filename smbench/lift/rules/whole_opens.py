"""Rules for opens that are one call from CREATE to CLOSE: stats, removals, new directories."""

from __future__ import annotations

from smbench.lift.rule import Opened, OpenRule
from smbench.lift.rules.opens import brings_eas, create_of, lost_contexts
from smbench.smb2.constants import (
    CREATE,
    DATA_ACCESS,
    DELETE,
    DELETE_ON_CLOSE,
    DIRECTORY_FILE,
    DISPOSITION,
    DISPOSITIONS,
    FULL_EA,
    INFO_FILE,
    LOOK_ONLY,
    NON_DIRECTORY_FILE,
    OPEN,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import QueryInfoRequest, SetInfoRequest
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import Call, MakeDirectory, RemoveDirectory, Stat, Unlink
from smbench.workload.model import Disposition

_OF_THE_NAME = frozenset(
    (
        Status.OBJECT_NAME_NOT_FOUND,
        Status.OBJECT_PATH_NOT_FOUND,
        Status.OBJECT_NAME_COLLISION,
        Status.OBJECT_NAME_INVALID,
        Status.OBJECT_PATH_SYNTAX_BAD,
        Status.NO_SUCH_FILE,
        Status.ACCESS_DENIED,
        Status.SHARING_VIOLATION,
        Status.DELETE_PENDING,
        Status.CANNOT_DELETE,
        Status.NOT_A_DIRECTORY,
        Status.FILE_IS_A_DIRECTORY,
        None,
    )
)
"""Refusals that follow from what the name stands for. Others follow from the CREATE's parameters (a lease
on a directory, an impossible option): only an Open keeps those."""


def _is_plain(opened: Opened) -> bool:
    """Whether a call without the CREATE's further parameters can have the same outcome."""
    status = None if opened.create is None else opened.create.status
    keeps_all = not (lost_contexts(opened.request) or brings_eas(opened.request))
    return (not opened.failed or status in _OF_THE_NAME) and keeps_all


def asks_attributes(exchange: Exchange) -> bool:
    """Whether this is a question about the file's attributes, not about extended ones."""
    request = exchange.request
    return (
        exchange.command == Command.QUERY_INFO
        and isinstance(request, QueryInfoRequest)
        and request.info_type == INFO_FILE
        and request.level != FULL_EA
    )


def opens_for_attributes(opened: Opened) -> bool:
    """Whether the CREATE asks for no more than to see what is there."""
    request = opened.request
    options = request.options or 0
    return (
        bool(request.access)
        and not (request.access or 0) & ~LOOK_ONLY
        and request.disposition == OPEN
        and not options & DELETE_ON_CLOSE
        and not (opened.failed and options & (DIRECTORY_FILE | NON_DIRECTORY_FILE))
        and _is_plain(opened)
    )


def _is_one_compound(opened: Opened) -> bool:
    compounds = {exchange.compound for exchange in opened.waiting}
    return len(compounds) == 1 and None not in compounds


def _remove(call: type[Unlink | RemoveDirectory], opened: Opened) -> Call:
    levels = [
        exchange.request.level
        for exchange in opened.body
        if isinstance(exchange.request, SetInfoRequest) and exchange.request.level
    ]
    return call(
        opened.path,
        _on_close(opened),
        create_of(opened.request, call),
        compound=_is_one_compound(opened),
        level=levels[0] if levels else DISPOSITION,
    )


def _make_directory(opened: Opened) -> Call:
    return MakeDirectory(
        opened.path, create_of(opened.request, MakeDirectory), compound=_is_one_compound(opened)
    )


def stat_call(opened: Opened) -> Call:
    """The Stat that an open stands for which only asks for attributes."""
    levels = tuple(
        exchange.request.level
        for exchange in opened.body
        if isinstance(exchange.request, QueryInfoRequest) and exchange.request.level is not None
    )
    return Stat(opened.path, levels, create_of(opened.request, Stat), _is_one_compound(opened))


def removal_call(opened: Opened) -> Call:
    """The removal that an open stands for which only removes."""
    return _remove(RemoveDirectory if opened.directory else Unlink, opened)


def may_delete(opened: Opened) -> bool:
    """Whether the CREATE asks for no more than to remove what is there."""
    request = opened.request
    access = request.access or 0
    return (
        bool(access & DELETE)
        and not access & DATA_ACCESS
        and request.disposition == OPEN
        and _is_plain(opened)
    )


def deletes(exchange: Exchange) -> bool:
    """Whether this is the request that a file be removed."""
    request = exchange.request
    return (
        exchange.command == Command.SET_INFO
        and isinstance(request, SetInfoRequest)
        and request.info_type == INFO_FILE
        and request.level in DISPOSITIONS
        and request.delete is True
    )


def is_removal(opened: Opened) -> bool:
    """By the option, or by one disposition; both at once is no call's doing."""
    asked = sum(map(deletes, opened.body))
    return asked == (0 if (opened.request.options or 0) & DELETE_ON_CLOSE else 1)


def _removes_directory(opened: Opened) -> bool:
    return opened.directory and is_removal(opened)


def _removes_file(opened: Opened) -> bool:
    return not opened.directory and is_removal(opened)


def _on_close(opened: Opened) -> bool:
    return bool((opened.request.options or 0) & DELETE_ON_CLOSE)


def _makes_directory(opened: Opened) -> bool:
    request = opened.request
    options = request.options or 0
    return (
        bool(options & DIRECTORY_FILE)
        and not options & DELETE_ON_CLOSE
        and request.disposition == CREATE
        and _is_plain(opened)
    )


def _removal_or_question(exchange: Exchange) -> bool:
    return deletes(exchange) or asks_attributes(exchange)


RULES: tuple[OpenRule, ...] = (
    OpenRule(
        name="stat",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: STATOPEN is one compound of CREATE(0x80), QUERY_INFO and CLOSE; "
        "Windows sends the three one by one, or leaves the QUERY_INFO out",
        undecided_for=4,  # before a rename, its client looks for both names; its other threads come between
        begins=opens_for_attributes,
        body=asks_attributes,
        longest=4,
        call=stat_call,
    ),
    OpenRule(
        name="rmdir",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: CREATE(DELETE, DIRECTORY)+SET_INFO(Disposition)+CLOSE",
        begins=may_delete,
        body=deletes,
        longest=1,
        complete=_removes_directory,
        call=lambda opened: _remove(RemoveDirectory, opened),
    ),
    OpenRule(
        name="unlink",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1 and §2: CREATE(DELETE, DELETE_ON_CLOSE)+CLOSE, or SET_INFO(Disposition)",
        undecided_for=0,
        begins=may_delete,
        body=deletes,
        longest=1,
        complete=_removes_file,
        call=lambda opened: _remove(Unlink, opened),
    ),
    OpenRule(
        name="rmdir-after-look",
        disposition=Disposition.APPROXIMATE,
        reason="the attributes that were asked for on the removing handle are not asked for again",
        evidence="Windows asks for attributes before it sets the disposition",
        begins=may_delete,
        body=_removal_or_question,
        longest=4,
        complete=_removes_directory,
        call=lambda opened: _remove(RemoveDirectory, opened),
    ),
    OpenRule(
        name="unlink-after-look",
        disposition=Disposition.APPROXIMATE,
        reason="the attributes that were asked for on the removing handle are not asked for again",
        evidence="Windows asks for attributes before it sets the disposition",
        begins=may_delete,
        body=_removal_or_question,
        longest=4,
        complete=_removes_file,
        call=lambda opened: _remove(Unlink, opened),
    ),
    OpenRule(
        name="mkdir",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: CREATE(CREATE, DIRECTORY)+CLOSE",
        begins=_makes_directory,
        longest=0,
        call=_make_directory,
    ),
)
