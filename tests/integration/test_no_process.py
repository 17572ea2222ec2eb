"""No process, no thread, no memory more: one sentence with what to do, and nothing stays behind."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from helpers.load import OPEN_IF, Load
from helpers.processes import left_running

from smbench.errors import SetupError
from smbench.plan import Pace, plan_run
from smbench.runner import run as runner
from smbench.runner.run import RunOptions, run


def load(users: int, lanes: int = 1) -> Load:
    told = Load(users=[f"user{number}" for number in range(users)])
    for user in range(users):
        for lane in range(lanes):
            handle = user * lanes + lane
            told.opens(user, handle, f"f{handle}", OPEN_IF, lane=lane)
            told.reads(user, handle, lane=lane)
            told.closes(user, handle, lane=lane)
    return told


def refused(told: Load, folder: Path, monkeypatch: pytest.MonkeyPatch, users_per_process: int = 1) -> str:
    """The sentence by which a run is refused before it begins."""
    (folder / "target").mkdir()
    (folder / "meanwhile").mkdir()
    monkeypatch.setattr(runner, "_MEMORY_FILES", folder / "meanwhile")
    plan = plan_run(told.workload, told.users, pace=Pace.FAST, users_per_process=users_per_process)
    options = RunOptions("posix", [folder / "target"] * len(told.users))
    with pytest.raises(SetupError) as error:
        run(plan, told.workload, options)
    assert left_running() == []
    assert not list((folder / "meanwhile").iterdir())
    assert not list((folder / "target").iterdir()), "nothing was done"
    return str(error.value)


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (
            BlockingIOError(errno.EAGAIN, "x"),
            r"Resource temporarily unavailable; raise the limit of processes",
        ),
        (OSError(errno.ENOMEM, "x"), r"Cannot allocate memory; make memory free"),
        (MemoryError(), r"Cannot allocate memory; make memory free"),
        (OSError(errno.EMFILE, "x"), r"Too many open files; raise the limit of open files"),
        (OSError(errno.EPERM, "x"), r"Operation not permitted; put several users into one"),
    ],
)
def test_a_worker_that_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, says: str
) -> None:
    for call in ("fork", "pidfd_open"):
        (tmp_path / call).mkdir()
        with monkeypatch.context() as patched:
            _third_fails(tmp_path / call, patched, call, failure, says)


def _third_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, failure: Exception, says: str
) -> None:
    works, calls = getattr(os, call), []

    def fails(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            raise failure
        return works(*arguments)

    monkeypatch.setattr(os, call, fails)
    said = refused(load(4), tmp_path, monkeypatch)
    assert said.startswith(f"cannot start worker 3 of 4: {says.partition(';')[0]}; ")
    assert says.partition("; ")[2] in said
    assert "--users-per-process" in said


def test_a_lane_that_gets_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts, started = threading.Thread.start, []

    def fails(thread: threading.Thread) -> None:
        started.append(thread)
        if len(started) == 3:
            raise RuntimeError("can't start new thread")
        starts(thread)

    monkeypatch.setattr(threading.Thread, "start", fails)
    said = refused(load(2, lanes=2), tmp_path, monkeypatch, users_per_process=2)
    assert said.startswith(
        "the worker of user0, user1 cannot start: no thread can be started for each of its 4 "
    )
    assert "ulimit -u" in said


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))", "raise the limit of processes"),
        ("OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))", "make memory free"),
        ("MemoryError()", "no memory was left; make memory free"),
        ('RuntimeError("can\'t start new thread")', "no thread more can be started; raise the limit"),
    ],
)
def test_wherever_it_happens_a_command_says_so(error: str, says: str) -> None:
    code = (
        "import errno, os\nfrom smbench.cli.guard import guarded\n"
        f"def command(): raise {error}\n"
        "guarded(command)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


UNMOUNTS = """
import errno, pathlib, sys
from smbench.privileged import runs
from smbench.privileged.system import Caller
def none(*_): raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
runs.start = none
here = pathlib.Path(sys.argv[1])
asked = runs.Runs(Caller(1, 0, 0, None), None, here.parents[1])
done = asked.umount(here.parent.name, ["user01", "user02"], lazily=False, deadline_s=1.0)
assert list(done["failed"]) == ["user02"], done
assert str(here) not in pathlib.Path("/proc/self/mounts").read_text()
"""


def test_unmounting_needs_no_process(tmp_path: Path) -> None:
    """What was mounted before no worker could be started, has to go all the same."""
    own = ["unshare", "--mount", "--propagation", "private", "--"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*own, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("mounts of its own take root and unshare")
    script = f'mount -t tmpfs none "$1" && exec "{sys.executable}" -c "$2" "$1"'
    mounted = tmp_path / "1-00000000/user01"
    mounted.mkdir(parents=True)
    done = subprocess.run(
        [*own, "sh", "-c", script, "sh", mounted, UNMOUNTS],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
