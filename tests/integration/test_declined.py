"""What a capture saw refused for share access is not done where no share access can be asked for."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.load import CREATE, SHARING_VIOLATION, Load
from helpers.ran import written
from msgspec import convert

from smbench.executors.registry import executor_class, names
from smbench.plan import Pace, plan_run
from smbench.report.run import got_of
from smbench.run.outcomes import Cause
from smbench.runner.declined import REASON
from smbench.runner.run import RunOptions, run
from smbench.smb2.constants import DELETE_ON_CLOSE, DIRECTORY_FILE, OVERWRITE
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import MakeDirectory, Rename, Stat, Unlink

pytestmark = pytest.mark.skipif("posix" not in names(), reason="posix runs on Linux only")
NOBODY = -1


def held() -> Load:
    """alice holds a file and shares no deletion of it; bob wants to."""
    load = Load()
    load.opens(0, 1, "f", CREATE, share=3)
    load.writes(0, 1)
    load.add(1, Unlink("f"), expected=SHARING_VIOLATION)
    load.opens(1, NOBODY, "f", OVERWRITE, expected=SHARING_VIOLATION)
    load.opens(1, NOBODY, "f", options=DELETE_ON_CLOSE, expected=SHARING_VIOLATION)
    load.opens(1, NOBODY, "f", expected=SHARING_VIOLATION)
    load.opens(1, 2, "f")
    load.add(1, Rename(2, "f", "g", True), expected=SHARING_VIOLATION)
    load.reads(1, 2)
    load.closes(1, 2)
    load.closes(0, 1)
    load.add(1, Unlink("f"))
    return load


def finished(load: Load, tmp_path: Path, pace: Pace = Pace.FAST) -> tuple[dict, list[dict]]:
    (tmp_path / "target").mkdir()
    (tmp_path / "a.run").mkdir()
    plan = plan_run(load.workload, load.users, pace=pace)
    result = run(plan, load.workload, RunOptions("posix", [tmp_path / "target"] * len(load.users)))
    document = written(result, tmp_path / "a.run")
    return document, pq.read_table(tmp_path / "a.run/operations.parquet").to_pylist()


@pytest.mark.parametrize("pace", Pace)
def test_the_file_stays_for_whoever_uses_it(tmp_path: Path, pace: Pace) -> None:
    document, rows = finished(held(), tmp_path, pace)
    assert [row["outcome"] for row in rows] == [
        "ok", "ok", None, None, None, "ok", "ok", None, "ok", "ok", "ok", "ok"
    ]  # fmt: skip
    assert rows[8]["bytes"] == 4096
    operations = document["operations"]
    assert (operations["planned"], operations["executed"], operations["skipped"]) == (12, 8, 4)
    assert (operations["matched"], operations["mismatched"]) == (7, 1)
    told = {(row["kind"], row["reason"]): row["count"] for row in document["skipped"]}
    assert told == {("Unlink", REASON): 1, ("Open", REASON): 2, ("Rename", REASON): 1}


def test_an_open_that_only_opens_says_why_it_ended_otherwise(tmp_path: Path) -> None:
    document, _ = finished(held(), tmp_path)
    [cause] = document["causes"]
    assert (cause["kind"], cause["expected"], cause["got"]) == ("Open", "STATUS_SHARING_VIOLATION", "ok")
    assert "share access" in cause["why"]
    assert got_of(convert(cause, Cause)) == f"ok: {cause['why']}"


def test_a_directory_into_itself_is_no_matter_of_share_access(tmp_path: Path) -> None:
    load = Load()
    load.add(0, MakeDirectory("d"))
    load.opens(0, 1, "d", options=DIRECTORY_FILE)
    load.add(0, Rename(1, "d", "d/e", True), expected=SHARING_VIOLATION)
    document, rows = finished(load, tmp_path)
    assert document["operations"]["skipped"] == 0
    assert rows[2]["outcome"] == "EINVAL"


def test_what_the_client_itself_cannot_name_or_has_not_open_is_told(tmp_path: Path) -> None:
    """128 letters of two bytes in UTF-8: SMB2 has such names, Linux has none of more than 255 bytes."""
    load = Load()
    name = "ä" * 128
    load.opens(0, 1, name, CREATE)
    load.writes(0, 1)
    load.closes(0, 1)
    load.add(0, Stat("ä" * 127), expected=Status.OBJECT_NAME_NOT_FOUND)
    document, _ = finished(load, tmp_path)
    why = {cause["kind"]: (cause["got"], cause["why"]) for cause in document["causes"]}
    assert {kind: got for kind, (got, _) in why.items()} == {
        "Open": "ENAMETOOLONG", "Write": "EBADF", "Close": "EBADF"
    }  # fmt: skip
    assert "255 bytes" in why["Open"][1]
    assert "not open" in why["Write"][1]
    assert why["Write"] == why["Close"]


def test_a_servers_own_refusal_has_no_excuse() -> None:
    posix = executor_class("posix")
    assert posix.own_doing(0, -2) is None
    assert posix.own_doing(SHARING_VIOLATION, -16) is None
    assert executor_class("memory").own_doing(SHARING_VIOLATION, 0) is None
