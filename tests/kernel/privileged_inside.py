"""The command by sudo on real mounts, told inside the lab's guest as root (see test_privileged.py)."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from helpers.canaries import Word, in_files, in_memory_files, in_process
from helpers.command import THREE_USERS, TOOL, Ran
from helpers.reachable import make_reachable

from smbench.capture.nt_keytab import entry
from smbench.privileged.client import HELPER
from smbench.privileged.system import RUNTIME_FOLDER

CALLER, GROUP = 65533, 65532
SHARE = os.environ.get("LAB_SHARE", "")
HERE = Path("/srv/callers")
KILLS = int(os.environ.get("SECURITY_KILLS", "3"))
"""scripts/prove-security asks for more."""
BY_SUDO = {**os.environ, "SUDO_UID": str(CALLER), "SUDO_GID": str(GROUP)}


@pytest.fixture(scope="module", autouse=True)
def _callers_folder() -> None:
    """With accounts and a workload of the caller's, who has a name, and a program that all may read."""
    with Path("/etc/passwd").open("a") as file:
        file.write(f"caller:x:{CALLER}:{GROUP}::{HERE}:/bin/sh\n")
    scratch = Path("/srv/scratch")
    scratch.mkdir()
    make_reachable(scratch)
    shutil.copytree(Path(os.environ["LAB_USERS"]).parent, HERE)
    for path in (HERE, *HERE.iterdir()):
        os.chown(path, CALLER, GROUP)
    assert by_sudo("ingest", "-q", THREE_USERS, "-o", "w.workload").status == 0


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    assert mounts() == []
    assert list(RUNTIME_FOLDER.glob("*.json")) == []
    await_no_helper()


def mounts() -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cifs " in line]


def helpers() -> list[int]:
    """The processes that are one."""
    return [one.pid for one in psutil.process_iter(["cmdline"]) if str(HELPER) in (one.info["cmdline"] or [])]


def await_no_helper() -> None:
    """They end when whoever asked has, and the kernel has told them."""
    deadline = time.monotonic() + 10
    while helpers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert helpers() == []


def by_sudo(*words: str | Path) -> Ran:
    done = subprocess.run([TOOL, *words], capture_output=True, text=True, cwd=HERE, env=BY_SUDO, check=False)
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def replaying(*more: str) -> subprocess.Popen[bytes]:
    """A replay that has begun on its mounts."""
    words = ["replay", "w.workload", SHARE, "--users", "users.toml", "-q", *more]
    replay = subprocess.Popen(
        [TOOL, *words], cwd=HERE, env=BY_SUDO, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while len(psutil.Process(replay.pid).children()) < 4:
        assert time.monotonic() < deadline, "it never began"
        assert replay.poll() is None
        time.sleep(0.05)
    return replay


def write_down(family: list[psutil.Process]) -> None:
    """The rights of each process, for whoever reads (scripts/prove-security)."""
    names = ("Uid", "Gid", "Groups", "CapEff", "CapBnd", "NoNewPrivs")
    lines = [f"{'process':14}" + "".join(f"{name:>20}" for name in names)]
    for one in family:
        text = Path(f"/proc/{one.pid}/status").read_text(encoding="ascii", errors="replace")
        told = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        words = ("/".join(dict.fromkeys(told[name].split())) or "-" for name in names)
        lines.append(f"{told['Name'].strip():14}" + "".join(f"{word:>20}" for word in words))
    (Path(os.environ["LAB_OUT"]) / "processes.txt").write_text("\n".join(lines) + "\n")


def test_a_replay_is_the_callers_but_for_the_helper() -> None:
    replay = replaying("-o", "a.run", "--wire", "--speed", "0.5")
    family = [psutil.Process(replay.pid), *psutil.Process(replay.pid).children(recursive=True)]
    table = {f"{one.name()} {one.pid}": one.uids().real for one in family}
    write_down(family)
    assert len(mounts()) == 3
    assert replay.wait(120) in (0, 5)
    helper = [name for name, uid in table.items() if uid == 0]
    assert len(helper) == 1, table
    assert any(name.startswith("tcpdump") for name in table), table
    assert set(table.values()) == {0, CALLER}
    document = json.loads((HERE / "a.run/run.json").read_text())
    assert document["operations"]["matched"] == document["operations"]["planned"]
    assert document["machine"]["as_root"] is False
    assert document["wire"]["packets"]["captured"] > 100
    owners = {path.stat().st_uid for path in (HERE / "a.run", *(HERE / "a.run").rglob("*"))}
    assert owners == {CALLER}


def test_calibration_prepare_and_kept_mounts() -> None:
    for words in (
        ("calibrate", SHARE, "--users", "users.toml", "-o", "client.toml"),
        ("prepare", "w.workload", SHARE, "--users", "users.toml"),
        ("mount", SHARE, "--users", "users.toml"),
    ):
        done = by_sudo(*words)
        assert done.status == 0, done.err
    assert (HERE / "client.toml").stat().st_uid == CALLER
    assert len(mounts()) == 3
    assert all(f"uid={CALLER},forceuid,gid={GROUP}" in line for line in mounts())
    done = by_sudo("umount")
    assert done.status == 0, done.err
    assert "unmounted 3 mounts" in done.out


def test_what_a_killed_command_leaves_is_unmounted() -> None:
    replay = replaying("-o", "b.run", "--speed", "0.5")
    replay.kill()
    replay.wait(10)
    await_no_helper()
    done = by_sudo("umount")
    assert done.status == 0, done.err
    assert "unmounted 3 mounts" in done.out


# Passwords: those of the lab's three users are words that stand nowhere else.

PASSWORDS = [f"lab-user0{number}" for number in (1, 2, 3)]
HASHES = [entry("", word)[-16:] for word in PASSWORDS]
"""Worth as much as they are."""
BEGAN_S = time.time()
OF_ENVIRONMENT = "SMBENCH_TEST_PASSWORD"
PLACES = [Path(place) for place in ("/run/smbench-mount", "/dev/shm", "/srv/callers", "/var/log")]


def accounts_by_the_environment() -> dict[str, str]:
    """The third user's password comes by a variable; the others' by files."""
    text = (HERE / "users.toml").read_text()
    (HERE / "mixed.toml").write_text(
        text.replace('password_file = "user03.pw"', f'password_env = "{OF_ENVIRONMENT}"')
    )
    return {**BY_SUDO, OF_ENVIRONMENT: PASSWORDS[2]}


def beneath(main: psutil.Process) -> dict[psutil.Process, str]:
    """The processes beneath one, by name; what ends meanwhile is left out."""
    found = {}
    for one in main.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found[one] = one.name()
    return found


def workers_of(main: psutil.Process) -> list[psutil.Process]:
    """In the users' order."""
    own = []
    for one in main.children():
        with suppress(psutil.NoSuchProcess):  # what asks for the route is no worker, and ends
            if one.uids().real == CALLER and one.name() != "tcpdump":
                own.append(one)
    return sorted(own, key=lambda one: one.pid)


def written() -> set[Path]:
    """The files with a password, beside those that are given."""
    # Of the host's folders only what was made since: there is much of it.
    new = [one for one in Path("/var/tmp").iterdir() if one.lstat().st_mtime >= BEGAN_S]
    homes = Path("/tmp").glob("smbench-tshark-*")
    return in_files([*PLACES, *new, *homes], [*PASSWORDS, *HASHES], BEGAN_S, HERE.glob("*.pw"))


def holding(process: psutil.Process, words: Sequence[Word] = PASSWORDS) -> dict[str, set[Word]]:
    return {where: found for where, found in in_process(process.pid, words).items() if found}


def all_are_users(workers: list[psutil.Process], executor: str) -> bool:
    """Whether each is at work; where it is a client itself, it has its connection by then."""
    with suppress(psutil.NoSuchProcess):
        connected = [one for one in workers if executor == "posix" or one.net_connections("tcp")]
        return len(connected) == 3
    return False


@pytest.mark.parametrize("executor", ["posix", "library"])
def test_a_password_is_in_its_own_users_worker_at_most(executor: str) -> None:
    if executor == "library":
        pytest.importorskip("smbprotocol", reason="the extra library is not installed")
    words = ["replay", "w.workload", SHARE, "--users", "mixed.toml", "-q", "-o", f"{executor}.run", "--wire",
             "--executor", executor, "--speed", "0.1"]  # fmt: skip
    environment = accounts_by_the_environment()
    with subprocess.Popen([TOOL, *words], cwd=HERE, env=environment, stderr=subprocess.DEVNULL) as replay:
        main = psutil.Process(replay.pid)
        deadline = time.monotonic() + 60
        while not all_are_users(workers := workers_of(main), executor):
            assert time.monotonic() < deadline, "it never began"
            time.sleep(0.05)
        time.sleep(3)
        # The main process last: the others end with it.
        held = {one.pid: holding(one) for one in (*main.children(recursive=True), main)}
        files = written()
        # It is not asked how it ends: User-Mode Linux may end a process whose memory another one has read.
        replay.kill()
    await_no_helper()
    assert by_sudo("umount").status == 0
    expected: dict[int, dict[str, set[Word]]] = {pid: {} for pid in held}
    if executor == "library":  # and that they are found there is the positive control
        expected |= {one.pid: {"memory": {word}} for one, word in zip(workers, PASSWORDS, strict=True)}
    assert held == expected
    assert files == set()
    assert written() == set()


SEALED = ["--wire", "--mount-option", "seal", "--pace", "fast"]


def slow_tshark() -> Path:
    """A folder with a tshark that never gets anywhere, once it is asked for more than its version."""
    folder = Path("/srv/slow")
    folder.mkdir(exist_ok=True)
    script = folder / "tshark"
    real = shutil.which("tshark")
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec {real} --version\nexec sleep 1000\n')
    script.chmod(0o755)
    return folder


def await_no_keys() -> None:
    """Whoever was given them ends when the command has."""
    deadline = time.monotonic() + 10
    while (left := in_memory_files([*PASSWORDS, *HASHES])) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == {}


@pytest.mark.timeout(300)
def test_the_keys_of_the_own_wire_are_tsharks_alone_and_gone_with_a_kill() -> None:
    environment = accounts_by_the_environment()
    environment["PATH"] = f"{slow_tshark()}:{environment['PATH']}"
    words = ["replay", "w.workload", SHARE, "--users", "mixed.toml", "-q", "-o", "sealed.run", *SEALED]
    with subprocess.Popen([TOOL, *words], cwd=HERE, env=environment, stderr=subprocess.DEVNULL) as replay:
        main = psutil.Process(replay.pid)
        deadline = time.monotonic() + 140
        while not (asleep := [one for one, name in beneath(main).items() if name == "sleep"]):
            assert time.monotonic() < deadline, "it never opened its wire"
            assert replay.poll() is None
            time.sleep(0.05)
        # That they are found there is the positive control.
        assert in_memory_files(HASHES)[asleep[0].pid] == set(HASHES)
        held = {
            name: holding(one, [*PASSWORDS, *HASHES])
            for one, name in {**beneath(main), main: main.name()}.items()
        }
        files = written()
        replay.kill()
    await_no_helper()
    assert by_sudo("umount").status == 0
    assert held == {name: {} for name in held}
    assert files == set()
    assert written() == set()
    await_no_keys()


def test_nothing_of_a_password_is_left_by_kills() -> None:
    """At moments by chance, from the start until the replay opens its own wire, or has ended."""
    environment = accounts_by_the_environment()
    chance = random.Random(16)
    for number in range(KILLS):
        words = [
            "replay",
            "w.workload",
            SHARE,
            "--users",
            "mixed.toml",
            "-q",
            "-o",
            f"killed-{number}.run",
            *SEALED,
        ]
        with subprocess.Popen([TOOL, *words], cwd=HERE, env=environment, stderr=subprocess.DEVNULL) as replay:
            time.sleep(chance.uniform(0.1, 12.0))
            replay.kill()
        await_no_helper()
        assert written() == set()
        await_no_keys()
        assert by_sudo("umount").status == 0
