"""What a workload reads of the files that are there before it: known answers, told call by call."""

from pathlib import Path

import pytest
from helpers.load import SHARING_VIOLATION, Load

from smbench.prepare.content import BLOCK
from smbench.prepare.reads import what_is_read
from smbench.smb2.constants import ATTRIBUTE_SPARSE_FILE
from smbench.workload.calls import AllocatedRanges, Close, CopyRange, Link, Rename, StatHandle
from smbench.workload.model import Kind, NamespaceEntry
from smbench.workload.store import read, write

SIZE = 10 * BLOCK
NAMESPACE = [
    NamespaceEntry("d", Kind.DIRECTORY),
    NamespaceEntry("d/f", Kind.FILE, size=SIZE),
    NamespaceEntry("g", Kind.FILE, size=SIZE + 5),
    NamespaceEntry("h", Kind.FILE, size=SIZE, attributes=ATTRIBUTE_SPARSE_FILE),
    NamespaceEntry("g:s", Kind.STREAM, size=100),
    NamespaceEntry("none", Kind.FILE, present=False),
]


def found(tmp_path: Path, load: Load) -> dict[str, list[list[int]]]:
    workload = load.workload
    workload.namespace = NAMESPACE
    write(tmp_path / "told.workload", workload)
    stored = read(tmp_path / "told.workload")
    reads = what_is_read(stored.operations, stored.namespace)  # type: ignore[arg-type]
    return {path: ranges.tolist() for path, ranges in reads.items()}


def test_reads_of_any_user_are_found_in_blocks_up_to_the_end_of_the_file(tmp_path: Path) -> None:
    load = Load()
    load.opens(0, 1, "d/f")
    load.reads(0, 1, offset=3 * BLOCK + 7, length=10)
    load.opens(1, 2, "d/f")
    load.reads(1, 2, offset=4 * BLOCK, length=BLOCK + 1)
    load.opens(1, 3, "g")
    load.reads(1, 3, offset=SIZE, length=1 << 62)
    load.reads(1, 3, offset=1 << 63, length=1 << 62)
    load.opens(0, 4, "g:s:$DATA")
    load.reads(0, 4, offset=0, length=9)
    load.opens(0, 5, "none")
    load.reads(0, 5)
    assert found(tmp_path, load) == {
        "d/f": [[3 * BLOCK, 6 * BLOCK]],
        "g": [[SIZE, SIZE + 5]],
        "g:s": [[0, 100]],
    }


def test_what_asks_writes_or_fails_reads_nothing(tmp_path: Path) -> None:
    load = Load()
    load.opens(0, 1, "d/f")
    load.add(0, StatHandle(1, 1, 18))
    load.writes(0, 1, offset=0, length=SIZE)
    load.reads(0, 1, expected=SHARING_VIOLATION)
    load.add(0, Close(1))
    assert found(tmp_path, load) == {}


def test_without_an_answer_it_may_have_been_read(tmp_path: Path) -> None:
    load = Load()
    load.opens(0, 1, "d/f")
    load.reads(0, 1, expected=None)
    assert found(tmp_path, load) == {"d/f": [[0, BLOCK]]}


def test_copies_read_their_source_even_when_another_has_its_name_by_then(tmp_path: Path) -> None:
    load = Load()
    load.opens(0, 1, "g")
    load.opens(0, 2, "d/f")
    load.add(0, Rename(2, "d/f", "g", replace=True))
    load.add(0, CopyRange(1, 2, source_offset=5 * BLOCK, offset=0, length=3))
    assert found(tmp_path, load) == {"g": [[5 * BLOCK, 6 * BLOCK]]}


def test_a_renamed_file_is_read_as_what_it_was(tmp_path: Path) -> None:
    load = Load()
    load.opens(0, 1, "d")
    load.add(0, Rename(1, "d", "e", replace=False))
    load.add(0, Rename(1, "e", "refused", replace=False), expected=SHARING_VIOLATION)
    load.opens(0, 2, "e/f")
    load.reads(0, 2, offset=BLOCK, length=1)
    load.add(0, Link(2, "e/f", "linked", replace=False))
    load.opens(0, 3, "linked")
    load.reads(0, 3, offset=7 * BLOCK, length=1)
    assert found(tmp_path, load) == {"d/f": [[BLOCK, 2 * BLOCK], [7 * BLOCK, 8 * BLOCK]]}


def test_allocated_ranges_are_asked_of_what_is_there_and_a_sparse_file_has_what_is_read(
    tmp_path: Path,
) -> None:
    load = Load()
    for handle, path in ((1, "d/f"), (2, "h")):
        load.opens(0, handle, path)
        load.add(0, AllocatedRanges(handle, 0, 1 << 62))
        load.reads(0, handle, offset=BLOCK, length=BLOCK)
    assert found(tmp_path, load) == {"d/f": [[0, SIZE]], "h": [[BLOCK, 2 * BLOCK]]}


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_batches_make_no_difference(tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smbench.workload.store.BATCH", batch)
    load = Load()
    for number in range(8):
        load.opens(0, number, f"{number}" if number else "d/f")
        load.reads(0, number, offset=number * BLOCK, length=1)
        load.add(0, Rename(number, f"{number}" if number else "d/f", f"{number + 1}", replace=True))
    assert found(tmp_path, load) == {"d/f": [[0, 8 * BLOCK]]}
