"""What is no run, or not whole, given where a run is wanted: one sentence, status 2."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.command import THREE_USERS, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("no-run")
    assert run("ingest", THREE_USERS, "-o", made / "w.workload").status == 0
    (made / "target").mkdir()
    run("replay", made / "w.workload", made / "target", "-o", made / "a.run", "--pace", "fast")
    whole = json.loads((made / "a.run" / "run.json").read_text())
    for name, text in {
        "broken": "{",
        "list": "[1]",
        "future": json.dumps({**whole, "schema": 99}),
        "part": json.dumps({"schema": 1, "configuration": {}}),
    }.items():
        (made / name).mkdir()
        (made / name / "run.json").write_text(text)
    (made / "empty").mkdir()
    (made / "search").mkdir()
    (made / "search" / "capacity.json").write_text("{}")
    return made


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty", "empty is n"),  # "no run", or "neither a workload nor a run"
        ("broken", "run.json is no JSON"),
        ("list", "run.json is not whole (Expected `object`, got `array`): replay again"),
        ("future", "has another schema than 1"),
        ("part", "run.json is not whole (it lacks `executor` in `configuration`): replay again"),
        ("search", "search is a search for the capacity: name one of its runs, as search/001"),
    ],
)
@pytest.mark.parametrize("command", [["report"], ["compare", "w.workload"]])
def test_it_is_said_in_a_sentence(folder: Path, command: list[str], name: str, says: str) -> None:
    ran = run(*command, name, cwd=folder)
    assert ran.status == 2
    assert says in ran.sentence
    assert not (folder / name / "report.html").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["report", "a.run/run.json"], "a.run/run.json is a file: give the directory of a run"),
        (["report", "w.workload"], "w.workload is no run: it has no run.json"),
        (["report", "nothing"], "nothing is no run"),
        (["replay", "a.run", "target", "-o", "b.run"], "a.run is no workload"),
        (["inspect", "a.run"], "a.run is no workload"),
        (["prepare", "a.run", "target"], "a.run is no workload"),
        (["compare", "a.run", "w.workload"], "a.run has no wire capture"),
    ],
)
def test_one_artefact_in_the_place_of_another(folder: Path, command: list[str], says: str) -> None:
    ran = run(*command, cwd=folder)
    assert ran.status == 2
    assert says in ran.sentence


def spoil(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "cut short":
        path.write_bytes(path.read_bytes()[:-50])
    elif how == "not its own":
        path.write_text("something else")
    elif how == "other columns":
        pq.write_table(pa.table({"x": [1, 2]}), path)
    elif how == "other types":
        table = pq.read_table(path)
        pq.write_table(pa.table({name: ["a"] * table.num_rows for name in table.column_names}), path)


HOW = ["missing", "folder", "empty", "cut short", "not its own", "other columns", "other types"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", ["operations.parquet", "resources.parquet"])
def test_a_file_of_the_run_is_named(folder: Path, tmp_path: Path, name: str, how: str) -> None:
    shutil.copytree(folder / "a.run", tmp_path / "a.run")
    spoil(tmp_path / "a.run" / name, how)
    ran = run("report", "a.run", "--html", "a.html", cwd=tmp_path)
    assert ran.status == 2
    wrong = {"missing": "missing", "folder": "no ordinary file"}.get(how, "damaged (")
    assert f"a.run/{name} is {wrong}" in ran.sentence
    assert ran.sentence.endswith("replay again")
    assert not (tmp_path / "a.html").exists()
    ran = run("report", "a.run", "-q", cwd=tmp_path)
    assert ran.status == 0, "run.json is whole, and that is what is asked for"
    assert f"warning: no page: a.run/{name} is " in ran.err


@pytest.mark.parametrize("how", ["missing", "folder"])
def test_tables_need_the_log(folder: Path, tmp_path: Path, how: str) -> None:
    shutil.copytree(folder / "a.run", tmp_path / "a.run")
    spoil(tmp_path / "a.run" / "latency.hlog", how)
    ran = run("report", "a.run", "--csv", "tables", cwd=tmp_path)
    assert ran.status == 2
    assert "smbench-mount: a.run/latency.hlog is " in ran.err


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", ["operations.parquet", "exchanges.parquet"])
def test_a_spoiled_workload_beside_a_run_costs_its_frames(
    folder: Path, tmp_path: Path, name: str, how: str
) -> None:
    shutil.copytree(folder / "a.run", tmp_path / "a.run")
    shutil.copytree(folder / "w.workload", tmp_path / "w.workload")
    spoil(tmp_path / "w.workload" / name, how)
    ran = run("report", "a.run", "-q", "--html", "a.html", cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    page = (tmp_path / "a.html").read_text()
    assert "no frames" in page or "is not beside the run" in page


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_run_that_one_may_not_read(folder: Path) -> None:
    document = folder / "a.run" / "run.json"
    document.chmod(0)
    try:
        ran = run("report", "a.run", cwd=folder)
    finally:
        document.chmod(0o644)
    assert ran.status == 2
    assert ran.sentence.endswith("cannot read a.run/run.json: Permission denied")
