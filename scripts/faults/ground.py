"""Where a case of prove-faults happens: a folder, a target, replays that are started in it, what is seen."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

TOOL = Path(sys.executable).parent / "smbench-mount"
PLANNED = 127
"""Operations of the capture that cases replay."""
PATIENCE_S = 60.0
_SHM = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and the function that injects it."""

    name: str
    injected: str
    lab: bool
    """It needs a server, so that it happens in the lab's guest."""
    short: bool
    """It belongs to the short form."""
    root: bool | None
    """Only root can inject it; False: only somebody else."""
    function: Callable[[Ground], None]


CASES: dict[str, Case] = {}


def case(
    injected: str, *, lab: bool = False, short: bool = False, root: bool | None = None
) -> Callable[[Callable[[Ground], None]], Callable[[Ground], None]]:
    """Register a function as the case of its name."""

    def register(function: Callable[[Ground], None]) -> Callable[[Ground], None]:
        name = function.__name__.strip("_").replace("_", "-")
        CASES[name] = Case(name, injected, lab, short, root, function)
        return function

    return register


@dataclass(slots=True)
class Seen:
    """A row of the table."""

    name: str
    injected: str
    said: str = ""
    status: int | None = None
    completed: int | None = None
    """Operations by the log itself, when it was over."""
    result: int | None = None
    """Operations in the result."""
    verdict: str = ""
    left: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Replay:
    """A replay under way."""

    def __init__(self, ground: Ground, output: Path, process: subprocess.Popen[str]) -> None:
        self.ground, self.output, self.process = ground, output, process
        self.home: Path | None = None
        self._logs: dict[str, Any] = {}

    def completed(self) -> int:
        """How many operations the log says are completed: a record is three words, the last of which is when.

        Logs stay mapped here once they were seen, so that they tell the end also when they are removed."""
        with contextlib.suppress(OSError):
            self.home = (self.output.parent / f".{self.output.name}.partial/records").readlink()
        if self.home is not None:
            for log in self.home.glob("*/operations.log"):
                with contextlib.suppress(OSError, ValueError):
                    self._logs.setdefault(log.parent.name, np.memmap(log, np.int64, "r").reshape(-1, 3))
            for aside in self.home.glob("[0-9]*.json"):  # the last of a loop's files
                if aside.stem not in self._logs:
                    with contextlib.suppress(OSError, ValueError):
                        self._logs[aside.stem] = np.load(aside.with_suffix(".npy"))
        return sum(int(np.count_nonzero(log[:, 2])) for log in self._logs.values())

    def workers(self) -> list[psutil.Process]:
        try:
            children = psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []
        return [each for each in children if "smbench" in " ".join(words_of(each))]

    def all(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), *self.workers()]

    def until(self, enough: int) -> Replay:
        """Wait until so many operations are done, or it has ended."""
        end = time.monotonic() + PATIENCE_S
        while self.completed() < enough and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        self.ground.expect(self.completed() >= enough, f"it never came to {enough} operations")
        return self

    def signal(self, name: str) -> Replay:
        self.process.send_signal(signal.Signals[name])
        return self

    def end(self, patience_s: float = PATIENCE_S) -> tuple[int | None, str]:
        """Its status and what it said, once it has ended; None where it does not end."""
        deadline = time.monotonic() + patience_s
        while self.process.poll() is None and time.monotonic() < deadline:
            self.completed()  # the log goes with the run
            time.sleep(0.05)
        try:
            _, err = self.process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            self.ground.expect(False, f"it did not end within {patience_s:g} s")
            self.kill()
            return None, ""
        self.completed()
        self.ground.note(self.process.returncode, err)
        return self.process.returncode, err

    def kill(self) -> Replay:
        """SIGKILL for the controller; its workers end with it."""
        workers = self.workers()
        self.process.kill()
        self.process.communicate()
        self.ground.expect(not psutil.wait_procs(workers, 15)[1], "workers outlived their controller")
        self.ground.seen.status = -signal.SIGKILL
        self.completed()
        return self


class Ground:
    """A case's own."""

    def __init__(
        self, case: Case, workload: Path, share: str | None = None, users: str | None = None
    ) -> None:
        self.case, self.workload = case, workload
        # In the guest, the disk is the share's too.
        self.folder = Path(tempfile.mkdtemp(prefix="faults-", dir="/run" if share else "/var/tmp"))
        self.folder.chmod(0o755)
        self.results = self.folder / "results"
        self.target = self.folder / "target"
        self.tmp = self.folder / "tmp"
        for folder in (self.results, self.target, self.tmp):
            folder.mkdir()
            folder.chmod(0o1777)
        self.output = self.results / "a.run"
        self.share, self.users = share, users
        self.seen = Seen(case.name, case.injected)
        self.started: list[subprocess.Popen[str]] = []
        self.undo: list[Callable[[], object]] = []

    def expect(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            self.seen.wrong.append(otherwise)

    def note(self, status: int | None, said: str) -> None:
        self.seen.status = status
        lines = [line for line in said.splitlines() if line.strip() and not line.startswith("written:")]
        told = [line for line in lines if line.startswith(("smbench-mount:", "warning:"))]
        self.seen.said = (told or lines or [""])[-1].removeprefix("smbench-mount: ").removeprefix("warning: ")
        self.expect("Traceback" not in said and "internal error" not in said, "a traceback or internal error")

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self.tmp), **more}

    def run(self, *words: object, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        more.setdefault("env", self.environment())
        more.setdefault("timeout", 300)
        return subprocess.run(
            [str(TOOL), *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            **more,
        )

    def start(self, *words: object) -> subprocess.Popen[str]:
        """A command that nobody waits for yet."""
        process = subprocess.Popen(
            [str(TOOL), *map(str, words)], text=True, cwd=self.folder, env=self.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.started.append(process)
        return process

    def replay(
        self, *words: object, output: Path | None = None, env: Mapping[str, str] | None = None,
        under: Sequence[str] = (), **more: Any,
    ) -> Replay:  # fmt: skip
        """Start a replay of the workload; by default five times as slow as the capture. `under`: a command
        that runs it."""
        output = output or self.output
        given = [str(word) for word in words]
        if not {"--speed", "--pace"} & {*given}:
            given += ["--speed", "0.2"]
        target = [self.share, "--users", self.users] if self.share else [str(self.target)]
        asked = [str(TOOL), "replay", str(self.workload), *map(str, target), "-o", str(output), *given]
        more.setdefault("stdout", subprocess.DEVNULL)
        more.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [*under, *asked], text=True, cwd=self.folder, env=env or self.environment(), **more
        )  # fmt: skip
        self.started.append(process)
        return Replay(self, output, process)

    def small_disk(self, path: Path, size: str) -> None:
        """A disk of that size at `path`, for as long as the case lasts."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", path], check=True)
        self.undo.append(lambda: subprocess.run(["umount", "-l", path], check=False))

    def document(self, output: Path | None = None) -> dict[str, Any]:
        path = (output or self.output) / "run.json"
        if not path.exists():
            return {}
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def read(self, replay: Replay | None = None, output: Path | None = None) -> dict[str, Any]:
        """The result, beside what the log had: nothing may be lost."""
        document = self.document(output or (replay.output if replay else None))
        if replay is not None:
            self.seen.completed = replay.completed()
        if not document:
            self.expect(False, "there is no result")
            return document
        self.seen.result = document["operations"]["executed"]
        self.seen.verdict = "valid" if document["valid"] else "not valid"
        if document["stopped"]:
            self.seen.verdict += f", {document['stopped']}"
        if self.seen.completed is not None:
            self.expect(
                self.seen.result >= self.seen.completed,
                f"{self.seen.completed - self.seen.result} completed operations are in no result",
            )
        return document

    def recover(self, replay: Replay, what: Path | None = None, *more: object) -> dict[str, Any]:
        """Make the result of what a replay left."""
        recorded = replay.completed()
        made = self.run("recover", what or replay.output, *more)
        self.expect(
            made.returncode not in (1, 2, 3), f"recover ended with {made.returncode}: {made.stderr[-300:]}"
        )
        output = Path(str(more[1])) if more[:1] == ("-o",) else replay.output
        document = self.read(output=output)
        self.seen.completed = recorded
        self.expect(self.seen.result == recorded, f"recovered {self.seen.result} of {recorded}")
        return document

    def leftovers(self, but: Iterable[Path] = ()) -> list[str]:
        """What is there that should not be: processes, scratch, mounts, drafts."""
        found = [f"process {one.pid}" for one in _alive(self.started)]
        pids = {process.pid for process in self.started}
        scratch = {folder for folder in _SHM.glob("smbench-*") if _owner(folder) in pids}
        scratch |= {*self.tmp.iterdir()}
        if self.results.exists():
            scratch |= {each for each in self.results.iterdir() if each.name.startswith(".")}
        found += [str(path) for path in scratch - {*but}]
        mounts = Path("/proc/mounts").read_text(encoding="utf-8")
        own = tuple(f"/run/smbench-mount/{pid}-" for pid in pids)
        points = [line.split()[1] for line in mounts.splitlines() if " cifs " in line]
        found += [point for point in points if point.startswith(own)]
        return found

    def close(self) -> Seen:
        """Undo what was done, and look at what is left."""
        for undo in reversed(self.undo):
            undo()
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.seen.left = self.leftovers()
        self.expect(not self.seen.left, "left behind: " + ", ".join(self.seen.left))
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.seen


def fill(disk: Path) -> None:
    """Leave no room on it."""
    subprocess.run(["dd", "if=/dev/zero", f"of={disk}/full", "bs=4k"], capture_output=True, check=False)


def _alive(started: list[subprocess.Popen[str]]) -> list[psutil.Process]:
    pids = {process.pid for process in started}
    found = []
    for one in psutil.process_iter():
        try:
            if one.pid in pids and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.NoSuchProcess:
            continue
    return found


def _owner(folder: Path) -> int | None:
    """The process that a folder says it belongs to."""
    try:
        return int(json.loads((folder / "owner.json").read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, KeyError):
        return None


def words_of(process: psutil.Process) -> list[str]:
    """Its command; none where it has ended."""
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words
