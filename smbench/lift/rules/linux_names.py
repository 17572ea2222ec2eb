"""How the Linux kernel's client (cifs.ko) removes and renames what it is refused, or what is open.

What it tries by itself belongs to the call that it was refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from smbench.lift.rule import Case, ExchangeRule, Opened, OpenRule, Rule
from smbench.lift.rules.linux import opens_to_set
from smbench.lift.rules.opens import open_call
from smbench.lift.rules.set_info import rename_calls, rename_target_of, set_of
from smbench.lift.rules.whole_opens import deletes, is_removal, may_delete, removal_call
from smbench.smb2.constants import BASIC, INFO_FILE, RENAMES
from smbench.smb2.paths import HIDDEN_NAME
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import Call, Close, SetAttributes
from smbench.workload.model import Disposition

_RETRIES = "fs/smb/client/inode.c, cifs_unlink: what is not to be removed is made writable and removed again"
REMOVAL_REFUSED = Rule(
    name="removal-refused",
    disposition=Disposition.CLIENT,
    reason="the client is refused an unlink, makes the file writable and tries again by itself",
    evidence=_RETRIES,
    answerable=True,
)
"""Told by what comes after it, as LOOK_BEFORE; its call is the Unlink that was refused."""


def _hides(exchange: Exchange) -> bool:
    """Whether it sets a file's attributes."""
    request = set_of(exchange)
    return request.info_type == INFO_FILE and request.level == BASIC and bool(request.attributes)


def renames_away(exchange: Exchange) -> bool:
    """Whether it gives a file the name of one that is removed while it is open."""
    request = set_of(exchange)
    name = (request.target or "").replace("\\", "/").rpartition("/")[2]
    return request.info_type == INFO_FILE and request.level in RENAMES and name.startswith(HIDDEN_NAME)


_BY_RENAMING = (_hides, renames_away, deletes)


def _removes_by_renaming(opened: Opened) -> bool:
    body = opened.body
    return len(body) == len(_BY_RENAMING) and all(
        step(exchange) for step, exchange in zip(_BY_RENAMING, body, strict=True)
    )


def makes_removable(opened: Opened) -> bool:
    """Whether the client opens by itself what it was not to remove, to make it writable."""
    return opens_to_set(opened) and opened.retries_removal


def confirm_retry(opened: Opened, cases: Sequence[Case]) -> None:
    """Now that more of an open has come: whether it is a denied rename's next try."""
    if opened.renamed_before is not None and opened.renamed_before not in map(rename_target_of, cases):
        opened.renamed_before = None


def _renames_again(case: Case) -> bool:
    exchange, opened = case.exchange, case.found
    if opened is None or opened.failed or opened.renamed_before is None:
        return False
    return exchange.command != Command.SET_INFO or set_of(exchange).level in RENAMES


def _rename_again(case: Case) -> tuple[Call, ...]:
    return rename_calls(case) if case.exchange.command == Command.SET_INFO else _brief(case)


def _brief(case: Case) -> tuple[Call, ...]:
    """The open, or its close, of what a client does in one message."""
    opened = case.opened
    return (open_call(opened) if case.exchange.command == Command.CREATE else Close(opened.handle),)


def _is_of_retry(case: Case) -> bool:
    exchange = case.exchange
    if case.found is None or case.found.failed or not makes_removable(case.found):
        return False
    return exchange.command != Command.SET_INFO or set_of(exchange).level == BASIC


def _retry(case: Case) -> tuple[Call, ...]:
    if case.exchange.command != Command.SET_INFO:
        return _brief(case)
    return (SetAttributes(case.opened.handle, set_of(case.exchange).attributes or 0),)


_OPENS: tuple[OpenRule, ...] = (
    OpenRule(
        name="unlink-by-renaming",
        disposition=Disposition.EXACT,
        evidence="cifs-client §7: from 7.2 on the client hides, renames and removes a file that is open; "
        "fs/smb/client/inode.c, cifs_unlink with a silly name",
        begins=lambda opened: opened.linux and may_delete(opened),
        body=lambda exchange: any(step(exchange) for step in _BY_RENAMING),
        longest=len(_BY_RENAMING),
        complete=_removes_by_renaming,
        call=removal_call,
    ),
    OpenRule(
        name="removal-for-rename",
        disposition=Disposition.CLIENT,
        reason="the client is denied a rename, and removes what has the new name by itself",
        evidence="cifs-client §6; fs/smb/client/inode.c, cifs_rename2",
        answerable=True,
        begins=lambda opened: opened.removed_for_rename and may_delete(opened),
        body=deletes,
        longest=1,
        complete=is_removal,
        call=removal_call,
    ),
)

_OF_RETRIES: tuple[ExchangeRule, ...] = (
    ExchangeRule(
        name="make-removable",
        disposition=Disposition.CLIENT,
        reason=REMOVAL_REFUSED.reason,
        evidence=_RETRIES,
        answerable=True,
        commands=frozenset((Command.CREATE, Command.SET_INFO, Command.CLOSE)),
        applies=_is_of_retry,
        calls=_retry,
    ),
    ExchangeRule(
        name="rename-again",
        disposition=Disposition.CLIENT,
        reason="the client is denied a rename, and tries it again by itself",
        evidence="cifs-client §1, §6; fs/smb/client/inode.c, cifs_rename2: three times more, and once more "
        "when the target is removed",
        answerable=True,
        commands=frozenset((Command.CREATE, Command.SET_INFO, Command.CLOSE)),
        applies=_renames_again,
        calls=_rename_again,
    ),
)

RULES: tuple[Rule, ...] = (*_OPENS, *_OF_RETRIES, REMOVAL_REFUSED)
