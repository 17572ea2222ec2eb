"""Opens and closes that are no call together, and how long an open waits to be one."""

from __future__ import annotations

from pathlib import Path

from helpers.story import LOOK, NORMAL, Wire, lifted

from smbench.lift.handles import Handles
from smbench.lift.names import Names
from smbench.lift.recogniser import Recogniser
from smbench.lift.rule import Taken
from smbench.lift.sessions import SessionEnds
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Close, Create, Open


def test_an_open_keeps_every_number_of_the_create(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens(
        "x", access=0x120089, share_access=1, disposition=3, options=0x44,
        request={"contexts": ("RqLs", "DH2Q"), "lease_state": 7, "lease_key": "ab" * 16},
    )  # fmt: skip
    opened.closes()
    story = lifted(wire, tmp_path)
    assert story.calls == [
        Open(0, "x", Create(0x120089, 1, 3, 0x44, 0, 0, 7), directory=False),
        Close(0),
    ]
    assert {row["disposition"] for row in story.coverage} == {"exact"}


def test_what_follows_a_refused_create_in_its_compound_goes_with_it(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    with alice:
        opened = alice.opens("x", Status.ACCESS_DENIED, access=0x2)
        opened.writes(0, 4, Status.ACCESS_DENIED).closes(Status.ACCESS_DENIED).asks(18, Status.ACCESS_DENIED)
    alice.looks("y")
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "Stat"]
    assert story.rules == ["open", *["rest-of-failed-compound"] * 3, *["stat"] * 3]


def test_an_open_that_lasts_holds_nothing_back(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    held = alice.opens("held", access=LOOK)
    for _ in range(40):
        alice.looks("x")
    held.closes()
    taken: list[Taken] = []
    recogniser = Recogniser(
        Handles(Names(wire.info.trees)), taken.append, SessionEnds(wire.trace()), horizon=30
    )
    for exchange in wire.exchanges[:-1]:
        recogniser.feed(exchange)
        assert exchange.index - recogniser.oldest(exchange.index) <= 30
    assert [one.rule.name for one in taken if one.path == "held"] == ["open"]
    assert lifted(wire, tmp_path).kinds == ["Stat"] * 41


def test_a_refused_compound_that_is_longer_than_the_horizon_loses_nothing() -> None:
    wire = Wire()
    alice = wire.client("alice")
    with alice:
        opened = alice.opens("x", Status.ACCESS_DENIED)
        opened.asks(18, Status.ACCESS_DENIED).closes(Status.ACCESS_DENIED)
    taken: list[Taken] = []
    ends = SessionEnds(wire.trace())
    recogniser = Recogniser(Handles(Names(wire.info.trees)), taken.append, ends, horizon=0)
    for exchange in wire.exchanges:
        recogniser.feed(exchange)
    recogniser.finish()
    assert [one.rule.name for one in taken] == ["open", "rest-of-failed-compound", "rest-of-failed-compound"]


def test_snapshot_stands_below_a_folder_of_its_own(tmp_path: Path) -> None:
    wire = Wire()
    moment = 1_000_000_000 * 10**9
    wire.client("alice").opens("x", request={"snapshot_ns": moment, "contexts": ("TWrp",)}).closes()
    story = lifted(wire, tmp_path)
    assert story.calls[0].path == "@GMT-2001.09.09-01.46.40/x"
    assert story.rules == ["open-snapshot", "close"]
    assert story.present == ["@GMT-2001.09.09-01.46.40", "@GMT-2001.09.09-01.46.40/x"]


def test_a_handle_from_before_the_capture_gets_an_open(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    opened = alice.opens("old", attributes=NORMAL)
    wire.exchanges.clear()
    opened.exchange.index = 0
    opened.reads(0, 100).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "Read", "Close"]
    assert story.operations[0].exchanges == ()
    assert story.operations[0].expected is None
    assert story.operations[0].rule == "opened-before-capture"
    assert story.present == ["old"]
    assert story.namespace["old"].size == 100


def test_leaving_the_tree_closes_what_is_open(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens("x").reads(0, 1)
    alice.sends(4)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "Read", "Close"]
    assert story.operations[2].exchanges == ()
    assert story.operations[2].arrival_ns == wire.exchanges[-1].time_ns


def test_unanswered_requests_are_replayed_with_nothing_expected(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens("x").reads(0, 10, status=None).closes(None)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "Read", "Close"]
    assert [operation.expected for operation in story.operations] == [0, None, None]
    assert story.operations[1].service_ns == -1
    assert story.operations[1].received is None
