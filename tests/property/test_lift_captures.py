"""Over all captures: coverage adds up, and the oracle agrees with what the captured servers said.

`REASONS` lists what the oracle is not to agree with, each with the reason; every line of it must be needed.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.oracle import Outcome, replay

from smbench.capture.decode import decode
from smbench.errors import UsageError
from smbench.lift.lift import lift
from smbench.trace.model import Trace
from smbench.workload.model import Disposition, Workload

FOLDER = Path(__file__).parents[3] / "shared" / "captures"
OWN = Path(__file__).parents[1] / "captures"
CAPTURES = sorted([*FOLDER.glob("*.pcap*"), *OWN.glob("*.pcap*")])

pytestmark = [
    pytest.mark.captures,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no folder of captures at {FOLDER}"),
]


class Excuse(NamedTuple):
    """Outcomes of one capture that may differ from the oracle's."""

    capture: str
    kinds: tuple[str, ...]
    expected: str
    got: tuple[str, ...]
    reason: str


_LENGTH = "asks with a buffer too short for the class; the oracle does not know every class's least size"
_RIGHTS = "the captured server's rights and quotas; a namespace holds none"
_REPLAYED = "locks sent again under their sequence number ([MS-SMB2] 3.3.5.14), which calls do not have"
_SEVERAL = "follows a LOCK of several ranges that was refused in part, and is not lifted"
_STREAMS = "Samba's own answer to an odd stream name or to an open stream; the oracle follows Windows"
_APPLE = "Samba (vfs_fruit) makes up Apple's AFP_AfpInfo stream when it is first opened"

REASONS = [
    Excuse("oisf_smb-length", ("Read",), "STATUS_SUCCESS", ("STATUS_END_OF_FILE",), _APPLE),
    Excuse("oisf_smb-length", ("Write",), "STATUS_ACCESS_DENIED", ("ok",), _RIGHTS),
    Excuse("oisf_smb2-01", ("Close",), "STATUS_ACCESS_DENIED", ("ok",), _RIGHTS),
    Excuse("oisf_smb2-frames-gap", ("Close",), "STATUS_ACCESS_DENIED", ("ok",), _RIGHTS),
    Excuse("torture_delete-on-close", ("Open",), "STATUS_ACCESS_DENIED", ("ok",), _RIGHTS),
    Excuse(
        "torture_delete-on-close",
        ("Unlink",),
        "STATUS_SUCCESS",
        ("STATUS_OBJECT_NAME_NOT_FOUND",),
        "the file went with the open that only the captured server's rights refused",
    ),
    Excuse("torture_compound", ("Open",), "STATUS_ACCESS_DENIED", ("ok",), _RIGHTS),
    Excuse(
        "torture_compound",
        ("Close", "Open"),
        "STATUS_INVALID_PARAMETER",
        ("ok",),
        "the compound itself was malformed on purpose; each of its calls is in order",
    ),
    Excuse(
        "torture_compound",
        ("Unlink",),
        "STATUS_OBJECT_NAME_NOT_FOUND",
        ("ok",),
        "the file that a malformed compound did not make is there for the oracle",
    ),
    Excuse(
        "torture_getinfo",
        ("StatFs", "StatHandle"),
        "STATUS_INFO_LENGTH_MISMATCH",
        ("ok", "STATUS_BUFFER_OVERFLOW"),
        _LENGTH,
    ),
    Excuse("torture_getinfo", ("StatHandle",), "STATUS_BUFFER_TOO_SMALL", ("ok",), _LENGTH),
    Excuse("torture_getinfo", ("StatHandle",), "STATUS_SUCCESS", ("STATUS_BUFFER_OVERFLOW",), _LENGTH),
    Excuse("torture_getinfo", ("StatFs", "StatHandle"), "STATUS_ACCESS_DENIED", ("ok",), _RIGHTS),
    Excuse(
        "torture_getinfo",
        ("StatHandle",),
        "STATUS_SUCCESS",
        ("STATUS_ACCESS_DENIED",),
        "Samba lets a class be read without the right that [MS-FSA] asks for it",
    ),
    Excuse("torture_getinfo", ("StatHandle",), "STATUS_NOT_SUPPORTED", ("ok",), "a class that Samba lacks"),
    Excuse(
        "torture_lease",
        ("Open",),
        "STATUS_INVALID_PARAMETER",
        ("ok",),
        "a lease on a directory, refused by a dialect of which an open does not know",
    ),
    Excuse(
        "torture_lease",
        ("Unlink",),
        "STATUS_OBJECT_NAME_NOT_FOUND",
        ("STATUS_FILE_IS_A_DIRECTORY",),
        "the directory whose lease was refused is there for the oracle",
    ),
    Excuse(
        "torture_lock",
        ("Lock",),
        "STATUS_SUCCESS",
        ("STATUS_LOCK_NOT_GRANTED",),
        f"{_REPLAYED}; or {_SEVERAL}",
    ),
    Excuse("torture_lock", ("Unlock",), "STATUS_SUCCESS", ("STATUS_RANGE_NOT_LOCKED",), _REPLAYED),
    Excuse("torture_lock", ("Lock",), "STATUS_LOCK_NOT_GRANTED", ("ok",), _REPLAYED),
    Excuse("torture_lock", ("Unlock",), "STATUS_RANGE_NOT_LOCKED", ("ok",), _REPLAYED),
    Excuse(
        "torture_oplock",
        ("Rename",),
        "STATUS_SHARING_VIOLATION",
        ("ok",),
        "a rename that breaks an oplock fails for its holder's share mode; the oracle has no oplocks",
    ),
    Excuse("torture_streams", ("Open",), "STATUS_NOT_A_DIRECTORY", ("STATUS_SHARING_VIOLATION",), _STREAMS),
    Excuse(
        "torture_streams", ("Open",), "STATUS_FILE_IS_A_DIRECTORY", ("STATUS_SHARING_VIOLATION",), _STREAMS
    ),
    Excuse(
        "torture_streams", ("Open",), "STATUS_INVALID_PARAMETER", ("STATUS_OBJECT_NAME_INVALID",), _STREAMS
    ),
    Excuse(
        "torture_streams",
        ("Open",),
        "STATUS_OBJECT_NAME_INVALID",
        ("ok", "STATUS_SHARING_VIOLATION"),
        _STREAMS,
    ),
    Excuse("torture_streams", ("StatHandle",), "STATUS_INVALID_PARAMETER", ("ok",), _STREAMS),
    Excuse("torture_streams", ("Rename",), "STATUS_SHARING_VIOLATION", ("STATUS_NOT_SUPPORTED",), _STREAMS),
    Excuse("zeek_smb_smb3_multichannel", ("StatHandle",), "STATUS_ACCESS_DENIED", ("ok",), _RIGHTS),
]


@cache
def ingested(capture: Path, scratch: Path) -> tuple[Trace, Workload] | None:
    """A capture's trace and workload; None where there is nothing in clear to lift."""
    into = scratch / capture.name
    into.mkdir(exist_ok=True)
    try:
        trace = decode([capture], into)
    except UsageError:
        return None
    return trace, lift(trace, into)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lifted")


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_coverage_adds_up_and_says_why(capture: Path, scratch: Path) -> None:
    found = ingested(capture, scratch)
    if found is None:
        pytest.skip("nothing in it can be lifted")
    trace, workload = found
    info = workload.info
    assert sum(row.count for row in info.coverage) == trace.info.exchanges == info.trace.exchanges
    assert info.trace.commands == dict(sorted(trace.info.commands.items(), key=lambda item: _number(item[0])))
    assert all(row.reason for row in info.coverage)
    assert sum(info.operations.values()) == sum(info.operations_by_user)
    arrivals = [operation.arrival_ns for operation in workload.operations]
    assert arrivals == sorted(arrivals)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_the_oracle_ends_as_the_captured_server_did(capture: Path, scratch: Path) -> None:
    found = ingested(capture, scratch)
    if found is None:
        pytest.skip("nothing in it can be lifted")
    outcomes = [outcome for outcome in replay(found[1], capture.name) if not outcome.matches]
    excuses = [excuse for excuse in REASONS if capture.name.startswith(excuse.capture)]
    unexplained = [
        outcome for outcome in outcomes if not any(_excused(outcome, excuse) for excuse in excuses)
    ]
    assert unexplained == []
    needless = [excuse for excuse in excuses if not any(_excused(outcome, excuse) for outcome in outcomes)]
    assert needless == []


def test_table_of_what_became_of_all_captures(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table: Counter[tuple[Disposition, str, str]] = Counter()
    for capture in CAPTURES:
        found = ingested(capture, scratch)
        for row in found[1].info.coverage if found is not None else ():
            table[row.disposition, row.command, row.reason.partition(": of ")[0]] += row.count
    totals: Counter[str] = Counter()
    with capsys.disabled():
        print(f"\nwhat became of the exchanges of {len(CAPTURES)} captures")
        for (disposition, command, reason), count in sorted(table.items()):
            totals[disposition] += count
            print(f"{count:7,} {disposition:12} {command:16} {reason}")
        print(", ".join(f"{name} {count:,}" for name, count in sorted(totals.items())))
    assert totals[Disposition.EXACT] > totals[Disposition.UNSUPPORTED]


def _excused(outcome: Outcome, excuse: Excuse) -> bool:
    kind, expected, got = outcome.signature
    return kind in excuse.kinds and expected == excuse.expected and got in excuse.got


def _number(command: str) -> int:
    from smbench.trace.model import COMMAND_NAMES

    return {name: number for number, name in COMMAND_NAMES.items()}.get(command, 99)


FIELD = FOLDER / "field"
OUTSIDE = {"grows_outside.pcap": {"resized": 2}, "remade_outside.pcap": {"appeared": 2}}
"""Where somebody outside did something; nowhere else."""


@pytest.mark.parametrize("capture", [*CAPTURES, *sorted(FIELD.glob("*.pcap*"))], ids=lambda path: path.name)
def test_nobody_outside_did_anything_but_where_it_is_known(capture: Path, tmp_path: Path) -> None:
    try:
        trace = decode([capture], tmp_path)
    except UsageError:
        return  # nothing of it can be read: other tests say why
    assert lift(trace, tmp_path).info.outside.changes == OUTSIDE.get(capture.name, {})
