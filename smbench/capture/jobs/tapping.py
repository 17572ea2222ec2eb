"""What a tshark reads of a job, and what is known where it stopped before the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from smbench.capture.collect import Collector
from smbench.capture.formats import Format
from smbench.capture.jobs.job import Result, TapJob
from smbench.capture.names import Named, found
from smbench.capture.parts import Part
from smbench.capture.sources import Packets, Source
from smbench.capture.stopped import StoppedError
from smbench.capture.tap.process import Progress, Tap
from smbench.capture.tap.protocol import Place
from smbench.capture.tap.reader import TapReader
from smbench.errors import SetupError

_KEEP = "--keep-going keeps what was decoded before, and counts the rest as lost"


@dataclass(slots=True)
class _Attempt:
    """One run over a job: what was read, and where it stopped, if it did."""

    collector: Collector
    result: Result
    stopped: StoppedError | None = None
    shown: int = 0
    """The last frame that is known to be done with, by its number in the file."""
    exact: bool = False
    """The one behind it is where it stopped."""


def read_tap(job: TapJob, progress: Progress) -> tuple[Collector, Result]:
    """Do the job. SetupError where tshark stopped before the end, with the frame; where the job keeps going,
    what was read before counts then, the rest as lost, and the result says so.
    """
    attempt = _read(job, progress, careful=False)
    if attempt.stopped is not None and attempt.stopped.crashed:
        # What it had not handed over yet is gone with it, and so is the place. Again, with every line as it
        # comes: it may even get through.
        attempt = _read(job, progress, careful=True)
    if attempt.stopped is None:
        return attempt.collector, attempt.result
    sentence = attempt.stopped.at(_place(job, attempt))
    if not job.keep_going:
        raise SetupError(f"{sentence}; {_KEEP}")
    attempt.collector.facts.counts["undecoded_frames"] += _lost(job, attempt.shown)
    return attempt.collector, replace(attempt.result, stopped=(sentence,))


def _read(job: TapJob, progress: Progress, careful: bool) -> _Attempt:
    collector = Collector(job.scratch, job.number)
    reader, attempt = TapReader(collector, job.ends()), _Attempt(collector, Result(collector.facts, []))
    part = job.what if isinstance(job.what, Part) else None
    tap = Tap(
        job.what.path, job.home, job.ports, progress, job.name,
        limits=job.limits, made=part is not None, careful=careful,
    )  # fmt: skip
    if part and part.numbers:
        names: list[Named] = []
        place = _Noted(job.place())
        with tap, _noted(attempt):
            names += found(tap, place, part.numbers)
        attempt.result, attempt.shown = Result(collector.facts, [], names=tuple(names)), place.frame
        return attempt
    with tap:
        with _noted(attempt):
            reader.read(tap, job.place())
        # Where it stopped, what is lost is counted by frames.
        reader.finish(part.messages if part and attempt.stopped is None else 0)
        broken = isinstance(job.what, Source) and job.what.cut_short
        collector.facts.counts["cut_short"] += (attempt.stopped is None and tap.cut_short) or broken
    attempt.result = Result(collector.facts, collector.exchanges.runs)
    attempt.shown, attempt.exact = max(reader.shown, reader.done), reader.done >= reader.shown and careful
    return attempt


def _lost(job: TapJob, shown: int) -> int:
    """Frames behind the last that is known to be done with; 1 where nobody here can count them."""
    if isinstance(job.what, Part):
        frames = job.what.count
    elif job.what.format is Format.OTHER:
        frames = 0
    else:
        frames = max((frame for frame, _, _ in Packets(job.what)), default=0)
    return max(1, frames - shown)


class _Noted:
    """Places of frames, and the last frame that was asked for."""

    def __init__(self, place: Place) -> None:
        self.frame = 0
        self._place = place

    def __call__(self, frame: int) -> tuple[int, int]:
        self.frame = frame
        return self._place(frame)


@contextmanager
def _noted(attempt: _Attempt) -> Iterator[None]:
    try:
        yield
    except StoppedError as stopped:
        attempt.stopped = stopped


def _place(job: TapJob, attempt: _Attempt) -> str:
    """Where it was, in what the user gave."""
    place, shown = job.place(), attempt.shown
    # Exactly, then by the last that is known; the file may have none behind it.
    tries = [("frame" if shown else "the begin, up to frame", shown + 1)] if attempt.exact else []
    tries += [("what follows frame", shown)] if shown else []
    for what, frame in tries:
        with suppress(IndexError):
            capture, number = place(frame)
            return f"{what} {number:,} of {job.called(capture)}"
    return job.name
