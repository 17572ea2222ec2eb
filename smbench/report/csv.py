"""A run as CSV, for spreadsheets: three tables, each a file in a folder."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from smbench.errors import SetupError
from smbench.run.model import OF_ALL
from smbench.run.series import read_latencies
from smbench.run.store import LATENCY as HLOG

TABLES = LATENCY, SERIES, MISMATCHES = "latency.csv", "series.csv", "mismatches.csv"
_MEASURES = ("service", "response", *OF_ALL)
_PERCENTILES = ("p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns")
_INTERVAL = ("count", "p50_ns", "p90_ns", "p99_ns", "max_ns")
_MISMATCH = ("operation", "user", "kind", "path", "expected", "got")
_WARM_UP = "warm_up"
"""Whether it was due in the warm-up; older runs do not tell."""


def write_csv(run: Path, document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the tables of a run into `folder`, made if need be: latency by kind and measure, the series
    over time (a row an interval, kind and measure; a second, or more in long runs), the mismatches that
    run.json lists. Raises UsageError where the run cannot be read, SetupError where nothing can be written.
    """
    latency = [
        [kind, measure, count, *(one[measure][name] if count else None for name in _PERCENTILES)]
        for kind, one in document["latency"].items()
        for measure, count in _counts(one)
    ]
    series = [
        [one.start_s, one.length_s, *one.tag.split("."), *(getattr(one, name) for name in _INTERVAL)]
        for one in read_latencies(run / HLOG).intervals
    ]
    mismatches = [[*(row[name] for name in _MISMATCH), row.get(_WARM_UP)] for row in document["mismatches"]]
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[Any]]]] = {
        LATENCY: (("kind", "measure", "count", *_PERCENTILES), latency),
        SERIES: (("start_s", "length_s", "kind", "measure", *_INTERVAL), series),
        MISMATCHES: ((*_MISMATCH, _WARM_UP), mismatches),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / name, *table) for name, table in tables.items()]
    except OSError as error:
        raise SetupError(f"cannot write into {folder}: {error.strerror or error}") from None


def _counts(one: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The measures of a kind, and how many calls each is of; older runs do not tell the failed."""
    failed = one["failed"]["count"] if "failed" in one else None
    for measure in _MEASURES:
        yield measure, one["count"] + (failed or 0) * (measure in OF_ALL)
    if failed is not None:
        yield "failed", failed


def _write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.writer(file)
        table.writerow(heads)
        table.writerows([_safe(value) for value in row] for row in rows)
    return path


def _safe(value: Any) -> Any:
    """A name from a capture must not become a formula of the spreadsheet that opens it."""
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )
