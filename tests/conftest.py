"""What holds for all tests, however they are run."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets its jobs in the background ignore it, and what ignores it when it starts goes on doing so;
    # many tests are of what it does.
    signal.signal(signal.SIGINT, signal.default_int_handler)
