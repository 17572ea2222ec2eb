"""Tables for a terminal, in one look: no lines, numbers to the right."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from rich.table import Table
from rich.text import Text


def plain_table(
    headings: Sequence[str], rows: Iterable[Sequence[str | Text]], right: Container[int] = ()
) -> Table:
    """A table of strings, or of styled text; the columns in `right` are numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column, heading in enumerate(headings):
        table.add_column(heading, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        # Text, not markup: names from a capture may hold brackets.
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return table
