"""A target is one replay's at a time, as far as this machine knows: two would work in each other's files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.mounts.target import DirectoryTarget, Target
from smbench.privileged.client import helper

_LOCKS = Path("/proc/locks")


@contextmanager
def sole_use(target: Target, shared: bool) -> Iterator[None]:
    """Nobody else on this machine prepares or replays there meanwhile, unless they may be several (`shared`).

    By flock(2), which ends with its process, of a directory itself, or of a file that the helper opens for a
    share; a file system that has no such locks, and who may not mount, has no such protection. UsageError
    where somebody else is there.
    """
    held = None if shared else _held(target)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def _held(target: Target) -> int | None:
    """A descriptor that has the lock; None where there can be none."""
    if sys.platform == "win32":
        return None
    import fcntl  # not everywhere

    try:
        descriptor = _opened(target)
    except (OSError, SetupError):
        return None  # what is wrong with it, whoever uses it says
    if descriptor is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = _holder(descriptor)
        os.close(descriptor)
        raise UsageError(
            f"{target} is in use by another replay{who}: wait for it, take another folder, or let both work "
            "there with --shared-target"
        ) from None
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _opened(target: Target) -> int | None:
    if isinstance(target, DirectoryTarget):
        return os.open(target.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    mounts = helper()
    return None if mounts is None else mounts.ask_for_file("lock", share=str(target))


def _holder(descriptor: int) -> str:
    """Which process has the lock (proc_locks(5)), in words; "" where that is not told."""
    inode = os.fstat(descriptor).st_ino
    try:
        rows = [line.split() for line in _LOCKS.read_text(encoding="ascii").splitlines()]
    except OSError:
        return ""
    pids = [row[4] for row in rows if row[1] == "FLOCK" and row[5].rpartition(":")[2] == str(inode)]
    return f" (process {pids[0]})" if pids else ""
