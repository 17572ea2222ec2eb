"""Capturing on Windows: what is asked of dumpcap and pktmon, with a dumpcap of our own."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import psutil
import pytest

from smbench.errors import SetupError
from smbench.measure import wire_windows
from smbench.measure.wire_windows import (
    capture_wire,
    interface_number,
    local_interface,
    pktmon_start,
)

LISTED = r"""1. \Device\NPF_{1B2C} (Ethernet)
2. \Device\NPF_{3D4E} (Wi-Fi 2 (5 GHz))
3. \Device\NPF_Loopback (Adapter for loopback traffic capture)
4. etwdump
"""


@pytest.mark.parametrize(
    ("name", "number"),
    [("Ethernet", 1), ("Wi-Fi 2 (5 GHz)", 2), ("etwdump", 4), (r"\Device\NPF_{1B2C}", 1), ("Ether", None)],
)
def test_interfaces_by_name(name: str, number: int | None) -> None:
    assert interface_number(LISTED, name) == number


def test_pktmon_keeps_smb_and_marks_of_every_address() -> None:
    commands = pktmon_start(("10.0.0.5", "fe80::1"), 445, Path("x.etl"))
    assert commands[0] == ["filter", "remove"]
    assert ["filter", "add", "smbench-TCP", "-i", "10.0.0.5", "-t", "TCP", "-p", "445"] in commands
    assert ["filter", "add", "smbench-UDP", "-i", "fe80::1", "-t", "UDP", "-p", "9"] in commands
    assert len(commands) == 6
    assert commands[-1][:2] == ["start", "--capture"]
    assert commands[-1][commands[-1].index("--pkt-size") + 1] == "0", "whole packets"


def test_the_interface_of_an_address() -> None:
    name = local_interface("127.0.0.1")
    assert "127.0.0.1" in {entry.address for entry in psutil.net_if_addrs()[name]}


def test_without_a_program_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(SetupError, match="Wireshark"), capture_wire("127.0.0.1", 445, tmp_path / "w"):
        pass
    assert list(tmp_path.iterdir()) == []


DUMPCAP = """#!{python}
# Writes each datagram that comes to the marks' port, as dumpcap would with its blocks around it.
import socket, sys
if sys.argv[1:] == ["-D"]:
    print("1. {interface}")
    sys.exit()
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("127.0.0.1", {port}))
with open(sys.argv[sys.argv.index("-w") + 1], "wb", buffering=0) as out:
    out.write(b"pcapng")
    while True:
        out.write(own.recv(100))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a script cannot stand for dumpcap.exe")
def test_marks_are_waited_for_until_they_stand_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = tmp_path / "dumpcap"
    text = DUMPCAP.format(python=sys.executable, interface=local_interface("127.0.0.1"), port=port)
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setattr(wire_windows, "DISCARD_PORT", port)
    monkeypatch.setattr(wire_windows, "find_dumpcap", lambda: str(program))
    output = tmp_path / "wire.pcapng"
    with capture_wire("127.0.0.1", 445, output, tmp_path) as capture:
        first, last = capture.mark(), capture.mark()
    content = output.read_bytes()
    assert content.startswith(b"pcapng")
    assert content.count(b"smbench-mark") == 2
    wire = capture.describe()
    assert wire.window_ns == (first, last)
    assert wire.notes == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dumpcap", "wire.pcapng"]
