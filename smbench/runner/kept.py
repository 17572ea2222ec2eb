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
from smbench.measure.oplog import COMPLETED, OperationLog
from smbench.measure.resources import ResourceSampler, read_samples
from smbench.plan.model import Plan
from smbench.run.status import KILLED
from smbench.runner.board import Board
from smbench.runner.harness import Fared
from smbench.runner.heartbeat import Heartbeats
from smbench.runner.pool import Ending
from smbench.runner.result import RunResult
from smbench.runner.statistics import Document, read_documents
from smbench.stored import decoded, read_content

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
    place: Path
    """The folder it has or had."""


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


def kept_loops(home: Path, plan: Plan) -> Iterator[KeptLoop]:
    """The loops that were kept in a folder, in their order; the last one may have been cut off. UsageError
    where one cannot be read."""
    aside = sorted(home.glob("[0-9]*.json"))
    for document in aside:
        ended = _ended(document)
        yield _kept(ended, np.load(document.with_suffix(".npy"), "r"), document.with_suffix(""), ".arrows")
    for folder in sorted(path for path in home.glob("[0-9]*") if path.is_dir()):
        if folder.with_suffix(".json") not in aside and (found := _in_folder(folder, plan)) is not None:
            yield found


def _in_folder(folder: Path, plan: Plan) -> KeptLoop | None:
    """None where it had not begun."""
    if not (folder / LOG).exists():
        return None
    records = OperationLog(folder / LOG, plan.operations).records
    if (folder / ENDED).exists():
        return _kept(_ended(folder / ENDED), records, folder)
    start_ns = Board(folder / BOARD, plan.processes, plan.lanes).start_ns
    if not start_ns:
        return None
    stopped_ns = max(int(records[:, COMPLETED].max(initial=0)), start_ns)
    beats = Heartbeats(folder / BEATS, plan.processes, plan.lanes)
    out = beats.in_flight(range(plan.lanes), records, stopped_ns)
    ending = Ending(
        start_ns=start_ns, clock_epoch_ns=_clock(folder / CLOCK), stopped=KILLED, stopped_ns=stopped_ns,
        fared=Fared(gaps=list(beats.gaps()), in_flight=out),
    )  # fmt: skip
    return _kept(
        Ended(ending=ending, statistics=read_documents(folder / STATISTICS), client={}), records, folder
    )


def _kept(ended: Ended, records: NDArray[Any], place: Path, samples: str = f"/{SAMPLES}") -> KeptLoop:
    sampler = ResourceSampler()
    sampler.rows = read_samples(Path(f"{place}{samples}"))
    return KeptLoop(ended.ending, records, sampler, ended.statistics, ended.client, place)


def _clock(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise UsageError(f"{path} cannot be read: {_REMEDY}") from None


def _ended(path: Path) -> Ended:
    try:
        return decoded(read_content(path, _REMEDY), path, Ended, _REMEDY)
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: {_REMEDY}") from None


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(content)
    draft.replace(path)
