"""A stored workload rewritten under pseudonyms, batch by batch: memory follows its distinct names only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from smbench.anonymize.columns import anonymized, schema_of
from smbench.anonymize.described import anonymized_info, session_numbers
from smbench.anonymize.extensions import EXTENSIONS
from smbench.anonymize.keep import Keep
from smbench.anonymize.namespace import Namespace
from smbench.anonymize.numbers import Numbers
from smbench.anonymize.pseudonyms import CONTEXTS, STREAM_TYPES, Pseudonyms
from smbench.anonymize.risk import Risk
from smbench.anonymize.scan import Originals, Scan, scan
from smbench.errors import SetupError
from smbench.tables import TableFile, table_writer
from smbench.trace.store import EXCHANGES_FILE, StoredExchanges
from smbench.workload.model import Workload
from smbench.workload.store import (
    BREAKS,
    COVERAGE,
    NAMESPACE,
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


@dataclass(frozen=True, slots=True)
class Copy:
    """What a copy is worth: how it was searched, and who finds what again at which level."""

    searched: Scan
    risks: dict[Keep, Risk]


def anonymize(source: Path, target: Path, pseudonyms: Pseudonyms, keep: Keep, progress: Progress) -> Copy:
    """Write the workload `source` to the folder `target`, which exists, with every name replaced, and of
    sizes and times what `keep` says.

    Raises UsageError where `source` is no workload. A table that it lacks, the copy lacks.
    """
    workload = read(source)
    assert isinstance(workload.namespace, StoredNamespace)
    sessions = session_numbers(workload.info.trace.sessions)
    numbers = Numbers(keep, workload.info.trace.start_epoch_ns, sessions)
    with ExitStack() as opened:
        files = {name: opened.enter_context(file) for name, file in _tables(source, workload)}
        rows = sum(file.rows for file in files.values())
        done = 0
        for name, file in files.items():
            schema = schema_of(file)
            with table_writer(target / name, schema, compression_level=1) as writer:
                for batch in file.batches(size=_BATCH):
                    writer.write_batch(anonymized(batch, pseudonyms, numbers).cast(schema))
                    done += batch.num_rows
                    progress(done, rows)
        with workload.namespace.opened() as file:
            namespace = Namespace(file, files[OPERATIONS])
    risks = {}
    for level in Keep:
        table, risks[level] = namespace.copy(pseudonyms, replace(numbers, keep=level))
        if level is keep:
            with table_writer(target / NAMESPACE, table.schema, compression_level=1) as writer:
                writer.write_table(table)
    write_manifest(target, anonymized_info(workload.info, pseudonyms, keep))
    searched = scan(target, Originals(pseudonyms.replaced, pseudonyms.made, _KEPT_WORDS))
    if searched.found is not None:
        raise SetupError(
            f"a copy of {source} would name what the original does ({searched.found}), by a fault of this "
            "program: nothing was written"
        )
    return Copy(searched, risks)


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
