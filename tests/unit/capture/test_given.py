"""What is no capture file is told before it is opened; what changes while it is read is told after."""

from __future__ import annotations

import io
import os
import socket
import sys
from pathlib import Path

import pytest

from smbench.capture.given import FirstBytes, State, refuse_no_file
from smbench.errors import UsageError


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket"))
        for path, what in (
            (tmp_path, "is a directory, and no capture file: give the capture files in it"),
            (tmp_path / "pipe", "is a pipe, and no capture file: pipe it into smbench-mount ingest -"),
            (tmp_path / "socket", "is a socket"),
            (Path("/dev/null"), "is a device"),
            (Path("/dev/zero"), "is a device"),
            (tmp_path / "none", "there is no capture"),
            (tmp_path / "socket" / "none", "there is no capture"),
        ):
            with pytest.raises(UsageError, match=what):
                refuse_no_file(path)


def test_a_file_that_changes_is_said_with_what_became_of_it(tmp_path: Path) -> None:
    file, name = tmp_path / "x", Path("c.pcap")
    file.write_bytes(bytes(2000))
    state = State.of(file)
    assert state.changed(name) == ""
    file.write_bytes(bytes(3000))
    assert state.changed(name) == "c.pcap grew while it was read, from 2,000 to 3,000 bytes"
    file.write_bytes(b"")
    assert state.changed(name) == "c.pcap was cut while it was read, from 2,000 to 0 bytes"
    file.write_bytes(bytes(2000))
    os.utime(file, ns=(0, state.written_ns + 1))
    assert state.changed(name) == "c.pcap was written while it was read"
    file.unlink()
    assert state.changed(name) == "c.pcap was taken away while it was read (No such file or directory)"


@pytest.mark.parametrize("size", [0, 1, 5, 10, 11])
def test_the_first_bytes_of_a_file_are_all_that_it_has(size: int) -> None:
    first = io.BufferedReader(FirstBytes(io.BytesIO(b"0123456789"), size), 1)
    assert first.read() == b"0123456789"[:size]
