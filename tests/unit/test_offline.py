"""The watch over the network (helpers/offline.py), which holds in every test: in this one too."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import offline
from helpers.command import PROJECT

ELSEWHERE = "198.51.100.1"
"""For documents alone (RFC 5737): nobody is there, should the watch fail."""
NAME = "somewhere.example"


def connect(address: str, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> None:
    with socket.socket(family, kind) as one:
        one.settimeout(0.01)
        one.connect((address, 9))


def connect_ex() -> None:
    with socket.socket() as one:
        one.settimeout(0.01)
        one.connect_ex((ELSEWHERE, 9))


def send_to() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (ELSEWHERE, 9))


def send_message() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendmsg([b"x"], [], 0, (ELSEWHERE, 9))


@pytest.mark.parametrize(
    ("reach", "named"),
    [
        pytest.param(lambda: connect(ELSEWHERE), ELSEWHERE, id="connect"),
        pytest.param(lambda: connect("2001:db8::1", socket.AF_INET6), "2001:db8::1", id="connect, IPv6"),
        pytest.param(lambda: connect(ELSEWHERE, kind=socket.SOCK_DGRAM), ELSEWHERE, id="connect, UDP"),
        pytest.param(connect_ex, ELSEWHERE, id="connect_ex"),
        pytest.param(lambda: socket.create_connection((ELSEWHERE, 9)), ELSEWHERE, id="create_connection"),
        pytest.param(send_to, ELSEWHERE, id="sendto"),
        pytest.param(send_message, ELSEWHERE, id="sendmsg"),
        pytest.param(lambda: socket.getaddrinfo(NAME, 9), NAME, id="getaddrinfo"),
        pytest.param(lambda: socket.getaddrinfo(b"invalid.example", 9), "invalid.example", id="bytes"),
        pytest.param(lambda: socket.gethostbyname(NAME), NAME, id="gethostbyname"),
        pytest.param(lambda: socket.gethostbyname_ex(NAME), NAME, id="gethostbyname_ex"),
        pytest.param(lambda: socket.gethostbyaddr(ELSEWHERE), ELSEWHERE, id="gethostbyaddr"),
        pytest.param(lambda: socket.getnameinfo((ELSEWHERE, 9), 0), ELSEWHERE, id="getnameinfo"),
    ],
)
def test_what_reaches_elsewhere_is_stopped_and_told(reach: Callable[[], object], named: str) -> None:
    with pytest.raises(offline.OutsideError, match=rf"^a test may connect to this machine only: .*{named}"):
        reach()
    told = list(offline.reached)
    offline.reached.clear()
    assert len(told) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost"])
def test_this_machine_is_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1" if host == "localhost" else host, 0)) as listener:
        socket.create_connection((host, listener.getsockname()[1]), timeout=5).close()
    assert offline.reached == []


def test_names_that_lead_nowhere_and_addresses_may_be_looked_up() -> None:
    assert offline.is_here("server.invalid")
    assert offline.is_here("a.test")
    assert offline.is_here(None)
    assert not offline.is_here("localhost.example")
    assert socket.getaddrinfo(ELSEWHERE, 9)
    assert offline.reached == []


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets in the file system here")
def test_a_socket_in_the_file_system_is_no_network(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one, pytest.raises(FileNotFoundError):
        one.connect(str(tmp_path / "nobody"))


CAUGHT = f"""
import socket, threading

def reach():
    try:
        socket.create_connection(("{ELSEWHERE}", 9), timeout=0.01)
    except Exception:
        pass

def test_that_catches(): reach()
def test_in_a_thread():
    thread = threading.Thread(target=reach); thread.start(); thread.join()
def test_of_nothing(): pass
"""


def test_who_catches_the_error_fails_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(CAUGHT, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "conftest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", PROJECT / "pyproject.toml", tmp_path],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "3 passed, 2 errors" in done.stdout, done.stdout + done.stderr
