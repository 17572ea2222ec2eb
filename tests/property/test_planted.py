"""Differences planted in captures made by code and in the shipped one: compare says what was planted."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from helpers import plant_check
from helpers.command import THREE_USERS
from helpers.plant_check import held
from helpers.planting import Ground
from helpers.plants import changeable, dropped, every, slow_answers
from helpers.sides import side_of
from helpers.synthetic import STORIES, Story, told

from smbench.capture.decode import decode
from smbench.fidelity.parameters import PARAMETERS

NAMED = ("twins",)
"""Stories in which something could be otherwise, and the comparison says so."""


def ground_of(story: Story, folder: Path) -> Ground:
    return Ground.of(story.__name__, side_of(told(story), folder / story.__name__))


def check(ground: Ground, seed: int) -> None:
    plants = list(every(ground, seed, rounds=2))
    assert len(plants) > 15
    found = {planted.what: held(ground, planted) for planted in plants}
    assert {what: one.wrong for what, one in found.items() if one.wrong} == {}
    assert any(one.named for one in found.values()) == (ground.name in NAMED)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.__name__))
def test_what_is_planted_in_a_story_is_found(story: Story, tmp_path: Path) -> None:
    check(ground_of(story, tmp_path), 3)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_planted_in_the_shipped_capture_is_found(seed: int, tmp_path: Path) -> None:
    check(Ground.of("three-users", side_of(decode([THREE_USERS], tmp_path), tmp_path / "side")), seed)


def test_the_stories_have_every_parameter(tmp_path: Path) -> None:
    """All of the table, and a rename's target."""
    planted = {told for story in STORIES for told in changeable(ground_of(story, tmp_path))}
    names = {(command, name) for command, row in PARAMETERS.items() for name in (*row.key, *row.compared)} | {
        (17, "target")
    }
    assert {(command, name) for command, name, _ in planted} == names


def test_the_check_fails_where_something_else_was_planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each expectation on its own: a figure that is not as planted is told."""
    ground = ground_of(STORIES[0], tmp_path)
    dice = random.Random(1)
    planted = dropped(ground, dice)
    assert planted is not None
    assert held(ground, planted).wrong == []
    others = [ground.exchanges[at].frame for at in ground.counted]
    missing = next(frame for frame in others if frame not in planted.missing)
    for what, wrong in {
        "missing": replace(planted, missing=[missing, *planted.missing[1:]]),
        "how many": replace(planted, missing=planted.missing[1:]),
        "pairs inverted": replace(planted, inverted=1),
        "other outcomes": replace(planted, statuses=Counter([("READ", 0, 1)])),
        "other parameters": replace(planted, parameters=Counter([("READ", "minimum")])),
    }.items():
        assert any(what in said for said in held(ground, wrong).wrong), what
    late = slow_answers(ground, dice)
    assert late is not None
    monkeypatch.setitem(plant_check.PERCENTILES, "max", Fraction(1))
    assert any(said.startswith("latency of ") for said in held(ground, late).wrong)
