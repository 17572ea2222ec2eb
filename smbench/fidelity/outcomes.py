"""A run compared with its workload, operation by operation: what can be compared without a wire capture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs
from numpy.typing import NDArray

from smbench.errors import UsageError
from smbench.fidelity import latency
from smbench.fidelity.copies import Copy, copy_of
from smbench.fidelity.latency import LatencyDifference
from smbench.run.measures import ANSWERED_BY_OTHERS
from smbench.run.model import Run
from smbench.run.outcomes import Shortfall
from smbench.run.warm_up import after_warm_up
from smbench.smb2.ntstatus import Errno, Status, matches, outcome_of
from smbench.smb2.ntstatus import failed as is_failure
from smbench.smb2.ntstatus import name as status_name
from smbench.workload import amounts
from smbench.workload.amounts import Amounts, Expected
from smbench.workload.calls import CALLS, List, Read
from smbench.workload.store import StoredOperations

Booleans = NDArray[np.bool_]

_REASONS = 2
_NO_AMOUNT = 2
"""Beside how amounts compare: nothing to compare."""
_UNANSWERED = ("", status_name(Status.PENDING))
_READS, _WRITES = ("Read",), ("Write",)


@dataclass(slots=True)
class KindOutcomes:
    """The operations of one kind."""

    planned: int = 0
    executed: int = 0
    matched: int = 0
    mismatched: int = 0
    unanswered: int = 0
    """Executed, and the capture has no answer to hold it against."""
    approximated: int = 0
    """Executed with a parameter that the executor could not keep."""


@dataclass(slots=True)
class RunOutcomes:
    """One run beside its workload."""

    executor: str
    profile: str
    pace: str
    valid: bool
    compared: bool
    """Whether the executor carried anything out: else outcomes, bytes and times mean nothing."""
    by_kind: dict[str, KindOutcomes]
    differing: list[tuple[str, str, str, int]]
    """Kind, what the capture has, what the run had, how often."""
    losses: list[Shortfall]
    skipped: list[Shortfall]
    """Both shared out among the copies."""
    read_bytes: tuple[int, int]
    """The capture's, the run's."""
    written_bytes: tuple[int, int]
    latency: dict[str, LatencyDifference]
    """By kind, without what is in `failed`."""
    failed: dict[str, LatencyDifference]
    """By kind, of the operations that failed on one side and not, or otherwise, on the other: a refusal says
    nothing of what a call costs. Kinds that have none are not in it."""
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
        lost = [loss.reason for loss in self.losses if loss.kind == kind]
        return "; ".join(lost[:_REASONS]) + ("; …" if len(lost) > _REASONS else "") if lost else None

    @property
    def total(self) -> KindOutcomes:
        """Of all kinds."""
        whole = KindOutcomes()
        for kind in self.by_kind.values():
            for name in [column.name for column in fields(KindOutcomes)]:
                setattr(whole, name, getattr(whole, name) + getattr(kind, name))
        return whole


def run_outcomes(run: Run, reference: StoredOperations, copy: Copy | None = None) -> RunOutcomes:
    """Compare a run's operations.parquet with its workload; of clones and loops `copy` (None: the first).
    UsageError where it is another workload's."""
    copy = copy or copy_of(run)
    ran = copy.rows(run.operations())
    asked, compares = run.configuration, run.outcomes.compared
    reference = replace(reference, client_calls=asked.client_calls_replayed)
    columns = [*Expected.COLUMNS, "service_ns", "calls"]
    captured = reference.table(columns)
    table = _side_by_side(run.name, ran, captured)
    if compares:
        compared = _amounts(ran, Expected(reference).of(captured))
        table = table.append_column("amount", pa.array(compared))
    kinds = table.column("kind")
    numbers = ran.column("operation").to_pylist()
    warm = ~after_warm_up(ran.column("intended_ns").to_numpy(), run.warm_up_ns)
    groups, group_of_row = _grouped(table)
    judged = _judged(groups, np.bincount(group_of_row).tolist(), compares)
    by_kind = judged.by_kind
    differs, failed = judged.differs[group_of_row], judged.failed[group_of_row]
    # They depend on the calls alone, which are the same in every copy.
    losses = _shared_out(run.losses, copy)
    for loss in losses:
        if loss.kind in by_kind:
            by_kind[loss.kind].approximated += loss.count
    return RunOutcomes(
        asked.executor,
        asked.profile,
        asked.pace,
        run.valid,
        compares,
        dict(sorted(by_kind.items())),
        sorted(((*pair, count) for pair, count in judged.differing.items()), key=lambda row: -row[3]),
        losses,
        _shared_out(run.skipped, copy),
        _bytes(kinds, captured, ran, _READS),
        _bytes(kinds, captured, ran, _WRITES),
        *(_latencies(kinds, captured, ran, warm, failed) if compares else ({}, {})),
        ran.column("operation").to_numpy()[warm],
        _ended(table, differs, run.skipped, numbers),
        dict(zip(numbers, kinds.to_pylist(), strict=True)),
    )


def _side_by_side(name: str, ran: pa.Table, captured: pa.Table) -> pa.Table:
    """What tells how each operation ended, of both. UsageError where they are not the same operations."""
    kinds = ran.column("kind").cast(pa.string())
    if len(ran) != len(captured) or not kinds.equals(captured.column("kind").cast(pa.string())):
        raise UsageError(
            f"{name} is no run of this workload (it has {len(ran):,} operations, the workload "
            f"{len(captured):,}): give the workload that it replayed as the reference"
        )
    return pa.table(
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


def _amounts(ran: pa.Table, captured: Amounts) -> NDArray[np.int8]:
    """How each operation's amount compares with the capture's; None of them where it does not."""
    listings = pc.is_in(ran.column("kind").cast(pa.string()), pa.array(amounts.ENTRIES))
    entries = ran.column("entries") if "entries" in ran.column_names else pa.scalar(None, pa.int64())
    counts = pc.fill_null(pc.if_else(listings, entries, ran.column("bytes")), -1).to_numpy()
    ended = pc.equal(pc.fill_null(ran.column("outcome").cast(pa.string()), ""), "ok").to_numpy()
    got = np.where(ended, counts, -1)
    return np.where(captured.told(got), captured.compared(got), _NO_AMOUNT).astype(np.int8)


def _shared_out(rows: Iterable[Shortfall], copy: Copy) -> list[Shortfall]:
    return [structs.replace(row, count=-(-row.count // copy.copies)) for row in rows]


def _grouped(table: pa.Table) -> tuple[list[dict[str, Any]], NDArray[np.int64]]:
    """The distinct rows of a table, and the number of each row among them."""
    number = np.zeros(len(table), np.int64)
    for column in table.columns:
        values, codes = np.unique(column.to_numpy(), return_inverse=True)
        number = np.unique(number * len(values) + codes, return_inverse=True)[1]
    first = np.unique(number, return_index=True)[1]
    return table.take(first).to_pylist(), number


@dataclass(frozen=True, slots=True)
class _Judged:
    """How groups of operations that are alike ended."""

    by_kind: dict[str, KindOutcomes]
    differing: dict[tuple[str, str, str], int]
    """(kind, what the capture has, what the run had) → how often."""
    differs: Booleans
    """By group: whether it ended otherwise than in the capture."""
    failed: Booleans
    """By group: of those, whether one of the two failed."""


def _judged(groups: Sequence[Mapping[str, Any]], counts: Sequence[int], compares: bool) -> _Judged:
    judged = _Judged({}, {}, np.zeros(len(groups), bool), np.zeros(len(groups), bool))
    for at, (group, count) in enumerate(zip(groups, counts, strict=True)):
        kind = judged.by_kind.setdefault(group["kind"], KindOutcomes())
        kind.planned += count
        if not group["outcome"]:
            continue
        kind.executed += count
        if not compares:
            continue
        if group["expected"] in _UNANSWERED:
            kind.unanswered += count
        elif _matches(group):
            kind.matched += count
        else:
            kind.mismatched += count
            judged.differs[at], judged.failed[at] = True, _failed(group)
            pair = (group["kind"], group["expected"], _got(group))
            judged.differing[pair] = judged.differing.get(pair, 0) + count
    return judged


def _failed(group: Mapping[str, Any]) -> bool:
    """Whether either side of an operation that ended otherwise has a failure."""
    return group["outcome"] != "ok" or is_failure(_number(group["expected"]))


def _got(group: Mapping[str, Any]) -> str:
    """What the run had: the outcome, or how its amount compares."""
    how = group.get("amount", _NO_AMOUNT)
    return amounts.words(group["kind"], how) if how in (amounts.LESS, amounts.MORE) else group["outcome"]


def _matches(group: Mapping[str, Any]) -> bool:
    """By its amount where that is told, else as `smb2.ntstatus` judges it, with what that asks for."""
    how = group.get("amount", _NO_AMOUNT)
    if how != _NO_AMOUNT:
        return bool(how == amounts.AS_CAPTURED)
    expected = _number(group["expected"])
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


def _latencies(
    kinds: pa.ChunkedArray, captured: pa.Table, ran: pa.Table, warm: Booleans, failed: Booleans
) -> tuple[dict[str, LatencyDifference], dict[str, LatencyDifference]]:
    """Of the operations after the warm-up, on both sides: those that are not `failed`, and those that are."""
    executed = ran.column("completed_ns").is_valid().to_numpy()
    answered = captured.column("service_ns").to_numpy()
    took = pc.fill_null(pc.subtract(ran.column("completed_ns"), ran.column("issued_ns")), -1).to_numpy()
    words = kinds.to_numpy()

    def of(mine: Booleans) -> LatencyDifference:
        return latency.difference(answered[mine & (answered >= 0)], took[mine & executed])

    whole, apart = {}, {}
    for kind in (*sorted(set(words.tolist())), "all"):
        mine = ~warm & (~np.isin(words, ANSWERED_BY_OTHERS) if kind == "all" else words == kind)
        whole[kind] = of(mine & ~failed)
        if (mine & failed).any():
            apart[kind] = of(mine & failed)
    return whole, apart


def _ended(
    table: pa.Table, differs: Booleans, skipped: Iterable[Shortfall], operations: Sequence[int]
) -> dict[int, str]:
    ended = {}
    why = {row.kind: row.reason for row in skipped}
    interesting = differs | pc.equal(table.column("outcome"), "").to_numpy()
    rows = np.flatnonzero(interesting)
    for row, group in zip(rows.tolist(), table.take(rows).to_pylist(), strict=True):
        kind = group["kind"]
        if group["outcome"]:
            said = f"its operation ended {_got(group)}, in the capture {group['expected']}"
        else:
            said = f"skipped: {why[kind]}" if kind in why else "its operation was not carried out"
        ended[operations[row]] = said
    return ended
