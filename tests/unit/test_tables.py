"""A Parquet file of an artefact is of its form, or is told in a sentence: its name, the fault, the remedy."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smbench.errors import UsageError
from smbench.tables import Claims, Form, TableFile, table_writer

SCHEMA = pa.schema(
    [
        ("number", pa.int64()), ("word", pa.dictionary(pa.int32(), pa.string())), ("name", pa.string()),
        ("new", pa.bool_()),
    ]
)  # fmt: skip
FORM = Form(
    SCHEMA, "write it again", optional=frozenset(("new",)), nullable=frozenset(("name",)),
    range={"number": (0, 100)}, words={"word": frozenset(("a", "b"))},
)  # fmt: skip
ROWS = 40


def table() -> pa.Table:
    words = pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode()
    names = pa.array([None, *(f"name{number}" for number in range(1, ROWS))], pa.string())
    return pa.Table.from_arrays([pa.array(range(ROWS)), words, names, pa.array([True] * ROWS)], schema=SCHEMA)


def with_column(name: str, values: pa.Array) -> pa.Table:
    return table().set_column(SCHEMA.get_field_index(name), name, values)


def read(path: Path, rows: int | None = ROWS) -> pa.Table:
    with TableFile(path, FORM, rows=rows) as file:
        return pa.Table.from_batches(list(file.batches(size=7)))


def test_what_is_whole_is_read_by_batch_by_group_and_at_once(tmp_path: Path) -> None:
    with table_writer(tmp_path / "t", SCHEMA) as writer:
        writer.write_table(table(), row_group_size=16)
    assert read(tmp_path / "t").to_pydict() == table().to_pydict()
    with TableFile(tmp_path / "t", FORM) as file:
        assert (file.rows, file.groups) == (ROWS, 3)
        assert file.table(["number"]).column_names == ["number"]
        assert file.group(2, ["number"]).column(0).to_pylist() == [*range(32, 40)]


def test_a_column_that_is_newer_than_the_file_may_be_missing(tmp_path: Path) -> None:
    pq.write_table(table().drop_columns(["new"]), tmp_path / "t")
    assert read(tmp_path / "t").column_names == ["number", "word", "name"]


def invalid_text() -> pa.Array:
    raw = pa.array([b"\xff\xfe"] * ROWS, pa.binary())
    return pa.StringArray.from_buffers(ROWS, raw.buffers()[1], raw.buffers()[2])


DAMAGES: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "missing": (lambda: table().drop_columns(["number"]), "its column number is missing"),
    "twice": (lambda: table().append_column("word", table().column("word")), "it has several columns word"),
    "type": (
        lambda: with_column("number", pa.array([1.0] * ROWS)), "its column number is of double, not of int64",
    ),
    "plain": (
        lambda: with_column("word", pa.array(["a"] * ROWS)), "its column word is of string, not of dict",
    ),
    "nulls": (lambda: with_column("number", pa.array([None, *range(39)], pa.int64())), "number has nulls"),
    "below": (lambda: with_column("number", pa.array([-1, *range(39)])), "number has numbers out of range"),
    "above": (lambda: with_column("number", pa.array([*range(39), 101])), "number has numbers out of range"),
    "words": (
        lambda: with_column("word", pa.array([*"ab" * 19, "a", "c"]).dictionary_encode()),
        "word has words that mean nothing",
    ),
    "text": (lambda: with_column("name", invalid_text()), "UTF8"),
    "fewer": (lambda: table().slice(1), "it has 39 rows, and 40 were written"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_of_another_form_is_told(tmp_path: Path, damage: str) -> None:
    made, why = DAMAGES[damage]
    pq.write_table(made(), tmp_path / "t")
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "t")
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 't'} is damaged (")
    assert said.endswith("): write it again")
    assert why in said
    assert "\n" not in said


def test_a_bit_that_was_flipped_in_a_page_is_no_number(tmp_path: Path) -> None:
    """Wherever in the pages: their checksums tell it, or what is read is not a table any more."""
    with table_writer(tmp_path / "t", SCHEMA) as writer:
        writer.write_table(table())
    content = (tmp_path / "t").read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    refused = 0
    for place in range(4, len(content) - footer):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        (tmp_path / "t").write_bytes(changed)
        found = None
        with suppress(UsageError):
            found = read(tmp_path / "t").to_pydict()
        assert found in (None, table().to_pydict())  # the same, where the bit is in what nobody reads
        refused += found is None
    assert refused > 100


TYPES = {
    "u": pa.uint32(), "i": pa.int64(), "b": pa.bool_(), "t": pa.string(), "s": pa.struct([("x", pa.int16())]),
}  # fmt: skip


def claims(path: Path, *parts: dict[str, list[Any]]) -> Mapping[str, Claims]:
    """Of a file with these parts, each of whose bounds are held against what the library tells of it."""
    schema = pa.schema(list(TYPES.items()))
    with table_writer(path, schema) as writer:
        for rows in parts:
            writer.write_table(pa.table(rows, schema=schema))
    with TableFile(path, Form(schema, "write it again", nullable=frozenset(TYPES))) as file:
        told = file.claims()
        assert file.claims() is told
        theirs = [file.metadata.row_group(part).column(0).statistics for part in range(len(parts))]
    if told and told["u"].bounds is not None:
        known = [each for each in theirs if each.has_min_max]
        assert told["u"].bounds == (min(each.min for each in known), max(each.max for each in known))
    return told


def test_what_the_footer_claims_of_values_is_told_of_all_row_groups(tmp_path: Path) -> None:
    """Signed, unsigned, booleans, nulls alone, and what has no bounds."""
    wide: dict[str, list[Any]] = {
        "u": [0, (1 << 32) - 1], "i": [-9, None], "b": [False, False], "t": ["a", "b"], "s": [{"x": 1}, None],
    }  # fmt: skip
    narrow: dict[str, list[Any]] = {
        "u": [7, 9], "i": [-3, 5], "b": [False, True], "t": [None, "b"], "s": [None, None],
    }  # fmt: skip
    nulls: dict[str, list[Any]] = {name: [None] for name in TYPES}
    one = claims(tmp_path / "one", narrow)
    assert [one[name].bounds for name in "uib"] == [(7, 9), (-3, 5), (0, 1)]
    both = claims(tmp_path / "both", narrow, nulls, wide)
    assert [both[name].bounds for name in "uib"] == [(0, (1 << 32) - 1), (-9, 5), (0, 1)]
    assert both["t"] == both["s.x"] == Claims(all_null=False, bounds=None)
    assert set(claims(tmp_path / "nulls", nulls, nulls).values()) == {Claims(all_null=True, bounds=None)}
    assert claims(tmp_path / "none") == {}


@pytest.mark.parametrize("keep", [0, 1, 8, 300, -1])
def test_what_is_cut_off_is_told(tmp_path: Path, keep: int) -> None:
    pq.write_table(table(), tmp_path / "t")
    (tmp_path / "t").write_bytes((tmp_path / "t").read_bytes()[:keep])
    with pytest.raises(UsageError, match=r"/t is damaged \(.*\): write it again$"):
        read(tmp_path / "t")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs and devices")
@pytest.mark.parametrize("make", [
    Path.mkdir, lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero"),
], ids=["directory", "FIFO", "link"])  # fmt: skip
def test_what_is_no_file_is_not_opened(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "t")
    with pytest.raises(UsageError, match=r"/t is (no ordinary file|a link, .*)[:,].* write it again$"):
        read(tmp_path / "t")


def test_what_is_missing_is_its_readers_to_tell(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "t")


def test_a_struct_of_an_older_version_lacks_what_was_added_and_nothing_else(tmp_path: Path) -> None:
    """By its fields: (as they are stored, whether that is the form)."""
    now = pa.struct([("old", pa.int64()), ("new", pa.list_(pa.int64())), ("last", pa.string())])
    form = Form(pa.schema([("it", now)]), "write it again", optional=frozenset(("new",)))
    old, new, last = now
    for number, (fields, fits) in enumerate(
        [
            ([old, new, last], True),
            ([old, last], True),
            ([old, new], False),
            ([last, old], False),
            ([old, pa.field("new", pa.string()), last], False),
            ([old, new, last, pa.field("more", pa.int64())], False),
        ]
    ):
        with table_writer(tmp_path / f"{number}", pa.schema([("it", pa.struct(fields))])):
            pass
        try:
            TableFile(tmp_path / f"{number}", form).close()
            found = True
        except UsageError:
            found = False
        assert found == fits, fields
