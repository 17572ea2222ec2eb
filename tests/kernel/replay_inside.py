"""Replays through real CIFS mounts, told inside the lab's guest (see test_replay.py)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.command import THREE_USERS, TOOL, run

SHARE = os.environ.get("LAB_SHARE", "")
USERS = Path(os.environ.get("LAB_USERS", ""))
WORKLOAD = Path("/tmp/three-users.workload")


def cifs_mounts() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if " - cifs " in line]


def credentials_files() -> list[Path]:
    """What a mount could leave behind: small files with a password of the lab's accounts."""
    places = [Path("/run/smbench-mount"), Path("/dev/shm")]
    found = [path for place in places if place.exists() for path in place.rglob("*") if path.is_file()]
    return [path for path in found if path.stat().st_size < 4096 and b"lab-user" in path.read_bytes()]


def await_replaying() -> None:
    """Until some operations have been issued on three mounts."""
    until = time.monotonic() + 30
    while len(cifs_mounts()) < 3 or not list(Path("/dev/shm").glob("smbench-run-*/*/operations.log")):
        assert time.monotonic() < until, "the replay never began"
        time.sleep(0.1)
    time.sleep(4)


@pytest.fixture(autouse=True)
def workload() -> Iterator[Path]:
    if not WORKLOAD.exists():
        assert run("ingest", THREE_USERS, "-o", WORKLOAD).status == 0
    yield WORKLOAD
    assert cifs_mounts() == []
    assert credentials_files() == []


@pytest.mark.parametrize("command", ["replay", "prepare"])
def test_what_the_share_refuses_is_said_of_the_share(command: str) -> None:
    folder = Path(os.environ["LAB_SHARE_PATH"]) / "taken"
    folder.mkdir()
    (folder / "letter").write_text("mine")
    options = ["-o", "/tmp/refused.run"] if command == "replay" else []
    ran = run(command, WORKLOAD, f"{SHARE}/taken", "--users", USERS, *options)
    assert ran.status == 2
    assert f"the target {SHARE}/taken holds 'letter', which prepare did not make" in ran.sentence
    (folder / "letter").unlink()
    folder.rmdir()


@pytest.mark.parametrize("profile", ["wire", "application"])
def test_three_users_end_as_in_the_capture_and_a_lease_breaks(profile: str, tmp_path: Path) -> None:
    output = tmp_path / "first.run"
    ran = run("replay", WORKLOAD, SHARE, "--users", USERS, "--profile", profile, "-o", output, "--json")
    document = json.loads(ran.out)
    # A machine that is busy with other things makes the harness late: then the run has to say so.
    assert ran.status == (0 if document["valid"] else 5), ran.err
    assert document["valid"] == (document["reasons"] == [])
    lifted = sum(json.loads(run("inspect", WORKLOAD, "--json").out)["operations"].values())
    told = document["operations"]
    assert told["planned"] == told["executed"] == told["matched"] == lifted > 100
    assert told["mismatched"] == told["skipped"] == 0
    assert document["order"]["violated"] == 0
    mounts = document["mounts"]
    assert [mount["account"] for mount in mounts] == ["user01", "user02", "user03"]
    assert len({mount["connection"]["id"] for mount in mounts}) == 3
    assert all(mount["connection"]["nosharesock"] for mount in mounts)
    assert document["client"]["lease_breaks_acknowledged"] >= 1
    stored = json.loads((output / "run.json").read_text())
    assert stored == document
    assert pq.read_table(output / "operations.parquet").num_rows == lifted


def test_fast_keeps_the_order_between_users(tmp_path: Path) -> None:
    ran = run(
        "replay", WORKLOAD, SHARE, "--users", USERS, "--pace", "fast", "-o", tmp_path / "f.run", "--json"
    )
    document = json.loads(ran.out)
    assert document["operations"]["mismatched"] == 0, document["mismatches"]
    assert document["order"]["violated"] == 0
    assert document["elapsed_s"] < 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle_the_result_is_there_and_nothing_stays(
    number: signal.Signals, tmp_path: Path
) -> None:
    output = tmp_path / "cut.run"
    process = subprocess.Popen(
        [TOOL, "replay", WORKLOAD, SHARE, "--users", USERS, "-o", output, "--speed", "0.2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    await_replaying()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, out + err
    assert "Traceback" not in out + err
    document = json.loads((output / "run.json").read_text())
    assert document["stopped"] == number.name
    assert 0 < document["operations"]["executed"] < document["operations"]["planned"]
    executed = [at for at in pq.read_table(output / "operations.parquet")["completed_ns"].to_pylist() if at]
    assert len(executed) == document["operations"]["executed"]


def test_a_run_that_was_killed_is_found_and_unmounted(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [TOOL, "replay", WORKLOAD, SHARE, "--users", USERS, "-o", tmp_path / "k.run", "--speed", "0.2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    await_replaying()
    process.kill()
    process.wait()
    time.sleep(1)
    ran = run("umount", "--json")
    assert ran.status == 0, ran.err
    assert len(json.loads(ran.out)["unmounted"]) == 3


def wrong_password(tmp_path: Path) -> tuple[str, Path]:
    (tmp_path / "wrong.pw").write_text("not-it")
    (tmp_path / "wrong.pw").chmod(0o600)
    (tmp_path / "users.toml").write_text('[[user]]\nname = "user01"\npassword_file = "wrong.pw"\n')
    return SHARE, tmp_path / "users.toml"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("//127.0.0.1:4459/share", "no server answers|refused"),
        ("//127.0.0.1/no-such-share", "no-such-share"),
        (None, "user01"),
    ],
)
def test_a_server_that_refuses_ends_in_one_sentence_and_status_3(
    target: str | None, says: str, tmp_path: Path
) -> None:
    share, users = (target, USERS) if target else wrong_password(tmp_path)
    began = time.monotonic()
    ran = run("replay", WORKLOAD, share, "--users", users, "-o", tmp_path / "r.run")
    assert ran.status == 3, ran.out + ran.err
    assert re.search(says, ran.sentence), ran.sentence
    assert time.monotonic() - began < 20
    assert not (tmp_path / "r.run").exists()


def test_a_public_capture_replays_on_the_mounts(tmp_path: Path) -> None:
    capture = THREE_USERS.parents[3] / "shared" / "captures" / "zeek_smb_smb2_100_small_files.pcap"
    if not capture.exists():
        pytest.skip("the folder of public captures is not beside the project")
    ran = run(
        "replay", capture, SHARE, "--users", USERS, "-o", tmp_path / "p.run", "--pace", "fast", "--json"
    )
    assert ran.status in (0, 5), ran.err
    operations = json.loads(ran.out)["operations"]
    assert operations["executed"] > 300
    assert operations["mismatched"] == 0, json.loads(ran.out)["mismatches"]
