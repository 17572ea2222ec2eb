"""A workload's tables as other tools write them: the same words in every logical type that can hold them."""

from __future__ import annotations

import importlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_WORDS = "path"
_TABLES = ("namespace.parquet", "operations.parquet")


def _as(kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    return lambda table: _with(table, table.column(_WORDS).cast(kind))


def _with(table: pa.Table, column: pa.ChunkedArray | pa.Array, name: str = _WORDS) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)


def _listed(kind: Callable[[pa.DataType], pa.DataType]) -> Callable[[pa.Table], pa.Table]:
    return lambda table: _with(
        table, pa.array([[word] for word in table.column(_WORDS).to_pylist()], kind(pa.string()))
    )


def _mapped(table: pa.Table) -> pa.Table:
    words = table.column(_WORDS).to_pylist()
    return _with(table, pa.array([[(word, word)] for word in words], pa.map_(pa.string(), pa.string())))


def _noted(table: pa.Table) -> pa.Table:
    return _with(table, table.column(_WORDS).cast(pa.large_string()), "note")


def _fielded(table: pa.Table) -> pa.Table:
    words = "/".join(table.column(_WORDS).to_pylist())
    fields = [
        field.with_metadata({"comment": words}) if field.name == _WORDS else field for field in table.schema
    ]
    return table.cast(pa.schema(fields, {"pandas": words}))


PYARROW: dict[str, Callable[[pa.Table], pa.Table]] = {
    "plain, with metadata": _fielded,
    "a column more": _noted,
    "large_string": _as(pa.large_string()),
    "string_view": _as(pa.string_view()),
    "binary": _as(pa.binary()),
    "large_binary": _as(pa.large_binary()),
    "dictionary": lambda table: _with(table, table.column(_WORDS).dictionary_encode()),
    "list": _listed(pa.list_),
    "large_list": _listed(pa.large_list),
    "map": _mapped,
}


def _by_polars(table: Path) -> None:
    polars: Any = importlib.import_module("polars")
    polars.read_parquet(table).write_parquet(table)


def _by_duckdb(table: Path) -> None:
    duckdb: Any = importlib.import_module("duckdb")
    anew = table.with_suffix(".anew")
    duckdb.sql(f"COPY (SELECT * FROM '{table}') TO '{anew}' (FORMAT parquet)")
    anew.replace(table)


def _by(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    return lambda table: pq.write_table(change(pq.read_table(table)), table)


def rewritings(workload: Path, into: Path) -> Iterator[tuple[str, Path]]:
    """How, and the workload with one table written so: `into`, each in the place of the last. Polars and
    DuckDB write where they are installed."""
    ways = {f"pyarrow, {how}": _by(change) for how, change in PYARROW.items()}
    others = {"polars": _by_polars, "duckdb": _by_duckdb}
    ways |= {name: write for name, write in others.items() if importlib.util.find_spec(name)}
    for name in _TABLES:
        for how, write in ways.items():
            shutil.rmtree(into, ignore_errors=True)
            shutil.copytree(workload, into)
            manifest = json.loads((into / "manifest.json").read_text())
            del manifest["files"]  # which would refuse whatever was written anew
            (into / "manifest.json").write_text(json.dumps(manifest))
            write(into / name)
            yield f"{how}, {name}", into
