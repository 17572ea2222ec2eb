"""In the lab's guest: users of the executor `library`, the stories that they play, and their server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from conformance.stories import STORIES, Story, opens, opens_directory

from smbench.executors.base import ExecutorContext, ShareAccess
from smbench.executors.library.executor import LibraryExecutor
from smbench.secret import secret
from smbench.smb2 import ntstatus
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import Call
from smbench.workload.model import Kind, NamespaceEntry
from smbench.workload.store import read, with_client_calls

__all__ = ["STORIES", "Story", "opens", "opens_directory"]

BEHIND = Path(os.environ["LAB_SHARE_PATH"])
OUT = Path(os.environ["LAB_OUT"])
SHARE = os.environ["LAB_SHARE"]
USERS = os.environ["LAB_USERS"]
ALL = 132
"""Operations of the shipped capture (OUT/workload), with what its clients sent by themselves."""
BUSY = 5
"""Exit status of a run that is not valid: the guest has one processor, which it may lack."""

ITSELF = "a directory's move into itself is ACCESS_DENIED, as where a file is open below"
NAME_FIRST = "that the name exists is found before that it is to be deleted"
NO_RIGHT = "a deletion may be taken back without the right to delete"
STILL_MADE = "a directory takes new files until its last handle closes, and then stays"
PATTERN = "a scan that finds nothing ends, whatever its pattern"
NOT_A_SCAN = "what cannot be scanned does not support it"
NO_PROGRESS = "a scan in which a second entry has no room has the first one again and again"
NO_APPEND = "2^64-1 is beyond the largest offset, and means no end of a file"
OWN_FILE = "it locks its own file too, which is open as the handle is, and that must read for a shared lock"

SAMBA: dict[tuple[str, int], tuple[int, str]] = {
    ("a rename keeps away from what is open", 13): (Status.ACCESS_DENIED, ITSELF),
    ("delete pending until the last handle closes", 9): (Status.OBJECT_NAME_COLLISION, NAME_FIRST),
    ("a deletion that is taken back", 7): (Status.SUCCESS, NO_RIGHT),
    ("delete on close of directories", 6): (Status.SUCCESS, STILL_MADE),
    ("delete on close of directories", 7): (Status.OBJECT_NAME_COLLISION, NAME_FIRST),
    ("delete on close of directories", 8): (Status.DIRECTORY_NOT_EMPTY, STILL_MADE),
    ("delete on close of directories", 9): (Status.SUCCESS, STILL_MADE),
    ("a listing", 8): (Status.NO_MORE_FILES, PATTERN),
    ("a listing", 9): (Status.NO_MORE_FILES, PATTERN),
    ("a listing", 17): (Status.SUCCESS, NO_PROGRESS),
    ("a listing", 20): (Status.NOT_SUPPORTED, NOT_A_SCAN),
    ("reads and writes", 9): (Status.INVALID_PARAMETER, NO_APPEND),
    ("reads and writes", 10): (Status.INVALID_PARAMETER, NO_APPEND),
    ("reads and writes", 11): (Status.SUCCESS, NO_APPEND),
}
"""By story and step: what Samba 4.17 answers instead, and why the stories' server does not."""
if "SMBENCH_DIALECT" not in os.environ:  # those servers have `posix locking = no`
    SAMBA["exclusive locks of handles that read", 19] = (Status.INVALID_HANDLE, OWN_FILE)


class User:
    """One executor and its handlers."""

    def __init__(self, number: int, folder: str, **access: Any) -> None:
        name = f"user{number + 1:02d}"
        given: dict[str, Any] = {"account": name, "password": secret(f"lab-{name}")}
        share = ShareAccess("127.0.0.1", "share", folder=folder, **{**given, **access})
        context = ExecutorContext(Path("/"), number, max_io_bytes=1 << 20, seed=1, share=share)
        self.executor = LibraryExecutor(context)
        self.handlers = self.executor.handlers()

    def does(self, call: Call) -> int:
        return self.handlers[type(call)](call)

    def breaks(self) -> dict[str, Any]:
        found: dict[str, Any] = self.executor.statistics()["breaks"]
        return found


def put(folder: Path, entries: Iterable[NamespaceEntry]) -> None:
    for entry in entries:
        path = folder / entry.path
        if entry.kind is Kind.DIRECTORY:
            path.mkdir()
        else:
            path.touch()
            os.truncate(path, entry.size)


def figure(name: str, text: str) -> None:
    """For the reader: what was measured, beside the results."""
    with (OUT / "figures").open("a") as file:
        file.write(f"{name}: {text}\n")


def until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def play(story: Story, folder: Path, user: Callable[..., User]) -> None:
    """Let the users act a story, and hold each step against what it, or Samba, says."""
    put(folder, story.namespace)
    for number, step in enumerate(story.steps):
        outcome = user(step.user).does(step.call)
        expected, otherwise = SAMBA.get((story.name, number), (step.status, ""))
        got = f"step {number}: {step.call} ended in {ntstatus.outcome_name(outcome)}"
        if ntstatus.failed(expected):
            assert outcome == outcome_of(expected), f"{got}, not {ntstatus.name(expected)}"
        else:
            assert outcome >= 0, got
            assert otherwise or step.bytes in (None, outcome), f"{got}, {outcome}, not {step.bytes} bytes"


class Replay:
    """A workload by threads, a lane each: an operation begins when all that the capture had answered
    before its arrival are done."""

    def __init__(self, directory: Path, folder: str) -> None:
        self.operations = list(with_client_calls(read(directory)).operations)
        self.users = [User(number, folder) for number in range(3)]
        self.outcomes: dict[int, int] = {}
        self.service_ns: dict[str, list[int]] = defaultdict(list)
        self._changed = threading.Condition()

    def run(self) -> None:
        lanes: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for operation in self.operations:
            lanes[operation.user, operation.lane].append(operation)
        threads = [threading.Thread(target=self._lane, args=(lane,)) for lane in lanes.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        for user in self.users:
            user.executor.close()

    def _lane(self, operations: list[Any]) -> None:
        for operation in operations:
            before = [
                other.index
                for other in self.operations[: operation.index]
                if other.service_ns >= 0 and other.arrival_ns + other.service_ns <= operation.arrival_ns
            ]
            with self._changed:
                self._changed.wait_for(lambda: all(one in self.outcomes for one in before), 30)  # noqa: B023
            began = time.monotonic_ns()
            outcome = self.users[operation.user].does(operation.call)
            took = time.monotonic_ns() - began
            with self._changed:
                self.outcomes[operation.index] = outcome
                self.service_ns[type(operation.call).__name__].append(took)
                self._changed.notify_all()


STATE = Path(os.environ["LAB_SMB_CONF"]).parent


def stop_server() -> None:
    """End smbd, and the processes that serve its connections."""
    parent = psutil.Process(int((STATE / "pid" / "smbd.pid").read_text()))
    those = [parent, *parent.children(recursive=True)]
    for process in those:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    assert until(lambda: all(map(_gone, those)), 20)


def _gone(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def start_server() -> None:
    """Start smbd as the lab did."""
    subprocess.run(["smbd", "-D", "-s", os.environ["LAB_SMB_CONF"], "-l", STATE], check=True)


# Whole runs


def replaying(output: Path, *more: str, give_up_s: float | None = None) -> subprocess.Popen[str]:
    """The command, as a user runs it; `give_up_s` in the place of the executor's own."""
    patience = "" if give_up_s is None else f"link.GIVE_UP_S = {give_up_s}; "
    command = f"from smbench.executors.library import link; {patience}from smbench.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", command, "replay", OUT / "workload", SHARE, "--users", USERS, "--executor",
         "library", "--force", "-o", output, *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(run: subprocess.Popen[str], output: Path, status: tuple[int, ...]) -> dict[str, Any]:
    told = "".join(run.communicate(timeout=120))
    assert run.returncode in status, told
    assert "Traceback" not in told
    document: dict[str, Any] = json.loads((output / "run.json").read_text())
    return document
