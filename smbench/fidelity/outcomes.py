"""A run held against its workload, operation by operation: what can be compared without a wire capture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from smbench.errors import UsageError
from smbench.fidelity import latency
from smbench.fidelity.copies import Copy, copy_of
from smbench.fidelity.latency import LatencyDifference
from smbench.measure.warm_up import after_warm_up, warm_up_of
from smbench.ntstatus import Errno, Status, matches, outcome_of
from smbench.workload.calls import CALLS, List, Read
from smbench.workload.store import StoredOperations

_REASONS = 2
_READS, _WRITES = ("Read",), ("Write",)


@dataclass(slots=True)
class KindOutcomes:
    """The operations of one kind."""

    planned: int = 0
    executed: int = 0
    matched: int = 0
    mismatched: int = 0
    approximated: int = 0
    """Executed with a parameter that the executor could not keep."""


@dataclass(slots=True)
class RunOutcomes:
    """One run beside its workload."""

    executor: str
    profile: str
    pace: str
    valid: bool
    by_kind: dict[str, KindOutcomes]
    differing: list[tuple[str, str, str, int]]
    """Kind, what the capture has (`unanswered`), what the run had, how often."""
    losses: list[dict[str, Any]]
    skipped: list[dict[str, Any]]
    read_bytes: tuple[int, int]
    """The capture's, the run's."""
    written_bytes: tuple[int, int]
    latency: dict[str, LatencyDifference]
    warm_up: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Operations that were due in the run's warm-up: their times count nowhere."""
    ended: dict[int, str] = field(default_factory=dict)
    """Operations that ended otherwise than in the capture or were not carried out, and how."""

    _kinds: dict[int, str] = field(default_factory=dict)
    """Of the operations that were planned."""

    def fared(self, operation: int) -> str | None:
        """How an operation fared, where it was not as in the capture; else what the executor cannot keep of
        its kind."""
        if operation in self.ended:
            return self.ended[operation]
        if (kind := self._kinds.get(operation)) is None:
            return "the run's own client was to do it by itself"
        lost = [loss["reason"] for loss in self.losses if loss["kind"] == kind]
        return "; ".join(lost[:_REASONS]) + ("; …" if len(lost) > _REASONS else "") if lost else None

    @property
    def total(self) -> KindOutcomes:
        """Of all kinds."""
        whole = KindOutcomes()
        for kind in self.by_kind.values():
            for name in [column.name for column in fields(KindOutcomes)]:
                setattr(whole, name, getattr(whole, name) + getattr(kind, name))
        return whole


def run_outcomes(
    name: str, document: Mapping[str, Any], operations: Path, reference: StoredOperations,
    copy: Copy | None = None,
) -> RunOutcomes:  # fmt: skip
    """Compare a run's operations.parquet with its workload; of clones and loops `copy` (None: the first).
    UsageError where it is another workload's."""
    copy = copy or copy_of(name, document)
    ran = copy.rows(_read(name, operations))
    replayed = document["configuration"].get("client_calls_replayed", False)
    reference = replace(reference, client_calls=replayed)
    columns = ["kind", "expected", "received", "service_ns", "calls"]
    captured = reference.table(columns)
    if len(ran) != len(captured) or not ran.column("kind").cast(pa.string()).equals(
        captured.column("kind").cast(pa.string())
    ):
        raise UsageError(
            f"{name} is no run of this workload (it has {len(ran):,} operations, the workload "
            f"{len(captured):,}): give the workload that it replayed as the reference"
        )
    kinds = ran.column("kind").cast(pa.string())
    numbers = ran.column("operation").to_pylist()
    table = pa.table(
        {
            "kind": kinds,
            "expected": pc.fill_null(ran.column("expected").cast(pa.string()), ""),
            "outcome": pc.fill_null(ran.column("outcome").cast(pa.string()), ""),
            "moved": pc.greater(pc.fill_null(ran.column("bytes"), 0), 0),
            # A lock's length may be more than a signed number holds, which 0 alone would be compared as.
            "asked": pc.not_equal(ran.column("length"), pa.scalar(0, ran.schema.field("length").type)),
            "scans": pc.greater(pc.fill_null(captured.column("calls"), 1), 1),
        }
    )
    warm = ~after_warm_up(ran.column("intended_ns").to_numpy(), warm_up_of(document))
    compares = bool(document["operations"].get("compared", True))
    grouped = table.group_by(table.column_names).aggregate([([], "count_all")]).to_pylist()
    by_kind: dict[str, KindOutcomes] = {}
    differing: dict[tuple[str, str, str], int] = {}
    odd: set[tuple[Any, ...]] = set()
    for group in grouped:
        count = group["count_all"]
        kind = by_kind.setdefault(group["kind"], KindOutcomes())
        kind.planned += count
        if not group["outcome"]:
            continue
        kind.executed += count
        if not compares:
            continue
        if _matches(group):
            kind.matched += count
        else:
            kind.mismatched += count
            odd.add(tuple(group[column] for column in table.column_names))
            pair = (group["kind"], group["expected"] or "unanswered", group["outcome"])
            differing[pair] = differing.get(pair, 0) + count
    # They depend on the calls alone, which are the same in every copy.
    losses = _shared_out(document.get("losses", []), copy)
    for loss in losses:
        if loss["kind"] in by_kind:
            by_kind[loss["kind"]].approximated += loss["count"]
    configuration = document["configuration"]
    return RunOutcomes(
        configuration["executor"],
        configuration["profile"],
        configuration["pace"],
        bool(document["valid"]),
        dict(sorted(by_kind.items())),
        sorted(((*pair, count) for pair, count in differing.items()), key=lambda row: -row[3]),
        losses,
        _shared_out(document.get("skipped", []), copy),
        _bytes(kinds, captured, ran, _READS),
        _bytes(kinds, captured, ran, _WRITES),
        _latency(kinds, captured, ran, warm),
        ran.column("operation").to_numpy()[warm],
        _ended(table, odd, {row["kind"]: row["reason"] for row in document.get("skipped", [])}, numbers),
        dict(zip(numbers, kinds.to_pylist(), strict=True)),
    )


def _shared_out(rows: Iterable[Mapping[str, Any]], copy: Copy) -> list[dict[str, Any]]:
    return [{**row, "count": -(-row["count"] // copy.copies)} for row in rows]


def _read(name: str, operations: Path) -> pa.Table:
    try:
        return pq.read_table(operations)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{name} is not whole: {operations.name} cannot be read ({error})") from None


def _matches(group: Mapping[str, Any]) -> bool:
    """As `smbench.ntstatus` judges it; of a call only what that judgement asks for."""
    expected = None if not group["expected"] else _number(group["expected"])
    outcome = int(group["moved"]) if group["outcome"] == "ok" else outcome_number(group["outcome"])
    kind = CALLS[group["kind"]]
    if kind is Read:
        return matches(expected, outcome, Read(0, 0, int(group["asked"])))
    if kind is List:
        return matches(expected, outcome, List(0, "*", 0, False, calls=2 if group["scans"] else 1))
    return matches(expected, outcome, object.__new__(kind))


def _number(status: str) -> int:
    if status == "ok":
        return 0
    return int(status, 16) if status.startswith("0x") else int(Status[status.removeprefix("STATUS_")])


def outcome_number(name: str) -> int:
    """The outcome (`executors.base`) that `ntstatus.outcome_name` calls so."""
    if name == "ok":
        return 0
    if name.startswith("errno "):
        return -int(name.removeprefix("errno "))
    if name in Errno.__members__:
        return -int(Errno[name])
    return outcome_of(_number(name))


def _bytes(
    kinds: pa.ChunkedArray, captured: pa.Table, ran: pa.Table, chosen: tuple[str, ...]
) -> tuple[int, int]:
    mine = pc.is_in(kinds, pa.array(chosen))
    received = pc.filter(captured.column("received"), mine)
    return (
        int(pc.sum(pc.max_element_wise(received, 0)).as_py() or 0),
        int(pc.sum(pc.filter(ran.column("bytes"), mine)).as_py() or 0),
    )


def _latency(
    kinds: pa.ChunkedArray, captured: pa.Table, ran: pa.Table, warm: NDArray[np.bool_]
) -> dict[str, LatencyDifference]:
    """Of the operations after the warm-up, on both sides."""
    executed = ran.column("completed_ns").is_valid().to_numpy()
    answered = captured.column("service_ns").to_numpy()
    took = pc.fill_null(pc.subtract(ran.column("completed_ns"), ran.column("issued_ns")), -1).to_numpy()
    words = kinds.to_numpy()
    found = {}
    for kind in (*sorted(set(words.tolist())), "all"):
        mine = ~warm & (np.full(len(words), True) if kind == "all" else words == kind)
        found[kind] = latency.difference(answered[mine & (answered >= 0)], took[mine & executed])
    return found


def _ended(
    table: pa.Table, odd: set[tuple[Any, ...]], skipped: Mapping[str, str], operations: Sequence[int]
) -> dict[int, str]:
    ended = {}
    suspects = {row[0] for row in odd} | set(skipped)
    interesting = pc.or_(pc.is_in(table.column("kind"), pa.array(sorted(suspects), pa.string())),
                         pc.equal(table.column("outcome"), ""))  # fmt: skip
    rows = np.flatnonzero(interesting.to_numpy())
    columns = [table.column(name).filter(interesting).to_pylist() for name in table.column_names]
    for row, values in zip(rows.tolist(), zip(*columns, strict=True), strict=True):
        number = operations[row]
        kind, expected, outcome = values[:3]
        if not outcome:
            why = skipped.get(kind)
            ended[number] = f"skipped: {why}" if why else "its operation was not carried out"
        elif values in odd:
            ended[number] = f"its operation ended {outcome}, in the capture {expected or 'unanswered'}"
    return ended
