"""The figures of a workload, held against the plain way to count them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.report import figures as module
from smbench.report.figures import Ranges, figures
from smbench.workload.calls import Call, Close, Create, Open, Read, Write
from smbench.workload.model import Operation
from smbench.workload.store import OperationWriter, StoredOperations

SPANS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 12)), max_size=40)


@given(SPANS, st.integers(1, 7))
def test_distinct_bytes_are_those_of_a_set(spans: list[tuple[int, int, int]], portion: int) -> None:
    ranges = Ranges()
    for at in range(0, len(spans), portion):
        some = np.array(spans[at : at + portion], np.int64).reshape(-1, 3)
        ranges.add(some[:, 0], some[:, 1], some[:, 1] + some[:, 2])
    touched = {(file, byte) for file, start, size in spans for byte in range(start, start + size)}
    assert ranges.total() == (len(touched), len({file for file, _, _ in spans}))
    assert ranges.total()[0] == len(touched)


def test_ranges_at_the_end_of_what_a_file_can_have() -> None:
    ranges, far = Ranges(), 1 << 61
    ranges.add(np.array([1, 0, 1]), np.array([far, 0, far - 5]), np.array([far + 10, 10, far + 3]))
    assert ranges.total() == (25, 2)


def test_many_ranges_are_merged_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PENDING", 10)
    ranges = Ranges()
    for at in range(100):
        ranges.add(np.array([0]), np.array([at * 5]), np.array([at * 5 + 10]))
    assert ranges.total() == (505, 1)


def done(number: int, call: Call, path: str, status: int | None = 0, moved: int | None = None) -> Operation:
    service = -1 if status is None else 1000
    return Operation(
        number, number % 2, 0, number * 10, service, status, (number,), "rule", path, call, moved
    )


OPERATIONS: list[tuple[Call, str, dict[str, Any]]] = [
    (Open(1, "a", Create(1, 7, 1, 0, 0)), "a", {}),
    (Read(1, 0, 4096), "a", {"moved": 4096}),
    (Read(1, 2048, 4096), "a", {"moved": 1000}),
    (Read(1, 0, 4096), "a", {"moved": 4096}),
    (Read(1, 9000, 64), "a", {"status": 0xC0000011}),
    (Write(1, 8000, 100), "a", {"status": None}),
    (Write(2, 0, 1 << 20), "b", {"moved": 1 << 20}),
    (Write(2, 0, 8), "b", {"status": 0xC0000022}),
    (Close(1), "a", {}),
]


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Any]:
    with OperationWriter(tmp_path) as writer:
        for number, (call, path, rest) in enumerate(OPERATIONS):
            writer.add(done(number, call, path, **rest))
    return figures(StoredOperations(tmp_path / "operations.parquet"), 2)


def test_the_working_set_counts_what_moved(found: dict[str, Any]) -> None:
    assert found["working_set"] == {
        "bytes": 4096 + 100 + (1 << 20), "files": 2, "read_bytes": 4096, "written_bytes": 100 + (1 << 20),
        "paths": 2,
    }  # fmt: skip


def test_sizes_are_those_asked_for(found: dict[str, Any]) -> None:
    read = found["sizes"]["Read"]
    assert (read["count"], read["bytes"], read["p50"], read["max"]) == (4, 4096 + 1000 + 4096, 4096, 4096)
    assert read["up_to"] == {"64": 1, "4096": 3}
    assert found["sizes"]["Write"]["p99"] == 1 << 20


def test_the_hottest_paths_and_the_users(found: dict[str, Any]) -> None:
    assert [row["path"] for row in found["hot"]["operations"]] == ["a", "b"]
    assert found["hot"]["bytes"][0] == {"path": "b", "operations": 2, "bytes": 1 << 20}
    assert [user["failed"] for user in found["by_user"]] == [1, 1]
    assert sum(user["read_bytes"] + user["written_bytes"] for user in found["by_user"]) == 9192 + 100 + (
        1 << 20
    )


def test_no_operations_are_no_figures(tmp_path: Path) -> None:
    with OperationWriter(tmp_path):
        pass
    found = figures(StoredOperations(tmp_path / "operations.parquet"), 0)
    assert found["working_set"]["bytes"] == 0
    assert found["sizes"]["Read"]["count"] == 0
    assert found["hot"] == {"operations": [], "bytes": []}
