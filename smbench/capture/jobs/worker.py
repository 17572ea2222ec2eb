"""A process that reads one part of a decode (`start`).

It says on stdout, a number a line, how many bytes it has read; its result or its error goes to a file. Where
the system fails it, as a full disk does, nothing may go to a file: it says so on stdout, too.
"""

from __future__ import annotations

import gc
import pickle
import signal
import sys
from pathlib import Path

from smbench.capture.jobs.carrying import carry_out
from smbench.capture.jobs.job import Job, Result
from smbench.capture.limits import confine_worker
from smbench.capture.stopped import no_memory
from smbench.errors import SmbenchError

FAILED = b"failed "
"""Ahead of the number and the text of an error of the system's."""


def work(job_file: str, result_file: str) -> None:
    """The body of the process: the job from one file, its result or its error to the other."""
    try:
        _work(job_file, result_file)
    except OSError as failed:
        print(f"{FAILED.decode()}{failed.errno or 0} {failed}", flush=True)
        sys.exit(1)


def _work(job_file: str, result_file: str) -> None:
    # Ended from outside, it must take its tshark with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    job: Job = pickle.loads(Path(job_file).read_bytes())
    confine_worker(job.limits, job.size)
    try:
        # The process ends with its job: what it makes has no cycles worth looking for.
        gc.disable()
        collector, made = carry_out(job, lambda position: print(position, flush=True))
        collector.exchanges.flush()
        result: Result | SmbenchError = made
    except MemoryError:
        result = no_memory(job.name, job.limits)
    except SmbenchError as error:
        result = error
    Path(result_file).write_bytes(pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
