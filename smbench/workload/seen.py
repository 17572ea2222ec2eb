"""Which rows of operations.parquet are seen: those of users, and what else was asked for.

What the captured clients made by themselves, and what somebody outside the capture did, stand in the file in
their place, and are hidden from whoever counts what users asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from smbench.tables import TableFile
from smbench.workload.model import OUTSIDE

_BY_CLIENT, _USER = "by_client", "user"
_Rows = TypeVar("_Rows", pa.RecordBatch, pa.Table)


@dataclass(frozen=True, slots=True)
class View:
    """What is seen of one file."""

    hides_client_calls: bool
    has_outside: bool
    outside: int | None
    """The user who stands for what was done outside; None: it is not seen."""

    @property
    def plain(self) -> bool:
        """Whether every row is seen as it is."""
        return not (self.hides_client_calls or self.has_outside)

    def read(self, columns: Sequence[str] | None) -> Sequence[str] | None:
        """What is read of the file for some columns."""
        if columns is None:
            return None
        needed = [_BY_CLIENT] * self.hides_client_calls + [_USER] * self.has_outside
        return list(dict.fromkeys((*columns, *needed)))

    def seen(self, rows: _Rows, columns: Sequence[str] | None) -> _Rows:
        """What of rows that were read is to be seen."""
        if self.hides_client_calls:
            rows = rows.filter(pc.invert(rows.column(_BY_CLIENT)))
        if self.has_outside:
            outside = pc.equal(rows.column(_USER), OUTSIDE)
            if self.outside is None:
                rows = rows.filter(pc.invert(outside))
            else:
                user = pc.if_else(outside, pa.scalar(self.outside, pa.int32()), rows.column(_USER))
                rows = rows.set_column(rows.schema.get_field_index(_USER), _USER, user)
        return rows if columns is None else rows.select(columns)


def view(file: TableFile, client_calls: bool, outside: int | None) -> View:
    """What is seen of a file with the columns of operations.parquet; its statistics tell what it has."""
    return View(
        hides_client_calls=not client_calls and _may(file, _BY_CLIENT, lambda _, most: most > 0),
        has_outside=_may(file, _USER, lambda least, _: least < 0),
        outside=outside,
    )


def _may(file: TableFile, name: str, asked: Callable[[int, int], bool]) -> bool:
    """Whether the file may have such values of a column, by the least and the largest of them."""
    told = file.claims().get(name)
    return told is not None and (told.bounds is None or asked(*told.bounds))
