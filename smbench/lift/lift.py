"""Trace → Workload: one streaming pass that writes the workload's files as it goes."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from smbench.lift.breaks import Breaks
from smbench.lift.coverage import CoverageCount
from smbench.lift.handles import Handles
from smbench.lift.names import Names
from smbench.lift.namespace import NamespaceInference
from smbench.lift.recogniser import Recogniser
from smbench.lift.rule import Taken
from smbench.lift.selection import Selection, Selector
from smbench.lift.sequence import Sequence
from smbench.lift.sessions import SessionEnds
from smbench.lift.watch_outside import OutsideWatch
from smbench.trace.model import Trace, TraceInfo, User
from smbench.workload.model import Outside, Workload, WorkloadInfo
from smbench.workload.store import (
    BREAKS,
    NAMESPACE,
    OPERATIONS,
    BreakWriter,
    CoverageWriter,
    NamespaceWriter,
    OperationWriter,
    StoredBreaks,
    StoredNamespace,
    StoredOperations,
    write_manifest,
)

__all__ = ["Selection", "lift"]


def lift(trace: Trace, into: Path, selection: Selection | None = None) -> Workload:
    """Lift `trace` and write `operations.parquet`, `namespace.parquet`, `breaks.parquet`,
    `coverage.parquet` and `manifest.json` into the directory `into`; returns the stored workload.

    Memory does not grow with the trace's length, but with its distinct paths and its open handles.
    """
    selection = selection or Selection()
    info = trace.info
    selector = Selector(selection, info) if selection != Selection() else None
    users = [*info.users, User(f"unknown-{len(info.users)}", "unknown")]
    nobody = len(info.users)
    names = Names(info.trees, selection.shares)
    handles = Handles(names)
    coverage = CoverageCount()
    into.mkdir(parents=True, exist_ok=True)
    with OperationWriter(into) as operations, CoverageWriter(into) as decided, BreakWriter(into) as broken:
        sequence = Sequence(len(users), operations.add, decided.add)
        namespace = NamespaceInference(names, handles, OutsideWatch(names, sequence.change))

        def take(taken: Taken) -> None:
            coverage.add(taken)
            sequence.add(taken)

        breaks = Breaks(broken.add)
        recogniser = Recogniser(handles, take, SessionEnds(trace), watcher=namespace)
        with _seldom_collecting():
            for exchange in trace.exchanges:
                if selector is not None and not selector.wants(exchange):
                    continue
                sequence.expect(exchange.index)
                breaks.feed(exchange)
                recogniser.feed(exchange)
                waiting = (recogniser.oldest(exchange.index), namespace.oldest(exchange.index))
                sequence.release(min(waiting))
            recogniser.finish()
            namespace.finish()
            breaks.finish()
            lost = sequence.finish()
    if lost:
        raise AssertionError(f"the lift lost {lost} exchanges: a rule took them twice or not at all")
    _write_namespace(into, namespace)
    if not sequence.operations_by_user[nobody]:
        users.pop()
    workload_info = WorkloadInfo(
        trace=_narrowed(info, users, coverage),
        coverage=coverage.rows(),
        operations=dict(sorted(sequence.kinds.items())),
        lanes=[len(lanes) for lanes in sequence.lanes[: len(users)]],
        operations_by_user=sequence.operations_by_user[: len(users)],
        client_calls=sequence.client_calls,
        outside=Outside(dict(sorted(sequence.outside.items())), sequence.outside_operations),
    )
    write_manifest(into, workload_info)
    return Workload(
        workload_info,
        StoredOperations(into / OPERATIONS),
        StoredNamespace(into / NAMESPACE),
        StoredBreaks(into / BREAKS),
    )


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Almost all garbage of the pass is freed by its counts; looking for cycles costs a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _write_namespace(into: Path, namespace: NamespaceInference) -> None:
    with NamespaceWriter(into) as entries:
        for entry in namespace.entries():
            entries.add(entry)


def _narrowed(info: TraceInfo, users: list[User], coverage: CoverageCount) -> TraceInfo:
    """The trace's own account, with the numbers of what was selected."""
    commands = coverage.commands()
    return replace(info, users=users, commands=commands, exchanges=sum(commands.values()))
