"""Captures that are no plain file, or change while they are read; and what a killed `ingest` leaves."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.command import THREE_USERS, TOOL, Ran, run

from smbench.capture.tshark import find_tshark

PASSWORD = "Pw_nobody_has_1"


def piped(given: bytes | int, *arguments: str | Path) -> Ran:
    """`smbench-mount` with that as its standard input: bytes by a pipe, or a descriptor."""
    where: dict[str, Any] = {"stdin": given} if isinstance(given, int) else {"input": given}
    done = subprocess.run(
        [TOOL, *map(str, arguments)], capture_output=True, check=False, timeout=120, **where
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in out + err, err
    return Ran(done.returncode, out, err)


@pytest.mark.parametrize("packed", [False, True])
def test_a_capture_comes_by_standard_input(packed: bool, tmp_path: Path) -> None:
    data = THREE_USERS.read_bytes()
    output = tmp_path / "w.workload"
    ran = piped(gzip.compress(data) if packed else data, "ingest", "-", "-o", output, "--json")
    document = json.loads(ran.out)
    assert (ran.status, document["exchanges"], document["captures"]) == (0, 310, ["standard input"])
    assert [path.name for path in tmp_path.iterdir()] == ["w.workload"]
    assert not [path for path in output.iterdir() if path.name.startswith(".")]
    shown = run("inspect", output, "--frame", "4", "--capture", THREE_USERS)
    # Packed, a file of another name and size is the same capture.
    assert (shown.status, "Negotiate Protocol" in shown.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "data", "says"),
    [
        (["-"], b"", "which has no name that the workload could take: give -o"),
        (["-", "-", "-o", "w.workload"], b"", "given twice"),
        (["-", "-o", "w.workload"], b"", r"the capture standard input is empty \(0 bytes\)"),
        (
            ["-", "-o", "w.workload"],
            THREE_USERS.read_bytes()[:24],
            "the capture standard input has no packets",
        ),
        (["-", "-o", "w.workload"], b"rubbish", "standard input begins neither as pcap nor as pcapng"),
        (["-", "-o", "w.workload"], b"\x1f\x8brubbish", "cannot unpack standard input"),
    ],
)
def test_what_cannot_come_by_standard_input_is_one_sentence(
    arguments: list[str], data: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = piped(data, "ingest", *arguments)
    assert ran.status == 2
    assert re.search(says, ran.sentence)
    assert not list(tmp_path.iterdir())


def test_an_endless_input_that_is_no_capture_is_not_written_to_the_disk(tmp_path: Path) -> None:
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        assert endless.stdout is not None
        ran = piped(endless.stdout.fileno(), "ingest", "-", "-o", tmp_path / "w.workload")
        endless.stdout.close()
        endless.kill()
    assert (ran.status, "begins neither as pcap" in ran.sentence) == (2, True)


def test_a_terminal_and_a_device_are_no_capture(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    nowhere = os.open(os.devnull, os.O_RDONLY)
    try:
        for given, what in ((follower, "a terminal"), (nowhere, "a device, as /dev/null is")):
            ran = piped(given, "ingest", "-", "-o", tmp_path / "w.workload")
            assert ran.status == 2
            assert ran.sentence.startswith(
                f"smbench-mount: standard input is {what}, and no capture: pipe one"
            )
    finally:
        for descriptor in (leader, follower, nowhere):
            os.close(descriptor)


def test_a_pipe_a_device_and_a_directory_are_one_sentence_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), Path("/dev/null")):
        ran = run("ingest", path, "-o", tmp_path / "w.workload")
        assert ran.status == 2
        assert f"{path} is a " in ran.sentence


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that whoever tshark runs as may write to: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="smbench-test-") as made:
        Path(made).chmod(0o777)
        yield Path(made)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("cat {copy} >>{file}", "grew"),
        ("truncate -s 200000 {file}", "was cut"),
        ("touch {file}", "was written"),
    ],
)
def test_a_capture_that_changes_while_it_is_read_is_said_and_graded(
    change: str, says: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tshark that changes it first is how this is sure to be within the reading."""
    found, program, file = find_tshark(), place / "tshark", place / "c.pcap"
    copy = shutil.copy(THREE_USERS, place)  # a clone may be where only its owner reads
    change = change.format(file=file, copy=copy)
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] || {change}\nexec {found.path} "$@"\n')
    program.chmod(0o755)
    file.write_bytes(THREE_USERS.read_bytes())
    file.chmod(0o666)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    ran = run("ingest", file, "--decoder", "tshark", "-o", place / "w.workload", "--json")
    assert ran.status == 0, ran.err
    assert f"{file} {says} while it was read" in ran.err
    assert json.loads(ran.out)["grade"]["changed_files"] == 1


def of_this(folder: Path) -> list[psutil.Process]:
    """Processes that belong to an ingest with this temporary folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in (process.cwd(), *process.cmdline()) or process.cwd().startswith(str(folder)):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_killed_ingest_leaves_no_process_and_no_key(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed while its tshark runs, which says so by a file and waits."""
    found, program, temporary = find_tshark(), place / "tshark", place / "tmp"
    program.write_text(
        f'#!/bin/sh\n[ "$1" != --version ] || exec {found.path} "$@"\n'
        f"grep -c ^ntlmssp.nt_password: preferences >{place}/seen\nexec sleep 1000\n"
    )
    program.chmod(0o755)
    temporary.mkdir(mode=0o777)
    temporary.chmod(0o777)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(temporary))
    (place / "given").mkdir()
    (place / "given" / "password").write_text(PASSWORD)
    command: list[str | Path] = [
        TOOL,
        "ingest",
        THREE_USERS,
        "--decoder",
        "tshark",
        "-o",
        place / "w.workload",
    ]
    command += ["--nt-password-file", place / "given" / "password"]
    with subprocess.Popen(command) as ingest:
        while not (place / "seen").is_file() or not (place / "seen").read_text():
            assert ingest.poll() is None
            time.sleep(0.05)
        running = of_this(temporary)
        assert len(running) == 1
        ingest.send_signal(signal.SIGKILL)
    assert (place / "seen").read_text() == "1\n", "tshark is given the password"
    psutil.wait_procs(running, timeout=60)
    assert not of_this(temporary)
    left = [path for path in place.rglob("*") if path.is_file() and path.parent.name != "given"]
    assert left
    assert not [path for path in left if PASSWORD.encode() in path.read_bytes()]
