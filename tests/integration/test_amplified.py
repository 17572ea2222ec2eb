"""Clones, loops and the warm-up, with real worker processes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from helpers import ran
from helpers.load import CREATE, OPEN, Load

from smbench.plan import Pace, clone, plan_run
from smbench.runner.loops import join_loops
from smbench.runner.run import RunOptions, run


def shared_file(turns: int = 5) -> Load:
    load = Load(users=["alice", "bob"], step_ns=200_000)
    load.opens(0, 1, "f", CREATE)
    load.opens(1, 2, "f", OPEN)
    for turn in range(turns):
        load.writes(0, 1, 4096 * turn)
        load.reads(1, 2, 4096 * turn)
    load.closes(0, 1)
    load.closes(1, 2)
    return load


def folders(tmp_path: Path, clones: int) -> list[Path]:
    roots = [tmp_path / f"clone-{number}" for number in range(clones)]
    for root in roots:
        root.mkdir()
    return [root for root in roots for _ in range(2)]


def written(result, tmp_path: Path) -> tuple[dict, list[dict]]:
    out = tmp_path / "a.run"
    out.mkdir()
    document = ran.written(result, out)
    assert json.loads((out / "run.json").read_text()) == document
    return document, pq.read_table(out / "operations.parquet").to_pylist()


def test_each_clone_does_all_of_the_workload_in_a_folder_of_its_own(tmp_path):
    load = shared_file()
    plan = clone(plan_run(load.workload, load.users, pace=Pace.FAST), 3, users_per_process=4)
    result = run(plan, load.workload, RunOptions("posix", folders(tmp_path, 3)))
    document, rows = written(result, tmp_path)
    assert document["operations"]["matched"] == document["operations"]["planned"] == 3 * 14
    assert document["order"]["violated"] == 0
    assert document["order"]["edges"] > 0
    assert document["configuration"]["clones"] == 3
    assert Counter((row["clone"], row["user"]) for row in rows) == {
        (number, 2 * number - 2 + user): 7 for number in (1, 2, 3) for user in (0, 1)
    }
    assert [(tmp_path / f"clone-{number}" / "f").stat().st_size for number in range(3)] == [20480] * 3


def test_clones_that_share_the_files_meet_and_the_mismatches_say_whose_they_are(tmp_path):
    load = shared_file()
    plan = clone(plan_run(load.workload, load.users, pace=Pace.FAST), 2)
    target = tmp_path / "target"
    target.mkdir()
    document, _ = written(run(plan, load.workload, RunOptions("posix", [target] * 4)), tmp_path)
    refused = [one for one in document["mismatches"] if one["kind"] == "Open"]
    assert [one["got"] for one in refused] == ["EEXIST"]
    assert refused[0]["user"] in ("alice@1", "alice@2")


def test_loops_are_one_result_whose_clock_stands_still_between_them(tmp_path):
    load = shared_file()
    plan = plan_run(load.workload, load.users, pace=Pace.ORIGINAL)
    results = []
    for number in range(3):
        root = tmp_path / f"{number}"
        root.mkdir()
        results.append(run(plan, load.workload, RunOptions("posix", [root] * 2)))
    pauses_ns = results[2].ending.start_ns - results[0].ending.start_ns
    # As many may have been asked for as one likes: those that never began are in no row, nor in memory.
    document, rows = written(join_loops(results, 10**9), tmp_path)
    operations = document["operations"]
    assert (operations["executed"], operations["matched"], operations["skipped"]) == (42, 42, 0)
    assert (operations["planned"], operations["not_begun"]) == (14 * 10**9, 14 * (10**9 - 3))
    assert document["configuration"]["loops"] == 10**9
    assert document["order"]["violated"] == 0
    for result in results:
        result.close()
        assert result.scratch is not None
        assert not result.scratch.exists()
    of_loop = {number: [row for row in rows if row["loop"] == number] for number in (1, 2, 3)}
    assert [len(of_loop[number]) for number in of_loop] == [14] * 3
    assert len(rows) == 42
    for number in (2, 3):
        end_ns = max(row["completed_ns"] for row in of_loop[number - 1])
        assert min(row["intended_ns"] for row in of_loop[number]) == end_ns
        assert min(row["issued_ns"] for row in of_loop[number]) >= end_ns
    assert max(row["completed_ns"] for row in of_loop[3]) < pauses_ns + 13 * 200_000
    # What the next loop waited for its beginning is neither lateness nor a hold of its own.
    assert document["held"]["max_ns"] < 100_000_000


def test_what_warms_up_is_carried_out_and_counted_but_not_measured(tmp_path):
    load = shared_file()
    plan = plan_run(load.workload, load.users, pace=Pace.ORIGINAL)
    target = tmp_path / "target"
    target.mkdir()
    options = RunOptions("posix", [target] * 2, warm_up_s=0.001)
    document, rows = written(run(plan, load.workload, options), tmp_path)
    assert document["operations"]["executed"] == 14
    early = sum(row["intended_ns"] < 1_000_000 for row in rows)
    assert document["warm_up"] == {"seconds": 0.001, "operations": early}
    assert early == 5
    assert document["latency"]["all"]["count"] == 9
    assert [row["operation"] for row in rows if not row["measured"]] == [
        row["operation"] for row in rows if row["intended_ns"] < 1_000_000
    ]
    measured_s = document["elapsed_s"] - 0.001
    assert abs(document["throughput"]["operations_per_s"] * measured_s - 9) < 1e-6
