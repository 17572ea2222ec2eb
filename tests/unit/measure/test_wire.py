"""What the wire capture decides without a wire: filters, routes, and tcpdump's last words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from smbench.errors import SetupError
from smbench.measure import tcpdump, wire
from smbench.measure.tcpdump import Route
from smbench.measure.wire import WireCapture, parse_route, parse_summary
from smbench.privileged.capturing import capture_filter

LOCAL = '[{"type":"local","dst":"127.0.0.1","dev":"lo","prefsrc":"127.0.0.1","flags":[],"uid":0}]'
REMOTE = '[{"dst":"10.0.0.9","gateway":"10.1.0.1","dev":"enp3s0","prefsrc":"10.1.0.7","flags":[]}]'


@pytest.mark.parametrize(("said", "interface"), [(LOCAL, "lo"), (REMOTE, "enp3s0")])
def test_the_interface_is_where_the_route_leaves(said: str, interface: str) -> None:
    assert parse_route(said) == interface


@pytest.mark.parametrize("said", ["[]", "[{}]", "{}", "", "RTNETLINK answers: Network is unreachable"])
def test_no_route_is_an_error(said: str) -> None:
    with pytest.raises(ValueError):
        parse_route(said)


def test_the_filter_takes_all_addresses_of_the_server_and_the_marks() -> None:
    assert capture_filter(("10.0.0.9",), 445) == "(host 10.0.0.9) and (tcp port 445 or udp dst port 9)"
    assert capture_filter(("10.0.0.9", "fe80::1%eth0"), 4445).startswith("(host 10.0.0.9 or host fe80::1)")


def test_the_last_words_of_tcpdump_are_counted() -> None:
    said = (
        "tcpdump: listening on lo, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n"
        "250 packets captured\n500 packets received by filter\n1 packet dropped by kernel\n"
        "2 packets dropped by interface\n"
    )
    assert parse_summary(said) == {
        "captured": 250, "received": 500, "dropped": 1, "dropped_by_interface": 2,
    }  # fmt: skip
    assert parse_summary("tcpdump: killed\n") == {}


def test_a_server_that_cannot_be_resolved_is_said() -> None:
    with pytest.raises(SetupError, match=r"nowhere\.invalid: it cannot be resolved"):
        wire.find_route("nowhere.invalid", 445)


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_kwargs: "/usr/bin/dnf" if name == "dnf" else None)
    with pytest.raises(SetupError, match=r"editcap is missing.* dnf install wireshark-cli"):
        tcpdump.find_program("editcap")


class Waiting:
    """A tcpdump that goes on."""

    lives = True

    def end(self) -> None:
        self.lives = False


@pytest.fixture
def capture(tmp_path: Path) -> WireCapture:
    """A capture whose tcpdump only waits; the test writes the file."""
    (tmp_path / "wire.pcap").write_bytes(b"")
    return WireCapture(Route(("127.0.0.1",), "lo"), "", tmp_path, Waiting())


def test_a_mark_is_waited_for_until_it_stands_in_the_file(
    capture: WireCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    def send(_self: WireCapture, sign: bytes) -> None:
        sent.append(sign)
        if len(sent) == 2:  # the first one is lost
            with capture.raw.open("ab") as file:
                file.write(b"\0" * 10_000 + sign + b"\0" * 10)

    monkeypatch.setattr(WireCapture, "_send", send)
    monkeypatch.setattr(wire, "_REPEAT_S", 0.05)
    first = capture.mark()
    sent.clear()
    second = capture.mark()
    assert len(sent) == 2
    assert capture.marks == [first, second]
    assert first <= second
    assert capture.describe().window_ns == (first, second)
    assert capture.notes == []


@pytest.mark.parametrize("before", [0, 1, 5, 63, 64, 65, 127])
def test_a_mark_is_found_across_the_chunks_of_reading(
    capture: WireCapture, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    monkeypatch.setattr(wire, "_CHUNK", 64)
    sign = b"smbench-mark 0123456789abcdef"
    capture.raw.write_bytes(b"x" * before)
    assert not capture._stands(sign)
    with capture.raw.open("ab") as file:
        file.write(sign[:7])
    assert not capture._stands(sign)
    with capture.raw.open("ab") as file:
        file.write(sign[7:] + b"x" * 200)
    assert capture._stands(sign)


def test_a_mark_that_never_comes_is_noted(capture: WireCapture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WireCapture, "_send", lambda _self, _sign: None)
    monkeypatch.setattr(wire, "_MARK_S", 0.1)
    monkeypatch.setattr(wire, "_REPEAT_S", 0.05)
    capture.mark()
    assert "did not come through" in capture.notes[0]
    assert capture.describe().window_ns is None


def test_a_refused_capture_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "tcpdump"
    refusing.write_text('#!/bin/sh\necho "tcpdump: lo: You don\'t have permission to capture" >&2\nexit 1\n')
    refusing.chmod(0o755)
    # Who captures with rights of their own, without a helper.
    monkeypatch.setattr(tcpdump, "helper", lambda: None)
    monkeypatch.setattr(tcpdump, "find_program", lambda _: str(refusing))
    monkeypatch.setattr(wire, "find_route", lambda *_: Route(("127.0.0.1",), "lo"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    refused = pytest.raises(
        SetupError, match=r"on lo: lo: You don't have permission to capture; .*needs root"
    )
    with refused, wire.capture_wire("127.0.0.1", 445, tmp_path / "wire.pcapng", scratch):
        raise AssertionError("it did not start")
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "wire.pcapng").exists()
