"""The helper as the program that it is: whom it hears, what it has about it, and what it refuses."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smbench.privileged import client, packets
from smbench.privileged.client import HELPER, Helper, HelperError
from smbench.privileged.system import BY_ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="the helper works as root, on Linux"
)
BY_SUDO = [sys.executable, "-I", "-S", str(HELPER)]
COMMAND = [*BY_SUDO, BY_ROOT]


@pytest.fixture
def helper() -> Iterator[Helper]:
    one = Helper(COMMAND, {})
    yield one
    one.close()
    assert one._process.wait(10) == 0


def test_it_loads_only_what_can_be_read_whole() -> None:
    listing = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "import smbench.privileged.helper\n"
        "print(*(f'{name} {module.__file__}' for name, module in sys.modules.items()\n"
        "        if getattr(module, '__file__', None)), sep='\\n')"
    )
    root = HELPER.parents[2]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", listing, root], capture_output=True, text=True, check=True
    )
    rows = [line.split(" ", 1) for line in done.stdout.splitlines()]
    ours = {name for name, file in rows if Path(file).is_relative_to(root)}
    own = {
        f"smbench.privileged.{name}"
        for name in ("helper", "runs", "access", "allowed", "capturing", "packets", "system")
    }
    assert ours == {
        "smbench",
        "smbench.privileged",
        *own,
        "smbench.errors",
        "smbench.quoting",
        "smbench.secret",
    }
    library = Path(os.__file__).parent
    others = [file for name, file in rows if name not in ours]
    assert others
    assert all(Path(file).is_relative_to(library) and "site-packages" not in file for file in others)


def test_nothing_of_the_callers_surroundings_is_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module planted in the folder of the call, or by PYTHON variables, is not loaded."""
    for name in ("json", "socket", "array", "sitecustomize", "usercustomize", "smbench"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'loaded')!r}, 'w')")
    (tmp_path / "planted.pth").write_text(f"import os; open({str(tmp_path / 'loaded')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LD_CANARY", "1")
    monkeypatch.setattr(client, "_started", None)
    one = client.start()
    assert set(one.ask("client")) == {"program", "kernel"}
    process = f"/proc/{one._process.pid}"
    assert Path(process, "environ").read_bytes() == b""
    assert Path(process, "cwd").readlink() == Path("/")
    assert {path.name for path in Path(process, "fd").iterdir()} == {"0", "1", "2"}
    one.close()
    assert one._process.wait(10) == 0
    assert not (tmp_path / "loaded").exists()


def test_it_hears_one_process_alone(helper: Helper) -> None:
    helper.ask("client")
    child = os.fork()
    if not child:
        try:
            helper.ask("client")
        except HelperError as error:
            os._exit(7 if "one process" in str(error) else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    helper.ask("client")


def test_a_process_that_was_forked_lets_go_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_started", None)
    one = client.start()
    one.ask("client")
    held = one._asked.fileno()
    child = os.fork()
    if not child:
        client.let_go()
        try:
            os.fstat(held)
        except OSError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    one.close()
    assert one._process.wait(10) == 0


def test_it_works_for_whoever_called_it_by_sudo() -> None:
    """Who asks, the kernel says: root is not the user of that line of sudoers."""
    one = Helper(BY_SUDO, {"SUDO_UID": "1234"})
    with pytest.raises(HelperError, match="the user who called it by sudo"):
        one.ask("states")
    one.close()
    assert one._process.wait(10) == 0


@pytest.mark.parametrize("environment", [{}, {"SUDO_UID": ""}, {"SUDO_UID": "alice"}])
def test_it_works_for_nobody_where_nobody_is_said(environment: dict[str, str]) -> None:
    """Other programs than sudo become root too: it would be anybody's then."""
    one = Helper(BY_SUDO, environment)
    with pytest.raises(HelperError, match=r"cannot be asked|has ended"):
        one.ask("states")
    assert one._process.wait(10) == 1
    one.close()


def test_an_answer_may_be_longer_than_a_packet(helper: Helper) -> None:
    begun = helper.ask("begin", share="//s/x", users=9_000, streams=[], kept=False, started_ticks=1)
    try:
        assert len(json.dumps(begun["names"])) > packets.PIECE
    finally:
        helper.ask("end", run=begun["run"])


def test_it_ends_when_whoever_asks_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from smbench.privileged import client\n"
        "one = client.start(); one.ask('client'); print(one._process.pid, flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        helper = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{helper}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{helper}").exists()


@pytest.mark.parametrize(
    ("do", "fields", "why"),
    [
        ("mount", {}, "no request"),
        ("nothing", {}, "no request"),
        ("__init__", {}, "no request"),
        ("serve", {}, "no request"),
        ("begin", {"share": "//s/x", "users": 0, "streams": [], "kept": False, "started_ticks": 1}, "1 to"),
        ("umount", {"run": "../..", "names": ["user01"], "lazily": False, "deadline_s": 1}, "no run"),
        ("umount", {"run": "1-00000000", "names": ["../.."], "lazily": False, "deadline_s": 1}, "no mount"),
        ("end", {"run": "/"}, "no run"),
        ("read", {"path": "/etc/shadow"}, "does not begin as a capture"),
        ("read", {"path": "/dev/zero"}, "no file"),
        ("read", {"path": "/nowhere"}, "No such file"),
    ],
)
def test_what_is_not_carried_out(helper: Helper, do: str, fields: dict[str, object], why: str) -> None:
    with pytest.raises(HelperError, match=why):
        helper.ask(do, **fields)
    helper.ask("client")  # the next one is heard


@pytest.mark.parametrize(
    ("interface", "addresses"),
    [
        ("-w/etc/passwd", ["127.0.0.1"]),
        ("lo", []),
        ("lo", ["127.0.0.1 or 1"]),
        ("a b", ["::1"]),
        ("", ["::1"]),
    ],
)
def test_a_capture_of_something_else(helper: Helper, interface: str, addresses: list[str]) -> None:
    with (
        Path(os.devnull).open("wb") as out,
        pytest.raises(HelperError, match=r"no interface|tcpdump is missing"),
    ):
        helper.ask("capture", out.fileno(), out.fileno(), interface=interface, addresses=addresses, port=445)


MOUNT = {
    "name": "user01", "account": ["alice", None], "target": ["//127.0.0.1/x", 1], "options": [],
    "deadline_s": 5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"options": ["uid=0"]}, "whose the mount is"),
        ({"options": ["suid"]}, "neither run here"),
        ({"options": ["ro,suid"]}, "cannot be read"),
        ({"options": ["cache=none,dev"]}, "cannot be read"),
        ({"options": ["credentials=/etc/shadow"]}, "users.toml"),
        ({"target": ["//s/x,uid=0", None]}, "no share"),
        ({"target": ["//s/x/../y", None]}, "no share"),
        ({"target": ["/etc", None]}, "no share"),
        ({"target": ["-o suid", None]}, "no share"),
        ({"target": ["//s/x", "1,suid"]}, "no share"),
        ({"account": ["a,uid=0", None]}, "comma"),
        ({"account": ["a\nuid=0", None]}, "control character"),
        ({"account": ["a", "d,suid"]}, "comma"),
        ({"account": ["", None]}, "account"),
        ({"name": "user01/../../x"}, "no mount"),
        ({"run": "1-00000000"}, "begun here"),
    ],
)
def test_a_mount_of_something_else(helper: Helper, change: dict[str, object], why: str) -> None:
    if not helper.ask("client")["program"]:
        pytest.skip("no mount.cifs here")
    run = helper.ask("begin", share="//s/x", users=1, streams=[], kept=False, started_ticks=1)["run"]
    try:
        with pytest.raises(HelperError, match=why):
            helper.ask("mount", **{"run": run, **MOUNT, **change})
    finally:
        helper.ask("end", run=run)


def test_a_password_that_is_more_than_one_line(helper: Helper, tmp_path: Path) -> None:
    """It would be a line of its own to mount.cifs."""
    if not helper.ask("client")["program"]:
        pytest.skip("no mount.cifs here")
    run = helper.ask("begin", share="//s/x", users=1, streams=[], kept=False, started_ticks=1)["run"]
    (tmp_path / "password").write_text("a\ndomain=x,uid=0")
    try:
        with (
            (tmp_path / "password").open("rb") as password,
            pytest.raises(HelperError, match="more than one line"),
        ):
            helper.ask("mount", password.fileno(), **{"run": run, **MOUNT})
    finally:
        helper.ask("end", run=run)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
HARMLESS = ("states", "client", "open_files")
"""What is carried out whatever its fields are not."""
NAMES = (*HARMLESS, "mount", "umount", "end", "read", "capture", "x")


@pytest.fixture(scope="module")
def asked() -> Iterator[socket.socket]:
    """The socket of one helper, for whatever bytes."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    its.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    with subprocess.Popen(COMMAND, stdin=its.fileno(), env={}, cwd="/") as process:
        its.close()
        yield ours
        ours.close()
        assert process.wait(10) == 0


@settings(max_examples=300, deadline=None)
@given(what=st.one_of(
    st.binary(min_size=1, max_size=200),
    st.fixed_dictionaries(
        {"do": st.sampled_from(NAMES)},
        optional=dict.fromkeys(("run", "names", "name", "account", "target", "options", "path"), values),
    ),
))  # fmt: skip
def test_whatever_comes_is_answered(asked: socket.socket, what: bytes | dict[str, object]) -> None:
    """Strange bytes and strange fields are an error, and the next request is heard."""
    if isinstance(what, bytes):
        assume(what[:1] != packets.MORE)
        asked.send(what)
    else:
        packets.send(asked, json.dumps({"number": 7, **what}).encode())
    answer = json.loads(asked.recv(1 << 20)[1:])
    assert "error" in answer or (isinstance(what, dict) and what["do"] in HARMLESS)
    packets.send(asked, b'{"number": 1, "do": "client"}')
    assert json.loads(asked.recv(1 << 20)[1:])["number"] == 1


def test_a_request_in_packets_is_one_and_of_one_sender(asked: socket.socket, tmp_path: Path) -> None:
    def answered(*pieces: bytes) -> dict[str, object]:
        for piece in pieces:
            asked.send(piece)
        told: dict[str, object] = json.loads(asked.recv(1 << 20)[1:])
        return told

    assert answered(b'+{"number": 1, ', b"+", b'."do": "client"}')["number"] == 1
    assert "error" in answered(b'+{"number": 2, ', b'-"do": "client"}')
    assert "error" in answered(
        *[b"+" + bytes(packets.PIECE)] * (2 + packets.MOST_BYTES // packets.PIECE), b"."
    )
    asked.send(b'+{"number": 3, ')
    child = os.fork()
    if not child:
        asked.send(b'."do": "client"}')
        os._exit(0)
    os.waitpid(child, 0)
    assert "does not say who asks" in str(json.loads(asked.recv(1 << 20)[1:])["error"])
    with (tmp_path / "it").open("wb") as file:  # descriptors of another packet than the last are let go of
        socket.send_fds(asked, [b"+"], [file.fileno()])
        packets.send(asked, b'{"number": 4, "do": "client"}')
    assert json.loads(asked.recv(1 << 20)[1:])["number"] == 4
