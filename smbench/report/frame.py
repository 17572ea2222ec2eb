"""A frame of a capture as a workload knows it: its exchanges, what became of them, and by which rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from smbench.report.text import plain_table
from smbench.smb2.ntstatus import name as status_name
from smbench.tables import TableFile
from smbench.trace.model import TraceInfo, command_name
from smbench.trace.store import EXCHANGES_FILE, read_exchanges
from smbench.workload.store import COVERAGE, StoredOperations, open_coverage

_EXCHANGE = (
    "index", "frame", "response_frame", "command", "user", "path", "status", "time_ns", "response_ns",
    "notification",
)  # fmt: skip
_OPERATION = ("operation", "kind", "path", "user", "lane", "arrival_ns", "rule", "by_client", "exchanges")
_FATE = ("exchange", "disposition", "rule", "reason")
_Chosen = Callable[[pa.Table], pa.Array]
"""Which rows of a part of a table are wanted, by its key columns."""
_LEFT_OUT = "left out by the selection"


def frame_exchanges(
    workload: Path, info: TraceInfo, operations: StoredOperations, captures: Sequence[int], frame: int
) -> list[dict[str, Any]] | None:
    """The exchanges whose request or response is in that frame of (one of) those captures, each with its fate
    and the operations that stand for it; None where the workload did not keep its exchanges."""
    stored, coverage = workload / EXCHANGES_FILE, workload / COVERAGE
    if not (stored.is_file() and coverage.is_file()):
        return None
    users = [user.name for user in info.users]
    exchanges = read_exchanges(stored, info).opened()
    found = list(
        _rows(exchanges, _EXCHANGE, ("capture", "frame", "response_frame"), _in_frame(captures, frame))
    )
    numbers = pa.array([row["index"] for row in found], pa.int64())
    fates = {
        row["exchange"]: row for row in _rows(open_coverage(workload), _FATE, ("exchange",), _among(numbers))
    }
    standing = list(_rows(operations.opened(), _OPERATION, ("exchanges",), _stands_for(numbers)))
    return [
        {
            "exchange": row["index"],
            "command": command_name(row["command"]),
            "here": _here(row, frame),
            "request_frame": row["frame"],
            "response_frame": row["response_frame"],
            "user": users[row["user"]] if 0 <= row["user"] < len(users) else None,
            "path": row["path"],
            "status": None if row["status"] is None else status_name(row["status"]),
            "time_ns": row["time_ns"],
            "response_ns": row["response_ns"],
            **_fate(fates.get(row["index"])),
            "operations": [
                {name: one[name] for name in _OPERATION if name != "exchanges"} | {"user": users[one["user"]]}
                for one in standing
                if row["index"] in one["exchanges"]
            ],
        }
        for row in found
    ]


def _here(row: dict[str, Any], frame: int) -> str:
    request, response = row["frame"] == frame, row["response_frame"] == frame
    if row["notification"]:
        return "notification"
    return "request and response" if request and response else "request" if request else "response"


def _fate(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"disposition": None, "rule": None, "reason": _LEFT_OUT}
    return {name: row[name] for name in ("disposition", "rule", "reason")}


def _in_frame(captures: Sequence[int], frame: int) -> _Chosen:
    def chosen(columns: pa.Table) -> pa.Array:
        here = pc.is_in(columns.column("capture"), pa.array(captures, pa.int64()))
        frames = (pc.equal(columns.column(name), frame) for name in ("frame", "response_frame"))
        return pc.and_(here, pc.or_(*(pc.fill_null(one, False) for one in frames)))

    return chosen


def _among(numbers: pa.Array) -> _Chosen:
    return lambda columns: pc.is_in(columns.column("exchange"), numbers)


def _stands_for(numbers: pa.Array) -> _Chosen:
    def chosen(columns: pa.Table) -> pa.Array:
        of = columns.column("exchanges").combine_chunks()
        rows = pc.list_parent_indices(of).filter(pc.is_in(pc.list_flatten(of), numbers))
        return pc.is_in(pa.array(range(len(of)), rows.type), rows)

    return chosen


def _rows(
    table: TableFile, columns: Sequence[str], keys: Sequence[str], chosen: _Chosen
) -> Iterator[dict[str, Any]]:
    """Rows by some key columns; only the row groups that hold any are read whole."""
    with table as file:
        known = [name for name in columns if name in file.columns]
        for group in range(file.groups):
            wanted = chosen(file.group(group, keys))
            if pc.any(wanted).as_py():
                for row in file.group(group, known).filter(wanted).to_pylist():
                    yield dict.fromkeys(columns) | row


def show_frame(document: dict[str, Any], out: Console) -> None:
    """What the workload has of it, then the dissection."""
    out.print(f"frame {document['frame']} of {document['capture']}", markup=False)
    exchanges = document["exchanges"]
    if exchanges is None:
        out.print("the workload did not keep its exchanges: what became of it is not known", markup=False)
    elif not exchanges:
        out.print(
            "no exchange of the workload has its request or its response in this frame (of a message in "
            "several packets the last counts)",
            markup=False,
        )
    else:
        out.print(plain_table(_HEADS, [_cells(one) for one in exchanges], right=(0,)))
    out.print()
    out.print(document["dissection"], markup=False)


_HEADS = ("exchange", "command", "here", "user", "path", "status", "became", "rule", "why", "operation")


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(one["exchange"]),
        one["command"],
        one["here"],
        one["user"] or "–",
        "–" if one["path"] is None else one["path"] or "/",
        one["status"] or "unanswered",
        one["disposition"] or "–",
        one["rule"] or "–",
        one["reason"],
        ", ".join(f"{it['operation']} ({it['kind']})" for it in one["operations"]) or "–",
    )
