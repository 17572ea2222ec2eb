"""A damaged footer ends in a sentence, and what is read of columns here is what the library reads."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import bombs

from smbench.errors import UsageError
from smbench.footer import MOST_PARTS, read_footer
from smbench.tables import Form, TableFile, table_writer

SCHEMA = pa.schema([
    ("number", pa.int64()), ("name", pa.string()), ("list", pa.list_(pa.int64())),
    ("word", pa.dictionary(pa.int16(), pa.string())),
    ("both", pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))])),
])  # fmt: skip
FORM = Form(SCHEMA, "write it again")
ROWS = 50
_CODECS = {"SNAPPY": 1, "GZIP": 2, "ZSTD": 6}
FLIPS = 1200
"""Of some 17,000 bits that the footer has."""


def write(path: Path, parts: int = 2, **options: str) -> None:
    words = pa.array(["w", "x"] * (ROWS // 2)).dictionary_encode().cast(SCHEMA.field("word").type)
    rows = [
        range(ROWS), [f"n{number}" for number in range(ROWS)], [[number] for number in range(ROWS)], words,
        [{"a": 1, "b": ["x"]}] * ROWS,
    ]  # fmt: skip
    with table_writer(path, SCHEMA, **options) as writer:
        for _ in range(parts):
            writer.write_table(pa.table(rows, schema=SCHEMA))


@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd"])
def test_columns_are_those_that_the_library_reads(tmp_path: Path, compression: str) -> None:
    write(tmp_path / "t", compression=compression)
    content = (tmp_path / "t").read_bytes()

    def read_at(place: int, size: int) -> bytes:
        return content[place : place + size]

    footer, metadata = read_footer(read_at, len(content)), pq.read_metadata(tmp_path / "t")
    assert len(footer.parts) == metadata.num_row_groups == 2
    for part in range(2):
        group = metadata.row_group(part)
        theirs = [group.column(place) for place in range(group.num_columns)]
        assert [
            (
                column.codec, column.values, column.unpacked, column.packed, column.data,
                column.dictionary or None,
            )
            for column in footer.columns(read_at, part)
        ] == [
            (
                _CODECS[each.compression], each.num_values, each.total_uncompressed_size,
                each.total_compressed_size, each.data_page_offset, each.dictionary_page_offset,
            )
            for each in theirs
        ]  # fmt: skip


def _damaged(content: bytes, seed: int) -> Iterator[bytes]:
    """One bit of the footer is another."""
    length = int.from_bytes(content[-8:-4], "little")
    places = [(at, bit) for at in range(len(content) - 8 - length, len(content)) for bit in range(8)]
    for at, bit in random.Random(seed).sample(places, FLIPS):
        changed = bytearray(content)
        changed[at] ^= 1 << bit
        yield bytes(changed)


@pytest.mark.skipif(sys.platform == "win32", reason="forks a child, which may die")
def test_no_bit_of_a_footer_ends_the_process(tmp_path: Path) -> None:
    """Of pyarrow 26, asked for the metadata of columns, 1 of 150 such files ended the process."""
    write(tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    told, telling = os.pipe()
    child = os.fork()
    if not child:
        os.close(told)
        for number, changed in enumerate(_damaged(content, seed=1)):
            # Each under a name of its own: what was found of a file is remembered by inode and times.
            (tmp_path / str(number)).write_bytes(changed)
            outcome = b"!"
            try:
                with TableFile(tmp_path / str(number), FORM) as file:
                    file.claims()
                    file.table()
                outcome = b"r"
            except UsageError:
                outcome = b"s"
            finally:
                os.write(telling, outcome)
        os._exit(0)
    os.close(telling)
    with os.fdopen(told, "rb") as outcomes:
        found = outcomes.read()
    _, status = os.waitpid(child, 0)
    assert (status, len(found)) == (0, FLIPS), f"it ended with {status} after {len(found)} files"
    assert set(found) == set(b"rs"), found.count(b"!")


@pytest.mark.parametrize(
    ("footer", "why"),
    [
        (bombs.footer(300_000), "a part of it has 300,000 columns, and the file 1"),
        (b"\x18\xff\xff\xff\xff\x0f" + bytes(300_000), "cut off"),
        (b"\x19\xfc" + b"\x1c" * 300_000, "nested too deep"),
        (b"\x19\xfd" + b"\xff" * 300_000, "too long"),
        (b"\x49" + bombs.list_head(MOST_PARTS + 1) + bytes(300_000), "it claims 65,537 parts"),
        (b"\x1e" + bytes(300_000), "a field of type 14"),
        (b"\x29\x0c\x09\x04\x0c" + bytes(9), "says one thing twice"),
    ],
)
def test_a_footer_that_is_none_is_refused(footer: bytes, why: str) -> None:
    content = bombs.with_footer(b"", footer)
    with pytest.raises(ValueError, match=why):
        read_footer(lambda place, size: content[place : place + size], len(content))


def test_a_long_footer_of_many_parts_is_read(tmp_path: Path) -> None:
    write(tmp_path / "t", parts=600)
    assert int.from_bytes((tmp_path / "t").read_bytes()[-8:-4], "little") > 1 << 18
    with TableFile(tmp_path / "t", FORM) as file:
        assert file.table().column("number").to_pylist() == [*range(ROWS)] * 600
