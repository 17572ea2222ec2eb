"""Replay a captured SMB workload through the operating system's own SMB client, and measure it."""

import os

__version__ = "0.1.0"

# A replay forks its workers, which is safe only before any thread exists: numpy's and pyarrow's
# libraries start threads when they are loaded unless told not to.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
