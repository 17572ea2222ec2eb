"""How a process gives up what it does not need: rights, ways to get more, the network, a life beyond its
parent's.

As a program of its own, run by path, with nothing but the standard library, it becomes tshark:

    python -I -S confined.py PARENT UID GID MEMORY_BYTES CPU_S FILE_BYTES [PROGRAM ARGUMENT…]

UID and GID are -1 where there are no rights to give up, and a limit is 0 where there is none. Without a
PROGRAM it says why it would have kept the network: nothing, where it would have none. A function that
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
from contextlib import suppress

# All that is needed, ahead of giving up rights: after that the standard library may be out of reach.
if sys.platform != "win32":
    import resource

FAILED_STATUS = 126
"""As a shell's, where a program cannot be started; the reason stands on stderr behind …"""
FAILED = "smbench cannot start it: "
_NUMBERS = 6
"""Arguments ahead of the program."""
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "armv7l": 311, "ppc64le": 271, "s390x": 280}
"""The number of keyctl(2), which the C library has not, by architecture."""
_JOIN_SESSION_KEYRING = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MOST_CAPABILITIES = 64
"""As many as the kernel's sets have room for (linux/capability.h)."""
_NO_CORE = 1
"""Bytes of a core dump: less than a page is none, and 1 (unlike 0) keeps Linux from piping one to a program
that stores it (do_coredump in fs/coredump.c). Keys are in it."""


def confine(parent: int, uid: int, gid: int, memory_bytes: int, cpu_s: int, file_bytes: int) -> str:
    """Make this process, and what it becomes, that user, without network, within these limits, ending with
    its parent whatever ends that. Why it keeps the network, where it does; OSError where it cannot do the
    rest."""
    kept = _leave_network()
    give_up(uid, gid)
    if kept:
        kept = _leave_network_as_user()
    end_with(parent)
    if cpu_s:
        # SIGXCPU at the first, which says what it was; SIGKILL a moment later.
        _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 5)
    if memory_bytes:
        _limit(resource.RLIMIT_AS, memory_bytes)
    if file_bytes:
        # Python ignores it, and so would what this becomes.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        _limit(resource.RLIMIT_FSIZE, file_bytes)
    return kept


def give_up(uid: int = -1, gid: int = -1, groups: Sequence[int] = ()) -> None:
    """From here on this process is that user, in these other groups (-1: whoever it is), and nothing that it
    runs gets more rights than that: no set-user-id program, none with capabilities (capabilities(7)). Nor
    does it leave a core dump, which would have what it knows. OSError where it cannot become that user."""
    if uid >= 0:
        _leave_keyrings()
        _empty_bounding_set()
        os.setgroups(groups)
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # Nor does it show its memory to other processes of that user (ptrace(2), /proc/PID/mem).
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _limit(resource.RLIMIT_CORE, _NO_CORE)


def _leave_keyrings() -> None:
    """Keys that root's session possesses, as pam_keyinit has it (session-keyring(7)), are not this process'
    any more. Where the kernel has no keys, or a container's filter forbids them, there are none to be had."""
    if sys.platform == "linux" and (number := _KEYCTL.get(os.uname().machine)) is not None:
        ctypes.CDLL(None).syscall(number, _JOIN_SESSION_KEYRING, None)


def _leave_network(unshared: int = _CLONE_NEWNET) -> str:
    """From here on this process has a network of its own with nothing in it, not even a loopback that is up
    (network_namespaces(7)), which takes root; the system's reason, where it refuses."""
    if sys.platform != "linux":
        return "only Linux has network namespaces"
    library = ctypes.CDLL(None, use_errno=True)
    return os.strerror(ctypes.get_errno()) if library.unshare(unshared) else ""


def _leave_network_as_user() -> str:
    """The same for anybody, by way of a user namespace in which there is this user alone. Its own programs
    get no rights in that either."""
    user, group = os.geteuid(), os.getegid()
    ids = {"uid_map": b"%d %d 1" % (user, user), "gid_map": b"%d %d 1" % (group, group)}
    if refused := _leave_network(_CLONE_NEWUSER | _CLONE_NEWNET):
        return refused
    _empty_bounding_set()
    # Behind setuid(2) the files in /proc are root's, until something else is run (proc(5)).
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    # Where that is forbidden, as AppArmor may (kernel.apparmor_restrict_unprivileged_userns), the user is
    # shown as nobody, and is who it was for all files.
    with suppress(OSError):
        for name, said in (("setgroups", b"deny"), *ids.items()):
            file = os.open(f"/proc/self/{name}", os.O_WRONLY)
            # Bytes, as an encoding may be out of reach by now; and all at once (user_namespaces(7)).
            os.write(file, said)
            os.close(file)
    return ""


def _empty_bounding_set() -> None:
    """Ahead of setuid(2), which takes the right to do it. Root that never had that has little to give up."""
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None).prctl
    for capability in range(_MOST_CAPABILITIES):
        if prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) > 0:
            prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


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
        kept = confine(*map(int, arguments[:_NUMBERS]))
        if program := [*arguments[_NUMBERS:]]:
            os.execv(program[0], program)
        print(kept, flush=True)
        sys.exit()
    except OSError as error:
        print(f"{FAILED}{error.strerror or error}", file=sys.stderr, flush=True)
    sys.exit(FAILED_STATUS)


if __name__ == "__main__":
    _main(sys.argv[1:])
