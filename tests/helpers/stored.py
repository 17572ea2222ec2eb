"""Artefacts by hand that are whole: what a manifest says of operations, a run's table of some columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from smbench.run.columns import OPERATIONS_FORM, OPERATIONS_SCHEMA
from smbench.trace.model import User
from smbench.workload.model import Operation, WorkloadInfo


def info_of(operations: Iterable[Operation], info: WorkloadInfo | None = None) -> WorkloadInfo:
    """`info` with the users, lanes and counts that these operations have."""
    operations, info = list(operations), info or WorkloadInfo()
    asked = [operation for operation in operations if not operation.by_client]
    most = max((operation.user for operation in operations), default=-1)
    users = range(max(1 + most, len(info.trace.users)))
    trace = (
        info.trace if info.trace.users else replace(info.trace, users=[User(f"user{n}", "h") for n in users])
    )
    return replace(
        info,
        trace=replace(trace, duration_ns=max((operation.arrival_ns for operation in operations), default=0)),
        operations=dict(Counter(type(operation.call).__name__ for operation in asked)),
        lanes=[
            1 + max((operation.lane for operation in operations if operation.user == user), default=-1)
            for user in users
        ],
        operations_by_user=[sum(operation.user == user for operation in asked) for user in users],
        client_calls=len(operations) - len(asked),
    )


def write_run_table(path: Path, columns: Mapping[str, Any], **options: Any) -> None:
    """Write a run's operations.parquet of which only some columns matter."""
    rows = len(next(iter(columns.values())))
    arrays = []
    for field in OPERATIONS_SCHEMA:
        plain = pa.string() if pa.types.is_dictionary(field.type) else field.type
        blank = "" if plain == pa.string() else plain == pa.bool_() or int(field.name in ("clone", "loop"))
        values = columns.get(field.name, [None if field.name in OPERATIONS_FORM.nullable else blank] * rows)
        array = values if isinstance(values, pa.Array) else pa.array(values, plain)
        arrays.append(
            array.dictionary_encode().cast(field.type) if plain != field.type else array.cast(plain)
        )
    pq.write_table(pa.Table.from_arrays(arrays, schema=OPERATIONS_SCHEMA), path, **options)
