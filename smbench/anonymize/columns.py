"""Which column of a stored workload holds which kind of name, and Arrow arrays with names replaced.

What no workload has is refused, in whatever type another tool wrote it: neither a column, nor metadata of a
schema, is let through unjudged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from smbench.anonymize.classes import Integers
from smbench.anonymize.numbers import Numbers
from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.smb2.constants import FSCTL_SRV_COPYCHUNK, FSCTL_SRV_COPYCHUNK_WRITE
from smbench.tables import TableFile, fault

KEPT = frozenset(("kind", "request_kind", "response_kind", "rule", "disposition", "mechanism"))
"""Columns whose words are this program's, or a protocol's."""

POLICY: dict[str, Callable[[Pseudonyms, str], str]] = {
    **dict.fromkeys(("path", "target"), Pseudonyms.path),
    "name": Pseudonyms.asked_name,
    "pattern": Pseudonyms.pattern,
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


_PLAIN = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_floating, pa.types.is_null)
"""Types that hold no words."""
_RESPONSE = "response"
_ENTRIES = f"{_RESPONSE}.entries"
_GONE_LISTS = (
    f"{_RESPONSE}.streams",
    f"{_RESPONSE}.ranges",
    f"{_RESPONSE}.ea_lengths",
    f"{_RESPONSE}.ea_names",
)
"""How many of them a file has: nothing asks for it again."""
_COUNTED = pa.array(["ReadResponse", "WriteResponse"])
_COPIES = pa.array([FSCTL_SRV_COPYCHUNK, FSCTL_SRV_COPYCHUNK_WRITE], pa.uint64())
"""Of other responses the count of bytes is how long names are: of listings, referrals, links."""


def judged_schema(found: pa.Schema, known: pa.Schema) -> pa.Schema:
    """The schema of the copy of a file: its columns, and of metadata only what this program writes itself.
    ValueError for a column that is not known, whatever it holds."""
    strange = [field for field in found if field.name not in known.names]
    if strange:
        raise ValueError(
            f"it has a column {strange[0].name} of {strange[0].type}, which no workload has, and what it "
            "holds would not be replaced"
        )
    return pa.schema([pa.field(field.name, field.type) for field in found], known.metadata)


def schema_of(file: TableFile) -> pa.Schema:
    """The schema of the copy of an open file. UsageError where it has what nobody has judged."""
    try:
        return judged_schema(file.schema, file.form.schema)
    except ValueError as error:
        raise fault(file.path, str(error), "remove the column, or ingest again") from None


def anonymized(batch: pa.RecordBatch, pseudonyms: Pseudonyms, numbers: Numbers) -> pa.RecordBatch:
    """The batch with all names replaced, and of numbers what `numbers` keeps."""
    judge = _Judge(pseudonyms, numbers)
    arrays = [judge.replaced(*named) for named in zip(batch.schema.names, batch.columns, strict=True)]
    made = pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
    return _without_counts(made) if _RESPONSE in batch.schema.names else made


def _without_counts(batch: pa.RecordBatch) -> pa.RecordBatch:
    said = batch.column(_RESPONSE)
    asked = batch.column("request")
    function = asked.field(asked.type.get_field_index("function"))
    counted = pc.or_(
        pc.is_in(batch.column(f"{_RESPONSE}_kind").cast(pa.string()), _COUNTED), pc.is_in(function, _COPIES)
    )
    children = [said.field(at) for at in range(said.type.num_fields)]
    at = said.type.get_field_index("count")
    children[at] = pc.if_else(counted, children[at], pa.scalar(None, children[at].type))
    made = pa.StructArray.from_arrays(children, fields=list(said.type), mask=said.is_null())
    return batch.set_column(batch.schema.get_field_index(_RESPONSE), batch.schema.field(_RESPONSE), made)


class _Judge:
    """What stands in the place of a column, by where it stands."""

    def __init__(self, pseudonyms: Pseudonyms, numbers: Numbers) -> None:
        self._pseudonyms = pseudonyms
        self._numbers = numbers

    def replaced(self, place: str, array: pa.Array) -> pa.Array:
        """The array without what tells of the house. `place`: the columns and fields above, and its name."""
        kind, name = array.type, place.rpartition(".")[2]
        if pa.types.is_struct(kind):
            children = [
                self.replaced(f"{place}.{field.name}", array.field(at)) for at, field in enumerate(kind)
            ]
            return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())
        if pa.types.is_list(kind):
            return _emptied(array) if place in _GONE_LISTS else self._list(place, array)
        if any(is_plain(kind) for is_plain in _PLAIN):
            return self._numbers.of(place, array)
        words = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not pa.types.is_string(words) or not (name in KEPT or name in POLICY):
            raise TypeError(f"nobody has judged what stands in {name}, of {kind}")
        return array if name in KEPT else _strings(array, POLICY[name], self._pseudonyms)

    def _list(self, place: str, array: pa.ListArray) -> pa.ListArray:
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy()
        ends = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
        absent = np.append(array.is_null().to_numpy(zero_copy_only=False), False)
        inner = self.replaced(place, array.flatten())
        if place == _ENTRIES:
            inner = _by_new_name(inner, np.repeat(np.arange(len(array)), lengths))
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32(), mask=absent), inner, type=array.type)


def _emptied(array: pa.ListArray) -> pa.ListArray:
    absent = np.append(array.is_null().to_numpy(zero_copy_only=False), False)
    ends = pa.array(np.zeros(len(array) + 1, np.int32), mask=absent)
    return pa.ListArray.from_arrays(ends, pa.array([], array.type.value_type), type=array.type)


def _by_new_name(entries: pa.StructArray, listing: Integers) -> pa.StructArray:
    """The entries of each listing by their new names: servers list by the old ones, or by what hangs on
    them, and who has the tree would read them off."""
    name = entries.field(entries.type.get_field_index("name"))
    table = pa.table({"listing": listing, "name": name})
    return entries.take(pc.sort_indices(table, [("listing", "ascending"), ("name", "ascending")]))


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
