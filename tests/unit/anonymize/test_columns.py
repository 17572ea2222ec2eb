"""What no workload has is let through in no column, type or metadata."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from smbench.anonymize.columns import KEPT, POLICY, _Judge, anonymized, judged_schema
from smbench.anonymize.keep import Keep
from smbench.anonymize.numbers import Numbers
from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.smb2.constants import FSCTL_DFS_GET_REFERRALS, FSCTL_SRV_COPYCHUNK
from smbench.trace.messages import (
    IoctlRequest,
    IoctlResponse,
    Message,
    QueryDirectoryRequest,
    QueryDirectoryResponse,
    ReadRequest,
    ReadResponse,
)
from smbench.trace.model import Exchange
from smbench.trace.store import FORM, to_batch
from smbench.trace.values import DirectoryEntry
from smbench.workload.columns import BREAKS_SCHEMA, COVERAGE_SCHEMA, NAMESPACE_SCHEMA, OPERATIONS_SCHEMA

SCHEMAS = (FORM.schema, OPERATIONS_SCHEMA, NAMESPACE_SCHEMA, BREAKS_SCHEMA, COVERAGE_SCHEMA)
NAMES = Pseudonyms(b"0123456789abcdef")
NUMBERS = Numbers(Keep.STRUCTURE, 0, {})
LISTED = ("abcdefgh", "ijkl")
STRANGE = [
    pa.array(["ledger"], pa.large_string()), pa.array([b"ledger"], pa.binary()),
    pa.array([b"ledger"], pa.large_binary()), pa.array(["ledger"], pa.string_view()),
    pa.array([b"ledger"], pa.binary(6)), pa.array([["ledger"]], pa.large_list(pa.string())),
    pa.array([[("ledger", "x")]], pa.map_(pa.string(), pa.string())),
    pa.array([b"ledger"]).dictionary_encode(),
]  # fmt: skip


def words(name: str, kind: pa.DataType) -> Iterator[str]:
    """The columns and fields that hold words."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from words(field.name, field.type)
    elif pa.types.is_list(kind):
        yield from words(name, kind.value_type)
    elif pa.types.is_string(kind) or pa.types.is_dictionary(kind):
        yield name


def test_every_column_of_words_is_judged() -> None:
    found = {name for schema in SCHEMAS for field in schema for name in words(field.name, field.type)}
    assert found
    assert found <= KEPT | POLICY.keys()


@pytest.mark.parametrize("array", STRANGE, ids=lambda array: str(array.type))
def test_words_of_other_types_are_not_let_through(array: pa.Array) -> None:
    for name in ("path", "kind", "offset"):
        with pytest.raises(TypeError, match=f"nobody has judged what stands in {name}"):
            anonymized(pa.RecordBatch.from_arrays([array], [name]), NAMES, NUMBERS)


def test_a_strange_column_is_refused_and_metadata_stays_behind() -> None:
    known = pa.schema([pa.field("path", pa.string()), pa.field("offset", pa.int64())], {b"ours": b"1"})
    found = pa.schema([pa.field("path", pa.string(), metadata={b"x": b"ledger"})], {b"pandas": b"ledger"})
    judged = judged_schema(found, known)
    assert judged.equals(pa.schema([("path", pa.string())], {b"ours": b"1"}), check_metadata=True)
    with pytest.raises(ValueError, match="it has a column note of int64, which no workload has"):
        judged_schema(pa.schema([("path", pa.string()), ("note", pa.int64())]), known)


def test_what_is_as_long_as_names_and_what_is_in_their_order_is_gone() -> None:
    entries = [
        tuple(DirectoryEntry(f"{letter}.txt", size=at) for at, letter in enumerate(of)) for of in LISTED
    ]
    pairs: list[tuple[Message, Message]] = [
        *((QueryDirectoryRequest(), QueryDirectoryResponse(entries=of, count=99)) for of in entries),
        (
            IoctlRequest(function=FSCTL_DFS_GET_REFERRALS, input_length=36, name="\\\\s\\x"),
            IoctlResponse(count=99),
        ),
        (IoctlRequest(function=FSCTL_SRV_COPYCHUNK, input_length=56), IoctlResponse(count=4096)),
        (ReadRequest(), ReadResponse(count=4096)),
    ]
    exchanges = [
        Exchange(at, 0, at, 0, at, 0, 0, request=request, response=response)
        for at, (request, response) in enumerate(pairs)
    ]
    made = anonymized(to_batch(exchanges), NAMES, NUMBERS)
    responses = made.column("response").to_pylist()
    assert [said["count"] for said in responses] == [None, None, None, 4096, 4096]
    assert {asked["input_length"] for asked in made.column("request").to_pylist()} == {None}
    for said, of in zip(responses, LISTED, strict=False):
        names = [entry["name"] for entry in said["entries"]]
        assert names == sorted(NAMES.component(f"{letter}.txt") for letter in of)


def test_how_many_streams_a_file_has_is_gone() -> None:
    streams = pa.array([[":a:$DATA 5", "::$DATA 7"], [], None], pa.list_(pa.string()))
    said = pa.StructArray.from_arrays([streams], ["streams"], mask=pa.array([False, False, True]))
    made = _Judge(NAMES, NUMBERS).replaced("response", said)
    assert made.to_pylist() == [{"streams": []}, {"streams": []}, None]
    assert made.type == said.type
