"""A process that reads one part of a decode: `python -m smbench.capture.worker JOB RESULT`.

It says on stdout, a number a line, how many bytes it has read; its result or its error goes to a file.
"""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from smbench.capture.facts import Facts
from smbench.capture.part import Reader
from smbench.capture.split import Part
from smbench.capture.tshark import Progress, Run
from smbench.errors import SmbenchError
from smbench.spill import Run as SortedRun


@dataclass(frozen=True, slots=True)
class Job:
    """One tshark's work: a whole capture file, or a part of several."""

    what: Path | Part
    capture: int
    """Number of the capture where `what` is a file."""
    number: int
    of: int
    configuration: Path
    ports: tuple[int, ...]
    scratch: Path

    @property
    def file(self) -> Path:
        return self.what.path if isinstance(self.what, Part) else self.what

    @property
    def size(self) -> int:
        """Bytes that tshark reads."""
        return self.file.stat().st_size

    def place(self) -> Callable[[int], tuple[int, int]]:
        """Frame number in the file → (capture, frame number there)."""
        capture = self.capture
        return self.what.place() if isinstance(self.what, Part) else lambda frame: (capture, frame)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job: facts, and the exchanges in runs on disk."""

    facts: Facts
    runs: list[SortedRun]


def read(job: Job, progress: Progress) -> Reader:
    """Do the job; its exchanges are in the reader."""
    reader = Reader(job.scratch, job.number, job.of, job.ports)
    with Run(job.file, job.configuration, job.ports, progress) as run:
        reader.read(run, job.place())
        if run.cut_short:
            reader.facts.counts["cut_short"] += 1
    return reader


def _main(job_file: str, result_file: str) -> None:
    # Ended from outside, it must take its tshark with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    job: Job = pickle.loads(Path(job_file).read_bytes())
    try:
        reader = read(job, lambda position: print(position, flush=True))
        reader.exchanges.flush()
        result: Result | SmbenchError = Result(reader.facts, reader.exchanges.runs)
    except SmbenchError as error:
        result = error
    Path(result_file).write_bytes(pickle.dumps(result, pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    _main(*sys.argv[1:])
