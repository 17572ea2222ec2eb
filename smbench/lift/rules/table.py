"""The table of lift rules, in the order in which they are asked.

A family is a file with its `RULES`; a rule that is added there is in the table. Rules of single exchanges
that stand above the patterns (the family `control`) judge each exchange at once: what the client does by
itself, and what cannot be replayed. Then come the patterns: of a whole open, and of runs. Below them stand
the rules for single exchanges that no pattern took. The last row takes what is left, so that every exchange
meets one rule. Rules that are no pattern take what later exchanges tell of, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from smbench.errors import UsageError
from smbench.lift.rule import ExchangeRule, OpenRule, Rule, RunRule
from smbench.lift.rules import (
    control,
    data,
    directories,
    extended_attributes,
    implied,
    kept_directories,
    linux,
    linux_names,
    linux_ranges,
    lost,
    opens,
    query_info,
    ranges,
    set_info,
    whole_opens,
)
from smbench.quoting import quoted
from smbench.trace.model import COMMAND_NAMES, command_name
from smbench.trace.store import REMEDY
from smbench.workload.model import Disposition

FAMILIES: tuple[tuple[Rule, ...], ...] = tuple(
    family.RULES
    for family in (
        kept_directories,
        control,
        linux,
        linux_names,
        linux_ranges,
        whole_opens,
        lost,
        opens,
        data,
        ranges,
        query_info,
        extended_attributes,
        set_info,
        directories,
        implied,
    )
)

LEFT_OVER = ExchangeRule(
    name="unknown-command",
    disposition=Disposition.UNSUPPORTED,
    reason="no dialect defines this command",
    evidence="[MS-SMB2] 2.2.1.2; the rows above take every command that is defined",
    no_counterpart="no client sends a command that is not defined",
    detail=lambda case: command_name(case.exchange.command),
)

RULES: tuple[Rule, ...] = (*chain.from_iterable(FAMILIES), LEFT_OVER)
_BY_NAME = {rule.name: rule for rule in RULES}


def rule_named(name: str, source: Path) -> Rule:
    """The rule of that name, as `source` (a workload's coverage) stores it. UsageError where this version has
    none: nothing would say what it counts for."""
    rule = _BY_NAME.get(name)
    if rule is None:
        raise UsageError(
            f"{source} has exchanges of the lift rule {quoted(name)}, which this version does not have: "
            f"{REMEDY}"
        )
    return rule


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
