"""What a search for the capacity says of runs that are not valid: that it does not know."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.load import CREATE, Load

from smbench.cli import main
from smbench.pipeline import replay as heart
from smbench.workload.store import write


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    load = Load(["alice"])
    load.opens(0, 1, "f", CREATE)
    load.closes(0, 1)
    write(tmp_path / "told.workload", load.workload)
    (tmp_path / "target").mkdir()
    return tmp_path / "told.workload"


def search(workload: Path, *options: str) -> tuple[Result, dict[str, Any]]:
    arguments = [
        "replay", str(workload), str(workload.parent / "target"), "-o", str(workload.parent / "c.run"),
        "--executor", "null", "--pace", "fast", "--max-clones", "8", *options,
    ]  # fmt: skip
    ended = CliRunner().invoke(main, arguments, catch_exceptions=True)
    return ended, json.loads((workload.parent / "c.run/capacity.json").read_text())


def spoils(monkeypatch: pytest.MonkeyPatch, least: int) -> None:
    """Every run of so many clones or more loses a worker, as it would on a machine that has no room."""
    run: Any = vars(heart)["run"]

    def spoiled(plan: Any, *given: Any, **named: Any) -> Any:
        result = run(plan, *given, **named)
        if plan.clones >= least:
            result.ending.lost[0] = "killed by SIGKILL"
        return result

    monkeypatch.setattr(heart, "run", spoiled)


def test_where_no_run_was_valid_the_capacity_is_not_known(workload, monkeypatch):
    spoils(monkeypatch, 1)
    ended, document = search(workload, "--find-capacity", "all.service.max<3600s", "--clone", "2")
    assert ended.exit_code == 5
    assert (document["capacity"], document["limited_by"]) == (None, "harness")
    assert [(one["met"], one["valid"]) for one in document["curve"]] == [(True, False)] * 2
    assert ended.stdout.splitlines()[0] == (
        "how many clones keep to all.service.max<3600s is not known: no run was valid (2 runs kept to it and "
        "are not valid)"
    )
    assert "no clone keeps" not in ended.stdout


def test_the_count_that_is_told_is_that_of_the_rows(workload, monkeypatch):
    spoils(monkeypatch, 1)
    for start in (1, 2, 8):
        ended, _ = search(
            workload, "--find-capacity", "all.service.max<3600s", "--clone", str(start), "--force"
        )
        first, _, *rows = ended.stdout.splitlines()
        told = re.search(r"\((\d+) runs? kept to it and (?:is|are) not valid\)", first)
        assert told is not None
        assert int(told[1]) == len(rows)


def cuts(monkeypatch: pytest.MonkeyPatch, least: int) -> None:
    """Every run of so many clones or more is cut off by its deadline."""
    run: Any = vars(heart)["run"]

    def cut(plan: Any, *given: Any, **named: Any) -> Any:
        result = run(plan, *given, **named)
        if plan.clones >= least:
            result.ending.stopped = "deadline"
        return result

    monkeypatch.setattr(heart, "run", cut)


def test_what_a_deadline_cut_off_is_no_part_of_the_search(workload, monkeypatch):
    cuts(monkeypatch, 1)
    ended, document = search(workload, "--find-capacity", "all.service.max<3600s", "--clone", "2")
    assert (ended.exit_code, document["capacity"], document["limited_by"]) == (5, None, "deadline")
    first, _, *rows = ended.stdout.splitlines()
    assert first == (
        "how many clones keep to all.service.max<3600s is not known: no run was whole (--deadline) and valid"
    )
    assert ["– cut off (deadline)" in " ".join(row.split()) for row in rows] == [True, True]


def test_what_no_run_measured_is_not_known(workload):
    """Nothing failed: that is no time of failures, and no limit that was missed."""
    ended, document = search(workload, "--find-capacity", "open.failed.p99<1s", "--executor", "posix")
    (one,) = document["curve"]
    assert (one["value"], one["met"]) == (None, False)
    if one["valid"]:
        assert (ended.exit_code, document["capacity"], document["limited_by"]) == (5, None, "unmeasured")
        assert ended.stdout.splitlines()[0] == (
            "how many clones keep to open.failed.p99<1s is not known: no run measured what it asks for"
        )


def test_below_what_was_cut_off_it_is_known(workload, monkeypatch):
    cuts(monkeypatch, 3)
    ended, document = search(workload, "--find-capacity", "all.service.max<3600s")
    assert (ended.exit_code, document["capacity"], document["limited_by"]) == (5, 2, "deadline")
    assert [(one["clones"], one["met"], one["stopped"]) for one in document["curve"]] == [
        (1, True, None), (2, True, None), (4, None, "deadline"), (3, None, "deadline"),
    ]  # fmt: skip
    assert ended.stdout.splitlines()[0] == (
        "2 clones keep to all.service.max<3600s; beyond it runs were cut off (--deadline), and tell nothing"
    )


def test_where_some_were_valid_the_rest_is_not_known(workload, monkeypatch):
    spoils(monkeypatch, 3)
    ended, document = search(workload, "--find-capacity", "all.service.max<3600s")
    assert (ended.exit_code, document["capacity"], document["limited_by"]) == (5, 2, "harness")
    assert ended.stdout.splitlines()[0] == (
        "2 clones keep to all.service.max<3600s; beyond it no run was valid: the target may bear more"
    )


def test_where_a_valid_run_missed_it_not_even_one_keeps_to_it(workload):
    ended, document = search(workload, "--find-capacity", "all.response.max<1ns")
    assert (ended.exit_code, document["capacity"], document["limited_by"]) == (99, 0, "threshold")
    assert ended.stdout.splitlines()[0] == "no clone keeps to all.response.max<1ns: not even one alone"


def test_an_invalid_run_that_missed_it_shows_nothing_either(workload, monkeypatch):
    spoils(monkeypatch, 1)
    ended, document = search(workload, "--find-capacity", "all.response.max<1ns")
    assert (ended.exit_code, document["capacity"], document["limited_by"]) == (5, None, "harness")
    assert ended.stdout.splitlines()[0].endswith("is not known: no run was valid")


def test_what_a_valid_run_warns_of_stands_beside_it(workload):
    ended, document = search(
        workload, "--find-capacity", "all.service.max<3600s", "--pace", "original", "--max-clones", "1"
    )
    (one,) = document["curve"]
    if one["valid"]:
        assert any("too short to tell whether this machine's processors were" in it for it in one["warnings"])
        assert "yes: " in ended.stdout
    else:
        assert "no: " in ended.stdout
