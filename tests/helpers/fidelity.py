"""Fidelity scenarios in the lab's guest: capture an application, replay it, compare. By the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smbench.measure.wire import capture_wire
from smbench.mounts.accounts import load_accounts
from smbench.mounts.facts import CaptureFacts
from smbench.mounts.options import derive_options
from smbench.mounts.session import UserMount, open_target
from smbench.mounts.target import ShareTarget
from smbench.trace.model import TraceInfo

ROOT = Path(__file__).resolve().parents[2]
APPLICATIONS = ROOT / "scripts/make-fidelity"

GIVEN = {"sqlite3": ("nobrl",)}
"""Mount options that people give: sqlite3 finds its own byte-range locks in its way without."""


@dataclass(frozen=True, slots=True)
class Made:
    """A capture, its workload, and a replay of it."""

    capture: Path
    workload: Path
    run: Path


class Lab:
    """Scenarios in one guest; `out` keeps captures, workloads and runs."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.share = os.environ["LAB_SHARE"]
        self.behind = Path(os.environ["LAB_SHARE_PATH"])
        self.users = Path(os.environ["LAB_USERS"])
        self.accounts = load_accounts(self.users).accounts

    def smbench(self, *arguments: object, allowed: tuple[int, ...] = (0,)) -> str:
        """What a command printed on stdout."""
        command = [sys.executable, "-m", "smbench", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode not in allowed:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def fresh(self, name: str) -> str:
        """A new folder of the share, as TARGET."""
        folder = self.behind / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        return f"{self.share}/{name}"

    def one_user(self) -> Path:
        """users.toml with the first account only."""
        path = self.users.parent / "one.toml"
        path.write_text(self.users.read_text().partition("\n[[user]]")[0] + "\n")
        return path

    def application(self, name: str, size: int = 60) -> Made:
        """Capture an application on an application mount, and replay the capture in the wire profile."""
        capture, workload = self.out / f"{name}.pcapng", self.out / f"{name}.workload"
        self.fresh(f"{name}-original")
        environment = {**os.environ, "SIZE": str(size)}
        folder = self.behind / f"{name}-original"
        subprocess.run([APPLICATIONS, "furnish", name, folder], check=True, env=environment)
        options = derive_options("application", TraceInfo(), CaptureFacts(), given=GIVEN.get(name, ()))
        target = ShareTarget("127.0.0.1", "share")
        with (
            capture_wire("127.0.0.1", 445, capture) as wire,
            open_target(target, [UserMount("one", self.accounts[0], options)]) as opened,
        ):
            wire.mark()
            subprocess.run(
                [APPLICATIONS, "run", name, opened.roots[0] / folder.name], check=True, env=environment
            )
            time.sleep(1.2)  # deferred closes
            wire.mark()
        assert not wire.notes, wire.notes
        self.smbench("ingest", capture, "-o", workload, "--force")
        return Made(capture, workload, self.replay(name, workload))

    def replay(self, name: str, workload: Path, *more: str) -> Path:
        """Replay a workload in a fresh folder, with its wire."""
        run = self.out / f"{name}.run"
        self.smbench(
            "replay", workload, self.fresh(f"{name}-replayed"), "--users", self.one_user(), "--wire",
            "-o", run, "--force", *more, allowed=(0, 5),
        )  # fmt: skip
        return run

    def compare(self, reference: Path, candidate: Path) -> dict[str, Any]:
        """The candidate's part of the comparison."""
        found = json.loads(self.smbench("compare", reference, candidate, "--json", "--all"))
        document: dict[str, Any] = found["candidates"][0]
        return document

    def score(self, reference: Path, candidate: Path) -> dict[str, Any]:
        wire = self.compare(reference, candidate)["wire"]
        return {name: wire[name] for name in ("recall", "precision", "by_command")}

    def show(self, reference: Path, candidate: Path) -> None:
        print(self.smbench("compare", reference, candidate, "--no-page"))
