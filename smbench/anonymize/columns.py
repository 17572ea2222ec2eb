"""Which column of a stored workload holds which kind of name, and Arrow arrays with names replaced.

A column of strings that stands in neither table is an error: what is new is not let through unjudged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from smbench.anonymize.pseudonyms import Pseudonyms

KEPT = frozenset(("kind", "request_kind", "response_kind", "rule", "disposition", "mechanism"))
"""Columns whose words are this program's, or a protocol's."""

POLICY: dict[str, Callable[[Pseudonyms, str], str]] = {
    **dict.fromkeys(("path", "name", "target"), Pseudonyms.path),
    **dict.fromkeys(("pattern",), Pseudonyms.component),
    **dict.fromkeys(("account", "domain", "ea_name", "ea_names"), Pseudonyms.plain),
    **dict.fromkeys(
        (
            "client_guid", "lease_key", "parent_lease_key", "create_guid", "durable_file_id",
            "app_instance_id", "file_id", "disk_id", "resume_key",
        ),
        Pseudonyms.identifier,
    ),
    "workstation": Pseudonyms.host,
    "share_path": Pseudonyms.share_path,
    "contexts": Pseudonyms.context,
    "changes": Pseudonyms.change,
    "streams": Pseudonyms.stream,
    "reason": Pseudonyms.reason,
}  # fmt: skip
"""How the strings of a column are replaced, by the column's (or the struct field's) name."""


def anonymized(batch: pa.RecordBatch, pseudonyms: Pseudonyms) -> pa.RecordBatch:
    """The batch with all names replaced, everything else as it is."""
    arrays = [
        _replaced(field.name, column, pseudonyms)
        for field, column in zip(batch.schema, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _replaced(name: str, array: pa.Array, pseudonyms: Pseudonyms) -> pa.Array:
    kind = array.type
    if pa.types.is_struct(kind):
        children = [_replaced(field.name, array.field(at), pseudonyms) for at, field in enumerate(kind)]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())
    if pa.types.is_list(kind):
        return _list(name, array, pseudonyms)
    if not (pa.types.is_string(kind) or pa.types.is_dictionary(kind)) or name in KEPT:
        return array
    return _strings(array, POLICY[name], pseudonyms)


def _list(name: str, array: pa.ListArray, pseudonyms: Pseudonyms) -> pa.ListArray:
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy()
    ends = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    absent = np.append(array.is_null().to_numpy(zero_copy_only=False), False)
    inner = _replaced(name, array.flatten(), pseudonyms)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32(), mask=absent), inner, type=array.type)


def _strings(array: pa.Array, replace: Callable[[Pseudonyms, str], str], pseudonyms: Pseudonyms) -> pa.Array:
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    # Only what occurs: a batch read from a file may bring a dictionary of more.
    present = pc.unique(encoded.indices).drop_null()
    words: list[str | None] = [None] * len(encoded.dictionary)
    originals = encoded.dictionary.to_pylist()
    for at in present.to_pylist():
        words[at] = replace(pseudonyms, originals[at])
    plain = pa.array(words, pa.string()).take(encoded.indices)
    return plain.dictionary_encode().cast(array.type) if pa.types.is_dictionary(array.type) else plain
