"""What an operation moved, held against the capture: bytes of reads, writes and copies, entries of listings.

A stored operation's `received` is the capture's amount where it must be the same again: of a listing only
where all of a directory was read (`smbench.lift.amounts`). The order of a listing and of what others make in
its directory is not kept, so its entries are compared where nobody but its own lane makes or removes names
there, which the whole workload tells alone; nor are they where a file has a name that was made up, which no
listing of the capture has. The target's root also holds what is not the workload's (what prepare keeps, files
of others): there only fewer entries differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smbench.smb2.constants import CREATING, DELETE_ON_CLOSE
from smbench.smb2.ntstatus import FIRST_WARNING
from smbench.workload.store import StoredOperations

Booleans = NDArray[np.bool_]
Integers = NDArray[np.signedinteger[Any]]

BYTES, ENTRIES = ("Read", "Write", "CopyRange"), ("List",)
"""Kinds of calls, by what is counted of them."""
AS_CAPTURED, LESS, MORE = 0, -1, 1
"""How an amount compares; where there is nothing to compare it is as captured."""
NOT_TOLD = -1

_LISTINGS = pa.array(ENTRIES)
_CHANGING = pa.array(("Unlink", "RemoveDirectory", "MakeDirectory", "SetDelete", "Rename", "Link"))
_NAMES_OF = ["kind", "path", "target", "user", "lane", "expected", "disposition", "options"]
_PARENT = r"(^|/)[^/]*$"
_MADE_UP = r"(^|/)unknown-[0-9]+$"
"""The path of a file whose name the capture never told (`lift.handles`)."""


def words(kind: str, how: int) -> str:
    """`shorter`, `longer`, `fewer` or `more`: what an outcome is called whose amount alone differs."""
    less, more = ("fewer", "more") if kind in ENTRIES else ("shorter", "longer")
    return less if how == LESS else more


def unit(kind: str) -> str:
    """What is counted of a kind."""
    return "entries" if kind in ENTRIES else "bytes"


@dataclass(frozen=True, slots=True)
class Amounts:
    """The amounts of rows of a workload that must be the same again."""

    wanted: NDArray[np.int64]
    """NOT_TOLD where nothing is compared."""
    at_root: Booleans
    """Listings of the target's root."""

    def told(self, outcome: Integers) -> Booleans:
        """Where an outcome, as executors have it, is an amount that can be compared."""
        return np.asarray((self.wanted >= 0) & (outcome >= 0))

    def compared(self, outcome: Integers) -> NDArray[np.int8]:
        """AS_CAPTURED, LESS or MORE, of each."""
        how: NDArray[np.int8] = np.sign(outcome - self.wanted).astype(np.int8)
        how[~self.told(outcome) | (self.at_root & (how > 0))] = AS_CAPTURED
        return how


class Expected:
    """What of a workload's amounts can be compared. Reads the operations once more where they have listings
    with an amount."""

    COLUMNS = ("kind", "path", "user", "lane", "expected", "received")
    """What `of` wants of a batch."""

    def __init__(self, operations: StoredOperations) -> None:
        listed = _listed(operations)
        self._changed_by = _changes(operations, listed) if len(listed) else {}

    def of(self, batch: pa.RecordBatch | pa.Table) -> Amounts:
        """Of rows of the operations."""
        wanted = np.where(_numpy(batch, "expected") == 0, _numpy(batch, "received"), NOT_TOLD)
        at_root = np.zeros(batch.num_rows, bool)
        rows = np.flatnonzero(_is_listing(batch) & (wanted >= 0))
        if len(rows):
            listings = batch.take(pa.array(rows))
            lanes = zip(*(listings.column(name).to_pylist() for name in ("user", "lane")), strict=True)
            paths = pc.utf8_lower(listings.column("path")).to_pylist()
            at_root[rows] = [not path for path in paths]
            pairs = zip(paths, lanes, strict=True)
            wanted[rows[[self._changed_by.get(path, lane) != lane for path, lane in pairs]]] = NOT_TOLD
        return Amounts(wanted.astype(np.int64), at_root)


def _numpy(batch: pa.RecordBatch | pa.Table, name: str) -> NDArray[Any]:
    return np.asarray(batch.column(name).to_numpy())


def _is_listing(batch: pa.RecordBatch | pa.Table) -> Booleans:
    kinds = batch.column("kind").cast(pa.string())
    return np.asarray(pc.is_in(kinds, _LISTINGS).to_numpy(zero_copy_only=False), bool)


def _listed(operations: StoredOperations) -> pa.Array:
    """The directories that a listing with an amount is of, without regard to case."""
    found: set[str] = set()
    for batch in operations.batches(["kind", "path", "received"]):
        chosen = batch.filter(pa.array(_is_listing(batch) & (_numpy(batch, "received") >= 0)))
        found.update(pc.unique(pc.utf8_lower(chosen.column("path"))).to_pylist())
    return pa.array(sorted(found), pa.string())


_Changer = tuple[int, int]
_SEVERAL: _Changer = (-1, -1)


def _changes(operations: StoredOperations, listed: pa.Array) -> dict[str, _Changer]:
    """The lane that makes, removes or renames names in a directory that is listed, by the directory; _SEVERAL
    where there are more, or where a name in it is made up."""
    found: dict[str, _Changer] = {}
    for batch in operations.batches(_NAMES_OF):
        nameless = batch.filter(pc.match_substring_regex(batch.column("path"), _MADE_UP))
        found.update((path, _SEVERAL) for path, *_ in _distinct(nameless, "path", listed))
        changing = batch.filter(_may_change(batch))
        for column in ("path", "target"):
            for path, user, lane in _distinct(changing, column, listed):
                by = (user, lane)
                found[path] = by if found.get(path, by) == by else _SEVERAL
    return found


def _may_change(batch: pa.RecordBatch) -> pa.Array:
    """Calls that were not refused, and that can make or remove a name: without an answer, they may have."""
    opening = pc.equal(batch.column("kind").cast(pa.string()), "Open")
    makes = pc.is_in(batch.column("disposition"), pa.array(sorted(CREATING), pa.int64()))
    removes = pc.not_equal(pc.bit_wise_and(pc.fill_null(batch.column("options"), 0), DELETE_ON_CLOSE), 0)
    changes = pc.is_in(batch.column("kind").cast(pa.string()), _CHANGING)
    done = pc.less(batch.column("expected"), FIRST_WARNING)
    return pc.and_(done, pc.or_(changes, pc.and_(opening, pc.or_(makes, removes))))


def _distinct(batch: pa.RecordBatch, column: str, listed: pa.Array) -> Iterable[tuple[Any, ...]]:
    """Those of `listed` that a column of paths has names in, each with every lane that has."""
    parents = pc.utf8_lower(pc.replace_substring_regex(batch.column(column), _PARENT, ""))
    table = pa.table({"of": parents, "user": batch.column("user"), "lane": batch.column("lane")}).filter(
        pc.is_in(parents, listed)
    )
    grouped = table.group_by(["of", "user", "lane"], use_threads=False).aggregate([])
    return zip(*(grouped.column(name).to_pylist() for name in ("of", "user", "lane")), strict=True)
