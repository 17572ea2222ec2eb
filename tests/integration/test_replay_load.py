"""`replay` with clones, loops and a warm-up, and the search for the capacity, as a user runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from helpers.command import run
from helpers.load import CREATE, OPEN, Load

from smbench.workload.model import Kind, NamespaceEntry
from smbench.workload.store import write


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    load = Load(users=["alice", "bob"], step_ns=2_000_000)
    load.opens(0, 1, "made", CREATE)
    load.opens(1, 2, "there", OPEN)
    for turn in range(5):
        load.writes(0, 1, 512 * turn, 512)
        load.reads(1, 2, 512 * turn, 512)
    load.closes(0, 1)
    load.closes(1, 2)
    told = load.workload
    told.namespace = [
        NamespaceEntry("there", Kind.FILE, size=4096, size_known=True),
        NamespaceEntry("made", Kind.FILE, present=False),
    ]
    told.info.lanes = [1, 1]
    write(tmp_path / "told.workload", told)
    (tmp_path / "target").mkdir()
    return tmp_path / "told.workload"


def replayed(workload: Path, *options: str) -> dict:
    ran = run("replay", workload, "target", "-o", "a.run", "--json", *options, cwd=workload.parent)
    # 5: on a machine that is busy with other tests a run may be late, which is not what is told here.
    assert ran.status in (0, 5), ran.err
    return json.loads(ran.out)


def test_a_replay_writes_what_is_read_and_says_so_before(workload):
    planned = replayed(workload, "--dry-run", "--clone", "2")["prepare"]
    assert planned == {"content": "auto", "bytes": 8192, "written_bytes": 8192, "sparse_bytes": 0}
    assert replayed(workload, "--dry-run", "--content", "sparse")["prepare"]["written_bytes"] == 0
    assert replayed(workload, "--dry-run", "--no-prepare")["prepare"] is None
    assert list((workload.parent / "target").iterdir()) == []
    told = json.loads(run("prepare", workload, "target", "--dry-run", "--json", cwd=workload.parent).out)
    assert told == {"schema": 1, "content": "auto", "bytes": 4096, "written_bytes": 4096, "sparse_bytes": 0}
    assert list((workload.parent / "target").iterdir()) == []


def test_files_that_were_prepared_for_other_reads_are_not_taken_as_they_are(workload, tmp_path):
    load = Load()
    load.opens(0, 1, "there")
    other = load.workload
    other.namespace = [
        NamespaceEntry("there", Kind.FILE, size=4096, size_known=True),
        NamespaceEntry("made", Kind.FILE, present=False),
    ]
    other.info.lanes = [1, 0]
    write(tmp_path / "other.workload", other)
    assert run("prepare", tmp_path / "other.workload", "target", cwd=tmp_path).status == 0
    ran = run("replay", workload, "target", "-o", "a.run", "--no-prepare", cwd=tmp_path)
    assert ran.status == 2
    assert "prepared for other reads" in ran.sentence
    assert "there 4 KiB from byte 0 to 4096 (written: holes only); leave --no-prepare" in ran.sentence
    replayed(workload)
    replayed(workload, "--no-prepare", "--force")
    assert run("prepare", workload, "target", "--content", "sparse", cwd=tmp_path).status == 0
    assert run("prepare", workload, "target", "--verify", cwd=tmp_path).status == 0
    document = replayed(workload, "--no-prepare", "--force")
    assert any("prepared sparse" in note for note in document["notes"])


def test_isolated_clones_have_folders_accounts_names_and_a_stagger(workload):
    document = replayed(workload, "--clone", "3", "--users-per-process", "2")
    operations = document["operations"]
    assert operations["matched"] == operations["planned"] == 3 * 14
    configuration = document["configuration"]
    assert (configuration["clones"], configuration["users"], configuration["processes"]) == (3, 6, 3)
    assert configuration["namespace"] == "isolated"
    assert configuration["stagger_s"] == pytest.approx(0.002 / 3, rel=0.01)
    assert "mean time between two arrivals" in configuration["stagger_rule"]
    assert [mount["user"] for mount in document["mounts"]] == [
        "alice@1", "bob@1", "alice@2", "bob@2", "alice@3", "bob@3"
    ]  # fmt: skip
    for number in (1, 2, 3):
        folder = workload.parent / "target" / f"clone-{number:04d}"
        assert (folder / "made").stat().st_size == 2560
        assert (folder / "there").stat().st_size == 4096


def test_shared_clones_say_that_mismatches_are_to_be_expected(workload):
    document = replayed(workload, "--clone", "2", "--namespace", "shared", "--stagger", "0.5")
    assert not (workload.parent / "target" / "clone-0001").exists()
    assert document["configuration"]["stagger_s"] == 0.5
    assert document["configuration"]["stagger_rule"] == "given"
    assert {(one["kind"], one["user"], one["got"]) for one in document["mismatches"]} >= {
        ("Open", "alice@2", "EEXIST")
    }
    assert any("share all files" in note for note in document["notes"])


def test_fresh_loops_find_what_the_first_one_found_and_others_what_the_last_one_left(workload):
    fresh = replayed(workload, "--loop", "3")
    assert fresh["operations"]["matched"] == fresh["operations"]["planned"] == 3 * 14
    assert fresh["configuration"]["loops"] == 3
    same = replayed(workload, "--loop", "2", "--loop-namespace", "same", "--force")
    assert same["operations"]["planned"] == 28
    assert [(one["kind"], one["got"]) for one in same["mismatches"]][:1] == [("Open", "EEXIST")]


def test_a_warm_up_is_counted_and_not_measured(workload):
    document = replayed(workload, "--warm-up", "0.0111")
    assert document["warm_up"] == {"seconds": 0.0111, "operations": 6}
    assert document["operations"]["executed"] == 14
    assert document["latency"]["all"]["count"] == 8


def test_the_capacity_is_searched_for_and_every_run_is_kept(workload):
    found = run(
        "replay", workload, "target", "-o", "c.run", "--json", "--executor", "null", "--pace", "fast",
        "--users-per-process", "100", "--max-clones", "4", "--find-capacity", "all.held.max<3600s",
        cwd=workload.parent,
    )  # fmt: skip
    document = json.loads(found.out)
    assert (found.status, document["capacity"], document["limited_by"]) == (0, 4, "most")
    assert [(one["clones"], one["run"], one["met"]) for one in document["curve"]] == [
        (1, "001", True), (2, "002", True), (4, "003", True)
    ]  # fmt: skip
    folder = workload.parent / "c.run"
    assert json.loads((folder / "capacity.json").read_text()) == document
    assert json.loads((folder / "003" / "run.json").read_text())["configuration"]["clones"] == 4


def test_the_curve_is_printed_with_what_ended_it(workload):
    found = run(
        "replay", workload, "target", "-o", "c.run", "--executor", "null", "--pace", "fast",
        "--users-per-process", "100", "--max-clones", "3", "--find-capacity", "all.service.max<3600s",
        cwd=workload.parent,
    )  # fmt: skip
    assert found.status == 0, found.err
    lines = found.out.splitlines()
    assert lines[0] == "3 clones keep to all.service.max<3600s; more were not tried (--max-clones)"
    assert lines[1].split()[:4] == ["clones", "users", "operations/s", "all.service.max"]
    assert [(row[0], row[1], row[-1]) for row in map(str.split, lines[2:])] == [
        ("1", "2", "001"), ("2", "4", "002"), ("3", "6", "003")
    ]  # fmt: skip
    told = [line for line in found.err.splitlines() if "operations/s" in line]
    assert [line.split(":")[0] for line in told] == ["1 clone", "2 clones", "3 clones"]
    assert all(line.endswith("holds") for line in told)


def test_simulated_clones_take_the_times_of_the_target(workload):
    target = workload.parent / "target"
    (target / "simulated.json").write_text('{"service_ns": {"Read": 3000000, "Write": 1000000}}')
    for clones in ("1", "3"):
        document = replayed(workload, "--executor", "simulated", "--clone", clones, "--force")
        assert document["latency"]["Read"]["service"]["p50_ns"] >= 3_000_000
        assert document["latency"]["Write"]["service"]["p50_ns"] >= 1_000_000
        assert not document["notes"]
    assert [path.name for path in target.iterdir()] == ["simulated.json"]
    (target / "simulated.json").unlink()
    ran = run("replay", workload, target, "-o", "s.run", "--executor", "simulated", "--clone", "2", "-q",
              cwd=workload.parent)  # fmt: skip
    assert f"warning: {target} has no simulated.json: each simulated call takes 100 µs" in ran.err
    assert json.loads((workload.parent / "s.run/run.json").read_text())["notes"] == [
        f"{target} has no simulated.json: each simulated call takes 100 µs"
    ]
    (target / "simulated.json").write_text("{}{}")
    for dry in ([], ["--dry-run"]):
        ran = run(
            "replay", workload, target, "-o", "t.run", "--executor", "simulated", *dry, cwd=workload.parent
        )
        assert (ran.status, "is no JSON" in ran.sentence) == (2, True)


def test_a_deadline_ends_it_with_what_was_measured(workload):
    document = replayed(workload, "--speed", "0.01", "--deadline", "0.5")
    operations = document["operations"]
    assert document["stopped"] == "deadline"
    assert 0 < operations["executed"] < operations["planned"] == 14
    assert document["configuration"]["deadline_s"] == 0.5


def test_a_deadline_holds_for_all_loops_together(workload):
    document = replayed(workload, "--speed", "0.05", "--loop", "9", "--deadline", "2")
    operations = document["operations"]
    assert document["stopped"] == "deadline"
    assert 14 < operations["executed"] < operations["planned"] == 9 * 14


def test_accounts_are_dealt_round_over_all_clones_and_a_named_one_stands_for_its_user_in_each(workload):
    (workload.parent / "pw").write_text("secret")
    (workload.parent / "pw").chmod(0o600)
    (workload.parent / "users.toml").write_text(
        "".join(f'[[user]]\nname = "lab{number}"\npassword_file = "pw"\n' for number in (1, 2, 3))
        + '[[user]]\nname = "labbob"\npassword_file = "pw"\ncaptured = "bob"\n'
    )
    for namespace in ("isolated", "shared"):
        ran = run("replay", workload, "//server.invalid/share", "--users", "users.toml", "--dry-run",
                  "--json", "--clone", "4", "--namespace", namespace, cwd=workload.parent)  # fmt: skip
        assert ran.status == 0, ran.err
        document = json.loads(ran.out)
        assert [(row["user"], row["account"]) for row in document["users"]] == [
            ("alice@1", "lab1"), ("bob@1", "labbob"), ("alice@2", "lab2"), ("bob@2", "labbob"),
            ("alice@3", "lab3"), ("bob@3", "labbob"), ("alice@4", "lab1"), ("bob@4", "labbob"),
        ]  # fmt: skip
        assert document["operations"] == 4 * 14
    assert not list(workload.parent.glob("*.run"))


def test_where_not_even_one_clone_keeps_to_the_threshold_the_status_is_99(workload):
    ran = run(
        "replay", workload, "target", "-o", "c.run", "--pace", "fast", "--find-capacity",
        "all.service.p50<1ns", cwd=workload.parent,
    )  # fmt: skip
    assert ran.status == 99
    assert "no clone keeps to all.service.p50<1ns" in ran.out
    assert (workload.parent / "target" / "clone-0001" / "there").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--wire", "--loop", "2"], "leave --loop"),
        (["--find-capacity", "all.response.p99<1s", "--threshold", "errors.count==0"], "leave --threshold"),
        (
            ["--clone", "3", "--max-bytes", "10000", "--content", "full"],
            "the files of 3 clones hold 12 KiB, which is more to write than the limit",
        ),
        (["--clone", "3", "--no-prepare"], "there is no folder"),
    ],
)
def test_what_does_not_go_together_is_said_in_a_sentence(workload, options, said):
    ran = run("replay", workload, "target", "-o", "a.run", *options, cwd=workload.parent)
    assert ran.status == 2
    assert said in ran.sentence


@pytest.mark.skipif(sys.platform != "linux", reason="a link for a folder")
def test_a_clones_folder_that_somebody_made_a_link_is_refused_in_a_sentence(workload, tmp_path):
    replayed(workload, "--clone", "2")
    (tmp_path / "target" / "clone-0002").rename(tmp_path / "elsewhere")
    (tmp_path / "target" / "clone-0002").symlink_to(tmp_path / "elsewhere")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "elsewhere").rglob("*")}
    for options in (["--no-prepare"], []):
        ran = run(
            "replay",
            workload,
            "target",
            "-o",
            "b.run",
            "--clone",
            "2",
            "--pace",
            "fast",
            *options,
            cwd=tmp_path,
        )
        assert ran.status == 2
        assert "clone-0002" in ran.sentence
        assert "a clone needs a folder of its own: move it away" in ran.sentence
        assert not (tmp_path / "b.run").exists()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "elsewhere").rglob("*")} == before
