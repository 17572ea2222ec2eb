"""The operating system's SMB client and its own counters, wherever the harness runs."""

from __future__ import annotations

import sys

from smbench.measure.counters import ClientCounters


def read_counters() -> ClientCounters | None:
    """The counters now; None where there is no client or it does not tell them."""
    if sys.platform == "win32":
        from smbench.measure import client_windows as system
    else:
        from smbench.measure import client_linux as system
    return system.read_counters()
