"""Workloads on disk: what is written is read, whatever the calls hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow.parquet as pq
import pytest
from helpers.stored import info_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.trace.model import Connection, Session, TraceInfo, Tree, User
from smbench.workload.calls import CALLS, Create, Read
from smbench.workload.model import (
    Break,
    Coverage,
    Disposition,
    Kind,
    NamespaceEntry,
    Operation,
    Workload,
    WorkloadInfo,
)
from smbench.workload.parameters import IMPLIED, OF_CREATE, PARAMETERS
from smbench.workload.store import (
    BREAKS,
    MANIFEST,
    NAMESPACE,
    OPERATIONS,
    NamespaceWriter,
    StoredNamespace,
    StoredOperations,
    read,
    with_client_calls,
    write,
)

PATHS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
UNSIGNED = {"offset", "length", "size", "source_offset"}
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(1 << 31), (1 << 62)),
    bool: st.booleans(),
    str: PATHS,
    int | None: st.none() | st.integers(-(1 << 62), 1 << 62),
    tuple[int, ...]: st.lists(st.integers(0, 100), max_size=4).map(tuple),
    tuple[int, ...] | None: st.none() | st.lists(st.integers(-1, 100), min_size=4, max_size=4).map(tuple),
}


def calls_of(kind: str) -> st.SearchStrategy[Any]:
    call = CALLS[kind]
    own, asked_for = get_type_hints(call), get_type_hints(Create)
    values = {
        name: st.integers(0, (1 << 64) - 1)
        if name in UNSIGNED
        else BY_TYPE[own[name] if name in own else asked_for[name]]
        for name in PARAMETERS[call]
    }
    asked = {name: values.pop(name) for name in OF_CREATE.get(call, ())}
    if asked:
        values["create"] = st.fixed_dictionaries(asked).map(lambda told: replace(IMPLIED[call], **told))
    return st.builds(call, **values)


@st.composite
def operations(draw: st.DrawFn) -> list[Operation]:
    made = []
    for index, call in enumerate(
        draw(st.lists(st.sampled_from(sorted(CALLS)).flatmap(calls_of), max_size=30))
    ):
        made.append(
            Operation(
                index, draw(st.integers(0, 9)), draw(st.integers(0, 9)), draw(st.integers(0, 1 << 60)),
                draw(st.integers(-1, 1 << 40)), draw(st.none() | st.integers(0, (1 << 32) - 1)),
                tuple(draw(st.lists(st.integers(0, 1 << 40), max_size=3))), draw(PATHS),
                getattr(call, "path", draw(PATHS)), call, draw(st.none() | st.integers(0, 1 << 40)),
                draw(st.booleans()),
            )
        )  # fmt: skip
    return made


@given(operations())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_operations_come_back_as_they_were(tmp_path: Path, made: list[Operation]) -> None:
    write(tmp_path, Workload(info_of(made), made, []))
    workload = read(tmp_path)
    asked = [operation for operation in made if not operation.by_client]
    assert list(workload.operations) == asked
    # Some parameters take no part in comparison, and come back all the same.
    assert repr(list(workload.operations)) == repr(asked)
    assert repr(list(with_client_calls(workload).operations)) == repr(made)


def test_namespace_and_info_come_back(tmp_path: Path) -> None:
    entries = [
        NamespaceEntry("a", Kind.DIRECTORY, attributes=16),
        NamespaceEntry("a/x", Kind.FILE, True, 1 << 50, True, 32, -5, None, 7),
        NamespaceEntry("a/x:s", Kind.STREAM, False),
        NamespaceEntry("a/y", Kind.FILE, ea_names=("one", "two"), ea_lengths=(1, 0)),
        NamespaceEntry("a/z", Kind.FILE, ea_names=(), ea_lengths=()),
    ]
    info = WorkloadInfo(
        trace=TraceInfo(
            ["c.pcap"], 5, 6, [Connection("a", 1, "b", 445)], [Session(1, [0])], [Tree(1, 0, "s", 1)],
            [User("u", "a", [0])], 3, {"READ": 3}, {"unanswered": 0},
        ),
        coverage=[Coverage(Disposition.EXACT, "READ", "read", 3)],
    )  # fmt: skip
    made = [replace(one, user=0, by_client=one.index > 2) for one in many(5)]
    info = info_of(made, info)
    assert (info.operations, info.lanes, info.client_calls) == ({"Read": 3}, [1], 2)
    write(tmp_path / "new", Workload(info, made, entries))
    workload = read(tmp_path / "new")
    assert workload.info == info
    assert list(workload.namespace) == entries


def test_operations_of_an_older_version_lack_the_columns_of_calls_that_came_later(tmp_path: Path) -> None:
    made = many(5)
    write(tmp_path, Workload(info_of(made, WorkloadInfo()), made, []))
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    del manifest["files"]  # as of an older version, which did not say how long they are
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    table = pq.read_table(tmp_path / OPERATIONS)
    pq.write_table(table.drop_columns(["ea_name"]), tmp_path / OPERATIONS)
    assert list(read(tmp_path).operations) == made


def test_a_namespace_of_an_older_version_tells_nothing_of_extended_attributes(tmp_path: Path) -> None:
    entry = NamespaceEntry("a", Kind.FILE, size=5, ea_names=("one",), ea_lengths=(1,))
    with NamespaceWriter(tmp_path) as writer:
        writer.add(entry)
    table = pq.read_table(tmp_path / NAMESPACE)
    pq.write_table(table.drop_columns(["ea_names", "ea_lengths"]), tmp_path / NAMESPACE)
    assert list(StoredNamespace(tmp_path / NAMESPACE)) == [replace(entry, ea_names=None, ea_lengths=None)]


def many(count: int) -> list[Operation]:
    return [
        Operation(
            n, n % 3, 0, n * 1000, 50, 0, (n,), "read", f"d/{n % 100}", Read(n % 100, n * 4096, 4096), 4096
        )
        for n in range(count)
    ]


def test_rows_in_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smbench.workload.store.BATCH", 100)
    monkeypatch.setattr("smbench.workload.writers.BATCH", 300)
    made = many(1050)
    write(tmp_path, Workload(info_of(made), made, []))
    assert list(read(tmp_path).operations) == made


def test_what_clients_did_by_themselves_is_not_seen_unless_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smbench.workload.store.BATCH", 100)
    made = [replace(operation, by_client=operation.index % 5 == 0) for operation in many(550)]
    write(tmp_path, Workload(info_of(made), made, []))
    asked, every = read(tmp_path).operations, with_client_calls(read(tmp_path)).operations
    assert isinstance(asked, StoredOperations)
    assert isinstance(every, StoredOperations)
    assert (len(asked), len(every)) == (440, 550)
    numbers = [operation.index for operation in asked]
    assert numbers == [operation.index for operation in made if not operation.by_client]
    assert asked.table(["operation"]).column_names == ["operation"]
    assert asked.table(["operation"])["operation"].to_pylist() == numbers
    read_back = [number for batch in asked.batches(["operation"]) for number in batch[0].to_pylist()]
    assert read_back == numbers
    assert asked.table().num_rows == 440
    assert every.table(["kind"]).num_rows == 550


def test_columns_for_a_plan_are_plain_and_load_quickly(tmp_path: Path) -> None:
    write(tmp_path, Workload(WorkloadInfo(), many(100_000), []))
    stored = StoredOperations(tmp_path / OPERATIONS)
    start = time.perf_counter()
    table = stored.table(["user", "lane", "kind", "handle", "offset", "length", "arrival_ns", "expected"])
    took_s = time.perf_counter() - start
    assert table.num_rows == len(stored) == 100_000
    assert all(column.null_count == 0 for column in table.columns)
    assert table["offset"].to_numpy()[-1] == 99_999 * 4096
    assert took_s < 1.0


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads in /proc")
def test_reading_starts_no_thread(tmp_path: Path) -> None:
    write(tmp_path, Workload(info_of(many(1000)), many(1000), []))
    code = (
        "import os, pathlib, pyarrow.parquet\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "from smbench.workload.store import read\n"
        f"workload = read(pathlib.Path({str(tmp_path)!r}))\n"
        "assert len(list(workload.operations)) == 1000 and workload.operations.table().num_rows == 1000\n"
        "assert len(os.listdir('/proc/self/task')) == before, 'threads'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_breaks_are_kept_and_an_older_workload_has_none(tmp_path: Path) -> None:
    breaks = [Break(4, 10, 3, 12), Break(4, 20, 0, -1)]
    write(tmp_path, Workload(WorkloadInfo(), [], [], breaks))
    assert list(read(tmp_path).breaks) == breaks
    (tmp_path / BREAKS).unlink()
    with pytest.raises(UsageError, match=r"not whole: breaks.parquet is missing"):
        read(tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    del manifest["files"]
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert list(read(tmp_path).breaks) == []


@pytest.mark.parametrize("name", [OPERATIONS, NAMESPACE])
def test_a_directory_that_is_not_whole(tmp_path: Path, name: str) -> None:
    write(tmp_path, Workload(WorkloadInfo(), [], []))
    (tmp_path / name).unlink()
    with pytest.raises(UsageError, match="not whole"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "no workload"),
        ("{", r"manifest.json is no JSON"),
        ("[]", r"manifest.json is not whole"),
        ('{"kind": "run"}', "another tool"),
        ('{"kind": "workload", "schema": 99}', "schema 99"),
        ('{"kind": "workload", "schema": 1}', r"manifest.json is not whole .it lacks `trace`"),
        ('{"kind": "workload", "schema": 2, "trace": {"schema": 7}}', r"trace in .* has schema version 7"),
    ],
)
def test_foreign_directories(tmp_path: Path, manifest: str | None, message: str) -> None:
    write(tmp_path, Workload(WorkloadInfo(), [], []))
    if manifest is None:
        (tmp_path / MANIFEST).unlink()
    else:
        (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(UsageError, match=message) as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read(tmp_path / "nowhere")


def test_the_manifest_is_plain_json(tmp_path: Path) -> None:
    write(tmp_path, Workload(info_of(many(1)), many(1), []))
    document = json.loads((tmp_path / MANIFEST).read_text())
    assert (document["schema"], document["kind"], document["operations"]) == (2, "workload", {"Read": 1})
    assert pq.read_schema(tmp_path / OPERATIONS).names[:9] == [
        "operation", "user", "lane", "kind", "path", "handle", "offset", "length", "arrival_ns",
    ]  # fmt: skip
