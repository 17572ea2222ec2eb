"""The table of lift rules, in the order in which they are asked.

Rules of single exchanges that stand above the patterns judge each exchange at once: what the client
does by itself, and what cannot be replayed. Then come the patterns: of a whole open, and of runs.
Below them stand the rules for single exchanges that no pattern took. The last row takes what is left,
so that every exchange meets one rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from smbench.lift.rule import ExchangeRule, OpenRule, Rule, RunRule
from smbench.lift.rules.control import REFUSALS
from smbench.lift.rules.data import DATA, PIPELINES
from smbench.lift.rules.directories import DIRECTORIES, SCANS
from smbench.lift.rules.linux import LINUX_OPENS, LINUX_RETRIES, LINUX_RUNS
from smbench.lift.rules.metadata import METADATA
from smbench.lift.rules.opens import OPENS, WHOLE_OPENS
from smbench.lift.rules.ranges import RANGES
from smbench.trace.model import COMMAND_NAMES, command_name
from smbench.workload.model import Disposition

LEFT_OVER = ExchangeRule(
    name="unknown-command",
    disposition=Disposition.UNSUPPORTED,
    reason="no dialect defines this command",
    evidence="[MS-SMB2] 2.2.1.2; the rows above take every command that is defined",
    detail=lambda case: command_name(case.exchange.command),
)

OPENED_BEFORE = Rule(
    name="opened-before-capture",
    disposition=Disposition.APPROXIMATE,
    reason="the open is not in the capture: it is made up from what is done with the file",
    evidence="a handle in use whose CREATE the capture lacks; stands for no exchange",
)
CLOSED_WITH_TREE = Rule(
    name="closed-with-tree",
    disposition=Disposition.EXACT,
    evidence="[MS-SMB2] 3.3.5.6, 3.3.5.8: LOGOFF and TREE_DISCONNECT close every open; for no exchange",
)

CLOSED_BY_SERVER = Rule(
    name="closed-by-server",
    disposition=Disposition.EXACT,
    evidence="[MS-SMB2] 3.3.5.2.10: FILE_CLOSED for a handle that was open; for no exchange",
)

RULES: tuple[Rule, ...] = (
    *REFUSALS, *LINUX_OPENS, *WHOLE_OPENS, *LINUX_RUNS, *PIPELINES, *SCANS, *LINUX_RETRIES, *OPENS, *DATA,
    *RANGES, *METADATA, *DIRECTORIES, LEFT_OVER,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """The rules, looked up by what they are asked for."""

    first: dict[int, tuple[ExchangeRule, ...]] = field(default_factory=dict)
    """By command: the rules above the patterns."""
    patterns: tuple[OpenRule, ...] = ()
    runs: dict[int, tuple[RunRule, ...]] = field(default_factory=dict)
    """By command of the first exchange."""
    then: dict[int, tuple[ExchangeRule, ...]] = field(default_factory=dict)
    """By command: the rules below the patterns."""
    unknown: tuple[ExchangeRule, ...] = ()
    """For commands that no dialect defines."""


def table_of(rules: tuple[Rule, ...]) -> Table:
    """The look-up table of an ordered list of rules."""
    start = next((at for at, rule in enumerate(rules) if isinstance(rule, OpenRule)), len(rules))
    above = [rule for rule in rules[:start] if isinstance(rule, ExchangeRule)]
    below = [rule for rule in rules[start:] if isinstance(rule, ExchangeRule)]
    return Table(
        first={command: _of(above, command) for command in COMMAND_NAMES},
        patterns=tuple(rule for rule in rules if isinstance(rule, OpenRule)),
        runs={
            command: tuple(rule for rule in rules if isinstance(rule, RunRule) and rule.command == command)
            for command in {rule.command for rule in rules if isinstance(rule, RunRule)}
        },
        then={command: _of(below, command) for command in COMMAND_NAMES},
        unknown=tuple(rule for rule in (*above, *below) if not rule.commands),
    )


def _of(rules: list[ExchangeRule], command: int) -> tuple[ExchangeRule, ...]:
    return tuple(rule for rule in rules if not rule.commands or command in rule.commands)


TABLE = table_of(RULES)
