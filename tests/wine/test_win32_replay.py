"""A whole replay of a shipped capture onto \\\\server\\share, by the command, in spawned workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from wine.conftest import Users

from smbench.workload.calls import Rename, StatFs
from smbench.workload.model import Kind, Workload
from smbench.workload.store import read

WORKLOADS = Path(os.environ.get("SMBENCH_WINE_WORKLOADS", "."))
SECTOR_SIZES = 11
MAXIMUM_ALLOWED = 0x02000000
DEADLINE_S = 120


def workload(name: str) -> Path:
    folder = WORKLOADS / f"{name}.workload"
    if not folder.exists():
        pytest.skip(f"the capture {name} is not here")
    return folder


def make_namespace(loaded: Workload, root: Path) -> None:
    entries = [entry for entry in loaded.namespace if entry.present]
    for entry in sorted(entries, key=lambda entry: entry.path):
        path = root / entry.path
        if entry.kind is Kind.DIRECTORY:
            path.mkdir(parents=True, exist_ok=True)
        elif entry.kind is Kind.FILE:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(entry.size))


def replay(source: Path, target: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smbench", "replay", str(source), str(target), "--no-prepare", "--json",
         "-o", str(output), *options],
        capture_output=True, text=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip


def rows(run: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(run / "operations.parquet").to_pylist()
    return found


@pytest.mark.parametrize("pace", ["fast", "original"])
def test_the_shipped_capture_ends_as_it_did(users: Users, tmp_path: Path, pace: str) -> None:
    source = workload("three-users")
    loaded = read(source)
    make_namespace(loaded, users.root)
    speed = ["--speed", "4"] if pace == "original" else []
    done = replay(source, users.root, tmp_path / "x.run", "--pace", pace, *speed)
    assert done.returncode in (0, 5), done.stderr  # 5: this machine was too busy to be in time
    document = json.loads(done.stdout)
    operations = document["operations"]
    assert operations["planned"] == operations["executed"] > 50
    assert operations["skipped"] == 0
    # The only thing that Wine lacks of all that this capture asks for.
    wrong = {(row["kind"], row["got"]) for row in document["mismatches"]}
    assert wrong <= {("StatFs", "STATUS_INVALID_PARAMETER")}
    levels = [op.call.level for op in loaded.operations if isinstance(op.call, StatFs)]
    assert operations["mismatched"] == levels.count(SECTOR_SIZES)
    assert document["configuration"]["executor"] == "win32"
    assert document["workers"] == {"lost": 0, "killed": 0}
    assert len({row["process"] for row in rows(tmp_path / "x.run")}) == 3, "a process for every user"
    assert {reason["reason"] for reason in document["losses"]} <= {
        "the redirector asks for the oplock or lease that it chooses"
    }
    assert (tmp_path / "x.run" / "latency.hlog").stat().st_size > 0
    assert (users.root / "office" / "notes.txt").stat().st_size == 3000
    assert (users.root / "projects" / "beta" / "out" / "first.bin").exists()


def test_the_share_mode_conflicts_of_a_capture_are_its_very_ones(users: Users, tmp_path: Path) -> None:
    source = workload("torture_oplock")
    loaded = read(source)
    make_namespace(loaded, users.root)
    done = replay(source, users.root, tmp_path / "x.run", "--pace", "fast")
    assert done.returncode in (0, 5), done.stderr
    told = {number: operation.call for number, operation in enumerate(loaded.operations)}
    conflicts = [row for row in rows(tmp_path / "x.run") if row["expected"] == "STATUS_SHARING_VIOLATION"]
    assert len(conflicts) == 9
    other = [told[row["operation"]] for row in conflicts if row["outcome"] != row["expected"]]
    # Wine holds neither MAXIMUM_ALLOWED nor a rename against the share modes of others.
    opens = [call for call in other if not isinstance(call, Rename)]
    assert [call for call in opens if call.create.access != MAXIMUM_ALLOWED] == []  # type: ignore[union-attr]
    assert sum(row["kind"] == "Unlink" for row in conflicts) == 5


def test_a_share_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    done = replay(workload("three-users"), Path(r"\\server\nothing"), tmp_path / "x.run")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "cannot reach" in done.stderr
    assert not (tmp_path / "x.run").exists()
