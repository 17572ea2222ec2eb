"""A run as CSV, for spreadsheets: three tables, each a file in a folder."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from smbench.errors import SetupError
from smbench.outputs import output_file
from smbench.quoting import visible
from smbench.report.text import STATISTICS, statistics
from smbench.run.measures import FAILED, MEASURES, OF_ALL, Failures, Latency, Percentiles
from smbench.run.model import Run
from smbench.run.outcomes import Mismatch
from smbench.run.series import read_latencies
from smbench.run.store import LATENCY as HLOG

TABLES = LATENCY, SERIES, MISMATCHES = "latency.csv", "series.csv", "mismatches.csv"
_INTERVAL = ("count", "p50_ns", "p90_ns", "p99_ns", "max_ns")
_MISMATCH = Mismatch.__struct_fields__


def write_csv(run: Run, folder: Path) -> list[Path]:
    """Write the tables of a run into `folder`, made if need be: latency by kind and measure, the series
    over time (a row an interval, kind and measure; a second, or more in long runs), the mismatches that
    run.json lists. Raises UsageError where the run cannot be read, SetupError where nothing can be written.
    """
    latency = [
        [kind, measure, count, *(value if count else None for value in statistics(times))]
        for kind, one in run.latency.items()
        for measure, count, times in _measures(one)
    ]
    series = [
        [one.start_s, one.length_s, *one.tag.split("."), *(getattr(one, name) for name in _INTERVAL)]
        for one in read_latencies(run.file(HLOG)).intervals
    ]
    mismatches = [[getattr(row, name) for name in _MISMATCH] for row in run.mismatches]
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[Any]]]] = {
        LATENCY: (("kind", "measure", "count", *STATISTICS.values()), latency),
        SERIES: (("start_s", "length_s", "kind", "measure", *_INTERVAL), series),
        MISMATCHES: (_MISMATCH, mismatches),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / name, *table) for name, table in tables.items()]
    except OSError as error:
        raise SetupError(f"cannot write into {folder}: {error.strerror or error}") from None


def _measures(one: Latency) -> Iterator[tuple[str, int, Percentiles | Failures]]:
    """The measures of a kind, and how many calls each is of; older runs do not tell all."""
    failed = 0 if one.failed is None else one.failed.count
    for measure in MEASURES:
        if (times := getattr(one, measure)) is not None:
            count = failed if measure == FAILED else one.count + failed * (measure in OF_ALL)
            yield measure, count, times


def _write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with output_file(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        table = csv.writer(text)
        table.writerow(heads)
        table.writerows([_safe(value) for value in row] for row in rows)
        text.flush()
        text.detach()
    return path


def _safe(value: Any) -> Any:
    """A name from a capture must not become a formula of the spreadsheet that opens it (nor behind blanks, or
    by a sign of full width), nor move what shows the file."""
    if not isinstance(value, str):
        return value
    shown = visible(value)
    # Where a semicolon ends a cell, a quote in the middle of a line does not keep it from that.
    return ";".join(f"'{part}" if _begins_formula(part) else part for part in shown.split(";"))


def _begins_formula(text: str) -> bool:
    return unicodedata.normalize("NFKC", text).lstrip().startswith(("=", "+", "-", "@"))
