"""Stories of fidelity on the wire, told inside the lab's guest as root (see test_fidelity.py)."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.aims import at_least
from helpers.command import THREE_USERS
from helpers.fidelity import Lab, Result
from helpers.load import OPEN_IF, Load

from smbench.executors.posix import linux_calls
from smbench.run.store import WIRE
from smbench.smb2.constants import (
    CONTROLS,
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    ID_FULL_DIRECTORY,
)
from smbench.workload.calls import List
from smbench.workload.model import Kind, NamespaceEntry
from smbench.workload.store import read, write

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


def by_ranges(roots: list[Path]) -> None:
    """Holes, shifts, copies, sizes and control codes of files on a mount."""
    folder = roots[0] / "ranges"
    one, other = (os.open(folder / name, os.O_RDWR | os.O_CREAT) for name in ("one", "other"))
    os.write(one, bytes(3_500_000))
    os.fsync(one)
    for mode, offset, length in (
        (linux_calls.FALLOC_COLLAPSE_RANGE, 0, 4096),
        (linux_calls.FALLOC_INSERT_RANGE, 1000, 333),
        (linux_calls.FALLOC_PUNCH_HOLE | linux_calls.FALLOC_KEEP_SIZE, 8192, 4096),
        (linux_calls.FALLOC_ZERO_RANGE | linux_calls.FALLOC_KEEP_SIZE, 0, 4096),
    ):
        linux_calls.fallocate(one, mode, offset, length)
    os.copy_file_range(one, other, 3_400_000, 0, 0)
    for size in (8 << 20, 100, 200):
        os.ftruncate(other, size)
    for function in sorted(CONTROLS):
        with suppress(OSError):
            linux_calls.control(one, function, 16)
    os.close(one)
    os.close(other)


def test_ranges_go_out_as_they_came_in(lab: Lab) -> None:
    lab.fresh("ranges")
    workload = lab.capture("ranges", 1, by_ranges)
    kinds = [type(operation.call).__name__ for operation in read(workload).operations]
    assert [kinds.count(kind) for kind in ("ShiftRange", "PunchHole", "CopyRange", "Control")] == [2, 2, 1, 3]
    result = lab.hold(workload, lab.replay("ranges", workload))
    assert result.mismatched == 0
    assert (result.missing, result.extra) == ([], []), told(result)


def denied(roots: list[Path]) -> None:
    """A directory with an open file in it is renamed, and a file to the name of an open one."""
    folder = roots[0] / "denied"
    (folder / "p").mkdir()
    (folder / "t").touch()
    with (folder / "p" / "f").open("w") as inside, (folder / "u").open("w") as target:
        inside.write("x")
        target.write("x")
        for source, new in (("p", "q"), ("t", "u")):
            # A newer client and server end with the latter.
            with pytest.raises((PermissionError, FileNotFoundError)):
                (folder / source).rename(folder / new)


def test_a_denied_rename_is_one_call(lab: Lab) -> None:
    lab.fresh("denied")
    workload = lab.capture("denied", 1, denied)
    kinds = [type(operation.call).__name__ for operation in read(workload).operations]
    assert kinds.count("Rename") == 2
    result = lab.hold(workload, lab.replay("denied", workload))
    assert result.by_command["SET_INFO"][0] == result.by_command["SET_INFO"][1]
    assert result.mismatched == 0
    assert at_least(ENOUGH, result.recall), told(result)


def looked_at(roots: list[Path]) -> None:
    """Files that one user makes, and another looks at."""
    mine, theirs = (root / "looked" for root in roots)
    assert not list(theirs.iterdir())
    for name in ("one", "two", "three"):
        (mine / name).write_text("x")
        (theirs / name).stat()


def test_the_first_look_at_anothers_file_is_one(lab: Lab) -> None:
    lab.fresh("looked")
    workload = lab.capture("looked", 2, looked_at)
    result = lab.hold(workload, lab.replay("looked", workload))
    captured, sent, matched = result.by_command["QUERY_INFO"]
    assert captured == sent == matched, told(result)


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
    mounts = json.loads((run / "run.json").read_text())["mounts"]
    for mount in mounts:
        assert not {"noserverino", "nomapposix"} & {one["name"] for one in mount["asked"]}
    # Who was seen first in the capture, is the first there.
    (second,) = (mount["streams"] for mount in mounts if mount.get("streams") is not None)
    assert {"noserverino", "nomapposix"} <= {one["name"] for one in second["asked"]}
