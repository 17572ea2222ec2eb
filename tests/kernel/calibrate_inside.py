"""Stories of calibrating, told inside the lab's guest as root (see test_calibrate.py)."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.fidelity import ROOT, Lab

from smbench import Progress, read_run, replay
from smbench.clients.profile import ClientProfile, read, shipped, to_toml, unlike
from smbench.clients.strategies import habits_of
from smbench.clients.telling import TELLING, otherwise, tell
from smbench.clients.trials import TRIALS
from smbench.mounts.facts import CaptureFacts
from smbench.mounts.mountinfo import read_mountinfo
from smbench.mounts.opened import UserMount
from smbench.mounts.options import derive_options
from smbench.mounts.session import open_target
from smbench.mounts.target import ShareTarget
from smbench.pipeline.client import counters_of
from smbench.trace.model import TraceInfo

CAPTURE = ROOT / "tests/captures/three-users.pcap"
LAB = Lab(Path(os.environ["LAB_OUT"]))


def calibrate(*more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "smbench", "calibrate", LAB.share, "--users", LAB.users, *more]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)


def samba() -> str:
    said = subprocess.run(["smbd", "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+\.\d+\.\d+", said)  # the package's stands behind it
    assert version, said
    return f"Samba {version[0]}"


@pytest.fixture(scope="module")
def profile() -> ClientProfile:
    file = LAB.out / "here.toml"
    done = calibrate("--server", samba(), "-o", file, "--json")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    said = json.loads(done.stdout)
    profile = read(file)
    assert said["profile"]["calls"] == profile.calls
    return profile


def test_what_ships_of_this_kernel_and_server_is_what_is_found_anew(profile: ClientProfile) -> None:
    assert profile.kernel == platform.release()
    same = [
        (name, one)
        for name, one in shipped()
        if one.kernel.split(".")[:2] == profile.kernel.split(".")[:2]
        and one.server.split(".")[:2] == profile.server.split(".")[:2]
    ]
    if not same:
        pytest.skip(f"no profile of Linux {profile.kernel} with {profile.server} ships")
    ((name, one),) = same
    assert {call: (profile.calls[call], one.calls[call]) for call in unlike(profile, one)} == {}, name


def test_it_leaves_nothing(profile: ClientProfile) -> None:
    del profile
    assert list(LAB.behind.iterdir()) == []
    assert not [entry for entry in read_mountinfo() if entry.is_cifs]


def test_the_client_counts_what_the_wire_shows(profile: ClientProfile) -> None:
    account = LAB.accounts[0]
    options = derive_options("wire", TraceInfo(), CaptureFacts())
    users = [UserMount(str(account), account, options)]
    with open_target(ShareTarget("127.0.0.1", "share"), users) as mounted:
        (mount,) = mounted.mounts
        told = tell(mounted.roots[0], None, lambda: counters_of(mount), list(TRIALS))
    assert told is not None
    assert {name: told.counts[name] for name in otherwise(profile, told)} == {}
    assert list(LAB.behind.iterdir()) == []


def test_a_replay_takes_the_profile_of_its_kernel(profile: ClientProfile) -> None:
    run = LAB.out / "its.run"
    LAB.smbench("replay", CAPTURE, LAB.share, "--users", LAB.users, "--pace", "fast", "-o", run)
    chosen = read_run(run).client_profile
    assert chosen is not None
    assert (chosen.how, chosen.unlike) == ("confirmed", ())
    assert habits_of(dict(shipped())[chosen.name].calls) == habits_of(profile.calls)
    assert f"in {len(TELLING)} calls that were tried" in chosen.why


def test_a_profile_of_another_kernel_is_noticed(profile: ClientProfile) -> None:
    name, other = max(shipped(), key=lambda item: len(unlike(profile, item[1])))
    file, run = LAB.out / f"{name}.toml", LAB.out / "other.run"
    file.write_text(to_toml(other), encoding="utf-8")
    command = [sys.executable, "-m", "smbench", "replay", CAPTURE, LAB.share, "--users", LAB.users]
    options = ["--pace", "fast", "--client-profile", file, "-o", run]
    done = subprocess.run([*map(str, command + options)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"the client profile {file} is not this client's, which did otherwise in" in done.stderr
    chosen = read_run(run).client_profile
    assert chosen is not None
    assert (chosen.name, chosen.how) == (str(file), "given")
    assert [*chosen.unlike] == [trial for trial in TELLING if trial in unlike(profile, other)]
    assert chosen.unlike


def test_a_client_that_none_fits_is_calibrated_once(
    profile: ClientProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no profile that ships at all."""
    monkeypatch.setattr("smbench.pipeline.client.shipped", lambda: ())
    monkeypatch.setenv("XDG_CACHE_HOME", str(LAB.out / "cache"))
    how = []
    for number in (1, 2):
        run = replay(CAPTURE, LAB.share, users=LAB.users, pace="fast", output=LAB.out / f"own-{number}.run")
        assert run.client_profile is not None
        assert run.client_profile.unlike == ()
        how.append(run.client_profile.how)
    assert how == ["calibrated", "confirmed"]
    (kept,) = (LAB.out / "cache/smbench/clients").iterdir()
    assert read(kept).calls == profile.calls
    assert not [one for one in LAB.behind.iterdir() if "smbench-" in one.name and one.is_dir()]
    assert not [entry for entry in read_mountinfo() if entry.is_cifs]


def test_never_is_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smbench.pipeline.client.shipped", lambda: ())
    monkeypatch.setenv("XDG_CACHE_HOME", str(LAB.out / "no cache"))
    warned: list[str] = []

    class Heard(Progress):
        def warn(self, text: str) -> None:
            warned.append(text)

    run = replay(
        CAPTURE, LAB.share, users=LAB.users, pace="fast", calibrate="never", progress=Heard(),
        output=LAB.out / "never.run",
    )  # fmt: skip
    assert run.client_profile is None
    assert "no client profile is known: calls are chosen as for Linux 6.1" in warned
    assert not (LAB.out / "no cache").exists()


def test_what_is_encrypted_is_no_profile() -> None:
    done = calibrate("--mount-option", "seal")
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "nothing of what was called on //127.0.0.1/share could be seen on the wire" in line


def test_a_file_that_is_there_is_not_replaced() -> None:
    file = LAB.out / "there.toml"
    file.write_text("mine")
    done = calibrate("-o", file)
    assert done.returncode == 2
    assert "exists: choose another name with -o, or replace a file with --force" in done.stderr
    assert file.read_text() == "mine"
