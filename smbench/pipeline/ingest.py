"""Ingesting: captures → Trace → Workload, as a directory that is there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.fingerprint import fingerprint
from smbench.capture.logons import unfit
from smbench.capture.received import received
from smbench.errors import UsageError
from smbench.lift.lift import lift
from smbench.lift.selection import Selection
from smbench.pipeline.artefacts import whole
from smbench.pipeline.progress import SILENT, Progress
from smbench.scratch import scratch
from smbench.trace.model import Exchange, Trace, TraceInfo
from smbench.trace.store import StoredExchanges
from smbench.workload.model import Workload
from smbench.workload.store import MANIFEST, read, write_manifest

_HEARD_EVERY = 4096
_NAMES_SHOWN = 8


def ingest(
    captures: Sequence[Path], output: Path, options: DecodeOptions | None = None,
    selection: Selection | None = None, *, force: bool = False, progress: Progress = SILENT,
) -> Workload:  # fmt: skip
    """Decode and lift captures into the workload directory `output`; `-` is standard input.

    UsageError where one is no capture, or nothing in them is selected; SetupError where tshark is needed and
    missing, or there is no room.
    """
    if selection is not None:
        _refuse_no_time(selection.from_s, selection.to_s)
    with (
        whole(output, ".workload", MANIFEST, force) as draft,
        _received(captures, draft, progress) as (files, names),
    ):
        prints = [fingerprint(capture, name) for capture, name in zip(files, names, strict=True)]
        with progress.stage("reading the capture") as counter:
            trace = decode(files, draft, options, counter, warn=progress.warn, names=names)
        if options is not None:
            for sentence in unfit(options.logons, [trace.info.sessions]):
                progress.warn(sentence)
        with progress.stage("making operations") as counter:
            workload = lift(_heard(trace, counter), draft, selection)
        if trace.info.exchanges and not workload.info.trace.exchanges:
            raise UsageError(_nothing_selected(trace.info))
        write_manifest(draft, replace(workload.info, capture_files=prints))
    return read(output)


@contextmanager
def _received(
    captures: Sequence[Path], draft: Path, progress: Progress
) -> Iterator[tuple[list[Path], list[Path]]]:
    with ExitStack() as lasting:
        with progress.stage("receiving the capture") as counter:
            given = lasting.enter_context(received(captures, draft, counter))
        yield given


@contextmanager
def opened(source: Path, progress: Progress = SILENT) -> Iterator[Workload]:
    """The workload of a directory, or of a capture that is ingested for as long as this lasts."""
    if source.is_dir():
        yield read(source)
        return
    with scratch() as folder:
        yield ingest([source], folder / "w.workload", progress=progress)


class _Heard(StoredExchanges):
    """Stored exchanges that say how many of them have been read."""

    def __init__(self, path: Path, progress: Callable[[int, int], None]) -> None:
        super().__init__(path)
        self._progress = progress

    def __iter__(self) -> Iterator[Exchange]:
        of = len(self)
        for number, exchange in enumerate(super().__iter__()):
            if not number % _HEARD_EVERY:
                self._progress(number, of)
            yield exchange


def _heard(trace: Trace, progress: Callable[[int, int], None]) -> Trace:
    stored = trace.exchanges
    return Trace(trace.info, _Heard(stored.path, progress)) if isinstance(stored, StoredExchanges) else trace


def _refuse_no_time(from_s: float | None, to_s: float | None) -> None:
    """UsageError where the two name no part of any capture."""
    for option, value in (("--from", from_s), ("--to", to_s)):
        if value is not None and not 0 <= value < float("inf"):
            raise UsageError(f"{option} {value:g} makes no sense: give seconds from the capture's begin on")
    if from_s is not None and to_s is not None and from_s >= to_s:
        raise UsageError(f"--from {from_s:g} is not before --to {to_s:g}: no time lies between them")


def _nothing_selected(info: TraceInfo) -> str:
    """What there is to choose from."""
    users = sorted({user.name for user in info.users})
    shares = sorted({tree.share for tree in info.trees})
    clients = sorted({connection.client for connection in info.connections})
    return (
        f"none of the {info.exchanges:,} exchanges is selected: they are of the users {_few(users)} at "
        f"{_few(clients)} on the shares {_few(shares)}, and last {info.duration_ns / 1e9:.3f} s"
    )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (" and others" if len(names) > _NAMES_SHOWN else "")
