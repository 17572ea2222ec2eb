"""The table as a whole: what holds for every rule, whichever file it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from smbench.errors import UsageError
from smbench.lift.rule import ExchangeRule, Rule
from smbench.lift.rules.table import FAMILIES, RULES, rule_named, table_of
from smbench.lift.vocabulary import WORDS
from smbench.trace.model import Command
from smbench.workload.model import Disposition

COVERAGE = Path("a.workload/coverage.parquet")


def test_every_rule_is_named_once_and_says_why() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert rule.evidence
        if rule.disposition is not Disposition.EXACT:
            assert rule.reason or rule.name == "infrastructure"


def test_a_rule_of_what_the_client_does_says_whether_a_replay_is_answerable_for_it() -> None:
    with pytest.raises(TypeError, match="new-habit: say whether a replay is `answerable`"):
        ExchangeRule(name="new-habit", disposition=Disposition.CLIENT, evidence="seen")
    for answerable in (True, False):
        rule = Rule(name="new", disposition=Disposition.CLIENT, evidence="seen", answerable=answerable)
        assert rule.answerable is answerable
    for disposition in set(Disposition) - {Disposition.CLIENT}:
        assert Rule(name="new", disposition=disposition, evidence="seen").answerable is True


@pytest.mark.parametrize(
    ("answerable", "names"),
    [
        (False, "session-setup echo cancel lease-break infrastructure session-gone retransmission"),
        (False, "channel-replay durable-reconnect mount-probe mount-look pipe"),
        (True, "look-after-mkdir look-before removal-refused make-removable flush-before resume-key sparse"),
        (True, "rest-of-failed-compound printer open cut unknown-command opened-before-capture"),
    ],
)
def test_what_a_replay_is_answerable_for(answerable: bool, names: str) -> None:
    """Sessions, connections, mounting and IPC$ it is not; what a client adds to a call it is."""
    for name in names.split():
        assert rule_named(name, COVERAGE).answerable is answerable


def test_a_rule_is_found_by_the_name_that_a_workload_stores() -> None:
    for rule in RULES:
        assert rule_named(rule.name, COVERAGE) is rule
    with pytest.raises(UsageError, match=r"coverage.parquet .* 'gone', which this version does not have"):
        rule_named("gone", COVERAGE)


def test_a_rule_that_is_added_to_a_family_is_in_the_table() -> None:
    flush = ExchangeRule(
        name="new-flush",
        disposition=Disposition.EXACT,
        evidence="seen",
        commands=frozenset((Command.FLUSH,)),
    )
    control, *others = FAMILIES
    table = table_of((*control, flush, *(rule for family in others for rule in family)))
    assert flush in table.first[Command.FLUSH]
    table = table_of((*(rule for family in FAMILIES for rule in family), flush))
    assert table.then[Command.FLUSH][-1] is flush
    assert flush not in table.first[Command.FLUSH]


def test_names_and_reasons_of_all_rules_are_words_that_an_anonymized_workload_keeps() -> None:
    assert {text for rule in RULES for text in (rule.name, rule.reason) if text} <= WORDS
    assert rule_named("look-before", COVERAGE).reason in WORDS
