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
    again = run(*arguments, "--no-prepare", "-o", tmp_path / "b.run", "--threshold", "errors.rate<1000%")
    assert again.status == 4


def test_a_slip_of_the_pen_costs_no_run(tmp_path):
    workload = written(tmp_path, story())
    ran = run("replay", workload, tmp_path / "target", "--threshold", "reed.response.p99<20ms")
    assert ran.status == 2
    assert "reed is no call" in ran.sentence
    assert not list(tmp_path.glob("*.run"))


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
