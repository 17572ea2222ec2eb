"""Ctrl-C and refusals between two loops, and between two runs of a search: what was measured is kept."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from helpers.load import OPEN_IF, Load
from helpers.processes import left_running

from smbench.cli.replay import replay
from smbench.errors import SetupError, SmbenchError
from smbench.pipeline import prepared
from smbench.pipeline import replay as heart
from smbench.pipeline.recover import CutOff, cut_off
from smbench.pipeline.recover import recover as make_result
from smbench.runner import run as runner
from smbench.workload.store import write


@pytest.fixture
def workload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A place for what runs keep meanwhile that no other run on this machine uses.
    (tmp_path / "meanwhile").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "meanwhile"))
    monkeypatch.setattr(runner, "_MEMORY_FILES", tmp_path / "meanwhile")
    load = Load(users=["alice", "bob"])
    for turn in range(20):
        load.opens(turn % 2, turn, f"f{turn}", OPEN_IF)
        load.closes(turn % 2, turn)
    write(tmp_path / "told.workload", load.workload)
    (tmp_path / "target").mkdir()
    return tmp_path / "told.workload"


def replayed(workload: Path, *options: str, keeps: bool = False) -> Result:
    """In this process, so that a test can say when the interrupt comes; what was measured stays or not."""
    folder = workload.parent
    arguments = [str(workload), str(folder / "target"), "-o", str(folder / "a.run"), "--json", *options]
    result = CliRunner().invoke(replay, arguments)
    assert left_running() == []
    assert bool(list((folder / "meanwhile").iterdir())) is keeps
    assert bool(list(folder.glob(".*.run*"))) is keeps
    return result


def fails_at(monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException) -> None:
    """Preparing fails when it is asked for the time number `at`."""
    asked = 0
    prepare: Any = vars(prepared)["prepare_root"]

    def counted(*given: object, **named: object) -> object:
        nonlocal asked
        asked += 1
        if asked == at:
            raise error
        return prepare(*given, **named)

    monkeypatch.setattr(prepared, "prepare_root", counted)


@pytest.mark.parametrize(("interrupt", "name", "status"), [
    (KeyboardInterrupt(), "SIGINT", 130), (KeyboardInterrupt("SIGTERM"), "SIGTERM", 143)
])  # fmt: skip
def test_an_interrupt_between_two_loops_leaves_the_loops_that_were(
    workload, monkeypatch, interrupt, name, status
):
    fails_at(monkeypatch, 3, interrupt)
    ended = replayed(workload, "--loop", "5", "--pace", "fast")
    assert ended.exit_code == status
    document = json.loads((workload.parent / "a.run/run.json").read_text())
    assert document["stopped"] == name
    operations = document["operations"]
    assert (operations["planned"], operations["executed"]) == (200, 80)
    rows = pq.read_table(workload.parent / "a.run/operations.parquet").to_pylist()
    assert {row["loop"] for row in rows if row["issued_ns"] is not None} == {1, 2}


def test_a_refusal_between_two_loops_is_an_error_and_the_loop_that_was_is_kept(workload, monkeypatch):
    fails_at(monkeypatch, 2, SetupError("the server is gone"))
    ended = replayed(workload, "--loop", "3", "--pace", "fast", keeps=True)
    assert isinstance(ended.exception, SmbenchError)
    assert not (workload.parent / "a.run").exists()
    assert "40 operations were measured" in ended.stderr
    found = cut_off(workload.parent / "a.run")
    assert found is not None
    assert found.partial is not None
    (found.partial / "owner.json").unlink()  # it is this process's, which lives
    made = make_result(CutOff(found.home, found.partial, None), workload.parent / "a.run")
    assert (made.outcomes.planned, made.outcomes.executed, made.stopped) == (120, 40, "killed")


SEARCH = (
    "--find-capacity",
    "mismatches.count==0",
    "--max-clones",
    "8",
    "--pace",
    "fast",
    "--users-per-process",
    "9",
)


def searched(workload: Path) -> dict:
    document = json.loads((workload.parent / "a.run/capacity.json").read_text())
    runs = sorted(path.name for path in (workload.parent / "a.run").iterdir() if path.is_dir())
    assert runs == [one["run"] for one in document["curve"]]
    return document


def test_an_interrupt_in_a_search_leaves_the_curve_and_says_that_it_is_not_the_end(workload, monkeypatch):
    fails_at(monkeypatch, 3, KeyboardInterrupt())  # the second run has two clones to prepare
    ended = replayed(workload, *SEARCH)
    document = searched(workload)
    assert ended.exit_code == 130
    assert (document["capacity"], document["limited_by"], document["stopped"]) == (1, "stopped", "SIGINT")
    assert [one["clones"] for one in document["curve"]] == [1]


def test_a_run_that_was_interrupted_proves_nothing(workload, monkeypatch):
    run: Any = vars(heart)["run"]

    def interrupted(plan, *given, **named):
        result = run(plan, *given, **named)
        result.ending.stopped = "SIGINT" if plan.clones == 2 else ""
        return result

    monkeypatch.setattr(heart, "run", interrupted)
    ended = replayed(workload, *SEARCH)
    document = searched(workload)
    assert ended.exit_code == 130
    assert (document["capacity"], document["limited_by"]) == (1, "stopped")
    assert [(one["clones"], one["met"], one["stopped"]) for one in document["curve"]] == [
        (1, True, None), (2, None, "SIGINT")
    ]  # fmt: skip


def test_where_no_further_run_is_possible_the_search_ends_with_what_it_knows(workload, monkeypatch):
    fails_at(monkeypatch, 4, SetupError("the share is full"))
    ended = replayed(workload, *SEARCH)
    document = searched(workload)
    assert ended.exit_code == 5
    assert (document["capacity"], document["limited_by"], document["refused"]) == (
        2, "refused", "the share is full"
    )  # fmt: skip


def test_what_others_have_in_the_folder_of_a_later_clone_is_not_touched(workload):
    there = workload.parent / "target" / "clone-0002" / "letter"
    there.parent.mkdir()
    there.write_text("mine")
    ended = replayed(workload, *SEARCH)
    document = searched(workload)
    assert (ended.exit_code, document["capacity"], document["limited_by"]) == (5, 1, "refused")
    assert "clone-0002 holds 'letter', which prepare did not make" in document["refused"]
    assert sorted(path.name for path in there.parent.iterdir()) == ["letter"]


def test_where_the_first_run_is_not_possible_nothing_is_known_and_nothing_written(workload, monkeypatch):
    fails_at(monkeypatch, 1, SetupError("the share is full"))
    assert isinstance(replayed(workload, *SEARCH).exception, SetupError)
    assert not (workload.parent / "a.run").exists()


def test_a_run_that_a_deadline_cut_off_proves_nothing_and_the_search_goes_on(workload):
    ended = replayed(workload, *SEARCH[:4], "--pace", "original", "--speed", "0.0001", "--deadline", "0.1",
                     "--clone", "4")  # fmt: skip
    document = searched(workload)
    assert [(one["clones"], one["met"], one["stopped"]) for one in document["curve"]] == [
        (clones, None, "deadline") for clones in (4, 2, 1)
    ]
    assert (ended.exit_code, document["capacity"], document["limited_by"]) == (5, None, "deadline")
