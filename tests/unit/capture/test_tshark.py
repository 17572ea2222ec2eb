"""tshark as a process: as whom it runs, what it is shown, and what is said when it does not work."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from helpers.command import THREE_USERS

from smbench.capture import tshark
from smbench.capture.confinement import network_kept
from smbench.capture.decode import decode
from smbench.capture.frame import dissect_frame
from smbench.capture.home import Home
from smbench.capture.jobs.carrying import carry_out
from smbench.capture.jobs.job import TapJob
from smbench.capture.parts import Part
from smbench.capture.tap.process import Tap, settings
from smbench.capture.tap.trial import try_out
from smbench.capture.tshark import Keys, find_tshark
from smbench.errors import SetupError, UsageError
from smbench.identity import ordinary_user

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")


def lines(capture: Path) -> list[bytes]:
    with settings(Keys()) as home, Tap(capture, home, (), lambda _: None) as tap:
        return list(tap)


def test_the_trial_capture_is_read_and_says_by_whom() -> None:
    said = try_out()
    assert "3 of 3 SMB2 messages" in said
    assert (os.geteuid() != 0) == (", as " not in said)


@needs_root
def test_no_tshark_of_an_ingest_is_root_though_only_root_may_read_the_capture(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir(mode=0o700)
    capture = secret / "c.pcap"
    capture.write_bytes(THREE_USERS.read_bytes())
    capture.chmod(0o600)
    seen: set[tuple[int, ...]] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for process in psutil.Process().children(recursive=True):
                try:
                    # Before it has become tshark, the child of this process is Python.
                    if process.name() == "tshark":
                        seen.add((*process.uids(), *process.gids()))
                except psutil.Error:
                    continue
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        find_tshark.cache_clear()
        trace = decode([capture], tmp_path)
        shown = dissect_frame(capture, 4)
    finally:
        done.set()
        watcher.join()
    assert trace.info.exchanges == 310
    assert "Negotiate Protocol" in shown
    user = ordinary_user()
    assert user is not None
    assert seen == {(user.uid,) * 3 + (user.gid,) * 3}


@needs_root
def test_who_called_sudo_is_whom_it_runs_as(
    stand_in: Callable[[str], None], open_to_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(f"id -u >{open_to_all}/who; id -G >>{open_to_all}/who; printf 'Z\\t0\\t0\\n'")
    monkeypatch.setenv("SUDO_UID", "54321")
    monkeypatch.setenv("SUDO_GID", "54322")
    assert lines(THREE_USERS) == [b"Z\t0\t0"]
    assert (open_to_all / "who").read_text().split() == ["54321", "54322"]


def test_it_knows_nothing_of_its_callers_home_profile_or_secrets(
    stand_in: Callable[[str], None], open_to_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(f"env >{open_to_all}/env; ls -a >{open_to_all}/ls; printf 'Z\\t0\\t0\\n'")
    monkeypatch.setenv("ALICE_PASSWORD", "secret")
    monkeypatch.setenv("WIRESHARK_PLUGIN_DIR", "/plugins")
    with (
        settings(Keys(nt_password="Pw_alice1")) as home,
        Tap(THREE_USERS, home, (), lambda _: None) as tap,
    ):
        folder = home.folder
        assert list(tap) == [b"Z\t0\t0"]
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "preferences").stat().st_mode & 0o777 == 0o600
    told = dict(line.partition("=")[::2] for line in (open_to_all / "env").read_text().splitlines())
    assert told["HOME"] == str(folder)
    assert told["WIRESHARK_CONFIG_DIR"] == "."
    assert not told.keys() & {"ALICE_PASSWORD", "WIRESHARK_PLUGIN_DIR", "XDG_CONFIG_HOME"}
    assert "preferences" in (open_to_all / "ls").read_text()
    assert not folder.exists()


def test_it_has_no_network(stand_in: Callable[[str], None], open_to_all: Path) -> None:
    if kept := network_kept():
        pytest.skip(f"this machine, or the container, allows no such namespace: {kept}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        connects = f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}'"
        assert subprocess.run(connects, shell=True, check=False).returncode == 0
        stand_in(f"{connects} 2>{open_to_all}/said; printf 'Z\\t0\\t0\\n'")
        assert lines(THREE_USERS) == [b"Z\t0\t0"]
    assert "Network is unreachable" in (open_to_all / "said").read_text()


def test_plug_ins_of_the_caller_are_not_run(open_to_all: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = open_to_all
    plugins = home / ".local" / "lib" / "wireshark" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "planted.lua").write_text(f'io.open("{home}/ran", "w"):write("x")')
    monkeypatch.setenv("HOME", str(home))
    assert "3 of 3" in try_out()
    assert not (home / "ran").exists()


def test_a_program_named_by_a_file_in_the_working_directory_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil").write_text("#!/bin/sh\n")
    (tmp_path / "evil").chmod(0o755)
    (tmp_path / "config.ini").write_text(f"[tshark]\ntshark_path = {tmp_path}/evil\n")
    monkeypatch.chdir(tmp_path)
    find_tshark.cache_clear()
    assert find_tshark().path != str(tmp_path / "evil")


@pytest.mark.parametrize(
    ("script", "error", "says"),
    [
        ("exit 0", SetupError, r"ran no Lua script over .*three-users.pcap.*it said nothing.*doctor"),
        ("echo lua refused >&2", SetupError, r"ran no Lua script.*lua refused"),
        ("echo 'not one' >&2; exit 2", UsageError, r"is no capture that tshark can read \(not one"),
        ("kill -9 $$", SetupError, r"ended by signal 9 \(SIGKILL\) while it read .*enough memory"),
        ("printf 'C\\t0\\ta\\t1\\tb\\t2\\n'", SetupError, "ended without a word while it read"),
    ],
)  # fmt: skip
def test_what_gives_nothing_says_why(
    script: str, error: type[Exception], says: str, stand_in: Callable[[str], None]
) -> None:
    stand_in(script)
    with pytest.raises(error, match=says):
        lines(THREE_USERS)


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        ("TShark 4.4.2", "built without Lua"),
        ("TShark 3.4.1 with Lua", "older than 3.6"),
        ("nonsense", "does not say its version"),
        (r"$(printf '\377\376')", "does not say its version"),
    ],
)
def test_a_tshark_that_cannot_do_the_work(shown: str, says: str, stand_in: Callable[..., None]) -> None:
    stand_in("", shown)
    with pytest.raises(SetupError, match=says):
        find_tshark()


def test_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tshark, "_path", lambda: None)
    find_tshark.cache_clear()
    with pytest.raises(SetupError, match="is not installed"):
        find_tshark()
    find_tshark.cache_clear()


def test_a_file_that_is_no_capture_is_the_files_fault(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x17" * 5000)
    with pytest.raises(UsageError, match="is no capture that tshark can read"):
        lines(tmp_path / "x")
    with pytest.raises(UsageError, match="is no capture that tshark can read"):
        dissect_frame(tmp_path / "x", 1)
    with pytest.raises(UsageError, match="has no frame 100000"):
        dissect_frame(THREE_USERS, 100_000)


def converted(capture: Path, into: Path) -> bool:
    with into.open("wb") as out:
        return tshark.convert(capture, out)


def test_a_conversion_says_whether_it_is_whole(tmp_path: Path) -> None:
    data = THREE_USERS.read_bytes()
    assert converted(THREE_USERS, tmp_path / "whole")
    (tmp_path / "cut.pcap").write_bytes(data[:100_000])
    assert not converted(tmp_path / "cut.pcap", tmp_path / "cut")
    record = 24 + 16 + int.from_bytes(data[32:36], "little")
    broken = data[: record + 8] + b"\xff\xff\xff\x7f" + data[record + 12 :]
    (tmp_path / "broken.pcap").write_bytes(broken)
    assert not converted(tmp_path / "broken.pcap", tmp_path / "broken")
    assert (tmp_path / "whole").stat().st_size > (tmp_path / "cut").stat().st_size > 50_000


@pytest.mark.parametrize(
    ("script", "error", "says"),
    [
        (
            "echo half; kill -9 $$",
            SetupError,
            r"ended by signal 9 \(SIGKILL\) while it read .*three-users.pcap",
        ),
        ("echo half; echo 'an option is wrong' >&2; exit 1", UsageError, r"three-users.pcap .*an option is"),
    ],
)
def test_what_was_shown_before_it_failed_is_no_answer(
    script: str, error: type[Exception], says: str, stand_in: Callable[[str], None], tmp_path: Path
) -> None:
    stand_in(script)
    with pytest.raises(error, match=says):
        converted(THREE_USERS, tmp_path / "x")
    with pytest.raises(error, match=says):
        tshark.ask(["-T", "pdml"], THREE_USERS)


def test_what_was_shown_of_a_capture_that_breaks_off_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "cut.pcap").write_bytes(THREE_USERS.read_bytes()[:100_000])
    shown = tshark.ask(["-T", "fields", "-e", "frame.number"], tmp_path / "cut.pcap")
    assert len(shown.splitlines()) > 100


def test_a_full_disk_is_the_disks_fault_not_the_captures() -> None:
    with Path("/dev/full").open("wb") as out, pytest.raises(SetupError) as caught:
        tshark.convert(THREE_USERS, out)
    assert re.match(r"no room left on the disk at /\S* for what tshark reads of", str(caught.value))
    assert "three-users.pcap (No space left on device)" in str(caught.value)


def test_messages_name_the_capture_as_it_is_called(stand_in: Callable[[str], None], tmp_path: Path) -> None:
    stand_in("kill -9 $$")
    (tmp_path / "frames").write_bytes(bytes(4))
    part = Part(THREE_USERS, tmp_path / "frames", (array("I", [0]), array("I", [0])), {}, {})
    job = TapJob(part, Home(tmp_path), (), 0, tmp_path, (Path("a.pcap"), Path("b.pcap")))
    with pytest.raises(SetupError, match=r"signal 9 \(SIGKILL\) while it read a.pcap and b.pcap;"):
        carry_out(job, lambda _: None)
