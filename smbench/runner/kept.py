"""What each loop of a run leaves as it goes, so that its result can be made by whoever comes after it.

    NAME/operations.log, board     a record an operation (`smbench.measure.oplog`), and when it began
    NAME/heartbeats                when each process last lived, and what it had in flight
    NAME/clock                     when the clock of the records was zero, in nanoseconds since 1970
    NAME/resources.arrows          what the machine and the workers used, until now
    NAME/statistics/               what the workers counted, each at its end
    NAME/ended.json                how it ended; a loop that has none was cut off with its controller

A loop that others follow is set aside, in three files beside its folder's place: NAME.npy (the records),
NAME.arrows, and NAME.json last of all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from smbench.errors import UsageError
from smbench.measure.clock import epoch_of
from smbench.measure.oplog import COMPLETED, RECORD_COLUMNS
from smbench.measure.resources import ResourceSampler, read_samples
from smbench.measure.shared import as_left
from smbench.plan.model import Plan
from smbench.run.status import KILLED
from smbench.runner.harness import Fared
from smbench.runner.heartbeat import Heartbeats
from smbench.runner.pool import Ending
from smbench.runner.result import RunResult
from smbench.runner.statistics import Document, read_documents
from smbench.stored import decoded, open_stored, read_content

LOG, BOARD, BEATS, CLOCK, SAMPLES, STATISTICS, ENDED = (
    "operations.log", "board", "heartbeats", "clock", "resources.arrows", "statistics", "ended.json"
)  # fmt: skip
_REMEDY = "what was recorded there cannot be read any more"


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A loop that has ended: its file, key by key."""

    ending: Ending
    statistics: list[Document]
    client: dict[str, Any]
    """What the operating system's client counted meanwhile."""


@dataclass(frozen=True, slots=True)
class KeptLoop:
    """A loop as it was left."""

    ending: Ending
    records: NDArray[Any]
    """As `OperationLog.records`."""
    sampler: ResourceSampler
    statistics: list[Document]
    client: dict[str, Any]


def loop_folder(home: Path, number: int) -> Path:
    """Where the loop of this number (from 1 on) is kept."""
    return home / f"{number:06}"


def note_clock(folder: Path) -> int:
    """Keep when the clock was zero, in nanoseconds since 1970: later it may be another one's, or set."""
    epoch_ns = epoch_of(0)
    (folder / CLOCK).write_text(f"{epoch_ns}\n", encoding="ascii")
    return epoch_ns


def keep(result: RunResult, client: dict[str, Any], *, alone: bool) -> None:
    """A loop that has ended is known to have. Others beside, or behind, which it is not `alone`, leave it no
    folder and no descriptor: it is set aside in files.

    Without room for that it stays as it is, and is one that was cut off if the run is."""
    folder = result.options.scratch
    assert folder is not None
    ended = msgspec.json.encode(
        Ended(ending=result.ending, statistics=list(result.statistics[0]), client=client)
    )
    if alone:
        with suppress(OSError):
            _write_whole(folder / ENDED, ended)
        return
    records, samples, document = (folder.with_suffix(name) for name in (".npy", ".arrows", ".json"))
    try:
        np.save(records, result.records)
        shutil.copyfile(folder / SAMPLES, samples)
        _write_whole(document, ended)
    except OSError:
        for path in (records, samples, document):
            path.unlink(missing_ok=True)
        return
    shutil.rmtree(folder)
    result.kept = records


def kept_loops(home: Path, plan: Plan, unreadable: list[str]) -> Iterator[KeptLoop]:
    """The loops that were kept in a folder, in their order; the last one may have been cut off. Why one
    cannot be read is added to `unreadable`, and the others go on."""
    names = {path.name.partition(".")[0] for path in home.glob("[0-9]*")}
    for name in sorted(names):
        try:
            found = _loop(home / name, plan)
        except (OSError, ValueError, UsageError) as error:
            why = str(error) if isinstance(error, UsageError) else f"{home / name} cannot be read ({error})"
            unreadable.append(why)
            continue
        if found is not None:
            yield found


def _loop(folder: Path, plan: Plan) -> KeptLoop | None:
    aside = folder.with_suffix(".json")
    if aside.exists():
        records = _mapped(folder.with_suffix(".npy"), plan)
        return _kept(_ended(aside), records, folder.with_suffix(".arrows"))
    return _in_folder(folder, plan) if folder.is_dir() and not folder.is_symlink() else None


def _mapped(path: Path, plan: Plan) -> NDArray[Any]:
    """The records that `keep` set aside, mapped. ValueError where they are not those of the plan."""
    with open_stored(path, _REMEDY) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("it is of another version")
        shape, by_columns, kind = np.lib.format.read_array_header_1_0(file)
        if (shape, by_columns, kind) != ((plan.operations, len(RECORD_COLUMNS)), False, np.dtype(np.int64)):
            raise ValueError(f"it has records {shape} of {kind}, and {plan.operations:,} were planned")
        return np.memmap(file, kind, "r", file.tell(), shape)


def _in_folder(folder: Path, plan: Plan) -> KeptLoop | None:
    """None where it had not begun."""
    if not (folder / LOG).exists():
        return None
    records = np.frombuffer(as_left(folder / LOG), np.int64).reshape(-1, len(RECORD_COLUMNS))
    if len(records) != max(plan.operations, 1):
        raise UsageError(f"{folder / LOG} has {len(records):,} records, and {plan.operations:,} were planned")
    records = records[: plan.operations]
    if (folder / ENDED).exists():
        return _kept(_ended(folder / ENDED), records, folder / SAMPLES)
    start_ns = int(memoryview(as_left(folder / BOARD)).cast("q")[0])
    if not start_ns:
        return None
    stopped_ns = max(int(records[:, COMPLETED].max(initial=0)), start_ns)
    beats = Heartbeats(folder / BEATS, plan.processes, plan.lanes, as_left(folder / BEATS))
    out = beats.in_flight(range(plan.lanes), records, stopped_ns)
    ending = Ending(
        start_ns=start_ns, clock_epoch_ns=_clock(folder / CLOCK), stopped=KILLED, stopped_ns=stopped_ns,
        fared=Fared(gaps=list(beats.gaps()), in_flight=out),
    )  # fmt: skip
    ended = Ended(ending=ending, statistics=read_documents(folder / STATISTICS), client={})
    return _kept(ended, records, folder / SAMPLES)


def _kept(ended: Ended, records: NDArray[Any], samples: Path) -> KeptLoop:
    sampler = ResourceSampler()
    sampler.rows = read_samples(samples)
    return KeptLoop(ended.ending, records, sampler, ended.statistics, ended.client)


def _clock(path: Path) -> int:
    """When it was zero; where that is not known, as if it were now's."""
    try:
        told = int(read_content(path, _REMEDY, 64))
    except (OSError, UsageError, ValueError):
        return epoch_of(0)
    return told if 0 <= told < 1 << 63 else epoch_of(0)


def _ended(path: Path) -> Ended:
    try:
        return decoded(read_content(path, _REMEDY), path, Ended, _REMEDY)
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: {_REMEDY}") from None


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(content)
    draft.replace(path)
