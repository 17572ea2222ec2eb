"""Replays on a server that encrypts, made inside the lab's guest as root; test_sealed.py holds them."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from helpers.fidelity import Lab
from helpers.sealed import CLEAR, NOT_OFFERED

ACCOUNTS = int(os.environ["SEALED_ACCOUNTS"])
CIPHERS = os.environ["SEALED_CIPHERS"].split()


def serve(encrypt: str, cipher: str) -> None:
    """What smbd asks of connections from now on."""
    path = Path(os.environ["LAB_SMB_CONF"])
    lines = [line for line in path.read_text().splitlines() if not re.match("smb encrypt|server smb3", line)]
    at = lines.index("[global]") + 1
    lines[at:at] = [f"smb encrypt = {encrypt}", f"server smb3 encryption algorithms = {cipher}"]
    path.write_text("\n".join(lines) + "\n")
    subprocess.run(["smbcontrol", "-s", path, "smbd", "reload-config"], check=True)
    time.sleep(1)


def everyday(roots: list[Path]) -> None:
    """Each user in a folder of its own, and all of them in one file."""
    common = roots[0] / "sealed" / "common.txt"
    common.write_text("common\n" * 1000)
    for number, root in enumerate(roots):
        own = root / "sealed" / f"user {number}"
        own.mkdir()
        for name in ("a", "b", "c"):
            (own / name).write_bytes(name.encode() * 5000)
        assert sorted(path.name for path in own.iterdir()) == ["a", "b", "c"]
        assert len((own / "a").read_bytes()) == 5000
        (own / "a").rename(own / "d")
        (own / "b").unlink()
        assert len((root / "sealed" / "common.txt").read_bytes()) == 7000


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(Path(os.environ["LAB_OUT"]))


@pytest.fixture(scope="module")
def workload(lab: Lab) -> Path:
    lab.fresh("sealed")
    return lab.capture("sealed", ACCOUNTS, everyday)


@pytest.mark.parametrize("cipher", [CLEAR, *CIPHERS])
@pytest.mark.parametrize("executor", ["posix", "library"])
def test_replays(executor: str, cipher: str, lab: Lab, workload: Path) -> None:
    if executor == "library":
        pytest.importorskip("smbprotocol", reason="the extra library is not installed")
    name, more = f"{executor}-{cipher}", ["--executor", executor]
    if cipher == CLEAR:
        serve("off", "AES-128-GCM")
    elif ("posix", cipher) in NOT_OFFERED:
        # The library prepares as the kernel's client, by a mount.
        serve("off", "AES-128-GCM")
        lab.fresh(name)
        lab.smbench("prepare", workload, f"{lab.share}/{name}", "--users", lab.users)
        serve("required", cipher)
        more.append("--no-prepare")
    else:
        serve("required", cipher)
    place = lab.behind / name
    if not place.exists():
        lab.fresh(name)

    def replay() -> None:
        lab.smbench(
            "replay", workload, f"{lab.share}/{name}", "--users", lab.users, "--wire", "--speed", "0.5",
            "-o", lab.out / f"{name}.run", *more, allowed=(0, 5),
        )  # fmt: skip

    if (executor, cipher) in NOT_OFFERED:
        with pytest.raises(RuntimeError, match="cannot mount"):
            replay()
    else:
        replay()
