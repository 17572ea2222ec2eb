"""Replay a captured SMB workload through the operating system's own SMB client, and measure it.

From Python, in ten lines from a capture to a p99 and a table with a row an operation:

    import smbench

    workload = smbench.ingest("customer.pcap", "customer.workload")
    run = smbench.replay(workload, "/srv/scratch", output="first.run", speed=2, users_per_process=5)
    print(run.valid, run.latency["Read"].response.p99_ns)
    rows = run.operations().to_pandas()
    print(rows.groupby("kind").bytes.sum())

    compared = smbench.compare("customer.workload", "first.run")
    print(compared.candidates[0].outcomes.matched)
    print(smbench.read_run("first.run").throughput.operations_per_s)

Nothing is written to stdout or stderr; a `Progress` hears what is worth knowing on the way. What is wrong is
an `SmbenchError`: a `UsageError` of what was asked for, a `SetupError` of the surroundings.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# A replay forks its workers, which is safe only before any thread exists: numpy's and pyarrow's
# libraries start threads when they are loaded unless told not to.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")

if TYPE_CHECKING:
    from smbench.api import compare, ingest, read_run, replay
    from smbench.errors import SetupError, SmbenchError, UsageError
    from smbench.pipeline.progress import Progress
    from smbench.pipeline.request import Request
    from smbench.run.model import Run
    from smbench.workload.model import Workload

_PUBLIC = {
    "Progress": "smbench.pipeline.progress",
    "Request": "smbench.pipeline.request",
    "Run": "smbench.run.model",
    "SetupError": "smbench.errors",
    "SmbenchError": "smbench.errors",
    "UsageError": "smbench.errors",
    "Workload": "smbench.workload.model",
    "compare": "smbench.api",
    "ingest": "smbench.api",
    "read_run": "smbench.api",
    "replay": "smbench.api",
}
"""Where each stands: it is imported when it is asked for, so that importing this costs nothing."""

__all__ = [
    "Progress", "Request", "Run", "SetupError", "SmbenchError", "UsageError", "Workload", "compare", "ingest",
    "read_run", "replay",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_PUBLIC[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
