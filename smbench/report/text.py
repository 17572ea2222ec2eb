"""How figures and tables are told: a dash where nothing was measured, numbers to the right."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from rich.table import Table
from rich.text import Text

from smbench.quoting import visible
from smbench.run.measures import Failures, Percentiles
from smbench.units import format_ns, format_size

NONE = "–"
"""Where nothing was measured."""

STATISTICS = {"p50": "p50_ns", "p90": "p90_ns", "p99": "p99_ns", "p99.9": "p99_9_ns", "max": "max_ns"}
"""What tables of times show, ascending: heading and name."""


def statistics(times: Percentiles | Failures) -> list[int | None]:
    """Those of `STATISTICS`."""
    return [getattr(times, name) for name in STATISTICS.values()]


def time_text(time_ns: float | None) -> str:
    """A time of a run."""
    return NONE if time_ns is None else format_ns(time_ns)


def rate_text(per_s: float | None) -> str:
    """A number of operations a second."""
    return NONE if per_s is None else f"{per_s:,.0f}"


def bytes_text(bytes_per_s: float | None) -> str:
    """A number of bytes a second."""
    return NONE if bytes_per_s is None else f"{format_size(bytes_per_s)}/s"


def plain_table(
    headings: Sequence[str], rows: Iterable[Sequence[str | Text]], right: Container[int] = ()
) -> Table:
    """A table of strings, or of styled text; the columns in `right` are numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column, heading in enumerate(headings):
        table.add_column(heading, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        # Text, not markup: names from a capture may hold brackets; and as wide as it is shown.
        table.add_row(*(cell if isinstance(cell, Text) else Text(visible(cell)) for cell in row))
    return table
