"""Which sizes operations need: told by reads that fall short, writes at the end, and whatever asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smbench.anonymize.needs import needs_of
from smbench.smb2.ntstatus import Status
from smbench.tables import TableFile
from smbench.workload.calls import Call, Close, Open, Read, Rename, Truncate, Write
from smbench.workload.create import Create
from smbench.workload.model import Operation
from smbench.workload.range_calls import CopyRange, Lock
from smbench.workload.store import OPERATIONS, OPERATIONS_FORM, OperationWriter

SIZES = {"a": 10_000, "b": 10_000, "old": 10_000}


def needed(
    folder: Path, *calls: tuple[str, Call, dict[str, Any]], sizes: dict[str, int] = SIZES
) -> tuple[set[str], dict[str, int]]:
    with OperationWriter(folder) as writer:
        for index, (path, call, more) in enumerate(calls):
            told = {"expected": 0, **more}
            writer.add(Operation(index, 0, 0, index, 1, exchanges=(), rule="x", path=path, call=call, **told))
    with TableFile(folder / OPERATIONS, OPERATIONS_FORM) as file:
        needs = needs_of(file, sizes)
    return needs.exact, needs.ends


@pytest.mark.parametrize(
    ("call", "more", "exact"),
    [
        (Read(1, 0, 4096), {"received": 4096}, False),
        (Read(1, 8192, 4096), {"received": 1808}, True),
        (Read(1, 0, 4096), {"received": None}, True),
        (Read(1, 20_000, 4096), {"expected": int(Status.END_OF_FILE), "received": 0}, True),
        (Read(1, 0, (1 << 64) - 1), {"received": 4096}, True),
        (Write(1, 0, 4096), {"received": 4096}, False),
        (Write(1, 4096, 4096), {"received": 4096}, False),
        (Write(1, 4096, 4097), {"received": 4097}, True),
        (Write(1, 10_000, 10), {"received": 10}, True),
        (Write(1, (1 << 64) - 1, 10, append=True), {"received": 10}, True),
        (Truncate(1, 5), {}, True),
        (Lock(1, (1 << 64) - 2, (1 << 64) - 1, exclusive=True, wait=False), {}, False),
        (Close(1), {}, False),
    ],
)
def test_a_size_is_needed_where_an_outcome_depends_on_it(
    tmp_path: Path, call: Call, more: dict[str, Any], exact: bool
) -> None:
    assert needed(tmp_path, ("a", call, more))[0] == ({"a"} if exact else set())


def test_what_is_copied_from_and_every_name_of_a_file(tmp_path: Path) -> None:
    exact, _ = needed(
        tmp_path,
        ("b", Open(7, "b", Create(1)), {}),
        ("a", CopyRange(7, 1, source_offset=0, offset=0, length=10), {"received": 10}),
        ("old", Rename(2, "old", "new", replace=False), {}),
        ("new", Rename(3, "new", "newer", replace=False), {}),
        ("newer", Truncate(4, 1), {}),
    )
    assert exact == {"a", "b", "old", "new", "newer"}


def test_a_directory_that_is_renamed_takes_its_files_along(tmp_path: Path) -> None:
    exact, _ = needed(
        tmp_path,
        ("Dir", Rename(2, "Dir", "moved", replace=False), {}),
        ("moved/sub", Rename(3, "moved/sub", "moved/other", replace=False), {}),
        ("moved/other/F", Truncate(4, 1), {}),
        ("moved/g:stream", Truncate(4, 1), {}),
    )
    assert exact >= {"dir/sub/f", "dir/other/f", "moved/other/f", "dir/g:stream"}


def test_what_is_below_a_name_that_changed(tmp_path: Path) -> None:
    """A folder renamed, a folder in it, a file in that, and a file with a stream."""
    sizes = {"d/x/f": 5000, "d/x/other": 5000, "far/f": 5000, "g:s": 5000, "g": 5000}
    exact, _ = needed(
        tmp_path,
        ("d", Rename(1, "d", "e", replace=False), {}),
        ("e/x", Rename(2, "e/x", "e/y", replace=False), {}),
        ("e/y/f", Rename(3, "e/y/f", "e/y/z", replace=False), {}),
        ("e/y/z", Read(4, 0, 8192), {"received": 5000}),
        ("g", Rename(5, "g", "h", replace=False), {}),
        ("h:s", Read(6, 0, 8192), {"received": 5000}),
        sizes=sizes,
    )
    assert exact & {*sizes} == {"d/x/f", "g:s"}


def test_how_far_each_was_written(tmp_path: Path) -> None:
    _, ends = needed(
        tmp_path,
        ("a", Write(1, 100, 50), {}),
        ("a", Write(1, 0, 50), {}),
        ("b", Truncate(2, 77), {}),
        ("old", Write(3, (1 << 64) - 1, 10, append=True), {}),
    )
    assert ends == {"a": 150, "b": 77}
