"""Stories of mounts, told inside the lab's guest as root (see test_mounts.py)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from smbench.errors import SetupError
from smbench.measure.client import read_counters
from smbench.measure.counters import diff
from smbench.mounts import cifs
from smbench.mounts.accounts import Account, load_accounts
from smbench.mounts.debugdata import read_connections
from smbench.mounts.facts import CaptureFacts
from smbench.mounts.identity import worker_identity
from smbench.mounts.mountinfo import read_mountinfo
from smbench.mounts.opened import UserMount
from smbench.mounts.options import Option, account_options, derive_options, merge, stream_options
from smbench.mounts.session import mount_for_good, open_target
from smbench.mounts.target import ShareTarget, parse_target
from smbench.mounts.unmount import umount_all
from smbench.prepare.check import verify
from smbench.prepare.clean import clean
from smbench.prepare.make import prepare
from smbench.prepare.roots import Roots
from smbench.privileged.system import RUNTIME_FOLDER
from smbench.secret import secret
from smbench.trace.model import Connection, TraceInfo
from smbench.workload.model import Kind, NamespaceEntry

ACCOUNTS = load_accounts(Path(os.environ["LAB_USERS"])).accounts
SHARE = os.environ["LAB_SHARE"]
BEHIND = Path(os.environ["LAB_SHARE_PATH"])
INFO = TraceInfo(connections=[Connection("client", 1, "server", 445, dialect=0x311)])


def target(text: str = SHARE) -> ShareTarget:
    parsed = parse_target(text)
    assert isinstance(parsed, ShareTarget)
    return parsed


def options_of(asked: ShareTarget) -> tuple[Option, ...]:
    own = derive_options("wire", INFO, CaptureFacts())
    return merge(account_options(ACCOUNTS[0], asked, None), own)


def users(profile: str = "wire", *, streams: bool = False, count: int = 3) -> list[UserMount]:
    options = derive_options(profile, INFO, CaptureFacts(streams=streams))
    second = stream_options(options) if streams else None
    return [UserMount(f"captured {number}", ACCOUNTS[number], options, second) for number in range(count)]


def mounted() -> list[Path]:
    return [entry.path for entry in read_mountinfo() if entry.is_cifs]


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    assert mounted() == []
    yield
    umount_all(cifs.require_helper(), force=True)
    assert mounted() == []
    assert not RUNTIME_FOLDER.exists() or list(RUNTIME_FOLDER.iterdir()) == []
    subprocess.run(["sh", "-c", f"rm -rf {BEHIND}/* {BEHIND}/.smbench*"], check=True)


def test_each_user_has_a_mount_and_a_connection_of_its_own() -> None:
    identity = worker_identity(target())
    assert identity is not None
    with open_target(target(), users(), identity) as open_:
        assert mounted() == open_.roots
        # Nothing that a share holds is run here, or is a device.
        flags = [entry.flags for entry in read_mountinfo() if entry.is_cifs]
        assert all({"nosuid", "nodev", "noexec"} <= one for one in flags), flags
        described = open_.mounts
        assert [d.account for d in described] == ["user01", "user02", "user03"]
        connections = [d.connection for d in described if d.connection is not None]
        assert len({c.id for c in connections}) == 3
        assert all(c.nosharesock and c.dialect == "3.1.1" for c in connections)
        assert [d.differences for d in described] == [(), (), ()]
        assert f"uid={identity.uid}," in str(described[0].options)
        (open_.roots[0] / "hello").write_text("from 1")
        assert (open_.roots[2] / "hello").read_text() == "from 1"
        # The workers may pass, other users may not.
        for uid, status in ((identity.uid, 0), (1234, 2)):
            run = subprocess.run(
                ["ls", open_.roots[0]], user=uid, group=uid, extra_groups=[], capture_output=True
            )
            assert run.returncode == status
    assert open_.notes == []
    assert read_connections() == []


def test_one_account_may_stand_for_two_users() -> None:
    twice = [UserMount(name, ACCOUNTS[0], users()[0].options) for name in ("first", "second")]
    with open_target(target(), twice) as open_:
        assert len({d.connection.id for d in open_.mounts if d.connection is not None}) == 2


def test_users_that_would_share_a_connection_are_refused() -> None:
    plain = [UserMount(name, ACCOUNTS[0]) for name in ("first", "second")]
    with (
        pytest.raises(SetupError, match="first and second share one connection"),
        open_target(target(), plain),
    ):
        pass


def test_credentials_leave_no_trace(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    # Where the helper looks first.
    spy = Path("/usr/local/sbin/mount.cifs")
    spy.parent.mkdir(parents=True, exist_ok=True)
    spy.write_text(
        f"#!/bin/sh\n( tr '\\0' ' ' </proc/$$/cmdline; env; stat -Lc %a /proc/self/fd/* ) >{seen}\n"
        'exec /usr/sbin/mount.cifs "$@"\n'
    )
    spy.chmod(0o700)
    with open_target(target(), users(count=1)):
        spy.unlink()
        words = seen.read_text()
        assert "credentials=/proc/self/fd/" in words
        assert "600" in words.split()
        assert "lab-user01" not in words
        found = subprocess.run(
            [
                "grep",
                "-rlsa",
                "--exclude-dir=lab",
                "lab-user01",
                "/run",
                "/dev/shm",
            ],
            capture_output=True,
            text=True,
        )
        assert found.stdout == ""


@pytest.mark.parametrize(
    ("text", "account", "says"),
    [
        (SHARE, Account("user01", secret("wrong")), "as user01: wrong user name or password .*users.toml"),
        (SHARE, Account("nobody here", secret("x")), "as nobody here: wrong user name or password"),
        ("//127.0.0.1/nope", ACCOUNTS[0], "//127.0.0.1/nope as user01: the server has no such share"),
        (f"{SHARE}/no/folder", ACCOUNTS[0], "the share has no folder 'no/folder'"),
        ("//127.0.0.1:4455/share", ACCOUNTS[0], "no connection to 127.0.0.1 port 4455"),
        ("//nowhere.invalid/share", ACCOUNTS[0], "nowhere.invalid cannot be resolved"),
        (SHARE, Account("user01", kerberos=True), "no Kerberos ticket"),
    ],
)
def test_a_refusal_is_one_sentence_within_seconds(text: str, account: Account, says: str) -> None:
    started = time.monotonic()
    one = UserMount("captured", account, users()[0].options)
    with pytest.raises(SetupError, match=says) as caught, open_target(target(text), [one]):
        pass
    assert time.monotonic() - started < 5
    assert "\n" not in str(caught.value)


@contextmanager
def configured(extra: str = "", share: str = "") -> Iterator[None]:
    """smbd with more in its configuration's global part, and with a share `denied` that has `share`."""
    conf = Path(os.environ["LAB_SMB_CONF"])
    before = conf.read_text()
    own = f"[denied]\npath = {BEHIND}\n{share}\n"
    try:
        conf.write_text(before.replace("[share]", f"{extra}\n[share]") + own)
        reload_smbd(denies=bool(extra))
        yield
    finally:
        conf.write_text(before)
        reload_smbd(denies=False)


def reload_smbd(denies: bool) -> None:
    subprocess.run(["smbcontrol", "-s", os.environ["LAB_SMB_CONF"], "smbd", "reload-config"], check=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.create_connection(("127.0.0.1", 445)) as connection:
            connection.settimeout(0.5)
            try:
                greeted = connection.recv(8) != b""
            except TimeoutError:
                greeted = False
        if greeted == denies:
            return
    raise AssertionError("smbd does not take its new configuration")


@pytest.mark.parametrize(
    ("extra", "share", "name", "says"),
    [
        (
            "hosts deny = ALL",
            "",
            "share",
            "the server denies this machine all sessions .*; allow this machine's",
        ),
        (
            "",
            "hosts deny = ALL",
            "denied",
            "permission denied by the share, .*valid users, hosts allow and hosts",
        ),
        ("", "valid users = nobody", "denied", "permission denied by the share"),
        ("", "available = no", "denied", "the server has no such share"),
    ],
)
def test_a_server_that_denies_is_not_one_that_does_not_answer(
    extra: str, share: str, name: str, says: str
) -> None:
    with (
        configured(extra, share),
        pytest.raises(SetupError, match=f"cannot mount //127.0.0.1/{name} as user01: {says}") as caught,
        open_target(target(f"//127.0.0.1/{name}"), users(count=1)),
    ):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("greeting", "reads", "says"),
    [
        (b"", False, "takes the connection and closes it at once"),
        (b"", True, "ended the connection when it was asked for a dialect"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "what answers there is no SMB server"),
    ],
)
def test_what_hangs_up_is_said_as_it_does_so(greeting: bytes, reads: bool, says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        Thread(target=hang_up, args=(listening, greeting, reads), daemon=True).start()
        asked = target(f"//127.0.0.1:{port}/share")
        with pytest.raises(SetupError, match=says):
            cifs.Mounting(cifs.require_client(), ACCOUNTS[0], options_of(asked), begun(asked)).mount(asked)


def begun(asked: ShareTarget) -> Path:
    """The mount's folder of a run of one user, which is unmounted behind the test."""
    answer = cifs.require_helper().ask(
        "begin", share=str(asked), users=1, streams=[], kept=True, started_ticks=None
    )
    return RUNTIME_FOLDER / str(answer["run"]) / "user01"


def hang_up(listening: socket.socket, greeting: bytes, reads: bool) -> None:
    """Ends every connection, `reads`: once it is spoken to."""
    with suppress(OSError):
        while True:
            connection = listening.accept()[0]
            with connection:
                connection.settimeout(3)
                if greeting:
                    connection.sendall(greeting)
                if reads:
                    with suppress(TimeoutError):
                        connection.recv(100)


def test_a_server_that_says_nothing_does_not_hold_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 4456)):
        started = time.monotonic()
        silent = target("//127.0.0.1:4456/share")
        root = begun(silent)
        mounting = cifs.Mounting(cifs.require_client(), ACCOUNTS[0], options_of(silent), root, deadline_s=2)
        with pytest.raises(SetupError, match="does not answer within 2 s"):
            mounting.mount(silent)
        assert time.monotonic() - started < 15


HOLDER = """
import sys, time
sys.path.insert(0, {here!r})
from mounts_inside import *
with open_target(target(), users()):
    print("mounted", flush=True)
    time.sleep(100)
"""


def holder() -> subprocess.Popen[str]:
    here = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(here=here)], stdout=subprocess.PIPE, text=True
    )


def test_what_a_killed_run_left_is_found_and_unmounted() -> None:
    with holder() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mounted\n"
        assert len(mounted()) == 3
        # As long as it lives its mounts are its own.
        assert [state.pid for state in umount_all(cifs.require_helper()).live] == [process.pid]
        assert len(mounted()) == 3
        process.kill()
    elsewhere = Path("/mnt/elsewhere")
    elsewhere.mkdir()
    subprocess.run(["mount.cifs", SHARE, elsewhere, "-o", "username=user01,password=lab-user01"], check=True)
    result = umount_all(cifs.require_helper())
    assert len(result.unmounted) == 3
    assert (result.left, result.live) == ([], [])
    assert mounted() == [elsewhere]
    subprocess.run(["umount", elsewhere], check=True)


@pytest.mark.parametrize("after_s", [0.0, 0.3, 2.0])
def test_ctrl_c_while_mounting_leaves_nothing(after_s: float) -> None:
    with holder() as process:
        deadline = time.monotonic() + 30
        while not mounted() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert mounted()
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        assert process.wait(30)
    assert mounted() == []
    assert list(RUNTIME_FOLDER.iterdir()) == []


def test_kept_mounts_stay_until_they_are_unmounted() -> None:
    kept = mount_for_good(target(), users(count=2))
    assert mounted() == kept.roots
    assert umount_all(cifs.require_helper(), "//127.0.0.1/another").unmounted == []
    assert sorted(umount_all(cifs.require_helper(), SHARE).unmounted) == kept.roots


def test_a_busy_mount_goes_out_of_sight() -> None:
    with open_target(target(), users(count=1)) as open_:
        user = subprocess.Popen(["sleep", "60"], cwd=open_.roots[0])
    assert "busy" in open_.notes[0]
    assert mounted() == []
    user.kill()
    user.wait()


WRITTEN = 1_500_000_000_123_456_700
ENTRIES = [
    NamespaceEntry("dir", Kind.DIRECTORY, attributes=0x12, written_ns=WRITTEN - 10**15, created_ns=WRITTEN),
    NamespaceEntry("dir/file", Kind.FILE, True, 100_000, True, 0x23, WRITTEN - 10**16, WRITTEN, WRITTEN),
    NamespaceEntry("dir/file:Zone.Identifier", Kind.STREAM, True, 26, True),
    NamespaceEntry("dir:note", Kind.STREAM, True, 4, True),
    NamespaceEntry("großes Verzeichnis/ünïcödé", Kind.FILE, True, 10, True),
    NamespaceEntry("new", Kind.FILE, present=False),
]  # fmt: skip


def test_a_namespace_is_made_verified_and_cleaned_through_mounts() -> None:
    with open_target(target(), users(streams=True), worker_identity(target())) as open_:
        one, two, _ = open_.roots
        to_one, to_two, _ = open_.streams
        prepared = prepare(Roots(one, to_one), ENTRIES)
        assert not prepared.not_made
        assert not prepared.losses
        assert (prepared.directories, prepared.files, prepared.streams) == (2, 2, 2)
        assert verify(Roots(one, to_one), ENTRIES) == []
        assert verify(Roots(two, to_two), ENTRIES) == []
        (two / "dir/file").unlink()
        (two / "new").mkdir()
        (two / "new/deep").write_text("x")
        assert {(d.path, d.what) for d in verify(Roots(two, to_two), ENTRIES)} >= {
            ("dir/file", "missing"),
            ("new", "present"),
        }
        prepare(Roots(one, to_one), ENTRIES)
        assert verify(Roots(one, to_one), ENTRIES) == []
        cleaned = clean(two)
        assert cleaned.left == []
        assert list(BEHIND.iterdir()) == []


def test_only_who_uses_streams_has_a_second_mount_with_a_connection_of_its_own() -> None:
    alice, bob = users(streams=True, count=1)[0], users(count=2)[1]
    with open_target(target(), [bob, alice], worker_identity(target())) as open_:
        without, both = open_.mounts
        assert both.streams is not None
        streams = Path(both.streams.root)
        assert open_.streams == [None, streams]
        assert mounted() == sorted([*open_.roots, streams])
        assert without.streams is None
        first, second = both.connections
        assert first.id != second.id
        assert first.session != second.session
        assert both.differences == both.streams.differences == ()
        (open_.roots[1] / "file").write_bytes(b"x" * 100)
        (streams / "file:s").write_bytes(b"y" * 3000)
        assert (open_.roots[0] / "file").stat().st_size == (open_.roots[1] / "file").stat().st_size == 100
        assert (streams / "file:s").stat().st_size == 3000
        assert [path.name for path in BEHIND.iterdir()] == ["file"]


def test_without_streams_they_are_counted_and_the_rest_is_made() -> None:
    with open_target(target(), users(count=1)) as open_:
        prepared = prepare(open_.roots[0], ENTRIES)
        assert (open_.streams, open_.mounts[0].streams) == ([None], None)
        assert sum(prepared.not_made.values()) == 2
        assert all("nomapposix" in reason for reason in prepared.not_made)
        assert {d.path for d in verify(open_.roots[0], ENTRIES)} == {"dir/file:Zone.Identifier", "dir:note"}
        clean(open_.roots[0])
    assert list(BEHIND.iterdir()) == []


@pytest.mark.parametrize("profile", ["wire", "application"])
def test_a_lease_break_shows_in_the_holders_counters(profile: str) -> None:
    (BEHIND / "file").write_bytes(b"x" * 5000)
    (BEHIND / "file").chmod(0o666)
    with open_target(target(), users(profile)) as open_:
        holder_id, other_id, _ = (d.connection.id for d in open_.mounts if d.connection is not None)
        before = read_counters()
        held = os.open(open_.roots[0] / "file", os.O_RDWR)
        os.pread(held, 100, 0)
        other = os.open(open_.roots[1] / "file", os.O_RDWR)
        os.pwrite(other, b"other", 0)
        os.fsync(other)
        time.sleep(0.3)
        found = diff(before, read_counters(), {holder_id, other_id})
        os.close(held)
        os.close(other)
    acknowledged = {tree["connection"]: tree["counters"]["OplockBreaks.sent"] for tree in found["trees"]}
    assert acknowledged[holder_id] >= 1
    assert acknowledged[other_id] == 0
    assert found["lease_break_acknowledgements"] == acknowledged[holder_id]
