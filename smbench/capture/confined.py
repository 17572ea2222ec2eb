"""Becomes tshark, as an ordinary user and within limits: a program of its own, run by path, with nothing but
the standard library.

    python -I -S confined.py PARENT UID GID MEMORY_BYTES CPU_S PROGRAM ARGUMENT…

UID and GID are -1 where there are no rights to give up, and a limit is 0 where there is none. A function that
subprocess calls in a forked child would do the same, but a process with threads should not be forked so (the
bar of a terminal and Arrow have some). It is root's until it gives that up: the user whom tshark runs as need
not be able to run this Python.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

# All that is needed, ahead of giving up rights: after that the standard library may be out of reach.
if sys.platform != "win32":
    import resource

FAILED_STATUS = 126
"""As a shell's, where a program cannot be started; the reason stands on stderr behind …"""
FAILED = "smbench cannot start it: "
_PR_SET_PDEATHSIG = 1
_NO_CORE = 1
"""Bytes of a core dump: less than a page is none, and 1 (unlike 0) keeps Linux from piping one to a program
that stores it (do_coredump in fs/coredump.c). Keys are in it."""


def confine(parent: int, uid: int, gid: int, memory_bytes: int, cpu_s: int) -> None:
    """Make this process, and what it becomes, that user, within these limits, ending with its parent whatever
    ends that. OSError where it cannot."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    end_with(parent)
    _limit(resource.RLIMIT_CORE, _NO_CORE)
    if cpu_s:
        # SIGXCPU at the first, which says what it was; SIGKILL a moment later.
        _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 5)
    if memory_bytes:
        _limit(resource.RLIMIT_AS, memory_bytes)


def end_with(parent: int) -> None:
    """From here on this process ends when its parent does; at once, if that has ended (prctl(2)). Only Linux
    knows of it."""
    if sys.platform != "linux":
        return
    # Behind setuid(2), which would clear it; execve(2) keeps it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    _, most = resource.getrlimit(which)
    wanted = [soft, soft if hard is None else hard]
    if most != resource.RLIM_INFINITY:
        wanted = [min(value, most) for value in wanted]
    try:
        resource.setrlimit(which, (wanted[0], wanted[1]))
    except (ValueError, OSError):
        # Not every system has each (macOS has no limit of the address space): less is limited then.
        return


def _main(arguments: Sequence[str]) -> None:
    try:
        confine(*map(int, arguments[:5]))
        os.execv(arguments[5], [*arguments[5:]])
    except OSError as error:
        print(f"{FAILED}{error.strerror or error}", file=sys.stderr, flush=True)
    sys.exit(FAILED_STATUS)


if __name__ == "__main__":
    _main(sys.argv[1:])
