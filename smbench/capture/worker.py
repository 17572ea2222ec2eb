"""A process that reads one part of a decode: `python -m smbench.capture.worker JOB RESULT`.

It says on stdout, a number a line, how many bytes it has read; its result or its error goes to a file.
"""

from __future__ import annotations

import gc
import pickle
import signal
import sys
from pathlib import Path

from smbench.capture.jobs import Job, Result, read
from smbench.errors import SmbenchError


def _main(job_file: str, result_file: str) -> None:
    # Ended from outside, it must take its tshark with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    job: Job = pickle.loads(Path(job_file).read_bytes())
    try:
        # The process ends with its job: what it makes has no cycles worth looking for.
        gc.disable()
        reader = read(job, lambda position: print(position, flush=True))
        reader.exchanges.flush()
        result: Result | SmbenchError = Result(reader.facts, reader.exchanges.runs)
    except SmbenchError as error:
        result = error
    Path(result_file).write_bytes(pickle.dumps(result, pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    _main(*sys.argv[1:])
