"""What scripts call: from a capture to a run and a comparison, without a console and without a word."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.command import PROJECT, THREE_USERS

import smbench
from smbench.pipeline.request import DEFAULTS
from smbench.runner.watch import RunView

SEALED = PROJECT.parent / "shared/captures/smbclient_311_encrypted_gcm.pcap"

START_S = 60.0
"""A machine that is busy gets so long to begin."""

IN_A_NOTEBOOK = """
import sys
import smbench
assert not {"numpy", "pyarrow"} & set(sys.modules)
capture, folder = sys.argv[1:]
workload = smbench.ingest(capture, folder + "/w.workload")
run = smbench.replay(workload, folder + "/target", speed=20, users_per_process=3)
assert smbench.read_run(run.directory) == run
rows = run.operations()
assert rows.num_rows == run.outcomes.executed == run.latency["all"].count > 100
assert run.outcomes.mismatched == 0
read = run.latency["Read"]
assert 0 < read.service.p99_ns <= read.response.p99_ns <= read.response.max_ns
assert read.count == rows.column("kind").to_pylist().count("Read")
compared = smbench.compare(folder + "/w.workload", run.directory)
assert compared.candidates[0].outcomes.matched == run.outcomes.matched
assert not {"click", "rich"} & {name.split(".")[0] for name in sys.modules}
"""

UNTIL_A_SIGNAL = """
import signal, sys, threading, time
import smbench

class Told(smbench.Progress):
    def view(self, view):
        open("running", "w").close()

{before}
try:
    run = smbench.replay("w.workload", "target", output="a.run", users_per_process=3, progress=Told())
    print("returned", run.verdict.stopped)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("python")
    smbench.ingest(THREE_USERS, folder / "w.workload")
    return folder / "w.workload"


@pytest.mark.skipif(not SEALED.is_file(), reason="the public captures are not beside the project")
def test_accounts_open_what_is_encrypted(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("Pw_alice1")
    (tmp_path / "pw").chmod(0o600)
    (tmp_path / "users.toml").write_text('[[user]]\nname = "alice"\npassword_file = "pw"\n')
    accounts = tmp_path / "users.toml"
    with pytest.raises(smbench.UsageError, match="give --users"):
        smbench.ingest(SEALED, tmp_path / "closed.workload")
    made = smbench.ingest(SEALED, tmp_path / "opened.workload", accounts=accounts)
    assert made.info.trace.grade["undecrypted"] == 0
    compared = smbench.compare(tmp_path / "opened.workload", SEALED, accounts=str(accounts))
    ((_, wire),) = compared.wired
    assert (wire.wire.recall, wire.wire.precision) == (1, 1)


def test_a_fresh_process_replays_without_a_console_and_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    command = [sys.executable, "-c", IN_A_NOTEBOOK, str(THREE_USERS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(
    ("number", "before", "status", "said"),
    [
        (signal.SIGTERM, "", -signal.SIGTERM, ""),
        (signal.SIGINT, "", 0, "interrupted\n"),
        (signal.SIGHUP, "", -signal.SIGHUP, ""),
        (
            signal.SIGTERM,
            "signal.signal(signal.SIGTERM, lambda number, frame: print('mine'))",
            0,
            "mine\nreturned SIGTERM\n",
        ),
    ],
)
def test_a_signal_acts_when_the_run_is_written(
    workload: Path, tmp_path: Path, number: signal.Signals, before: str, status: int, said: str
) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "w.workload").symlink_to(workload)
    script = UNTIL_A_SIGNAL.format(before=before)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        give_up = time.monotonic() + START_S
        while not (tmp_path / "running").exists() and process.poll() is None:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=START_S)
    assert (out, err, process.returncode) == (said, "", status)
    assert json.loads((tmp_path / "a.run/run.json").read_text())["stopped"] == number.name
    assert not list(tmp_path.glob(".*"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_signal_before_the_run_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import os, signal
import smbench

class Ends(smbench.Progress):
    def count(self, stage, done, total):
        os.kill(os.getpid(), signal.SIGTERM)

smbench.ingest({str(THREE_USERS)!r}, "w.workload", progress=Ends())
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", -signal.SIGTERM)
    assert not list(tmp_path.iterdir())


def test_what_is_heard_on_the_way(workload: Path, tmp_path: Path) -> None:
    class Heard(smbench.Progress):
        def __init__(self) -> None:
            self.stages: set[str] = set()
            self.views: list[RunView] = []
            self.warnings: list[str] = []

        def warn(self, text: str) -> None:
            self.warnings.append(text)

        def count(self, stage: str, done: int, total: int) -> None:
            assert done <= total
            self.stages.add(stage)

        def view(self, view: RunView) -> None:
            self.views.append(view)

    heard = Heard()
    (tmp_path / "target").mkdir()
    run = smbench.replay(
        THREE_USERS, tmp_path / "target", users=tmp_path / "users.toml", speed=4, users_per_process=3,
        progress=heard,
    )  # fmt: skip
    assert run.configuration.workload == THREE_USERS.name
    assert heard.stages >= {"reading the capture", "preparing"}
    assert heard.views[-1].planned == run.outcomes.planned
    users = tmp_path / "users.toml"
    said = f"{tmp_path / 'target'} is a directory, which needs no accounts: {users} is not used"
    assert heard.warnings == [said]


def test_a_run_of_nowhere_lasts_as_long_as_the_process(workload: Path, tmp_path: Path) -> None:
    script = (
        "import smbench; run = smbench.replay('w.workload', 'target', executor='null', pace='fast');"
        "assert run.operations().num_rows; print(run.directory)"
    )
    (tmp_path / "target").mkdir()
    (tmp_path / "w.workload").symlink_to(workload)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "smbench-result-" in done.stdout
    assert not Path(done.stdout.strip()).exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"speed": 0}, "--speed 0 makes no sense"),
        ({"speed": float("nan")}, "--speed nan makes no sense"),
        ({"pace": "slow"}, r"--pace 'slow' is none: it is original or think or fast"),
        ({"deadline_s": 0}, "--deadline 0 makes no sense: give more than 0 s and at most a year"),
        ({"clones": 0}, "--clone 0 makes no sense: give at least 1"),
        ({"profile": "lan"}, "--profile 'lan' is none"),
        ({"executor": "none"}, "the executor 'none' is not known"),
        ({"wire": True, "loops": 2}, "--wire captures one run"),
        ({"wire": True}, "--wire captures the traffic with a server"),
        ({"thresholds": ["read.p99"]}, "read.p99"),
        ({"baseline": "b.run"}, "--baseline is for multiples of it"),
        ({"mount_options": ["cache=none"]}, "is a directory, which is not mounted: leave --mount-option"),
    ],
)
def test_what_makes_no_sense_is_said_with_the_options_name(
    workload: Path, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(smbench.UsageError, match=sentence):
        smbench.replay(workload, tmp_path / "target", output=tmp_path / "a.run", **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["target"]
    assert not list((tmp_path / "target").iterdir())


def test_an_option_that_is_none_is_refused(workload: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="spede"):
        smbench.replay(workload, tmp_path, spede=2)
    assert "speed" in DEFAULTS


def test_what_is_offered_is_there() -> None:
    assert set(smbench.__all__) <= set(dir(smbench))
    for name in smbench.__all__:
        assert getattr(smbench, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = smbench.nothing
