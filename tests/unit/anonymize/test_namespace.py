"""The copy's namespace: sizes by class but where an operation needs them, in the order of the new names."""

from __future__ import annotations

from pathlib import Path

import pytest

from smbench.anonymize.keep import Keep
from smbench.anonymize.namespace import Namespace
from smbench.anonymize.numbers import Numbers
from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.tables import TableFile
from smbench.workload.calls import Read
from smbench.workload.model import Kind, NamespaceEntry, Operation
from smbench.workload.store import (
    NAMESPACE,
    NAMESPACE_FORM,
    OPERATIONS,
    OPERATIONS_FORM,
    NamespaceWriter,
    OperationWriter,
)

NAMES = Pseudonyms(b"k" * 16)
SIZES = {"d/one.txt": 5_000, "d/two.txt": 6_000, "d/read.txt": 7_000, "d/none.txt": 0}


@pytest.fixture
def namespace(tmp_path: Path) -> Namespace:
    with NamespaceWriter(tmp_path) as entries:
        entries.add(NamespaceEntry("d", Kind.DIRECTORY))
        for path, size in SIZES.items():
            entries.add(NamespaceEntry(path, Kind.FILE, size=size, size_known=True))
    with OperationWriter(tmp_path) as operations:
        operations.add(
            Operation(0, 0, 0, 0, 1, 0, (), "read", "d/read.txt", Read(1, 4096, 4096), received=2904)
        )
        operations.add(Operation(1, 0, 0, 0, 1, 0, (), "read", "d/one.txt", Read(2, 0, 4096), received=4096))
    with (
        TableFile(tmp_path / NAMESPACE, NAMESPACE_FORM) as entries_file,
        TableFile(tmp_path / OPERATIONS, OPERATIONS_FORM) as operations_file,
    ):
        return Namespace(entries_file, operations_file)


@pytest.mark.parametrize(
    ("keep", "unique", "sizes"),
    [
        (Keep.STRUCTURE, 3, {"d/one.txt": 8192, "d/two.txt": 8192, "d/read.txt": 7_000, "d/none.txt": 0}),
        (Keep.SIZES, 5, SIZES),
        (Keep.ALL, 5, SIZES),
    ],
)
def test_sizes_and_risk(namespace: Namespace, keep: Keep, unique: int, sizes: dict[str, int]) -> None:
    table, risk = namespace.copy(NAMES, Numbers(keep, 0, {}))
    made = dict(zip(table.column("path").to_pylist(), table.column("size").to_pylist(), strict=True))
    assert made == {NAMES.path("d"): 0} | {NAMES.path(path): size for path, size in sizes.items()}
    assert [*made] == sorted(made, key=lambda path: path.split("/"))
    assert (risk.paths, risk.unique) == (5, unique)
