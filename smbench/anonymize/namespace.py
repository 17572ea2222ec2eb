"""The files that a workload presumes, under pseudonyms: what is kept of their sizes, and what that tells."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pyarrow as pa

from smbench.anonymize.classes import size_class
from smbench.anonymize.columns import anonymized, schema_of
from smbench.anonymize.keep import Keep
from smbench.anonymize.needs import needs_of
from smbench.anonymize.numbers import Numbers
from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.anonymize.risk import Risk, risk_of
from smbench.tables import TableFile

_BATCH = 16_384
_TOLD_OF_A_FILE = (
    "kind", "present", "attributes", "created_ns", "accessed_ns", "written_ns", "ea_lengths",
)  # fmt: skip


class Namespace:
    """The rows of namespace.parquet, and what the operations tell of each path's size."""

    def __init__(self, file: TableFile, operations: TableFile) -> None:
        self._table = file.table()
        self._schema = schema_of(file)
        paths: list[str] = self._table.column("path").to_pylist()
        sizes = self._table.column("size").to_numpy()
        self._sizes: list[int] = sizes.tolist()
        names = [path.lower() for path in paths]
        needs = needs_of(operations, dict(zip(names, self._sizes, strict=True)))
        self._exact = [name in needs.exact for name in names]
        self._ends = [needs.ends.get(name) for name in names]
        self._classes = size_class(sizes)

    def copy(self, pseudonyms: Pseudonyms, numbers: Numbers) -> tuple[pa.Table, Risk]:
        """The copy in the order of the new names, as the order of the old ones would tell of them, and who
        finds what again in it."""
        made = self._kept(pseudonyms, numbers)
        paths = made.column("path").to_pylist()
        order = sorted(range(len(paths)), key=lambda at: paths[at].split("/"))
        told = self._told(made, numbers.keep)
        by_class = ((), ()) if numbers.keep.sizes else (self._sizes, self._exact)
        return made.take(pa.array(order, pa.int64())), risk_of(paths, told, *by_class)

    def _kept(self, pseudonyms: Pseudonyms, numbers: Numbers) -> pa.Table:
        table = self._table
        if not numbers.keep.sizes:
            at = table.schema.get_field_index("size")
            kept = np.where(self._exact, self._sizes, self._classes)
            table = table.set_column(at, table.schema.field(at), pa.array(kept, pa.int64()))
        batches = [anonymized(batch, pseudonyms, numbers) for batch in table.to_batches(_BATCH)]
        return pa.Table.from_batches(batches, table.schema).cast(self._schema)

    def _told(self, made: pa.Table, keep: Keep) -> list[Hashable]:
        """What is kept of each path beside its name's shape; the operations tell how far it was written."""
        told = [name for name in _TOLD_OF_A_FILE if name in made.column_names]
        columns = [[repr(value) for value in made.column(name).to_pylist()] for name in told]
        sizes = self._sizes if keep.sizes else self._classes.tolist()
        return list(zip(*columns, sizes, self._ends, strict=True))
