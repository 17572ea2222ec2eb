"""Captures that cannot be read, a tshark that fails, and an ingest that is ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from faults.ground import TOOL, Ground, case, words_of

CAPTURE = Path(__file__).resolve().parents[2] / "tests/captures/three-users.pcap"
_SECRET = "Pw_of_faults_1"


def _ingest(ground: Ground, *words: object, **more: object) -> subprocess.CompletedProcess[str]:
    done = ground.run("ingest", *words, "-o", ground.results / "x.workload", **more)
    ground.note(done.returncode, done.stderr)
    return done


def _refused(ground: Ground, done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    ground.expect(done.returncode == status, f"status {done.returncode}")
    for word in words:
        ground.expect(word in done.stderr, f"it does not say {word!r}: {done.stderr[-200:]}")
    ground.expect(not (ground.results / "x.workload").exists(), "there is a workload")


def _tshark(ground: Ground, *lines: str) -> dict[str, str]:
    """An environment in which tshark is a script."""
    folder = ground.folder / "bin"
    folder.mkdir(mode=0o755)
    real = shutil.which("tshark")
    script = folder / "tshark"
    told = f'[ "$1" != --version ] || exec {real} "$@"'
    script.write_text("\n".join(["#!/bin/sh", told, *lines]) + "\n", encoding="utf-8")
    script.chmod(0o755)
    return ground.environment(PATH=f"{folder}:{os.environ['PATH']}")


@case("tshark: SIGSEGV at its start")
def tshark_crashes(ground: Ground) -> None:
    done = _ingest(ground, CAPTURE, "--decoder", "tshark", env=_tshark(ground, "kill -SEGV $$"))
    _refused(ground, done, 3, "SIGSEGV")


@case("tshark: says nothing, and does nothing")
def tshark_hangs(ground: Ground) -> None:
    environment = _tshark(ground, "exec sleep 600")
    done = _ingest(
        ground, CAPTURE, "--decoder", "tshark", "--decoder-patience", "3", env=environment
    )  # fmt: skip
    _refused(ground, done, 3, "three-users.pcap")


@case("tshark: writes rubbish")
def tshark_rubbish(ground: Ground) -> None:
    environment = _tshark(ground, "cat /dev/urandom | head -c 100000", "exit 0")
    done = _ingest(ground, CAPTURE, "--decoder", "tshark", env=environment)
    ground.expect(done.returncode in (2, 3), f"status {done.returncode}")


@case("ingest: SIGKILL while tshark has a password", short=True)
def ingest_killed(ground: Ground) -> None:
    secret = ground.folder / "password"
    secret.write_text(_SECRET + "\n", encoding="utf-8")
    environment = _tshark(ground, "exec sleep 600")
    words = [
        TOOL, "ingest", CAPTURE, "-o", ground.results / "x.workload", "--decoder", "tshark",
        "--nt-password-file", secret,
    ]  # fmt: skip
    process = subprocess.Popen(
        list(map(str, words)),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    ground.started.append(process)
    end = time.monotonic() + 30
    children: Sequence[psutil.Process] = ()
    while time.monotonic() < end:
        children = psutil.Process(process.pid).children(recursive=True)
        if any(words_of(child)[:1] == ["sleep"] for child in children):
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    ground.seen.status = process.returncode
    ground.expect(not psutil.wait_procs(children, 10)[1], "tshark outlived its ingest")
    found = [
        path for folder in (ground.tmp, ground.results) for path in folder.rglob("*")
        if path.is_file() and _SECRET.encode() in path.read_bytes()
    ]  # fmt: skip
    ground.expect(not found, f"the password stands in {found}")
    cleaned = ground.run("clean", ground.results)
    ground.expect(cleaned.returncode == 0, cleaned.stderr)


@case("a capture that is a FIFO")
def capture_fifo(ground: Ground) -> None:
    os.mkfifo(ground.folder / "x.pcap")
    _refused(ground, _ingest(ground, ground.folder / "x.pcap", timeout=30), 2, "x.pcap")


@case("a capture that is /dev/zero")
def capture_device(ground: Ground) -> None:
    _refused(ground, _ingest(ground, "/dev/zero", timeout=30), 2, "/dev/zero")


@case("a capture that is cut in a packet")
def capture_cut(ground: Ground) -> None:
    cut = ground.folder / "cut.pcap"
    cut.write_bytes(CAPTURE.read_bytes()[:-1000])
    done = _ingest(ground, cut)
    ground.expect(done.returncode == 0, f"status {done.returncode}")


@case("a capture that is no capture")
def capture_rubbish(ground: Ground) -> None:
    (ground.folder / "x.pcap").write_bytes(os.urandom(100_000))
    _refused(ground, _ingest(ground, ground.folder / "x.pcap"), 2, "x.pcap")


@case("a workload whose operations were cut")
def workload_cut(ground: Ground) -> None:
    damaged = ground.folder / "damaged.workload"
    shutil.copytree(ground.workload, damaged)
    content = (damaged / "operations.parquet").read_bytes()
    (damaged / "operations.parquet").write_bytes(content[: len(content) // 2])
    ground.workload = damaged
    status, said = ground.replay().end()
    ground.expect((status, "operations.parquet" in said) == (2, True), f"status {status}: {said[-200:]}")
