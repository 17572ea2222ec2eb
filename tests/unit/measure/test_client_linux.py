"""The client's counters, on samples of Linux 6.1 around one lease break (user01 holds RWH, user02 writes)."""

from pathlib import Path

import pytest

from smbench.measure.client_linux import parse_counters
from smbench.measure.counters import ClientCounters, diff

HERE = Path(__file__).parent
DEBUG_DATA = (HERE / "DebugData-6.1.txt").read_text()
BEFORE_TEXT = (HERE / "Stats-6.1-before.txt").read_text()
BEFORE = parse_counters(BEFORE_TEXT, DEBUG_DATA)
AFTER = parse_counters((HERE / "Stats-6.1-after.txt").read_text(), DEBUG_DATA)


def test_trees_are_known_by_their_connection() -> None:
    assert [(tree.share, tree.connection) for tree in AFTER.trees] == [
        (r"\\127.0.0.1\share", 2),
        (r"\\127.0.0.1\share", 1),
    ]
    assert AFTER.client["sessions"] == 2
    assert AFTER.jiffies_per_s == 100


def test_the_holder_of_the_lease_acknowledged_its_breaks() -> None:
    found = diff(BEFORE, AFTER)
    breaks = {tree["connection"]: tree["counters"]["OplockBreaks.sent"] for tree in found["trees"]}
    # RWH to RH when the other opens, then to nothing when it writes.
    assert breaks == {1: 2, 2: 0}
    assert found["lease_break_acknowledgements"] == found["totals"]["OplockBreaks.sent"] == 2
    holder = next(tree for tree in found["trees"] if tree["connection"] == 1)
    assert holder["commands"]["OPLOCK_BREAK"]["number"] == 2
    assert holder["counters"]["bytes_written"] >= 5000


def test_a_run_counts_its_own_connections() -> None:
    found = diff(BEFORE, AFTER, connections={2})
    assert [tree["connection"] for tree in found["trees"]] == [2]
    assert found["lease_break_acknowledgements"] == 0


def test_nothing_happened_counts_nothing_but_what_stands() -> None:
    found = diff(AFTER, AFTER)
    moved = {name for name, value in found["totals"].items() if value}
    assert moved <= {"open_files", "open_on_server"}
    assert all(tree["commands"] == {} for tree in found["trees"])


def test_trees_that_come_count_from_zero_and_those_that_go_are_told() -> None:
    came = diff(ClientCounters(), AFTER)
    assert came["totals"]["SMBs"] == sum(tree.counters["SMBs"] for tree in AFTER.trees)
    assert diff(BEFORE, ClientCounters())["vanished_trees"] == 2


def test_a_reset_in_between_counts_from_zero() -> None:
    assert diff(AFTER, BEFORE)["totals"]["OplockBreaks.sent"] == 0


def test_without_a_cifs_client_there_is_nothing() -> None:
    assert diff(None, AFTER) == diff(BEFORE, None) == {}


def test_without_debug_data_trees_have_places_only() -> None:
    assert [tree.connection for tree in parse_counters(BEFORE_TEXT).trees] == [None, None]
    assert diff(parse_counters(BEFORE_TEXT), parse_counters(BEFORE_TEXT))["vanished_trees"] == 0


@pytest.mark.parametrize("step", [1, 53])
def test_every_cut_of_the_text_is_read(step: int) -> None:
    for length in range(0, min(len(BEFORE_TEXT), 60 * step), step):
        assert len(parse_counters(BEFORE_TEXT[:length], DEBUG_DATA).trees) <= 2
