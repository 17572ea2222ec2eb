"""What a small Parquet file claims is judged before it is unpacked: a bomb ends in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import bombs

from smbench.errors import UsageError
from smbench.pages import read_header
from smbench.tables import Form, TableFile, table_writer

SCHEMA = pa.schema([("number", pa.int64()), ("name", pa.string()), ("list", pa.list_(pa.int64()))])
FORM = Form(SCHEMA, "write it again")
ROWS = 20_000
MOST_MORE = 200 << 20
"""Bytes that the reading of a bomb may take: three times what any file may unpack to at once."""

READ = """
import json, sys
from pathlib import Path
import pyarrow as pa
from smbench.errors import SmbenchError
from smbench.tables import Form, TableFile

def most():
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))

schema = pa.schema([("number", pa.int64()), ("name", pa.string()), ("list", pa.list_(pa.int64()))])
before, said = most(), None
try:
    with TableFile(Path(sys.argv[1]), Form(schema, "write it again")) as file:
        file.table()
except SmbenchError as error:
    said = str(error)
print(json.dumps([said, most() - before]))
"""


def write(path: Path) -> None:
    with table_writer(path, SCHEMA) as writer:
        writer.write_table(
            pa.table(
                [
                    range(ROWS),
                    [f"folder/name {number}" for number in range(ROWS)],
                    [[number] for number in range(ROWS)],
                ],
                schema=SCHEMA,
            )
        )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system tells of no peak")
@pytest.mark.parametrize("make", bombs.BOMBS, ids=lambda make: make.__name__)
def test_a_bomb_ends_in_a_sentence_in_little_memory(tmp_path: Path, make: bombs.Bomb) -> None:
    write(tmp_path / "t")
    make(tmp_path / "t")
    ran = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "t"], capture_output=True, text=True, check=True
    )
    said, more = json.loads(ran.stdout)
    assert said is not None
    assert said.startswith(f"{tmp_path / 't'} is damaged (")
    assert said.endswith("): write it again")
    assert more < MOST_MORE, (said, more)


@pytest.mark.skipif(not hasattr(os, "SEEK_HOLE"), reason="the system tells of no holes")
def test_a_file_with_a_hole_was_never_written(tmp_path: Path) -> None:
    write(tmp_path / "t")
    bombs.hollow(tmp_path / "t")
    with pytest.raises(UsageError, match="nothing was ever written from its byte"):
        TableFile(tmp_path / "t", FORM)


def test_texts_that_are_long_are_unpacked_some_rows_at_a_time(tmp_path: Path) -> None:
    """Each of a hundred kilobytes, twice in a thousand rows."""
    names = [f"{number % 2}{'x' * 100_000}" for number in range(1000)]
    table = pa.table([range(1000), names, [[1]] * 1000], schema=SCHEMA)
    pq.write_table(table, tmp_path / "t", compression="none", use_dictionary=["name"])
    with pytest.raises(UsageError, match="its texts unpack from"), TableFile(tmp_path / "t", FORM) as file:
        sizes = [batch.num_rows for batch in file.batches()]
    pq.write_table(table.slice(0, 600), tmp_path / "t", compression="none", use_dictionary=["name"])
    with TableFile(tmp_path / "t", FORM) as file:
        sizes = [batch.num_rows for batch in file.batches()]
    assert sizes == [335, 265]


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_that_are_made_of_each_other_are_refused(tmp_path: Path, encoding: str) -> None:
    table = pa.table([[1, 2], ["a", "ab"], [[1], [2]]], schema=SCHEMA)
    pq.write_table(table, tmp_path / "t", use_dictionary=False, column_encoding={"name": encoding})
    with (
        TableFile(tmp_path / "t", FORM) as file,
        pytest.raises(UsageError, match="this program does not write"),
    ):
        file.table()


def test_a_page_that_goes_beyond_its_column_is_refused(tmp_path: Path) -> None:
    content = bombs.page_header(100, 200, 3)
    header = read_header(lambda place, size: content[place : place + size], 0)
    assert (header.unpacked, header.packed, header.values, header.bytes) == (100, 200, 3, len(content))
    with pytest.raises(ValueError, match="cut off"):
        read_header(lambda place, size: content[place : place + size][:5], 0)
