"""The kernel of scripts/lab as a process, booted and ended: User-Mode Linux, or a stock kernel in qemu."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

from lab_options import memory_bytes
from lab_parts import QEMU, Parts, runs_with

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
    """Start the guest whose folder is `run`; its console is a file in there."""
    return (_boot_uml if parts.initrd is None else _boot_qemu)(parts, run, mem)


def _boot_uml(parts: Parts, run: Path, mem: str) -> subprocess.Popen[bytes]:
    # The guest is one processor, made of processes that wake one another at its every system call and page
    # fault: three times as fast where they share a CPU. Several guests are spread by chance.
    cpus = sorted(os.sched_getaffinity(0))
    cpu = cpus[os.getpid() % len(cpus)]

    def in_child() -> None:
        end_with_parent()
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


def _boot_qemu(parts: Parts, run: Path, mem: str) -> subprocess.Popen[bytes]:
    """In software, the host's files by 9p. KVM is not asked for: one that is there and does not do what it
    says, as in some virtual machines, lets the guest hang."""
    shares = {"root": Path("/"), "run": run, "over": run / "over", "out": run / "out"}
    words = [
        QEMU, *("-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", mem),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"),
        *("-kernel", parts.kernel, "-initrd", str(parts.initrd), "-append"),
        # mitigations=off and the clock: what a machine computed in software is slowest at, or stops for.
        "console=ttyS0 quiet loglevel=4 tsc=reliable no_timer_check mitigations=off nokaslr audit=0 panic=-1 "
        f"LAB_RUN={run} LAB_MACHINE=qemu",
        *("-drive", f"file={run}/disk,if=virtio,format=raw,cache=unsafe"),
    ]  # fmt: skip
    for tag, folder in shares.items():
        if folder.exists():
            path = str(folder.resolve()).replace(",", ",,")
            only = ",readonly=on" if tag in ("root", "over") else ""
            words += [
                "-virtfs",
                f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap{only}",
            ]
    with (run / "console").open("ab") as console:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=console, stderr=console, cwd="/",
            start_new_session=True, preexec_fn=end_with_parent,
        )  # fmt: skip


def end_with_parent() -> None:
    """PR_SET_PDEATHSIG: a killed scripts/lab ends its guest."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


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
