"""Thresholds and the live view as a user meets them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from helpers.command import TOOL, run
from helpers.load import CREATE, Load

from smbench.workload.calls import Stat
from smbench.workload.store import write


def written(folder: Path, load: Load) -> Path:
    write(folder / "told.workload", load.workload)
    (folder / "target").mkdir()
    return folder / "told.workload"


def story(step_ns: int = 1_000_000, turns: int = 20) -> Load:
    load = Load(step_ns=step_ns)
    for turn in range(turns):
        load.opens(turn % 2, turn, f"file{turn}", CREATE)
        load.writes(turn % 2, turn, 0, 100)
        load.closes(turn % 2, turn)
    return load


def test_what_is_missed_ends_with_99_and_stands_in_the_result(tmp_path):
    workload = written(tmp_path, story())
    ran = run(
        "replay", workload, tmp_path / "target", "-o", tmp_path / "a.run", "--pace", "fast", "--json",
        "--threshold", "write.service.p99<1ns", "--threshold", "ALL.response.count==60",
        "--max-mismatch", "0",
    )  # fmt: skip
    document = json.loads(ran.out)
    assert document["valid"], document["reasons"]
    assert ran.status == 99
    missed, met = document["thresholds"]
    assert (missed["text"], missed["met"], missed["unit"]) == ("write.service.p99<1ns", False, "ns")
    assert missed["value"] == document["latency"]["Write"]["service"]["p99_ns"]
    assert (met["value"], met["met"]) == (60, True)
    assert json.loads((tmp_path / "a.run/run.json").read_text())["thresholds"] == document["thresholds"]
    shown = run("report", tmp_path / "a.run")
    assert shown.status == 0
    assert "MISSED" in shown.out


def test_a_missed_threshold_comes_before_mismatches(tmp_path):
    load = story()
    load.opens(0, 99, "nobody", expected=0)
    workload = written(tmp_path, load)
    arguments = ["replay", workload, tmp_path / "target", "--pace", "fast", "--max-mismatch", "0", "--json"]
    ran = run(*arguments, "-o", tmp_path / "a.run", "--threshold", "mismatches.count==0",
              "--threshold", "errors.count<=1")  # fmt: skip
    document = json.loads(ran.out)
    assert document["operations"]["errors"] == document["operations"]["mismatched"] == 1
    assert [one["met"] for one in document["thresholds"]] == [False, True]
    assert ran.status == 99
    again = run(*arguments, "--no-prepare", "-o", tmp_path / "b.run", "--threshold", "errors.rate<=100%")
    assert again.status == 4


def test_a_slip_of_the_pen_costs_no_run(tmp_path):
    workload = written(tmp_path, story())
    ran = run("replay", workload, tmp_path / "target", "--threshold", "reed.response.p99<20ms")
    assert ran.status == 2
    assert "reed is no call" in ran.sentence
    assert not list(tmp_path.glob("*.run"))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--executor", "null", "--threshold", "mismatches.count==0"], "null has no outcomes to compare"),
        (["--executor", "null", "--threshold", "errors.rate<1%"], "null has no outcomes to compare"),
        (["--executor", "null", "--max-mismatch", "0"], "null has no outcomes to compare"),
        (["--executor", "simulated", "--max-mismatch", "5%"], "simulated has no outcomes to compare"),
        (["--executor", "null", "--find-capacity", "mismatches.count==0"], "no outcomes to compare"),
        (["--executor", "null", "--threshold", "throughput.write_bytes_per_s<1G"], "null moves no bytes"),
        (["--threshold", "read.service.p99<20ms"], "no Read is measured"),
        (["--threshold", "throughput.read_bytes_per_s<1G"], "no Read is measured"),
        (["--find-capacity", "list.response.p99<20ms"], "no List is measured"),
    ],
)
def test_what_a_run_does_not_measure_is_refused_before_it(tmp_path, options, why):
    workload = written(tmp_path, story())
    for dry in ([], ["--dry-run"]):
        ran = run("replay", workload, tmp_path / "target", "-o", tmp_path / "a.run", *options, *dry)
        assert ran.status == 2
        assert "asks for what this run does not measure: " in ran.sentence
        assert why in ran.sentence
    assert [path.name for path in tmp_path.iterdir() if path.name != "told.workload"] == ["target"]
    assert not list((tmp_path / "target").iterdir())


def test_a_number_of_what_never_occurs_is_a_number(tmp_path):
    workload = written(tmp_path, story())
    ran = run("replay", workload, tmp_path / "target", "-o", tmp_path / "a.run", "--pace", "fast", "--json",
              "--threshold", "read.service.count==0")  # fmt: skip
    assert ran.status == 0
    assert json.loads(ran.out)["thresholds"][0]["value"] == 0


def test_a_workload_without_answers_proves_nothing(tmp_path):
    load = Load()
    load.opens(0, 1, "f", CREATE, expected=None)
    load.closes(0, 1, expected=None)
    workload = written(tmp_path, load)
    ran = run("replay", workload, tmp_path / "target", "--threshold", "mismatches.count==0")
    assert ran.status == 2
    assert "the capture has no answer to any operation" in ran.sentence


def test_what_only_the_run_shows_to_be_unmeasured_is_missed_with_its_reason(tmp_path):
    """All writes are due in the warm-up."""
    load = Load(step_ns=1_000_000)
    load.opens(0, 1, "f", CREATE)
    load.writes(0, 1)
    load.closes(0, 1, at_ns=50_000_000)
    workload = written(tmp_path, load)
    ran = run(
        "replay", workload, tmp_path / "target", "-o", tmp_path / "a.run", "--json", "--warm-up", "20ms",
        "--threshold", "write.service.max<3600s", "--threshold", "throughput.write_bytes_per_s<1G",
        "--threshold", "close.service.max<3600s", "--threshold", "mismatches.count==0",
    )  # fmt: skip
    document = json.loads(ran.out)
    found = [(one["met"], one["value"] is None, one["reason"]) for one in document["thresholds"]]
    why = "no Write is measured"
    assert found == [(False, True, why), (False, True, why), (True, False, None), (True, False, None)]
    assert ran.status == (99 if document["valid"] else 5)
    shown = run("report", tmp_path / "a.run")
    assert f"MISSED: {why}" in shown.out
    assert f"MISSED: {why}" in (tmp_path / "a.run/report.html").read_text()


def test_a_run_of_nothing_but_its_warm_up_is_not_valid(tmp_path):
    workload = written(tmp_path, story())
    options = [workload, tmp_path / "target", "-o", tmp_path / "a.run", "--json", "--warm-up", "9"]
    for dry in ([], ["--dry-run"]):
        refused = run("replay", *options, *dry)
        assert refused.status == 2
        assert (
            "--warm-up of 9 s leaves nothing to measure: the last operation is due after 59 ms"
            in refused.sentence
        )
    # Without times nobody knows it before.
    ran = run("replay", *options, "--pace", "fast")
    document = json.loads(ran.out)
    assert ran.status == 5
    assert (
        "nothing was measured: all 60 operations were due in the warm-up; shorten it" in document["reasons"]
    )


def replayed(tmp_path: Path, name: str, *options: str) -> tuple[int, dict, str]:
    ran = run("replay", tmp_path / "told.workload", tmp_path / "target", "-o", tmp_path / name, "--json",
              "--pace", "fast", "--no-prepare", *options)  # fmt: skip
    assert ran.out, ran.err
    return ran.status, json.loads(ran.out), ran.err


def test_a_multiple_of_a_baseline(tmp_path):
    written(tmp_path, story())
    replayed(tmp_path, "old.run")
    old = json.loads((tmp_path / "old.run/run.json").read_text())
    for file in (tmp_path / "target").iterdir():
        file.unlink()
    status, document, said = replayed(
        tmp_path, "new.run", "--baseline", str(tmp_path / "old.run"),
        "--threshold", "write.service.p99<1000000x", "--threshold", "all.response.count<=1x",
        "--threshold", "write.service.max<0.000001x", "--threshold", "all.service.p50<3600s",
    )  # fmt: skip
    assert (status, "warning" in said) == (99, False)
    assert [one["met"] for one in document["thresholds"]] == [True, True, False, True]
    times, count, *_ = document["thresholds"]
    assert times["baseline"] == old["latency"]["Write"]["service"]["p99_ns"]
    assert times["limit"] == 1_000_000 * times["baseline"]
    assert (count["value"], count["baseline"]) == (60, 60)
    assert " (1x of 60)" in run("report", tmp_path / "new.run").out


def test_what_a_baseline_differs_in_is_warned_of_before_and_stands_in_the_result(tmp_path):
    written(tmp_path, story())
    replayed(tmp_path, "old.run", "--executor", "null", "--clone", "2", "--loop", "3")
    limit = ("--threshold", "all.service.p99<1000000x", "--baseline", str(tmp_path / "old.run"))
    said = (
        f"the baseline {tmp_path / 'old.run'} is of another run: executor null there, posix here; clones 2 "
        "there, 1 here; loops 3 there, 1 here"
    )
    _, document, err = replayed(tmp_path, "new.run", *limit)
    assert [line for line in err.splitlines() if "the baseline" in line] == [f"warning: {said}"]
    assert said in document["notes"]
    assert said in (tmp_path / "new.run/report.html").read_text()
    # Of a search the clones are what is looked for.
    ran = run("replay", tmp_path / "told.workload", tmp_path / "target", "-o", tmp_path / "c.run", "--pace",
              "fast", "--no-prepare", "--executor", "null", "--max-clones", "1", "--find-capacity",
              "all.service.max<1000000x", *limit[2:])  # fmt: skip
    (warned,) = [line for line in ran.err.splitlines() if "the baseline" in line]
    assert warned.endswith(" is of another run: loops 3 there, 1 here")


def test_a_baseline_that_lacks_the_measure_or_is_none_is_refused(tmp_path):
    written(tmp_path, story())
    replayed(tmp_path, "null.run", "--executor", "null")
    refusals = [
        (["--threshold", "mismatches.count<=1x"], "a baseline: name its run with --baseline"),
        (["--threshold", "mismatches.count<=1x", "--baseline", tmp_path / "null.run"],
         "did not measure: the executor null has no outcomes to compare"),
        (["--threshold", "read.service.p99<=1x", "--baseline", tmp_path / "null.run"],
         "did not measure: no Read is measured"),
        (["--find-capacity", "read.service.p99<=1x", "--baseline", tmp_path / "null.run"], "no Read"),
        (["--threshold", "all.service.p99<1s", "--baseline", tmp_path / "null.run"], "for multiples of it"),
        (["--threshold", "all.service.p99<2x", "--baseline", tmp_path / "none.run"], "is no run"),
    ]  # fmt: skip
    for options, why in refusals:
        ran = run(
            "replay", tmp_path / "told.workload", tmp_path / "target", "-o", tmp_path / "a.run", *options
        )
        assert ran.status == 2, ran.err
        assert why in ran.sentence
    (tmp_path / "null.run/latency.hlog").write_text("Tag=nonsense,1\n")
    ran = run("replay", tmp_path / "told.workload", tmp_path / "target", "--threshold", "all.service.p99<2x",
              "--baseline", tmp_path / "null.run")  # fmt: skip
    assert (ran.status, "null.run/latency.hlog is damaged (line 1 is" in ran.sentence) == (2, True)


def test_shares_at_their_limit_are_kept_to(tmp_path):
    """7 of 1,000, which 0.7 % is, and no binary fraction says so."""
    load = Load()
    for number in range(7):
        load.opens(0, number, f"nowhere{number}", expected=0)
    for _ in range(993):
        load.add(0, Stat(""), expected=0)
    written(tmp_path, load)
    at = ["--threshold", "errors.rate<=0.7%", "--threshold", "errors.rate>=0.7%"]
    assert replayed(tmp_path, "a.run", *at, "--max-mismatch", "0.7%")[0] == 0
    assert replayed(tmp_path, "b.run", "--threshold", "errors.rate<0.7%")[0] == 99
    assert replayed(tmp_path, "c.run", "--max-mismatch", "0.699%")[0] == 4
    assert replayed(tmp_path, "d.run", "--max-mismatch", "7")[0] == 0
    assert replayed(tmp_path, "e.run", "--max-mismatch", "6")[0] == 4


def test_elsewhere_than_on_a_terminal_a_line_comes_now_and_then(tmp_path):
    workload = written(tmp_path, story(step_ns=100_000_000))
    ran = run("replay", workload, tmp_path / "target", "-o", tmp_path / "a.run")
    lines = [line for line in ran.err.splitlines() if "users running" in line]
    assert len(lines) == 1, ran.err
    assert "of 60 operations" in lines[0]
    quiet = run(
        "replay", workload, tmp_path / "target", "-o", tmp_path / "b.run", "--speed", "9", "-q", "--force"
    )
    assert quiet.err == ""


def test_on_a_terminal_the_table_is_drawn_each_second(tmp_path):
    workload = written(tmp_path, story(step_ns=50_000_000))
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [TOOL, "replay", workload, tmp_path / "target", "-o", tmp_path / "a.run"],
        stdout=subprocess.DEVNULL, stderr=follower, env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
    )  # fmt: skip
    os.close(follower)
    seen = b""
    try:
        while chunk := os.read(leader, 65536):
            seen += chunk
    except OSError:  # what Linux says when the other end is closed
        pass
    finally:
        os.close(leader)
        process.wait()
    said = seen.decode()
    assert "service time" in said
    assert "2 of 2 users running" in said
    assert said.count("operations (") >= 2
    assert "s left" in said


@pytest.mark.parametrize("flag", ["--json", "-q"])
def test_who_wants_no_words_gets_none(tmp_path, flag):
    workload = written(tmp_path, story(step_ns=1_000_000))
    ran = run("replay", workload, tmp_path / "target", "-o", tmp_path / "a.run", flag)
    assert "users running" not in ran.err
