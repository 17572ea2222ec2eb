"""What is not selected is neither in the workload nor counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import Wire, lifted

from smbench.lift.lift import Selection


def two_users() -> Wire:
    wire = Wire()
    alice, bob = wire.client("CORP\\alice"), wire.client("bob", "other")
    first, second = alice.opens("logs/x.log"), bob.opens("y")
    first.reads(0, 1)
    second.reads(0, 1)
    alice.sends(13)
    first.closes()
    second.closes()
    return wire


@pytest.mark.parametrize(
    ("selection", "exchanges", "paths"),
    [
        (Selection(), 7, {"files/logs/x.log", "other/y"}),
        (Selection(users=("ALICE",)), 4, {"files/logs/x.log"}),
        (Selection(users=("corp\\alice", "bob")), 7, {"files/logs/x.log", "other/y"}),
        (Selection(users=("nobody",)), 0, set()),
        (Selection(clients=("10.0.0.2",)), 3, {"other/y"}),
        (Selection(shares=("FILES",)), 4, {"logs/x.log"}),
        (Selection(paths=("*.LOG",)), 3, {"files/logs/x.log"}),
        (Selection(paths=("logs/*", "y")), 6, {"files/logs/x.log", "other/y"}),
        (Selection(to_s=0.0025), 2, {"files/logs/x.log", "other/y"}),
    ],
)
def test_selections(tmp_path: Path, selection: Selection, exchanges: int, paths: set[str]) -> None:
    story = lifted(two_users(), tmp_path, selection)
    info = story.workload.info
    assert info.trace.exchanges == sum(row.count for row in info.coverage) == exchanges
    assert sum(info.trace.commands.values()) == exchanges
    assert {operation.path for operation in story.operations} == paths
    assert len(info.lanes) == len(info.operations_by_user) == 2


def test_from_a_time_on_opens_are_made_up(tmp_path: Path) -> None:
    story = lifted(two_users(), tmp_path, Selection(from_s=0.0035, users=("bob",)))
    assert story.kinds == ["Open", "Read", "Close"]
    assert story.operations[0].rule == "opened-before-capture"
    assert story.workload.info.trace.exchanges == 2


def test_a_selected_open_stays_selected_after_its_rename(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    opened = alice.opens("a.tmp", access=0x10080)
    opened.renames("b.doc").reads(0, 1).closes()
    assert lifted(wire, tmp_path, Selection(paths=("*.tmp",))).kinds == ["Open", "Rename", "Read", "Close"]
