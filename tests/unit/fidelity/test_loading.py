"""What a run's own words say of its wire: when it was, whose it was, where its files lay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.runs import a_run
from helpers.stored import write_run_table

from smbench.fidelity.calls import RunCalls
from smbench.fidelity.copies import Copy
from smbench.fidelity.loading import account_mappings, second_sessions, target_folder, window, wire_notes
from smbench.fidelity.outcomes import outcome_number
from smbench.fidelity.sides import AccountMapping, Window
from smbench.smb2.ntstatus import Errno, Status, outcome_name, outcome_of
from smbench.trace.model import Session, TraceInfo

START = 1_700_000_000_000_000_000
LASTED: dict[str, Any] = {"start_epoch_ns": START, "elapsed_s": 2.0}
WIRE = {"file": "wire.pcapng", "interface": "lo"}


def test_a_run_is_between_its_start_and_its_last_mark() -> None:
    def between(marks: list[int] | None) -> Window:
        return window(a_run(**LASTED, wire={**WIRE, "window_ns": marks}))

    assert between([START - 10**9, START + 3 * 10**9]) == Window(START - 10_000_000, START + 3 * 10**9)
    assert between([START + 5, START + 9]) == Window(START + 5, START + 9)
    assert (
        between(None) == window(a_run(**LASTED)) == Window(START - 10_000_000, START + 2 * 10**9 + 10_000_000)
    )


def test_its_warm_up_ends_so_long_after_its_start() -> None:
    warmed = a_run(**LASTED, warm_up={"seconds": 0.29, "operations": 3})
    assert window(warmed).warm_until_ns == START + 290_000_000
    assert window(a_run(**LASTED)).warm_until_ns == 0


@pytest.mark.parametrize(
    ("target", "folder"),
    [
        ("//server/share", ""),
        ("//server/share/", ""),
        ("//server:4455/share/a/b/", "a/b"),
        ("\\\\server\\share\\a", "a"),
        ("/srv/scratch", None),
        ("", None),
    ],
)
def test_the_folder_within_the_share(target: str, folder: str | None) -> None:
    assert target_folder(target) == folder


def test_who_stood_for_whom_is_known_by_the_session_where_the_client_told_it() -> None:
    info = TraceInfo(sessions=[Session(0x10, user=1), Session(0x20, user=0), Session(0x30)])
    mounts = [
        {"user": "CORP\\ann", "root": "/m", "account": "LAB\\user01",
         "connection": {"id": 1, "session": "0x10"}},
        {"user": "CORP\\bob", "root": "/m", "account": "user02", "connection": None},
    ]  # fmt: skip
    found, numbers = account_mappings(a_run(mounts=mounts), info)
    assert found == [
        AccountMapping("CORP\\ann", "LAB\\user01", 1),
        AccountMapping("CORP\\bob", "user02", None),
    ]
    assert numbers == {1: 0}
    assert account_mappings(a_run(), info) == ([], {})


def test_a_second_session_of_a_user_is_that_user() -> None:
    info = TraceInfo(sessions=[Session(0x10, user=1), Session(0x20, user=0), Session(0x30, user=2)])
    second = {"root": "/m-streams", "connection": {"id": 3, "session": "0x30"}}
    mounts = [
        {"user": "ann", "root": "/m", "account": "a", "connection": {"id": 1, "session": "0x10"},
         "streams": second},
        {"user": "bob", "root": "/m", "account": "b", "connection": {"id": 2, "session": "0x20"}},
    ]  # fmt: skip
    run = a_run(mounts=mounts)
    assert second_sessions(run, info) == {2: 1}
    assert account_mappings(run, info)[1] == {1: 0, 0: 1}
    assert second_sessions(run, info, Copy(2, 2)) == {}
    # A client that does not tell, and a capture that has only one of them.
    mounts[0]["streams"] = {"root": "/m-streams"}
    assert second_sessions(a_run(mounts=mounts), info) == {}
    mounts[0]["streams"] = {**second, "connection": {"id": 3, "session": "0x40"}}
    assert second_sessions(a_run(mounts=mounts), info) == {}


def test_lost_packets_are_told() -> None:
    assert wire_notes(a_run(wire={**WIRE, "packets": {"dropped": 1200}})) == [
        "its capture lost 1,200 packets: what they held counts as missing; what they told of others is not "
        "known; recall and precision may be too low"
    ]
    assert wire_notes(a_run(wire={**WIRE, "packets": {"dropped": 0}})) == wire_notes(a_run()) == []


@pytest.mark.parametrize("outcome", [0, *(-code for code in Errno), -200, outcome_of(0xC0DE0001)])
def test_outcomes_are_read_as_they_are_written(outcome: int) -> None:
    assert outcome_number(outcome_name(outcome)) == outcome


@pytest.mark.parametrize("status", [status for status in Status if status >= 0x80000000])
def test_statuses_are_read_as_they_are_written(status: Status) -> None:
    assert outcome_number(outcome_name(outcome_of(status))) == outcome_of(status)


def test_an_exchange_belongs_to_the_call_in_whose_time_it_was_sent(tmp_path: Path) -> None:
    """Two lanes of one user, a user beside it, and an operation that was never carried out."""
    rows = [
        (0, 0, "Open", "a", 100, 200),
        (1, 0, "Read", "b", 150, 400),
        (2, 0, "Rename", "A/x", 300, 350),
        (3, 1, "Write", "a", 0, 999),
        (4, 0, "Close", "a", None, None),
    ]
    columns = ["operation", "user", "kind", "path", "issued_ns", "completed_ns"]
    told = zip(columns, map(list, zip(*rows, strict=True)), strict=True)
    write_run_table(tmp_path / "o.parquet", dict(told))
    calls = RunCalls(tmp_path / "o.parquet", START, {7: 0})

    def sent(path: str, at_ns: int, user: int = 7) -> str:
        return str(calls(user, path, START + at_ns))

    assert sent("a", 160) == "Open a (operation 0)"
    assert sent("b", 160) == "Read b (operation 1)"
    assert sent("a/X", 320) == "Rename A/x (operation 2)"
    assert sent("c", 320) == "Rename A/x (operation 2)"
    assert sent("c", 380) == "Read b (operation 1)"
    assert sent("c", 500) == "after Rename A/x (operation 2)"
    assert sent("c", 50) == "None"
    assert sent("a", 160, user=3) == "None"
