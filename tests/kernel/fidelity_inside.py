"""Stories of fidelity on the wire, told inside the lab's guest as root (see test_fidelity.py)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers.aims import at_least
from helpers.command import THREE_USERS
from helpers.fidelity import Lab, Result
from helpers.load import OPEN_IF, Load

from smbench.run.store import WIRE
from smbench.smb2.constants import (
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    ID_FULL_DIRECTORY,
)
from smbench.workload.calls import List
from smbench.workload.model import Kind, NamespaceEntry
from smbench.workload.store import write

ENOUGH = 0.98
LISTS = FILE_READ_DATA | FILE_READ_ATTRIBUTES


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(Path(os.environ["LAB_OUT"]))


@pytest.fixture(scope="module")
def tar(lab: Lab) -> Path:
    """What a mount sends while tar extracts an archive."""
    if shutil.which("tar") is None:
        pytest.skip("tar is not here")
    return lab.application("tar", size=20)


def told(result: Result) -> str:
    """For the reader of a failure."""
    return f"missing {result.missing[:5]}, extra {result.extra[:5]}"


@pytest.mark.parametrize("executor", ["posix", "library"])
def test_an_application_comes_out_as_it_went_in(lab: Lab, tar: Path, executor: str) -> None:
    result = lab.hold(tar, lab.replay(f"tar-{executor}", tar, "--executor", executor))
    assert result.exchanges > 50
    assert result.mismatched == 0
    assert at_least(ENOUGH, result.recall), told(result)
    assert at_least(ENOUGH, result.precision), told(result)


def test_the_shipped_capture(lab: Lab) -> None:
    workload = lab.ingest(THREE_USERS, lab.out / "three.workload")
    run = lab.replay("three", workload)
    result = lab.hold(workload, run)
    assert at_least(0.9, result.recall), told(result)
    assert at_least(0.9, result.precision), told(result)
    document = json.loads((run / "run.json").read_text())
    assert (run / WIRE).stat().st_size > 10_000
    assert document["wire"]["notes"] == []
    assert document["wire"]["window_ns"][0] <= document["start_epoch_ns"]


def test_the_library_sends_what_the_captured_clients_sent(lab: Lab) -> None:
    workload = lab.ingest(THREE_USERS, lab.out / "three.workload")
    run = lab.replay("three-library", workload, "--executor", "library")
    result = lab.hold(workload, run)
    assert at_least(ENOUGH, result.recall), told(result)
    assert at_least(ENOUGH, result.precision), told(result)
    configuration = json.loads((run / "run.json").read_text())["configuration"]
    assert configuration["client_calls_replayed"]
    assert configuration["client_calls"] > 0
    users = json.loads((run / "client_stats.json").read_text())["users"]
    assert len(users) == 3
    assert not any(counted["connection"]["lost"] for counted in users.values())
    assert sum(row["count"] for counted in users.values() for row in counted["cpu"]["calls"].values()) > 50


def test_streams_of_one_user_change_no_listing(lab: Lab, tmp_path: Path) -> None:
    """The capture is of a client with one session a user, which lists in class 38 (the library); on kernel
    mounts user01 gets a second one for its streams."""
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
    assert (listed, matched) == (10, 10), told(result)
    assert result.recall == 1.0, told(result)
    # The library asked once a listing, and the kernel's client asks until there is nothing more.
    assert [row[:2] for row in result.extra] == [("QUERY_DIRECTORY", "scan")], told(result)
    first, second = json.loads((run / "run.json").read_text())["mounts"]
    assert {"noserverino", "nomapposix"} <= {one["name"] for one in first["streams"]["asked"]}
    for mount in (first, second):
        assert not {"noserverino", "nomapposix"} & {one["name"] for one in mount["asked"]}
    assert "streams" not in second or second["streams"] is None
