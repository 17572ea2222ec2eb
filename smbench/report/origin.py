"""Where operations of a run come from: the exchanges of the capture, by the workload beside the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from smbench.errors import UsageError
from smbench.run.model import Run
from smbench.tables import TableFile
from smbench.trace.model import command_name
from smbench.trace.store import EXCHANGES_FILE, read_exchanges
from smbench.workload.store import OPERATIONS, StoredOperations

_EXCHANGES_SHOWN = 4
_EXCHANGES = ("index", "capture", "frame", "command")


@dataclass(frozen=True, slots=True)
class Origins:
    """The exchanges of operations by their numbers, as people read them; `note` says why there are none."""

    of: Mapping[int, str]
    note: str | None = None


def find_workload(run: Run) -> Path | None:
    """The workload that a run replayed, where it lies beside the run."""
    if run.directory is None:
        return None
    beside = run.directory.resolve().parent / Path(run.configuration.workload).name
    return beside if (beside / OPERATIONS).is_file() else None


def find_origins(workload: Path | None, rows: Sequence[Mapping[str, Any]]) -> Origins:
    """The exchanges behind rows of a run's operations.parquet."""
    if workload is None:
        return Origins({}, "The workload is not beside the run: give it with --workload for the frames.")
    numbers = [row["operation"] for row in rows]
    try:
        found = _selected(
            StoredOperations(workload / OPERATIONS).opened(),
            "operation",
            numbers,
            ("operation", "kind", "path", "exchanges"),
        )
        same = (all(found[row["operation"]][name] == row[name] for name in ("kind", "path")) for row in rows)
        if not all(same):
            return Origins({}, f"{workload.name} beside the run is not what it replayed: no frames.")
        wanted = sorted({number for row in found.values() for number in row["exchanges"]})
        exchanges = _selected(read_exchanges(workload / EXCHANGES_FILE).opened(), "index", wanted, _EXCHANGES)
    except (OSError, LookupError, ValueError, pa.ArrowException, UsageError):
        return Origins({}, f"{workload.name} cannot be read, or did not keep its exchanges: no frames.")
    several = len({row["capture"] for row in exchanges.values()}) > 1
    return Origins({
        number: _told([exchanges[at] for at in row["exchanges"]], several) for number, row in found.items()
    })  # fmt: skip


def _selected(
    table: TableFile, key: str, numbers: Sequence[int], columns: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """Rows by their key. Only the row groups that hold any are read whole."""
    found: dict[int, dict[str, Any]] = {}
    with table as file:
        for group in range(file.groups):
            keys = file.group(group, [key]).column(0)
            places = pc.indices_nonzero(pc.is_in(keys, pa.array(numbers, keys.type)))
            if len(places):
                rows = file.group(group, columns).take(places)
                found.update((row[key], row) for row in rows.to_pylist())
    return found


def _told(exchanges: Sequence[Mapping[str, Any]], several: bool) -> str:
    # A compound is one frame; of a long listing each exchange has its own.
    frames: dict[tuple[int, int], list[str]] = {}
    for row in exchanges[:_EXCHANGES_SHOWN]:
        frames.setdefault((row["capture"], row["frame"]), []).append(command_name(row["command"]))
    said = [
        f"{'+'.join(commands)} in frame {frame}" + (f" of capture {capture + 1}" if several else "")
        for (capture, frame), commands in frames.items()
    ]
    further = len(exchanges) - _EXCHANGES_SHOWN
    return ", ".join(said) + (f" and {further} more" if further > 0 else "")
