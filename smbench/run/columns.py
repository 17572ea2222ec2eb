"""The columns of a run's Parquet files, and what they have to be to be read."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from smbench.smb2.ntstatus import Errno, Status
from smbench.tables import MOST, Form, TableFile
from smbench.workload.calls import CALLS

_WORD = pa.dictionary(pa.int32(), pa.string())
OPERATIONS_SCHEMA = pa.schema(
    [
        ("operation", pa.int64()),
        ("user", pa.int32()),
        ("lane", pa.int32()),
        ("process", pa.int32()),
        ("kind", _WORD),
        ("path", pa.string()),
        ("offset", pa.uint64()),
        ("length", pa.uint64()),
        ("intended_ns", pa.int64()),
        ("issued_ns", pa.int64()),
        ("completed_ns", pa.int64()),
        ("expected", _WORD),
        ("outcome", _WORD),
        ("bytes", pa.int64()),
        ("entries", pa.int64()),
        ("clone", pa.int32()),
        ("loop", pa.int32()),
        ("matched", pa.bool_()),
        ("measured", pa.bool_()),
    ]
)
"""Times are since the start of the run; null where an operation was not executed. Clones and loops count
from 1; `path` is beneath the clone's own folder, where it has one; `matched` is null where nothing was
compared: not executed, no answer in the capture, an executor whose outcomes (and `bytes`) mean nothing;
`entries` is of listings that succeeded alone;
`measured` is false where an operation was not executed or was due in the warm-up."""

RESOURCES_SCHEMA = pa.schema(
    [
        ("time_ns", pa.int64()),  # since the start of the run
        ("process", pa.int32()),
        ("cpu_percent", pa.float64()),  # of one core for a worker, of all cores for the machine
        ("busiest_core_percent", pa.float64()),
        ("steal_percent", pa.float64()),
        ("memory_bytes", pa.int64()),  # resident, or in use on the machine
        ("available_percent", pa.float64()),  # of the machine's memory, without swapping
        ("swapped_bytes", pa.int64()),  # in and out; null where the system does not tell
        ("context_switches", pa.int64()),
        ("threads", pa.int32()),
        ("net_sent_bytes", pa.int64()),
        ("net_received_bytes", pa.int64()),
    ]
)

REMEDY = "replay again"
OPERATIONS_FORM = Form(
    OPERATIONS_SCHEMA,
    REMEDY,
    optional=frozenset(("clone", "loop", "measured", "matched", "entries")),
    nullable=frozenset(("issued_ns", "completed_ns", "expected", "outcome", "bytes", "entries", "matched")),
    range={
        **dict.fromkeys(("operation", "user", "lane", "process", "bytes", "entries"), (0, MOST)),
        **dict.fromkeys(("intended_ns", "issued_ns", "completed_ns"), (-MOST, MOST)),
        **dict.fromkeys(("clone", "loop"), (1, MOST)),
    },
    words={"kind": frozenset(CALLS)},
    rows_a_byte=16,
)
_STATUSES, _ERRNOS = "|".join(Status.__members__), "|".join(Errno.__members__)
_OUTCOME = re.compile(rf"(ok|errno [0-9]{{1,6}}|0x[0-9A-F]{{8}}|STATUS_({_STATUSES})|{_ERRNOS})?")
"""As `smbench.smb2.ntstatus` calls outcomes; nothing where there is none."""


def open_operations(path: Path, rows: int | None = None) -> TableFile:
    """operations.parquet of a run, which has so many rows, where that is known. UsageError where it is none;
    FileNotFoundError where it is missing."""
    return TableFile(path, OPERATIONS_FORM, rows=rows, check=_fault_of_operations)


def _fault_of_operations(batch: pa.RecordBatch) -> str | None:
    """What is wrong with rows of a run's operations; None: nothing."""
    names = batch.schema.names
    ended = [batch.column(name).is_valid() for name in ("issued_ns", "completed_ns") if name in names]
    if len(ended) == 2 and not ended[0].equals(ended[1]):
        return "it has operations that were issued and not completed, or completed and not issued"
    for name in ("expected", "outcome"):
        words = batch.column(name).dictionary.to_pylist() if name in names else []
        if not all(_OUTCOME.fullmatch(word or "") for word in words):
            return f"its column {name} has words that mean nothing"
    return None


_ALWAYS = ("time_ns", "process", "cpu_percent", "memory_bytes")
RESOURCES_FORM = Form(
    RESOURCES_SCHEMA,
    REMEDY,
    optional=frozenset(RESOURCES_SCHEMA.names) - frozenset(_ALWAYS),
    nullable=frozenset(RESOURCES_SCHEMA.names) - frozenset(("time_ns", "process", "memory_bytes")),
    range={
        "time_ns": (-MOST, MOST),
        "process": (-1, MOST),
        **dict.fromkeys(("memory_bytes", "swapped_bytes", "context_switches", "threads"), (0, MOST)),
        **dict.fromkeys(("net_sent_bytes", "net_received_bytes"), (0, MOST)),
    },
)
