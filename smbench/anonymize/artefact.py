"""A stored workload rewritten under pseudonyms, batch by batch: memory follows its distinct names only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from smbench.anonymize.columns import anonymized
from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.trace.model import Connection, Session, TraceInfo, Tree, User
from smbench.trace.store import EXCHANGES_FILE
from smbench.workload.model import WorkloadInfo
from smbench.workload.store import COVERAGE, NAMESPACE, NAMESPACE_SCHEMA, OPERATIONS, read, write_manifest

TABLES = (EXCHANGES_FILE, OPERATIONS, COVERAGE)
_BATCH = 16_384

Progress = Callable[[int, int], None]
"""Hears rows written so far, and rows in all."""


def anonymize(source: Path, target: Path, pseudonyms: Pseudonyms, progress: Progress) -> None:
    """Write the workload `source` to the folder `target`, which exists, with every name replaced.

    Raises UsageError where `source` is no workload. A table that it lacks, the copy lacks.
    """
    info = read(source).info
    present = [name for name in TABLES if (source / name).is_file()]
    rows = sum(pq.read_metadata(source / name).num_rows for name in present)
    done = 0
    for name in present:
        with pq.ParquetFile(source / name) as file, _writer(target / name, file.schema_arrow) as writer:
            for batch in file.iter_batches(batch_size=_BATCH):
                writer.write_batch(anonymized(batch, pseudonyms))
                done += batch.num_rows
                progress(done, rows)
    _write_namespace(source / NAMESPACE, target / NAMESPACE, pseudonyms)
    write_manifest(target, _info(info, pseudonyms))


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", compression_level=1)


def _write_namespace(source: Path, target: Path, pseudonyms: Pseudonyms) -> None:
    """In the order of the new names: the order of the old ones would tell of them."""
    with pq.ParquetFile(source) as file:
        batches = [anonymized(batch, pseudonyms) for batch in file.iter_batches(batch_size=_BATCH)]
        schema = file.schema_arrow
    table = pa.Table.from_batches(batches, schema)
    paths = table.column(NAMESPACE_SCHEMA.names[0]).to_pylist()
    order = sorted(range(len(paths)), key=lambda at: paths[at].split("/"))
    with _writer(target, schema) as writer:
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
