"""A stored workload rewritten under pseudonyms, batch by batch: memory follows its distinct names only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from smbench.anonymize.columns import anonymized, judged_schema
from smbench.anonymize.pseudonyms import CONTEXTS, EXTENSIONS, STREAM_TYPES, Pseudonyms
from smbench.anonymize.scan import Originals, Scan, scan
from smbench.errors import SetupError
from smbench.tables import TableFile, fault, table_writer
from smbench.trace.model import Connection, Session, TraceInfo, Tree, User
from smbench.trace.store import EXCHANGES_FILE, StoredExchanges
from smbench.workload.model import Workload, WorkloadInfo
from smbench.workload.store import (
    BREAKS,
    COVERAGE,
    NAMESPACE,
    NAMESPACE_SCHEMA,
    OPERATIONS,
    StoredBreaks,
    StoredNamespace,
    StoredOperations,
    open_coverage,
    read,
    write_manifest,
)

_BATCH = 16_384

_KEPT_WORDS = frozenset(word.lower() for word in (*EXTENSIONS, *CONTEXTS, *STREAM_TYPES, "ipc", "unknown"))
Progress = Callable[[int, int], None]
"""Hears rows written so far, and rows in all."""


def anonymize(source: Path, target: Path, pseudonyms: Pseudonyms, progress: Progress) -> Scan:
    """Write the workload `source` to the folder `target`, which exists, with every name replaced; how it was
    searched for the originals comes back.

    Raises UsageError where `source` is no workload. A table that it lacks, the copy lacks.
    """
    workload = read(source)
    with ExitStack() as opened:
        files = {name: opened.enter_context(file) for name, file in _tables(source, workload)}
        rows = sum(file.rows for file in files.values())
        done = 0
        for name, file in files.items():
            schema = _schema_of(file)
            with table_writer(target / name, schema, compression_level=1) as writer:
                for batch in file.batches(size=_BATCH):
                    writer.write_batch(anonymized(batch, pseudonyms).cast(schema))
                    done += batch.num_rows
                    progress(done, rows)
    assert isinstance(workload.namespace, StoredNamespace)
    _write_namespace(workload.namespace, target / NAMESPACE, pseudonyms)
    write_manifest(target, _info(workload.info, pseudonyms))
    searched = scan(target, Originals(pseudonyms.replaced, pseudonyms.made, _KEPT_WORDS))
    if searched.found is not None:
        raise SetupError(
            f"a copy of {source} would name what the original does ({searched.found}), by a fault of this "
            "program: nothing was written"
        )
    return searched


def _tables(source: Path, workload: Workload) -> Iterator[tuple[str, TableFile]]:
    """The files of rows that are there, all but the namespace."""
    assert isinstance(workload.operations, StoredOperations)
    if (source / EXCHANGES_FILE).exists():
        exchanges = StoredExchanges(source / EXCHANGES_FILE, workload.info.trace)
        yield EXCHANGES_FILE, exchanges.opened(threads=True)
    yield OPERATIONS, workload.operations.opened()
    if (source / BREAKS).exists():
        yield BREAKS, StoredBreaks(source / BREAKS).opened()
    if (source / COVERAGE).exists():
        yield COVERAGE, open_coverage(source)


def _schema_of(file: TableFile) -> pa.Schema:
    try:
        return judged_schema(file.schema, file.form.schema)
    except ValueError as error:
        raise fault(file.path, str(error), "remove the column, or ingest again") from None


def _write_namespace(source: StoredNamespace, target: Path, pseudonyms: Pseudonyms) -> None:
    """In the order of the new names: the order of the old ones would tell of them."""
    with source.opened() as file:
        schema = _schema_of(file)
        batches = [anonymized(batch, pseudonyms).cast(schema) for batch in file.batches(size=_BATCH)]
    table = pa.Table.from_batches(batches, schema)
    paths = table.column(NAMESPACE_SCHEMA.names[0]).to_pylist()
    order = sorted(range(len(paths)), key=lambda at: paths[at].split("/"))
    with table_writer(target, schema, compression_level=1) as writer:
        writer.write_table(table.take(pa.array(order, pa.int64())))


def _info(info: WorkloadInfo, names: Pseudonyms) -> WorkloadInfo:
    reasons = [replace(row, reason=names.reason(row.reason)) for row in info.coverage]
    # The captures' names and first packets would tell whose they are.
    return replace(info, trace=_trace(info.trace, names), coverage=reasons, capture_files=[])


def _trace(trace: TraceInfo, names: Pseudonyms) -> TraceInfo:
    return replace(
        trace,
        captures=[names.component(capture) for capture in trace.captures],
        connections=[_connection(connection, names) for connection in trace.connections],
        sessions=[_session(session, names) for session in trace.sessions],
        trees=[_tree(tree, names) for tree in trace.trees],
        users=[_user(user, names) for user in trace.users],
    )


def _connection(connection: Connection, names: Pseudonyms) -> Connection:
    guid = connection.client_guid
    return replace(
        connection,
        client=names.host(connection.client),
        server=names.host(connection.server),
        client_guid=None if guid is None else names.identifier(guid),
    )


def _session(session: Session, names: Pseudonyms) -> Session:
    return replace(
        session,
        account=None if session.account is None else names.plain(session.account),
        domain=None if session.domain is None else names.plain(session.domain),
        workstation=None if session.workstation is None else names.host(session.workstation),
    )


def _tree(tree: Tree, names: Pseudonyms) -> Tree:
    return replace(tree, share=names.component(tree.share))


def _user(user: User, names: Pseudonyms) -> User:
    return replace(user, name=names.user(user.name), client=names.host(user.client))
