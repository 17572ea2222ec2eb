"""A run beside a workload of which a part is what the captured client did by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers.runs import a_run
from helpers.stored import info_of, write_run_table

from smbench.errors import UsageError
from smbench.fidelity.latency import LatencyDifference
from smbench.fidelity.outcomes import RunOutcomes, run_outcomes
from smbench.workload.calls import Call, MakeDirectory, Stat
from smbench.workload.model import Operation, Workload
from smbench.workload.store import StoredOperations, read, write

CALLS: list[tuple[Call, bool]] = [
    (Stat("d"), True),
    (MakeDirectory("d"), False),
    (Stat("d"), True),
    (Stat("e"), False),
]


@pytest.fixture
def workload(tmp_path: Path) -> StoredOperations:
    operations = [
        Operation(number, 0, 0, number * 1000, 500, 0, (number,), "told", "d", call, by_client=by_client)
        for number, (call, by_client) in enumerate(CALLS)
    ]
    write(tmp_path / "w", Workload(info_of(operations), operations, []))
    stored = read(tmp_path / "w").operations
    assert isinstance(stored, StoredOperations)
    return stored


def held(
    workload: StoredOperations, folder: Path, replayed: bool, *, told: dict[int, str] | None = None,
    warm_up_s: float = 0.0, expected: dict[int, str | None] | None = None, compared: bool = True,
) -> RunOutcomes:  # fmt: skip
    """A run of the operations that it was given, each of which ended well but for those `told`."""
    numbers = [number for number, (_, by_client) in enumerate(CALLS) if replayed or not by_client]
    rows = len(numbers)
    write_run_table(
        folder / "operations.parquet",
        {
            "operation": numbers,
            "kind": [type(CALLS[number][0]).__name__ for number in numbers],
            "expected": pa.array([(expected or {}).get(number, "ok") for number in numbers], pa.string()),
            "outcome": [(told or {}).get(number, "ok") for number in numbers],
            "length": pa.array([2**64 - 1] * rows, pa.uint64()),
            "bytes": [0] * rows,
            "intended_ns": [1000 * number for number in numbers],
            "issued_ns": [0] * rows,
            "completed_ns": [5 if number in (told or {}) else 700 for number in numbers],
        },
    )
    run = a_run(
        folder,
        configuration={"client_calls_replayed": replayed},
        operations={"compared": compared, "planned": rows},
        warm_up={"seconds": warm_up_s, "operations": 0},
    )
    return run_outcomes(run, workload)


@pytest.mark.parametrize(("replayed", "planned"), [(False, 2), (True, 4)])
def test_a_run_is_held_against_what_it_was_given(
    workload: StoredOperations, tmp_path: Path, replayed: bool, planned: int
) -> None:
    total = held(workload, tmp_path, replayed).total
    assert (total.planned, total.executed, total.matched, total.mismatched) == (planned, planned, planned, 0)


def test_what_was_due_in_the_warm_up_is_compared_and_in_no_latency(
    workload: StoredOperations, tmp_path: Path
) -> None:
    outcomes = held(workload, tmp_path, True, told={0: "ENOENT"}, warm_up_s=2e-6)
    assert outcomes.warm_up.tolist() == [0, 1]
    assert outcomes.total.mismatched == 1
    counts = {kind: (one.reference, one.candidate) for kind, one in outcomes.latency.items()}
    assert counts == {"MakeDirectory": (0, 0), "Stat": (2, 2), "all": (2, 2)}
    assert held(workload, tmp_path, True).latency["all"].candidate == 4


def test_what_failed_here_alone_or_there_alone_is_in_no_latency_and_is_told_apart(
    workload: StoredOperations, tmp_path: Path
) -> None:
    """Of a refusal the time is 5 ns, of all else 700; the capture's is 500."""

    def times(found: dict[str, LatencyDifference]) -> dict[str, Any]:
        return {
            kind: (one.reference, one.candidate, one.percentiles_ns["max"]) for kind, one in found.items()
        }

    path = tmp_path
    here = held(workload, path, True, told={0: "ENOENT"})
    assert times(here.latency)["Stat"] == (2, 2, (500, 700))
    assert times(here.failed) == {"Stat": (1, 1, (500, 5)), "all": (1, 1, (500, 5))}
    there = held(workload, path, True, expected={0: "STATUS_ACCESS_DENIED"})
    assert times(there.latency)["all"] == (3, 3, (500, 700))
    assert times(there.failed)["Stat"] == (1, 1, (500, 700))
    both = held(workload, path, True, told={0: "ENOENT"}, expected={0: "STATUS_OBJECT_NAME_NOT_FOUND"})
    assert times(both.latency)["all"] == (4, 4, (500, 700))
    assert both.failed == {}
    warm = held(workload, path, True, told={0: "ENOENT"}, warm_up_s=2e-6)
    assert warm.failed == {}


def test_what_the_capture_has_no_answer_for_is_no_match(workload: StoredOperations, tmp_path: Path) -> None:
    found = held(workload, tmp_path, True, expected={0: None, 1: "STATUS_PENDING"}, told={1: "EIO"})
    assert (found.total.executed, found.total.matched, found.total.mismatched) == (4, 2, 0)
    assert found.total.unanswered == 2


def test_of_a_run_that_carried_nothing_out_nothing_is_compared(
    workload: StoredOperations, tmp_path: Path
) -> None:
    found = held(workload, tmp_path, True, compared=False)
    assert (found.compared, found.latency, found.failed, found.differing) == (False, {}, {}, [])
    assert (found.total.planned, found.total.matched, found.total.mismatched) == (4, 0, 0)


def test_operations_are_told_by_their_numbers(workload: StoredOperations, tmp_path: Path) -> None:
    outcomes = held(workload, tmp_path, False, told={3: "ENOENT"})
    assert outcomes.fared(1) is None
    assert outcomes.fared(3) == "its operation ended ENOENT, in the capture ok"
    assert outcomes.fared(0) == outcomes.fared(2) == "the run's own client was to do it by itself"
    assert held(workload, tmp_path, True).fared(0) is None


def test_a_run_that_was_given_another_part_is_another_workloads(
    workload: StoredOperations, tmp_path: Path
) -> None:
    held(workload, tmp_path, True)
    with pytest.raises(UsageError, match="no run of this workload"):
        run_outcomes(a_run(tmp_path, operations={"planned": 4}), workload)
