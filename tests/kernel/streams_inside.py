"""Streams of one user beside another user, on the wire, told inside the lab's guest (see test_streams.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path

from helpers.fidelity import Lab
from helpers.load import OPEN_IF, Load

from smbench.smb2.constants import (
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    ID_FULL_DIRECTORY,
)
from smbench.workload.calls import List
from smbench.workload.model import Kind, NamespaceEntry
from smbench.workload.store import write

LISTS = FILE_READ_DATA | FILE_READ_ATTRIBUTES


def test_streams_of_one_user_change_no_listing(tmp_path: Path) -> None:
    """The capture is of a client with one session a user, which lists in class 38 (the library); on kernel
    mounts user01 gets a second one for its streams."""
    lab = Lab(Path(os.environ["LAB_OUT"]))
    load = Load(step_ns=20_000_000)
    for turn in range(5):
        for user in (0, 1):
            load.opens(user, handle := 10 * turn + user, "d", access=LISTS, options=DIRECTORY_FILE)
            load.add(user, List(handle, "*", ID_FULL_DIRECTORY, restart=True, output_length=65536))
            load.closes(user, handle)
        file, stream = 10 * turn + 2, 10 * turn + 3
        load.opens(0, file, f"d/f{turn}")
        load.opens(0, stream, f"d/f{turn}:mark", OPEN_IF)
        load.writes(0, stream, 0, 3000)
        load.reads(0, stream, 100, 2000)
        load.reads(0, file, 50, 50)
        load.closes(0, stream)
        load.closes(0, file)
    asked = load.workload
    asked.namespace = [NamespaceEntry("d", Kind.DIRECTORY)]
    for number in range(5):
        asked.namespace.append(NamespaceEntry(f"d/f{number}", Kind.FILE, size=100, size_known=True))
        asked.namespace.append(NamespaceEntry(f"d/f{number}:mark", Kind.STREAM, present=False))
    write(tmp_path / "told.workload", asked)
    sent = lab.replay("streams-sent", tmp_path / "told.workload", "--executor", "library")
    workload = lab.own_capture(sent, lab.out / "streams.workload")
    run = lab.replay("streams", workload)
    result = lab.hold(workload, run)
    assert result.mismatched == 0
    listed, _, matched = result.by_command["QUERY_DIRECTORY"]
    assert (listed, matched) == (10, 10), result.lost
    assert result.recall == 1.0, result.lost
    # The library asked once a listing, and the kernel's client asks until there is nothing more.
    assert [row[:2] for row in result.extra] == [("QUERY_DIRECTORY", "scan")]
    first, second = json.loads((run / "run.json").read_text())["mounts"]
    assert {"noserverino", "nomapposix"} <= {one["name"] for one in first["streams"]["asked"]}
    for mount in (first, second):
        assert not {"noserverino", "nomapposix"} & {one["name"] for one in mount["asked"]}
    assert "streams" not in second or second["streams"] is None
