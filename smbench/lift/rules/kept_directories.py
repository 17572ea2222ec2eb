"""The directories that a client of Linux keeps open under a lease, to answer its callers from memory.

It opens one by itself when it is first read, and closes it when the lease is broken or after a while. They
stand above the rules of single exchanges: such an open is no caller's.
"""

from __future__ import annotations

from smbench.lift.rule import Applies, Calls, Case, ExchangeRule, Opened, Rule
from smbench.lift.rules.opens import close_call, open_call
from smbench.lift.rules.query_info import stat_handle
from smbench.smb2.constants import (
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    FILE_READ_EA,
    OPEN,
)
from smbench.trace.model import Command, Exchange
from smbench.workload.model import Disposition

_ACCESS = FILE_READ_DATA | FILE_READ_EA | FILE_READ_ATTRIBUTES
_CONTEXTS = {"RqLs", "QFid"}
_EVIDENCE = (
    "fs/smb/client/cached_dir.c, open_cached_dir: one compound of CREATE (RqLs, QFid) and QUERY_INFO, where "
    "the server leases directories; the handle stays open: cifs-client §7"
)
_REASON = "the client keeps directories open by itself, to answer from memory"


def keeps_directory(opened: Opened) -> bool:
    """Whether the client opened a directory to keep it."""
    request, create = opened.request, opened.create
    return (
        opened.linux
        and not opened.failed
        and request.access == _ACCESS
        and request.disposition == OPEN
        and bool((request.options or 0) & DIRECTORY_FILE)
        and {*request.contexts} >= _CONTEXTS
        and create is not None
        and create.compound is not None
    )


def _opens_to_keep(case: Case) -> bool:
    exchange, opened = case.exchange, case.found
    again = exchange.retransmission or exchange.replayed
    return opened is not None and not again and opened.create is exchange and keeps_directory(opened)


def _of_kept(case: Case) -> bool:
    return case.found is not None and keeps_directory(case.found) and _is_its_own(case.found, case.exchange)


def _is_its_own(opened: Opened, exchange: Exchange) -> bool:
    """Not what a caller asks by that open."""
    if exchange.command == Command.CLOSE:
        return True
    return opened.create is not None and exchange.compound == opened.create.compound


CLOSED_WHILE_KEPT = Rule(
    name="kept-directory-closed",
    disposition=Disposition.CLIENT,
    reason=_REASON,
    evidence="[MS-SMB2] 3.3.5.6, 3.3.5.8: LOGOFF and TREE_DISCONNECT close what is kept; for no exchange",
    answerable=True,
)
"""What the server closes of it without being asked to is no caller's close either; it takes no exchange."""


def _rule(name: str, command: Command, applies: Applies, calls: Calls) -> ExchangeRule:
    return ExchangeRule(
        name=name, disposition=Disposition.CLIENT, reason=_REASON, evidence=_EVIDENCE, answerable=True,
        commands=frozenset((command,)), applies=applies, calls=calls,
    )  # fmt: skip


RULES: tuple[Rule, ...] = (
    CLOSED_WHILE_KEPT,
    _rule("directory-kept", Command.CREATE, _opens_to_keep, lambda case: (open_call(case.opened),)),
    _rule("look-at-kept-directory", Command.QUERY_INFO, _of_kept, stat_handle),
    _rule("close-of-kept-directory", Command.CLOSE, _of_kept, close_call),
)
