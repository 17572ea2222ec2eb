"""By which call an exchange is brought about."""

from __future__ import annotations

import pytest

from smbench.clients.profile import shipped
from smbench.clients.strategies import GROWTH, REMOVAL, SECOND_OPEN, Strategy, habits_of
from smbench.clients.trials import TRIALS
from smbench.executors.base import Habits, TimesSet

KNOWN = dict(shipped())
WANTED = Strategy(("CREATE", "CLOSE"), ("a", "b", "c"))


@pytest.mark.parametrize(
    ("calls", "best", "exact"),
    [
        ({}, None, []),
        ({"a": ["CREATE", "FLUSH", "CLOSE"], "b": ["CREATE"]}, "a", []),
        ({"a": ["CREATE"] * 3, "b": ["CREATE"]}, "b", []),
        ({"a": [], "b": ["CREATE", "CLOSE"], "c": ["CLOSE", "CREATE"], "d": []}, "b", ["b", "c"]),
    ],
)
def test_the_call_that_sends_the_least_amiss(
    calls: dict[str, list[str]], best: str | None, exact: list[str]
) -> None:
    assert (WANTED.best(calls), WANTED.exact(calls)) == (best, exact)


def test_every_candidate_is_a_trial() -> None:
    for strategy in (GROWTH, REMOVAL, SECOND_OPEN):
        assert set(strategy.candidates) <= set(TRIALS)


@pytest.mark.parametrize(
    ("name", "habits"),
    [
        (
            "linux-6.1",
            Habits(
                after_truncating=TimesSet.ON_THE_OPEN, after_emptying=TimesSet.ON_THE_OPEN,
                of_open=TimesSet.ON_THE_OPEN,
            ),
        ),
        (
            "linux-6.12",
            Habits(
                after_truncating=TimesSet.BY_THE_NAME, after_emptying=TimesSet.BY_THE_NAME,
                of_open=TimesSet.BY_THE_NAME,
            ),
        ),
        (
            "linux-7.2",
            Habits(
                hides_what_is_open=True, grows_in_one=False, opened_apart_by=("O_DIRECT",),
                after_truncating=TimesSet.NOT_AT_ALL, after_emptying=TimesSet.NOT_AT_ALL,
                of_open=TimesSet.BY_THE_NAME,
            ),
        ),
    ],
)  # fmt: skip
def test_what_an_executor_has_to_know_stands_in_the_profile(name: str, habits: Habits) -> None:
    assert habits_of(KNOWN[name].calls) == habits


def test_of_a_client_of_which_nothing_is_known() -> None:
    assert habits_of({}) == Habits(grows_in_one=False)
