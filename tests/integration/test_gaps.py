"""Captures that lie hours apart: every command names the hole, and `--close-gaps` shortens it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, Ran, run
from helpers.later import later

HOURS = 3 * 3600


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gaps")
    (folder / "target").mkdir()
    later(folder / "later.pcap", HOURS)
    ran = run("ingest", THREE_USERS, folder / "later.pcap", "-o", folder / "two.workload")
    assert ran.status == 0
    assert_warned(ran)
    return folder


def assert_warned(ran: Ran) -> None:
    said = [line for line in ran.err.splitlines() if line.startswith("warning: ")]
    assert said == [
        "warning: no operation for 3 h, from 7.779 s of the capture on: a replay waits through it, and "
        "--close-gaps SECONDS shortens it"
    ]


def test_inspect_warns_and_lists_it(made: Path) -> None:
    assert_warned(run("inspect", made / "two.workload"))
    ran = run("inspect", made / "two.workload", "--json")
    assert_warned(ran)
    gaps = json.loads(ran.out)["gaps"]
    (longest,) = gaps["longest"]
    assert (gaps["count"], gaps["seconds"]) == (1, longest["lasts_s"])
    assert longest["from_s"] == pytest.approx(7.779455)
    assert HOURS - 8 < longest["lasts_s"] < HOURS


def dry(made: Path, *options: str) -> tuple[Ran, dict]:
    ran = run("replay", made / "two.workload", made / "target", "--dry-run", "--json", *options)
    assert ran.status == 0
    return ran, json.loads(ran.out)


def test_the_dry_run_warns_and_has_the_hole_in_its_plan(made: Path) -> None:
    ran, document = dry(made)
    assert_warned(ran)
    assert document["lasts_s"] > HOURS
    assert document["gaps"]["count"] == 1
    assert document["gaps_closed"] == {"count": 0, "seconds": 0}


@pytest.mark.parametrize(("options", "left_s"), [(["--close-gaps"], 10), (["--close-gaps", "2.5s"], 2.5)])
def test_what_is_closed_is_told_and_no_warning(made: Path, options: list[str], left_s: float) -> None:
    _, open_ = dry(made)
    ran, document = dry(made, *options)
    assert ran.err == ""
    lasted_s = open_["gaps"]["longest"][0]["lasts_s"]
    assert document["lasts_s"] == pytest.approx(open_["lasts_s"] - lasted_s + left_s)
    assert document["gaps"]["count"] == 0
    assert document["gaps_closed"] == {"count": 1, "seconds": pytest.approx(lasted_s)}
    shown = run("replay", *options, made / "two.workload", made / "target", "--dry-run")
    said = f"--close-gaps {left_s:g}: 1 gap shortened, of {lasted_s:,.3f} s in all"
    assert said in shown.out.splitlines()


@pytest.mark.parametrize(
    ("written", "left_s"), [("true", 10.0), ("false", None), ("3", 3.0), ("2.5", 2.5), ('"2500ms"', 2.5)]
)
def test_it_stands_in_a_configuration_file_as_on_the_command_line(
    made: Path, tmp_path: Path, written: str, left_s: float | None
) -> None:
    (tmp_path / "c.toml").write_text(f"close-gaps = {written}\n")
    _, document = dry(made, "--config", str(tmp_path / "c.toml"))
    assert document["close_gaps_s"] == left_s
    assert document["gaps_closed"]["count"] == (0 if left_s is None else 1)
    assert dry(made, "--config", str(tmp_path / "c.toml"), "--close-gaps", "7")[1]["close_gaps_s"] == 7


def test_what_found_no_gap_says_so(made: Path) -> None:
    shown = run("replay", made / "two.workload", made / "target", "--dry-run", "--close-gaps", "20000")
    assert "--close-gaps 20000: no gap is longer" in shown.out.splitlines()


def test_where_the_speed_makes_nothing_of_it_there_is_no_warning(made: Path) -> None:
    assert dry(made, "--speed", "1000")[0].err == ""
    assert dry(made, "--pace", "fast")[0].err == ""
    assert_warned(dry(made, "--pace", "think")[0])


def test_a_replay_with_closed_gaps_does_all_and_says_what_was_closed(made: Path) -> None:
    ran = run("replay", made / "two.workload", made / "target", "-o", made / "a.run", "--json",
              "--speed", "20", "--close-gaps", "1")  # fmt: skip
    assert ran.status in (0, 5), ran.err
    document = json.loads(ran.out)
    assert document["operations"]["executed"] == document["operations"]["planned"] == 254
    configuration = document["configuration"]
    # The three users of the capture sleep for seconds, too.
    assert configuration["close_gaps_s"] == 1.0
    assert configuration["gaps_closed"] >= 1
    assert HOURS - 8 < configuration["gaps_lasted_s"] < HOURS + 8
    assert document["elapsed_s"] < 60
    told = run("report", made / "a.run").out
    count = configuration["gaps_closed"]
    said = f"--close-gaps 1: {count} gap{'s' * (count > 1)} shortened, of "
    said += f"{configuration['gaps_lasted_s']:,.3f} s in all"
    assert f"  {said}" in told.splitlines()
    assert said in (made / "a.run/report.html").read_text()
