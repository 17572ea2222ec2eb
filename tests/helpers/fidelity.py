"""Fidelity scenarios in the lab's guest: capture, replay, compare; as a user does, by the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from smbench.capture.decode import DecodeOptions
from smbench.fidelity.comparison import Comparison
from smbench.fidelity.comparison import compare as compare_sides
from smbench.fidelity.loading import load_run, load_workload, window
from smbench.measure.wire import capture_wire
from smbench.mounts.accounts import load_accounts
from smbench.mounts.facts import CaptureFacts
from smbench.mounts.opened import UserMount
from smbench.mounts.options import derive_options
from smbench.mounts.session import open_target
from smbench.mounts.target import ShareTarget
from smbench.run import store
from smbench.run.model import Run
from smbench.run.store import WIRE
from smbench.trace.model import TraceInfo
from smbench.workload.store import read

ROOT = Path(__file__).resolve().parents[2]
APPLICATIONS = ROOT / "scripts/make-fidelity"
_DEFERRED_S = 1.2
"""The client closes a file a second after its application did (closetimeo)."""


@dataclass(slots=True)
class Result:
    """One replay beside its reference."""

    recall: float | None
    precision: float | None
    supported: float | None
    """Recall over what the lift could turn into an operation."""
    exchanges: int
    breaks: tuple[int, int]
    missing: list[tuple[str, str, str, int]] = field(default_factory=list)
    """Command, lift rule, why, how many."""
    extra: list[tuple[str, str, str, int]] = field(default_factory=list)
    by_command: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Reference, candidate, matched."""
    mismatched: int = 0
    valid: bool = True
    posix: float | None = None
    """Recall over what has a POSIX counterpart."""
    lacking: list[tuple[str, str, int]] = field(default_factory=list)
    """What has none: command, why, how many."""
    lost: list[tuple[str, str, int]] = field(default_factory=list)
    """What has one and is missing: command, why, how many."""


@dataclass(frozen=True, slots=True)
class Application:
    """One of scripts/applications."""

    name: str
    users: int
    options: tuple[str, ...]
    """Of its mounts, beside the client's defaults."""
    missing: str
    """The tools that it needs and that are not here."""


@cache
def applications() -> list[Application]:
    """All of them."""
    listed = subprocess.run(
        [APPLICATIONS, "list"], capture_output=True, text=True, check=True, env=_environment()
    ).stdout
    rows = [row.split("\t") for row in listed.splitlines()]
    return [
        Application(name, int(users), tuple(options.split()), missing.strip())
        for name, users, options, missing in rows
    ]


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHON": sys.executable, **more}


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
            raise RuntimeError(f"smbench {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def fresh(self, name: str) -> Path:
        """A new folder of the share, where the server keeps it."""
        folder = self.behind / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        return folder

    def capture(
        self, name: str, users: int, act: Callable[[list[Path]], None], given: tuple[str, ...] = ()
    ) -> Path:
        """A workload of what `act` does on application mounts of the share's root, one for each user, with
        the mount options `given`."""
        capture, workload = self.out / f"{name}.pcapng", self.out / f"{name}.workload"
        options = derive_options("application", TraceInfo(), CaptureFacts(), given=given)
        mounts = [UserMount(str(account), account, options) for account in self.accounts[:users]]
        with (
            capture_wire("127.0.0.1", 445, capture) as wire,
            open_target(ShareTarget("127.0.0.1", "share"), mounts) as opened,
        ):
            wire.mark()
            act(opened.roots)
            time.sleep(_DEFERRED_S)
            wire.mark()
        if wire.notes:
            raise RuntimeError("; ".join(wire.notes))
        self.ingest(capture, workload)
        return workload

    def application(self, name: str, size: int = 60, given: tuple[str, ...] = ()) -> Path:
        """A workload of one of the applications; `given`: mount options beside those that it has itself."""
        folder = self.fresh(f"{name}-original")
        environment = _environment(SIZE=str(size))
        subprocess.run([APPLICATIONS, "furnish", name, folder], check=True, env=environment)

        def act(roots: list[Path]) -> None:
            folders = [root / folder.name for root in roots]
            subprocess.run([APPLICATIONS, "run", name, *folders], check=True, env=environment)

        one = next(one for one in applications() if one.name == name)
        return self.capture(name, one.users, act, (*one.options, *given))

    def ingest(self, capture: Path, workload: Path, *more: str) -> Path:
        self.smbench("ingest", capture, "-o", workload, "--force", *more)
        return workload

    def replay(self, name: str, workload: Path, *more: str) -> Path:
        """Replay a workload in a fresh folder, with its wire; `name` is the run's."""
        run = self.out / f"{name}.run"
        self.fresh(f"{name}-replayed")
        self.smbench(
            "replay", workload, f"{self.share}/{name}-replayed", "--users", self._users(workload), "--wire",
            # The guest has one slow CPU: half the pace, so that lanes keep the order that they had.
            "-o", run, "--force", "--max-bytes", "2GB", "--speed", "0.5", *more, allowed=(0, 5),
        )  # fmt: skip
        return run

    def own_capture(self, run: Path, workload: Path) -> Path:
        """A workload of what a run sent: between its marks, and not before its start."""
        self.ingest(run / WIRE, workload)
        span, start = window(store.read(run)), read(workload).info.trace.start_epoch_ns
        seconds = [f"{(at - start) / 1e9:.6f}" for at in (span.begin_ns, span.end_ns)]
        return self.ingest(run / WIRE, workload, "--from", seconds[0], "--to", seconds[1])

    def hold(self, workload: Path, run: Path) -> Result:
        """The comparison of a run with the workload that it replayed."""
        with self.compared(workload, run) as (compared, held):
            return _result(compared, held)

    @contextmanager
    def compared(self, workload: Path, run: Path) -> Iterator[tuple[Comparison, Run]]:
        """A run and its comparison with the workload that it replayed, while this lasts."""
        held = store.read(run)
        with TemporaryDirectory() as scratch:
            ours = load_workload(workload).side
            theirs = load_run(held, Path(scratch), DecodeOptions()).side
            yield compare_sides(ours, theirs), held

    def _users(self, workload: Path) -> Path:
        """users.toml with as many accounts as the workload has users, if there are so many."""
        users = max(1, len(read(workload).info.trace.users))
        tables = self.users.read_text().split("[[user]]")[1:]
        path = self.users.parent / f"first-{users}.toml"
        path.write_text("".join(f"[[user]]{table}" for table in tables[:users]))
        return path


def _result(compared: Comparison, run: Run) -> Result:
    return Result(
        recall=compared.wire.recall,
        precision=compared.wire.precision,
        supported=compared.supported.recall,
        exchanges=len(compared.rows[0]),
        breaks=tuple(side.tally.breaks.total() for side in compared.rows),  # type: ignore[arg-type]
        missing=compared.differences.reasons("missing"),
        extra=compared.differences.reasons("extra"),
        by_command={
            name: (score.reference, score.candidate, score.matched)
            for name, score in compared.by_command.items()
        },
        mismatched=run.outcomes.mismatched or 0,
        valid=run.valid,
        posix=compared.posix.recall,
        lacking=compared.lacking,
        lost=_lost(compared),
    )


def _lost(compared: Comparison) -> list[tuple[str, str, int]]:
    rows = compared.rows[0]
    missing = np.flatnonzero(compared.matching.of_reference < 0)
    counted = Counter(
        (f"{difference.command} {difference.rule}", difference.reason)
        for at, difference in zip(missing.tolist(), compared.differences.all("missing"), strict=True)
        if rows["counterpart"][at] < 0
    )
    return [(*said, count) for said, count in counted.most_common()]


def operations_of(workload: Path) -> int:
    """How many a workload has."""
    return sum(1 for _ in read(workload).operations)


def password_of(capture: Path) -> str | None:
    """The password that the captures' index gives for one whose sessions are encrypted."""
    index = capture.with_name("INDEX.tsv")
    lines = index.read_text(encoding="utf-8").splitlines() if index.is_file() else []
    line = next((line for line in lines if line.startswith(f"{capture.name}\t")), "")
    found = re.search(r"NT password (\S+)", line)
    return found[1] if found else None


def contention(roots: list[Path]) -> None:
    """Two users of one file, each with a lease that the other's open or write breaks."""
    first, second = (root / "contended" / "ledger.csv" for root in roots[:2])
    for round_ in range(2):
        one = os.open(first, os.O_RDWR)
        os.pread(one, 4096, 0)
        os.pwrite(one, b"first" * 100, 8192 * round_)
        time.sleep(0.1)
        two = os.open(second, os.O_RDWR)
        os.pread(two, 4096, 0)
        os.pwrite(two, b"second" * 100, 8192 * round_ + 4096)
        time.sleep(0.1)
        os.close(one)
        os.close(two)
        time.sleep(_DEFERRED_S)


@dataclass(frozen=True, slots=True)
class Service:
    """The calls of one kind in a run: how many, and their median service time."""

    count: int
    p50_ns: int


def service_of(run: Path) -> dict[str, Service]:
    """The service times of a run by kind of call, and of `all`."""
    latency = json.loads((run / "run.json").read_text())["latency"]
    return {kind: Service(row["count"], row["service"]["p50_ns"]) for kind, row in latency.items()}


def own_cpu_ns(run: Path) -> float:
    """The CPU time that the library's client took of its own, a call (mean)."""
    users = json.loads((run / "client_stats.json").read_text())["users"].values()
    rows = [row for counted in users for row in counted["cpu"]["calls"].values()]
    return float(sum(row["cpu_ns"] for row in rows) / sum(row["count"] for row in rows))
