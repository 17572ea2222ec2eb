"""Comparisons as stories: a capture, what was changed of it, and the score that this must give."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.command import THREE_USERS
from helpers.sides import side_of
from helpers.story import Wire
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smbench.capture.decode import decode
from smbench.errors import UsageError
from smbench.fidelity.comparison import Comparison, compare
from smbench.fidelity.differences import EXTRA, MISSING
from smbench.fidelity.sides import CallFound, Side, Window, read_dispositions
from smbench.lift.lift import lift
from smbench.trace.model import Command, Exchange, Trace
from smbench.workload.store import COVERAGE

Change = Callable[[list[Exchange]], list[Exchange]]


@pytest.fixture
def side(tmp_path: Path) -> Callable[..., Side]:
    """Makes a side of a story, or of a trace."""

    def make(wire: Wire | Trace, name: str = "side", **fields: Any) -> Side:
        return side_of(wire, tmp_path / name, **fields)

    return make


def reads(*offsets: int, user: str = "ann", path: str = "f", **options: Any) -> Wire:
    wire = Wire()
    opened = wire.client(user).opens(path, size=None)
    for offset in offsets:
        opened.reads(offset, 10, **options)
    opened.closes()
    return wire


def scores(compared: Comparison) -> tuple[int, int, int]:
    return compared.wire.reference, compared.wire.candidate, compared.wire.matched


@pytest.mark.parametrize(
    ("candidate", "expected", "moved"),
    [
        ((0, 10, 20), (5, 5, 5), 0),
        ((0, 20), (5, 4, 4), 0),
        ((0, 10, 10, 20), (5, 6, 5), 0),
        ((20, 0, 10), (5, 5, 4), 1),
        ((0, 10, 21), (5, 5, 4), 0),
        ((), (5, 2, 2), 0),
    ],
)
def test_reads_match_in_order_by_offset(
    side: Callable[..., Side], candidate: tuple[int, ...], expected: tuple[int, int, int], moved: int
) -> None:
    compared = compare(side(reads(0, 10, 20), "one"), side(reads(*candidate), "two"))
    assert scores(compared) == expected
    assert compared.matching.moved == moved
    assert compared.by_command["READ"].reference == 3


def test_what_warms_up_is_matched_and_is_in_no_latency_on_either_side(side: Callable[..., Side]) -> None:
    """An open, three reads, a close; the first three of the candidate are of its warm-up."""
    one, two = side(reads(0, 10, 20), "one"), side(reads(0, 10, 20), "two")
    times = sorted(exchange.time_ns for exchange in two.exchanges if exchange.command == Command.READ)
    start = two.info.start_epoch_ns
    two.window = Window(start, start + 10**12, start + times[2])
    compared = compare(one, two)
    assert scores(compared) == (5, 5, 5)
    found = {command: (it.reference, it.candidate) for command, it in compared.latency.items()}
    assert found == {"CREATE": (0, 0), "READ": (1, 1), "CLOSE": (1, 1), "all": (2, 2)}


def test_an_operation_of_the_warm_up_that_came_late_is_left_out_on_both_sides(
    side: Callable[..., Side],
) -> None:
    one, two = side(reads(0, 10, 20), "one"), side(reads(0, 10), "two")
    of_reads = [one.dispositions.operation[it.index] for it in one.exchanges if it.command == Command.READ]
    two.warm_up = np.array([of_reads[1], of_reads[2]])
    compared = compare(one, two)
    assert scores(compared) == (5, 4, 4)
    assert (compared.latency["READ"].reference, compared.latency["READ"].candidate) == (1, 1)
    assert (compared.latency["all"].reference, compared.latency["all"].candidate) == (3, 3)


def test_what_was_in_flight_together_has_no_order(side: Callable[..., Side]) -> None:
    """Three reads at once in the capture; the replay's were sent the other way round."""
    compared = compare(side(reads(0, 10, 20, takes_ns=100_000_000), "one"), side(reads(20, 10, 0), "two"))
    assert scores(compared) == (5, 5, 5)
    assert compared.matching.swapped == 2
    assert compared.order.inverted == 3
    assert compared.order.pairs == 10


def test_what_was_never_answered_was_in_flight_with_all_behind_it(side: Callable[..., Side]) -> None:
    """A capture that ends before three reads are answered: the replay sent them the other way round."""
    wire = Wire()
    opened = wire.client("ann").opens("f", size=None)
    for offset in (0, 10, 20):
        opened.reads(offset, 10, status=None)
    other = Wire()
    opened = other.client("ann").opens("f", size=None)
    for offset in (20, 0, 10):
        opened.reads(offset, 10)
    compared = compare(side(wire, "one"), side(other, "two"))
    assert scores(compared) == (4, 4, 4)
    assert compared.matching.moved == 0


def test_order_across_paths_and_users_is_counted(side: Callable[..., Side]) -> None:
    def story(*paths: str) -> Wire:
        wire = Wire()
        ann = wire.client("ann")
        for path in paths:
            ann.looks(path)
        return wire

    compared = compare(side(story("a", "b"), "one"), side(story("b", "a"), "two"))
    assert scores(compared) == (6, 6, 6)
    assert (compared.order.pairs, compared.order.inverted) == (15, 9)
    assert compared.order_by_user["ann"].inverted == 9


def test_parameters_of_a_pair_are_compared(side: Callable[..., Side]) -> None:
    one, two = Wire(), Wire()
    one.client("ann").opens("f", access=0x120089, share_access=1).closes()
    two.client("ann").opens("f", access=0x80000080).closes()
    compared = compare(side(one, "one"), side(two, "two"))
    assert scores(compared) == (2, 2, 2)
    assert compared.parameters == {"CREATE": {"access": 1, "share_access": 1}}


def test_of_equals_the_more_alike_is_matched(side: Callable[..., Side]) -> None:
    one, two = Wire(), Wire()
    one.client("ann").opens("f", access=0x80000080).closes()
    ann = two.client("ann")
    ann.opens("f", access=0x80)
    ann.opens("f", access=0x80000080).closes()
    compared = compare(side(one, "one"), side(two, "two"))
    assert compared.parameters == {}
    assert [extra.exchange for extra in compared.differences.all(EXTRA)] == [0]


def test_one_more_listing_is_no_mismatch_and_the_extra_is_that_one(side: Callable[..., Side]) -> None:
    """A directory takes one request more to list; the last one still says that there are no more."""

    def story(*names: str) -> Wire:
        wire = Wire()
        listing = wire.client("ann").opens_directory("d")
        for name in names:
            listing.lists(name)
        listing.ends_listing().closes()
        return wire

    compared = compare(side(story("a"), "one"), side(story("a", "b"), "two"))
    assert scores(compared) == (4, 5, 4)
    assert (compared.outcomes.matched, compared.outcomes.mismatched) == (4, 0)
    assert [one.status for one in compared.differences.all(EXTRA)] == ["STATUS_SUCCESS"]
    assert compared.matching.alike == (0, 1)


def test_duplicates_behind_their_originals_are_the_extra_ones(side: Callable[..., Side]) -> None:
    """Five looks at two files in turn, by two users, are sent twice each: everything else keeps its order."""

    def story(twice: frozenset[int]) -> Wire:
        wire = Wire()
        people = [wire.client(name) for name in ("ann", "bob")]
        for turn in range(60):
            opened = people[turn % 2].opens("shared", at_ns=turn * 1_000_000)
            if turn in twice:
                people[turn % 2].opens("shared", at_ns=turn * 1_000_000 + 20_000)
            opened.closes()
        return wire

    twice = frozenset((3, 10, 11, 40, 59))
    compared = compare(side(story(frozenset()), "one"), side(story(twice), "two"))
    assert scores(compared) == (120, 125, 120)
    assert compared.order.inverted == 0
    extra = [one.exchange for one in compared.differences.all(EXTRA)]
    assert extra == [2 * turn + before + 1 for before, turn in enumerate(sorted(twice))]
    assert compared.matching.alike == (0, 5)


@pytest.mark.parametrize("speed", [0.1, 1, 7])
@pytest.mark.parametrize("lost", [0, 17, 39])
def test_a_lost_poll_is_that_one_at_any_speed(side: Callable[..., Side], lost: int, speed: float) -> None:
    """A file is looked at again and again, and others are opened in between."""

    def story(without: int | None, speed: float) -> Wire:
        wire = Wire()
        ann = wire.client("ann")
        for turn in range(40):
            wire.now_ns = int(turn * 1_000_000_000 * speed)
            ann.opens(f"other{turn}").closes()
            if turn != without:
                ann.opens("polled", at_ns=int((turn * 1_000_000_000 + 300_000_000) * speed))
        return wire

    compared = compare(side(story(None, 1), "one"), side(story(lost, speed), "two"))
    assert [one.exchange for one in compared.differences.all(MISSING)] == [3 * lost + 2]
    assert compared.order.inverted == 0
    assert compared.matching.alike == (1, 0)


def test_equal_requests_in_flight_together_are_paired_by_their_status(side: Callable[..., Side]) -> None:
    def story(*statuses: int, takes_ns: int) -> Wire:
        wire = Wire()
        ann = wire.client("ann")
        for status in statuses:
            ann.opens("f", status, takes_ns=takes_ns)
        return wire

    refused = 0xC0000043
    together = compare(
        side(story(0, refused, takes_ns=10_000_000), "a"), side(story(refused, 0, takes_ns=500_000), "b")
    )
    assert (together.outcomes.matched, together.outcomes.mismatched) == (2, 0)
    assert (together.matching.swapped, together.order.inverted) == (1, 1)
    in_turn = compare(
        side(story(0, refused, takes_ns=500_000), "c"), side(story(refused, 0, takes_ns=500_000), "d")
    )
    assert (in_turn.outcomes.matched, in_turn.outcomes.mismatched) == (0, 2)
    assert (in_turn.matching.swapped, in_turn.order.inverted) == (0, 0)


def test_outcomes_are_compared_by_status(side: Callable[..., Side]) -> None:
    one, two = Wire(), Wire()
    one.client("ann").opens("f", 0xC0000034)
    two.client("ann").opens("f", 0xC0000022)
    outcomes = compare(side(one, "one"), side(two, "two")).outcomes
    assert (outcomes.matched, outcomes.mismatched) == (0, 1)
    assert outcomes.differing == [("CREATE", "STATUS_OBJECT_NAME_NOT_FOUND", "STATUS_ACCESS_DENIED", 1)]


def test_renames_match_by_their_target_beneath_the_folder(side: Callable[..., Side]) -> None:
    def story(folder: str, target: str) -> Wire:
        wire = Wire()
        ann = wire.client("ann")
        for name in ("one", "two", "three"):
            ann.looks(folder + name)
        ann.opens(folder + "one", access=0x10080).renames(folder + target).closes()
        return wire

    same = compare(side(story("", "new"), "a"), side(story("deep/er/", "new"), "b"))
    assert same.folders.candidate == "deep/er"
    assert same.wire.matched == same.wire.reference
    other = compare(side(story("", "new"), "c"), side(story("deep/er/", "other"), "d"))
    assert [one.command for one in other.differences.all(MISSING)] == ["SET_INFO", "CLOSE"]


def test_only_what_a_replay_is_answerable_for_counts(side: Callable[..., Side]) -> None:
    wire = reads(0)
    ann = wire.client("ann")
    ann.sends(Command.NEGOTIATE)
    ann.sends(Command.ECHO)
    pipe = wire.client("ann", "IPC$", 2)
    pipe.opens("srvsvc").closes()
    assert scores(compare(side(wire, "one"), side(reads(0), "two"))) == (3, 3, 3)


def test_a_rule_of_another_version_is_no_rule_that_counts(tmp_path: Path) -> None:
    lift(reads(0).trace(), tmp_path)
    path = tmp_path / COVERAGE
    table = pq.read_table(path)
    named = pa.array(["read-of-old", *table.column("rule").to_pylist()[1:]]).dictionary_encode()
    pq.write_table(table.set_column(table.schema.get_field_index("rule"), "rule", named), path)
    with pytest.raises(UsageError, match=r"coverage.parquet .*'read-of-old'.*: ingest the capture again"):
        read_dispositions(tmp_path)


def test_outside_the_window_a_run_mounts_and_prepares(side: Callable[..., Side]) -> None:
    wire = Wire()
    ann = wire.client("ann")
    ann.looks("warm")
    begin = wire.now_ns + 1
    ann.opens("f").closes()
    end = wire.now_ns
    ann.looks("after")
    compared = compare(side(reads(), "one"), side(wire, "two", window=Window(begin, end)))
    assert scores(compared) == (2, 2, 2)
    assert compared.rows[1].left_out == 6


def test_differences_say_why(side: Callable[..., Side]) -> None:
    reference = side(
        reads(0, 10), "one", operation_of=lambda number: CallFound("Read", "f", number, running=True)
    )
    candidate = side(
        reads(0, 5),
        "two",
        replay=True,
        calls=lambda _user, path, _at: CallFound("Read", path, 7, running=True),
    )
    compared = compare(reference, candidate)
    (missing,) = compared.differences.all(MISSING)
    (extra,) = compared.differences.all(EXTRA)
    assert (missing.parameters, missing.reason) == ("offset=10 length=10", "Read did not send it like this")
    assert (extra.reason, extra.call) == ("sent by Read", "Read f (operation 7)")
    candidate.ended = lambda number: f"skipped: operation {number}"
    (missing,) = compare(reference, candidate).differences.all(MISSING)
    assert missing.reason == "Read: skipped: operation 2"


@pytest.mark.parametrize(
    ("theirs", "missing", "extra"),
    [
        ((0, 5), ["the candidate has no such request"], ["the reference has no such request"]),
        ((0,), ["the candidate has no such request"], []),
        ((0, 10, 10), [], ["the reference has fewer of them"]),
        ((10, 0), ["the candidate has them in another order"], ["the reference has them in another order"]),
    ],
)
def test_of_two_captures_no_operation_is_said_to_have_sent_anything(
    side: Callable[..., Side], theirs: tuple[int, ...], missing: list[str], extra: list[str]
) -> None:
    """As of another workload's run, no operation of the reference was to send what is missing."""
    reference = side(
        reads(0, 10), "one", operation_of=lambda number: CallFound("Read", "f", number, running=True)
    )
    compared = compare(reference, side(reads(*theirs), "two"))
    for which, reasons in ((MISSING, missing), (EXTRA, extra)):
        assert [one.reason for one in compared.differences.all(which)] == reasons
        assert [reason for _, _, reason, _ in compared.differences.reasons(which)] == reasons


def test_all_differences_fit_a_parquet(side: Callable[..., Side], tmp_path: Path) -> None:
    compared = compare(side(reads(0, 10, 20), "one"), side(reads(30), "two"))
    compared.differences.write(tmp_path / "d.parquet")
    table = pq.read_table(tmp_path / "d.parquet")
    assert table.column("side").to_pylist() == ["missing"] * 3 + ["extra"]
    assert table.column("path").to_pylist() == ["f"] * 4


def test_a_user_without_a_counterpart_is_said(side: Callable[..., Side]) -> None:
    wire = reads(0)
    wire.client("bob").opens("g").closes()
    compared = compare(side(wire, "one"), side(reads(0), "two"))
    assert {one.reason for one in compared.differences.all(MISSING)} == {
        "its user has no counterpart on the other side"
    }
    assert compared.by_user["bob"].recall == 0


def test_nothing_against_nothing(side: Callable[..., Side]) -> None:
    compared = compare(side(Wire(), "one"), side(Wire(), "two"))
    assert (compared.wire.recall, compared.wire.precision) == (None, None)
    assert (compared.posix.recall, compared.supported.recall) == (None, None)
    assert compared.latency["all"].distance is None


def test_what_one_side_alone_has_is_no_ratio_of_the_other(side: Callable[..., Side]) -> None:
    one, two = Wire(), Wire()
    for wire, path in ((one, "f"), (two, "g")):
        ann = wire.client("ann")
        ann.opens(path).closes()
        ann.opens("both").closes()
    compared = compare(side(one, "one"), side(two, "two"))
    shares = {path: (score.recall, score.precision) for path, score in compared.by_path.items()}
    assert shares == {"f": (0.0, None), "g": (None, 0.0), "both": (1.0, 1.0)}


@pytest.mark.parametrize(
    ("mine", "its", "apart"),
    [
        (0, 0, 0),
        (0xC0000022, 0xC0000022, 0),
        (0, 0xC0000022, 1),
        (0xC0000034, 0, 1),
        (0xC0000034, 0xC0000022, 1),
        (0, 0x00000104, 0),
        (0, None, 0),
    ],
)
def test_what_failed_on_one_side_alone_is_in_no_latency_and_is_counted_apart(
    side: Callable[..., Side], mine: int, its: int | None, apart: int
) -> None:
    """Two opens, of which the second may fail on either side, at once or after a second."""

    def story(status: int | None, takes_ns: int) -> Wire:
        wire = Wire()
        ann = wire.client("ann")
        ann.opens("f", takes_ns=700_000)
        ann.opens("g", status, takes_ns=takes_ns)
        return wire

    compared = compare(side(story(mine, 100), "one"), side(story(its, 10**9), "two"))
    answered = its is not None
    whole = compared.latency["CREATE"]
    assert (whole.reference, whole.candidate) == (2 - apart, 1 + answered - apart)
    assert compared.latency["all"] == whole
    assert compared.failed.keys() == ({"CREATE", "all"} if apart else set())
    if apart:
        assert whole.ratios["max"] == 1.0
        assert compared.failed["CREATE"].percentiles_ns["max"] == (100, 10**9)
        assert compared.failed["all"] == compared.failed["CREATE"]


# The shipped capture, mutated: the score is known beforehand.


class Shipped:
    """The side, and a short repr for hypothesis."""

    def __init__(self, folder: Path) -> None:
        trace = decode([THREE_USERS], folder)
        lift(trace, folder)
        self.side = Side("shipped", trace.info, list(trace.exchanges), read_dispositions(folder))
        kinds = self.side.dispositions.answerable()
        self.exchanges = list(trace.exchanges)
        self.counted = {one.index for one in self.exchanges if self.side.dispositions[one.index] in kinds}

    def compared_with(self, exchanges: list[Exchange]) -> Comparison:
        """The same fates: they go by the exchanges' numbers."""
        return compare(self.side, replace(self.side, name="changed", exchanges=exchanges))

    def __repr__(self) -> str:
        return "the shipped capture"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return Shipped(tmp_path_factory.mktemp("shipped"))


def test_the_shipped_capture_is_like_itself(shipped: Shipped) -> None:
    compared = compare(shipped.side, shipped.side)
    assert (compared.wire.recall, compared.wire.precision) == (1.0, 1.0)
    assert compared.order.inverted == 0
    assert compared.outcomes.mismatched == 0
    assert len(compared.differences) == 0
    assert compared.rows[0].tally.breaks.total() == 2


@pytest.mark.parametrize("names", [["user02", "user01", "user03"], ["a", "b", "c"], ["user03", "x", "y"]])
def test_accounts_may_be_swapped_or_renamed(shipped: Shipped, names: list[str]) -> None:
    users = [replace(user, name=name) for user, name in zip(shipped.side.info.users, names, strict=True)]
    changed = replace(shipped.side, info=replace(shipped.side.info, users=users), exchanges=shipped.exchanges)
    compared = compare(shipped.side, changed)
    assert (compared.wire.recall, compared.wire.precision) == (1.0, 1.0)
    assert [(pair.reference, pair.candidate, pair.by) for pair in compared.users] == [
        (user, user, "content") for user in range(3)
    ]
    by_force = compare(shipped.side, changed, {"user01": names[1], "user02": names[0]})
    assert scores(by_force) == (240, 240, 221)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), share=st.floats(0, 1))
def test_what_is_dropped_is_missing_and_nothing_else(shipped: Shipped, seed: int, share: float) -> None:
    chance = random.Random(seed)
    kept = [exchange for exchange in shipped.exchanges if chance.random() >= share]
    counted = shipped.counted
    left = sum(exchange.index in counted for exchange in kept)
    compared = shipped.compared_with(kept)
    assert scores(compared) == (len(counted), left, left)
    assert compared.wire.precision == (1.0 if left else None)
    assert compared.differences.missing == len(counted) - left
    # Of hardly anything that is left, what is alike may be taken for each other, and that is said.
    if share < 0.95 or not compared.matching.alike[0]:
        assert all(order.inverted == 0 for order in compared.order_by_user.values())


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_what_is_sent_twice_is_extra_and_nothing_else(shipped: Shipped, seed: int) -> None:
    chance = random.Random(seed)
    doubled = [
        exchange for original in shipped.exchanges for exchange in [original] * chance.choice((1, 1, 2))
    ]
    counted = shipped.counted
    sent = sum(exchange.index in counted for exchange in doubled)
    compared = shipped.compared_with(doubled)
    assert scores(compared) == (len(counted), sent, len(counted))
    assert compared.wire.recall == 1.0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_in_any_order_everything_is_found_or_accounted_for(shipped: Shipped, seed: int) -> None:
    shuffled = list(shipped.exchanges)
    random.Random(seed).shuffle(shuffled)
    compared = shipped.compared_with(shuffled)
    assert compared.wire.reference == compared.wire.candidate
    assert compared.differences.missing == compared.differences.extra
    # Whatever is missing stands elsewhere on its path: nothing was lost.
    assert compared.matching.moved == compared.differences.extra
    scored = sum(score.matched for score in compared.by_command.values())
    assert scored == compared.wire.matched == sum(score.matched for score in compared.by_path.values())
