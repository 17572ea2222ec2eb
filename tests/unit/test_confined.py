"""What becomes tshark: within limits, ending with its parent, saying why it does not start."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from smbench import confined

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
IN_A_CONTAINER = ("setpriv", "--bounding-set=-sys_admin")
"""Root with the rights that containers leave it."""
NO_MAPS = ("unshare", "--mount", "sh", "-c",
           'mount -o remount,bind,ro /proc && exec setpriv --bounding-set=-sys_admin "$@"', "sh")  # fmt: skip
"""The same, and it may say nothing of who is who in a user namespace, as where AppArmor restricts them."""
NO_NAMESPACES = ("unshare", "--user", "--map-root-user", "sh", "-c",
                 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"', "sh")  # fmt: skip
SYSTEM_PYTHON = "/usr/bin/python3"
"""Which any user can run, as the project's own may not be."""
NETWORK = str(Path("/proc/self/ns/net").readlink()) if sys.platform == "linux" else ""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
needs_system_python = pytest.mark.skipif(not Path(SYSTEM_PYTHON).exists(), reason=f"no {SYSTEM_PYTHON}")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and signals of Linux")


def confine(
    *program: str,
    memory_bytes: int = 0,
    cpu_s: int = 0,
    file_bytes: int = 0,
    parent: int | None = None,
    user: int = -1,
    ahead: Sequence[str] = (),
    python: str = sys.executable,
) -> subprocess.CompletedProcess[str]:
    """`ahead`: what it is started by."""
    parent = os.getpid() if parent is None else parent
    numbers = map(str, (parent, user, user, memory_bytes, cpu_s, file_bytes))
    command = [*ahead, python, "-I", "-S", confined.__file__, *numbers, *program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_that_program_with_these_limits_and_leaves_no_core() -> None:
    done = confine(
        "/bin/sh", "-c", "ulimit -v; ulimit -t; ulimit -H -t; ulimit -c", memory_bytes=1 << 30, cpu_s=7
    )
    memory, cpu, most_cpu, core = map(int, done.stdout.split())
    assert (memory << 10, cpu, most_cpu) == (1 << 30, 7, 12)
    assert core == 0, "in blocks, and 1 byte is none"


@pytest.mark.parametrize(
    ("program", "why"), [("/nowhere/tshark", "No such file or directory"), ("/etc", "Permission denied")]
)
def test_a_program_that_does_not_start_says_why(program: str, why: str) -> None:
    done = confine(program)
    assert done.returncode == confined.FAILED_STATUS
    assert done.stderr == f"{confined.FAILED}{why}\n"


def test_whose_parent_is_gone_before_it_asked_ends_at_once() -> None:
    done = confine("/bin/echo", "here", parent=2**22 + 1)
    assert (done.returncode, done.stdout) == (1, "")


def test_it_ends_with_its_parent_whatever_ends_that(tmp_path: Path) -> None:
    """Its standard output, a pipe that it alone has, comes to its end."""
    script = f"""
import os, signal, subprocess, sys
subprocess.Popen([sys.executable, "-I", "-S", {confined.__file__!r}, str(os.getpid()), "-1", "-1", "0", "0",
    "0", "/bin/sh", "-c", "echo here; exec sleep 1000"])
input()
os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stdout.readline() == "here\n"
        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.read() == ""


def test_what_it_runs_gets_no_more_rights() -> None:
    done = confine("/bin/grep", "NoNewPrivs", "/proc/self/status")
    assert done.stdout.split() == ["NoNewPrivs:", "1"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_root_gives_up_everything() -> None:
    done = confine("/bin/cat", "/proc/self/status", user=NOBODY)
    said = dict(line.split(":\t") for line in done.stdout.splitlines())
    assert said["Uid"].split() == said["Gid"].split() == ["65534"] * 4
    assert said["Groups"].strip() == ""
    assert {name: int(said[name], 16) for name in said if name.startswith("Cap")} == dict.fromkeys(
        ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0
    )


POSSESSED = """
import ctypes, os, sys
from smbench import confined
number = confined._KEYCTL.get(os.uname().machine)
if number not in (250, 219):
    print("the number of add_key(2) is not known here")
    sys.exit(77)
add_key = number - 2
library = ctypes.CDLL(None, use_errno=True)

def call(*arguments):
    found = library.syscall(*arguments)
    if found < 0:
        print(os.strerror(ctypes.get_errno()))
        sys.exit(0 if arguments[0] == number and arguments[1] == 11 else 77)
    return found

call(number, 1, None)  # a session keyring, with root's own keyring in it, as pam_keyinit makes one
call(number, 8, -4, -3)
key = call(add_key, b"user", b"smbench-canary", b"canary", 6, -4)
call(number, 5, key, ctypes.c_uint32(0x3F000000))  # for whoever possesses it, and nobody else
if sys.argv[1] == "kept":
    confined._leave_keyrings = lambda: None
confined.give_up(1234, 1234)
told = ctypes.create_string_buffer(64)
call(number, 11, key, told, 64)
print(told.value.decode())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has keys of root's")
@pytest.mark.parametrize(("kept", "told"), [("kept", "canary"), ("left", os.strerror(errno.EACCES))])
def test_keys_of_roots_session_are_left(kept: str, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", POSSESSED, kept], capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip(f"this kernel, or the container, has no keys: {done.stdout.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == told


def test_a_file_grows_no_longer_than_it_may(tmp_path: Path) -> None:
    done = confine("/bin/sh", "-c", f"exec head -c 9000 /dev/zero >{tmp_path}/x", file_bytes=4096)
    assert done.returncode == -signal.SIGXFSZ
    assert (tmp_path / "x").stat().st_size == 4096


@pytest.fixture
def connects() -> Iterator[tuple[str, ...]]:
    """A program that connects to somebody who listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "/bin/bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}"


def skip_unless_allowed(told: subprocess.CompletedProcess[str]) -> None:
    """By what it says without a program."""
    assert "Traceback" not in told.stderr
    if told.stdout != "\n":
        pytest.skip(f"this machine, or the container, allows no such namespace: {told.stdout}{told.stderr}")


AS_WHOM = [
    pytest.param(-1, (), sys.executable, id="whoever runs this"),
    pytest.param(NOBODY, (), sys.executable, id="root", marks=needs_root),
    pytest.param(NOBODY, IN_A_CONTAINER, sys.executable, id="root of a container", marks=needs_root),
    pytest.param(NOBODY, NO_MAPS, sys.executable, id="root beneath AppArmor", marks=needs_root),
    pytest.param(
        -1, AS_NOBODY, SYSTEM_PYTHON, id="an ordinary user", marks=[needs_root, needs_system_python]
    ),
]


@pytest.mark.parametrize(("user", "ahead", "python"), AS_WHOM)
def test_it_has_no_network(user: int, ahead: Sequence[str], python: str, connects: Sequence[str]) -> None:
    skip_unless_allowed(confine(user=user, ahead=ahead, python=python))
    assert subprocess.run([*ahead, *connects], check=False).returncode == 0
    refused = confine(*connects, user=user, ahead=ahead, python=python)
    assert "Network is unreachable" in refused.stderr
    own = confine("/bin/readlink", "/proc/self/ns/net", user=user, ahead=ahead, python=python).stdout.strip()
    assert own.startswith("net:[")
    assert own != NETWORK


@pytest.mark.parametrize(("user", "ahead", "python"), AS_WHOM)
def test_it_is_who_it_was_and_has_no_rights_in_its_namespace(
    user: int, ahead: Sequence[str], python: str
) -> None:
    skip_unless_allowed(confine(user=user, ahead=ahead, python=python))
    done = confine("/bin/cat", "/proc/self/status", user=user, ahead=ahead, python=python)
    said = dict(line.split(":\t") for line in done.stdout.splitlines())
    was = NOBODY if user == NOBODY or ahead else os.geteuid()
    assert said["Uid"].split() == [str(was)] * 4
    if was:
        assert {int(said[name], 16) for name in said if name.startswith("Cap")} == {0}


def test_where_the_system_forbids_that_it_runs_all_the_same_and_why_is_told() -> None:
    if subprocess.run([*NO_NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespace to forbid something in")
    assert confine(ahead=NO_NAMESPACES).stdout == "No space left on device\n"
    own = confine("/bin/readlink", "/proc/self/ns/net", ahead=NO_NAMESPACES)
    assert own.stdout.strip() == NETWORK
