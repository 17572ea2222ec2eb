"""By sudo the command is whoever called it, from before it opens anything; root's is the helper alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from helpers.command import THREE_USERS, TOOL, Ran
from helpers.reachable import can_be_reachable, reachable

CALLER, GROUP = 65533, 65532
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can become somebody else"
)


@pytest.fixture
def here() -> Iterator[Path]:
    """A folder of the caller's, with a capture that everybody may read and one that only root may."""
    with tempfile.TemporaryDirectory(prefix="smbench-becoming-") as name:
        folder, scratch = Path(name, "here"), Path(name, "scratch")
        Path(name).chmod(0o755)
        scratch.mkdir()
        if not can_be_reachable(scratch):
            pytest.skip("mounts of its own, as of a container that may make them, are needed")
        folder.mkdir()
        (folder / "target").mkdir()
        for capture, mode in (("everybodys.pcap", 0o644), ("roots.pcap", 0o600)):
            (folder / capture).write_bytes(THREE_USERS.read_bytes())
            (folder / capture).chmod(mode)
        for own in (folder, folder / "target"):
            os.chown(own, CALLER, GROUP)
        yield folder


def command(here: Path, *words: str) -> list[str]:
    return [*reachable(here.parent / "scratch"), str(TOOL), *words]


def environment(here: Path) -> dict[str, str]:
    # An account without a home keeps the key of prepare where it says.
    home = {"HOME": "/nonexistent", "XDG_STATE_HOME": str(here)}
    return {**os.environ, **home, "SUDO_UID": str(CALLER), "SUDO_GID": str(GROUP)}


def by_sudo(here: Path, *words: str) -> Ran:
    done = subprocess.run(
        command(here, *words), capture_output=True, text=True, cwd=here, env=environment(here), check=False
    )
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def status_of(process: psutil.Process) -> dict[str, str]:
    text = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def test_every_process_but_the_helper_is_the_callers(here: Path) -> None:
    assert by_sudo(here, "ingest", "-q", "everybodys.pcap", "-o", "w.workload").status == 0
    words = ("replay", "w.workload", "target", "-o", "a.run", "--speed", "0.1")
    with subprocess.Popen(
        command(here, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=here,
        env=environment(here),
    ) as replay:  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                family = {one.pid: status_of(one) for one in psutil.Process(replay.pid).children()}
                workers = [one for one in family.values() if one["Uid"].split()[0] != "0"]
                if len(workers) == 3 and len(family) == 4:
                    break
                time.sleep(0.02)
            main = status_of(psutil.Process(replay.pid))
        finally:
            replay.terminate()
            replay.wait(60)
    [helper] = [one for one in family.values() if one not in workers]
    assert helper["Uid"].split() == ["0"] * 4
    assert len(workers) == 3
    for one in (main, *workers):
        assert one["Uid"].split() == [str(CALLER)] * 4
        assert one["Gid"].split() == [str(GROUP)] * 4
        assert [int(one[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")] == [0] * 5
        assert one["NoNewPrivs"] == "1"
    owners = {path.name: path.stat().st_uid for path in here.iterdir() if not path.name.endswith(".pcap")}
    assert owners == dict.fromkeys(("target", "w.workload", "a.run", "smbench"), CALLER)


def test_a_capture_that_only_root_may_read(here: Path) -> None:
    done = by_sudo(here, "ingest", "-q", "roots.pcap", "-o", "w.workload", "--json")
    assert done.status == 0, done.err
    assert "roots.pcap" in (here / "w.workload/manifest.json").read_text()
    assert not list(here.glob(".*")), "nothing of it is left beside the workload"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("ingest", "/etc/shadow", "-o", "w.workload"),
            "/etc/shadow: only root may read it, and it does not begin",
        ),
        (("ingest", "everybodys.pcap", "-o", "/etc/w.workload"), "you may not write in /etc"),
        (("replay", "everybodys.pcap", "/etc", "-o", "a.run"), "/etc"),
        (("ingest", "everybodys.pcap", "--config", "/etc/shadow"), "/etc/shadow"),
        (("inspect", "/root/w.workload"), "/root/w.workload"),
    ],
)
def test_what_the_caller_may_not_the_command_may_not(here: Path, words: tuple[str, ...], says: str) -> None:
    before = {path: path.lstat().st_ctime_ns for path in Path("/etc").iterdir()}
    done = by_sudo(here, *words)
    assert done.status in (2, 3, 5)
    assert says in done.err
    assert {path: path.lstat().st_ctime_ns for path in Path("/etc").iterdir()} == before


def test_home_and_cache_are_the_callers(here: Path) -> None:
    script = (
        "from smbench.privileged.becoming import become_caller\n"
        "import os; become_caller(None); print(os.environ['HOME'], os.getgroups())"
    )
    done = subprocess.run(
        [*reachable(here.parent / "scratch"), sys.executable, "-c", script], capture_output=True, text=True,
        env=environment(here), check=True, cwd=here,
    )  # fmt: skip
    assert done.stdout == f"/nonexistent [{GROUP}]\n"


def by_root(here: Path, *words: str) -> Ran:
    """As root itself, without sudo."""
    of = {name: value for name, value in environment(here).items() if not name.startswith("SUDO_")}
    done = subprocess.run(
        command(here, *words), capture_output=True, text=True, cwd=here, env=of, check=False
    )
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("run_as", "uid"), [("root", 0), ("0", 0), ("nobody", 65534), ("65534", 65534), (None, 0)]
)
def test_root_itself_says_as_whom_it_works(here: Path, run_as: str | None, uid: int) -> None:
    here.chmod(0o777)
    words = () if run_as is None else ("--run-as", run_as)
    done = by_root(here, "ingest", "-q", "everybodys.pcap", "-o", "w.workload", *words)
    assert done.status == 0, done.err
    assert (here / "w.workload").stat().st_uid == uid


@pytest.mark.parametrize("run_as", ["root", "0", "nobody"])
def test_who_may_call_this_by_sudo_may_not_be_anybody(here: Path, run_as: str) -> None:
    """Who may call the command as root, and nothing else, would else write any file of anybody's."""
    done = by_sudo(here, "ingest", "-q", "everybodys.pcap", "-o", "w.workload", "--run-as", run_as)
    assert done.status == 2
    assert f"--run-as '{run_as}' is root's own to say, and {CALLER} called sudo" in done.err
    assert not (here / "w.workload").exists()


def test_a_user_that_is_none(here: Path) -> None:
    done = by_sudo(here, "ingest", "everybodys.pcap", "--run-as", "no such user")
    assert done.status == 2
    assert "--run-as no such user is no user of this machine" in done.err.replace("'", "").replace('"', "")


def test_who_cannot_read_the_program_is_warned(here: Path) -> None:
    """As where root has installed it in a folder of root's own. Root does it then, and finds programs where
    the system has them: who called sudo may have put a folder first in PATH."""
    planted = here / "bin" / "tshark"
    planted.parent.mkdir()
    planted.write_text(f"#!/bin/sh\n: >>{here}/ran\n")
    planted.chmod(0o755)
    here.chmod(0o777)
    words = (str(TOOL), "ingest", "-q", "everybodys.pcap", "-o", "w.workload", "--decoder", "tshark")
    path = {"PATH": f"{planted.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [*reachable(here.parent / "scratch", closed=True), *words],
        capture_output=True, text=True, env={**environment(here), **path}, check=False, cwd=here,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"warning: {CALLER} may not read " in done.stderr
    assert (here / "w.workload").stat().st_uid == CALLER
    assert not (here / "ran").exists()
    subprocess.run(
        command(here, *words[1:], "--force"), capture_output=True, env={**os.environ, **path}, check=False,
        cwd=here,
    )  # fmt: skip
    assert (here / "ran").exists(), "and root's own PATH is root's to say"
