"""The kernel of scripts/lab, User-Mode Linux, as a process: booted, ended."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

from lab_options import memory_bytes
from lab_parts import Parts, runs_with

DEADLINE = 124  # as timeout(1)
BROKEN = 125  # the kernel came up, but the lab broke before COMMAND had ended


def memory_folder(run: Path, size: str) -> str:
    """Where the kernel keeps the guest's memory: /dev/shm, unless it is too small or
    forbids execution (as a container's does), which would end the guest by SIGBUS."""
    wanted = memory_bytes(size) or 0
    shm = os.statvfs("/dev/shm")
    fits = shm.f_bavail * shm.f_frsize >= wanted and not shm.f_flag & os.ST_NOEXEC
    return "/dev/shm" if fits else str(run)


def boot(parts: Parts, run: Path, mem: str) -> subprocess.Popen[bytes]:
    # The guest is one processor, made of processes that wake one another at its every system call and page
    # fault: three times as fast where they share a CPU. Several guests are spread by chance.
    cpus = sorted(os.sched_getaffinity(0))
    cpu = cpus[os.getpid() % len(cpus)]

    def in_child() -> None:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: a killed scripts/lab ends its guest
        os.sched_setaffinity(0, [cpu])

    folder, libc = runs_with(parts.libc)
    with (run / "console").open("ab") as console:
        return subprocess.Popen(
            [
                parts.kernel,
                f"mem={mem}",
                *("rootfstype=hostfs", "rootflags=/", "ro"),
                f"init={run}/guest",
                f"LAB_RUN={run}",  # what the kernel does not know is init's environment
                f"ubd0={run}/disk",
                *(f"uml_dir={run}/", "umid=uml"),  # or it leaves ~/.uml behind
                "initcall_blacklist=raid6_select_algo",  # a benchmark of 0.9 s
                *("con=null", "con0=fd:0,fd:1", "quiet"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            cwd=folder,
            env={"PATH": os.defpath, "TMPDIR": memory_folder(run, mem), **libc},
            start_new_session=True,
            preexec_fn=in_child,
        )


def adopt_orphans() -> None:
    """PR_SET_CHILD_SUBREAPER: the kernel's stubs outlive it and become this process's."""
    ctypes.CDLL(None).prctl(36, 1)


def end(guest: subprocess.Popen[bytes]) -> None:
    """Kill the kernel and its stubs: the kernel's own death does not end what it traces."""
    try:
        while True:
            os.killpg(guest.pid, signal.SIGKILL)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.01)
    except (ProcessLookupError, ChildProcessError):
        pass  # none left
