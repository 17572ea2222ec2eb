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

from smbench import read_run
from smbench.clients.profile import ClientProfile, read, shipped, unlike
from smbench.clients.strategies import habits_of
from smbench.clients.telling import hides_what_is_open
from smbench.mounts.mountinfo import read_mountinfo
from smbench.mounts.opened import UserMount
from smbench.mounts.session import open_target
from smbench.mounts.target import ShareTarget

CAPTURE = ROOT / "tests/captures/three-users.pcap"
LAB = Lab(Path(os.environ["LAB_OUT"]))


def calibrate(*more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "smbench", "calibrate", LAB.share, "--users", LAB.users, *more]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)


def samba() -> str:
    said = subprocess.run(["smbd", "--version"], capture_output=True, text=True, check=True).stdout
    (version,) = re.findall(r"\d+\.\d+\.\d+", said)
    return f"Samba {version}"


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


def test_the_telling_call_says_what_the_wire_does(profile: ClientProfile) -> None:
    account = LAB.accounts[0]
    with open_target(ShareTarget("127.0.0.1", "share"), [UserMount(str(account), account)]) as mounted:
        hides = hides_what_is_open(mounted.roots[0])
    assert hides is any("SET_INFO Rename" in message for message in profile.calls["unlink what is open"])
    assert list(LAB.behind.iterdir()) == []


def test_a_replay_takes_the_profile_of_its_kernel(profile: ClientProfile) -> None:
    run = LAB.out / "its.run"
    LAB.smbench("replay", CAPTURE, LAB.share, "--users", LAB.users, "--pace", "fast", "-o", run)
    chosen = read_run(run).client_profile
    assert chosen is not None
    known = dict(shipped())
    assert habits_of(known[chosen.name].calls) == habits_of(profile.calls)
    assert f"to {platform.release()}" in chosen.why


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
