"""A signal, or a closed terminal, in the middle of a command: the status says which; nothing stays."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from helpers.command import THREE_USERS, TOOL, run

STATUS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129, "SIGQUIT": 131}
PATIENCE_S = 30


class Place:
    """Folders of a test's own, with a tshark that says its version and then reads for ever."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.scratch = folder, folder / "scratch"
        self.started: list[subprocess.Popen[bytes]] = []
        for made in (self.scratch, folder / "bin", folder / "target"):
            made.mkdir()
            made.chmod(0o777)
        tshark = folder / "bin" / "tshark"
        tshark.write_text(
            '#!/bin/sh\n[ "$1" != --version ] || { echo "TShark 4.4.2 with Lua 5.4"; exit; }\n'
            "exec sleep 600\n"
        )
        tshark.chmod(0o755)
        (folder / "password").write_text("Pw_alice1\n")
        self.environment = {
            **os.environ,
            "TMPDIR": str(self.scratch),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }

    def start(
        self, *arguments: str | Path, before: Callable[[], object] = lambda: None, **more: object
    ) -> subprocess.Popen[bytes]:
        def in_child() -> None:
            for name in STATUS:  # which whoever runs the tests may ignore
                signal.signal(signal.Signals[name], signal.SIG_DFL)
            before()

        process = subprocess.Popen(  # type: ignore[call-overload]
            [TOOL, *map(str, arguments)], cwd=self.folder, env=self.environment, preexec_fn=in_child,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )  # fmt: skip
        self.started.append(process)
        return process

    def left(self) -> list[str]:
        """What is there beyond what was before."""
        expected = {"scratch", "bin", "target", "password", "w.workload", "r.run"}
        return [
            *map(str, self.scratch.iterdir()),
            *({path.name for path in self.folder.iterdir()} - expected),
        ]


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="smbench-test-") as name:
        Path(name).chmod(0o755)
        place = Place(Path(name))
        yield place
        for process in place.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def await_(what: str, is_so: object) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.01)


def reading(process: subprocess.Popen[bytes]) -> bool:
    """Whether tshark (here: sleep) is at work beneath it."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return any(child.name() == "sleep" for child in children)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("name", STATUS)
def test_ingest_leaves_no_password_behind(place: Place, name: str, jobs: str) -> None:
    process = place.start(
        "ingest", THREE_USERS, THREE_USERS, "-o", "w.workload", "--decoder", "tshark", "--jobs", jobs,
        "--nt-password-file", "password",
    )  # fmt: skip
    await_("tshark runs", lambda: reading(process))
    assert [*place.scratch.glob("smbench-tshark-*")]
    own = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.Signals[name])
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == STATUS[name], err
    assert err.decode().splitlines() == [
        "smbench-mount: interrupted" if name == "SIGINT" else f"smbench-mount: ended by {name}"
    ]
    assert (out, place.left()) == (b"", [])
    assert not psutil.wait_procs(own, PATIENCE_S)[1]


@pytest.mark.parametrize("name", STATUS)
def test_a_replay_that_is_ended_says_what_it_measured(place: Place, name: str) -> None:
    assert run("ingest", THREE_USERS, "-o", "w.workload", cwd=place.folder).status == 0
    process = place.start("replay", "w.workload", "target", "-o", "r.run", "--speed", "0.01", "-q")
    await_("the run goes on", lambda: len(psutil.Process(process.pid).children()) == 3)
    await_("files are there", lambda: any((place.folder / "target").rglob("*.md")))
    time.sleep(0.5)
    mapped = [Path(region.path) for region in psutil.Process(process.pid).memory_maps()]
    meanwhile = {each for path in mapped for each in path.parents if each.name.startswith("smbench-run-")}
    assert meanwhile
    process.send_signal(signal.Signals[name])
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == STATUS[name], err
    assert b"Traceback" not in err
    assert f'"stopped": "{name}"' in (place.folder / "r.run" / "run.json").read_text()
    assert place.left() == []
    assert not any(folder.exists() for folder in meanwhile)


@pytest.mark.parametrize("command", ["ingest", "replay"])
def test_a_closed_terminal(place: Place, command: str) -> None:
    """What is still said then fails with EIO, and has to end neither the cleaning up nor the writing."""
    assert run("ingest", THREE_USERS, "-o", "w.workload", cwd=place.folder).status == 0
    here, there = pty.openpty()
    arguments = {
        "ingest": ("ingest", THREE_USERS, "--force", "-o", "w.workload", "--decoder", "tshark",
                   "--nt-password-file", "password"),
        "replay": ("replay", "w.workload", "target", "-o", "r.run", "--speed", "0.01"),
    }[command]  # fmt: skip
    process = place.start(
        *arguments, stdin=there, stdout=there, stderr=there, start_new_session=True,
        before=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(there)
    try:
        if command == "ingest":
            await_("tshark runs", lambda: reading(process))
        else:
            await_("the run goes on", lambda: len(psutil.Process(process.pid).children()) == 3)
            time.sleep(0.5)
    finally:
        os.close(here)
    assert process.wait(PATIENCE_S) == STATUS["SIGHUP"]
    assert place.left() == []
    if command == "replay":
        assert '"stopped": "SIGHUP"' in (place.folder / "r.run" / "run.json").read_text()
        assert (place.folder / "r.run" / "report.html").exists()


def test_a_job_that_goes_on_without_its_terminal(place: Place) -> None:
    """nohup: SIGHUP was ignored when it began, and is."""
    process = place.start(
        "ingest", THREE_USERS, "-o", "w.workload", "--decoder", "tshark",
        before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    await_("tshark runs", lambda: reading(process))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == STATUS["SIGTERM"]
