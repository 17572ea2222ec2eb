"""The rule for what is asked for on an open that the captured server had lost: by a restart, or with its
session."""

from __future__ import annotations

from smbench.lift.rule import Case, ExchangeRule, Rule
from smbench.lift.rules import data, query_info, ranges, set_info
from smbench.lift.rules.control import NO_SUCH_HANDLE, SENT_WHEN_LOST
from smbench.workload.calls import Call
from smbench.workload.model import Disposition

_IF_OPEN: tuple[Rule, ...] = (*data.RULES, *ranges.RULES, *query_info.RULES, *set_info.RULES)
"""The rules of the commands that are sent all the same."""


def _as_if_open(case: Case) -> tuple[Call, ...]:
    for rule in _IF_OPEN:
        if (
            isinstance(rule, ExchangeRule)
            and case.exchange.command in rule.commands
            and (rule.applies is None or rule.applies(case))
        ):
            return () if rule.calls is None else rule.calls(case)
    return ()


RULES: tuple[ExchangeRule, ...] = (
    ExchangeRule(
        name="lost-open",
        disposition=Disposition.APPROXIMATE,
        reason="the captured server had lost the open by then; the replay's has it still, and grants it",
        evidence="[MS-SMB2] 3.3.5.2.10; cifs-client §8: seen after a server's restart",
        commands=SENT_WHEN_LOST,
        applies=lambda case: (
            case.found is not None and not case.found.failed and case.exchange.status in NO_SUCH_HANDLE
        ),
        calls=_as_if_open,
    ),
)
