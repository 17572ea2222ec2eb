"""The Windows client's own counters before and after a run: the performance counters "SMB Client Shares".

They are read as raw values (counts since the machine started, not rates) through WMI's class for them, by
PowerShell, whose JSON is the same in every language of Windows. What it tells becomes what `client_linux`
tells of a Linux client, so that one report shows both.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from smbench.measure.counters import ClientCounters, TreeCounters

CLASS = "Win32_PerfRawData_Counters_SMBClientShares"
COMMAND = (
    "powershell",
    "-NoProfile",
    "-NonInteractive",
    "-Command",
    f"Get-CimInstance {CLASS} | ConvertTo-Json -Compress",
)
_TIMEOUT_S = 30
_TOTAL = "_Total"
_NOT_COUNTED = re.compile(
    r"(Frequency|Timestamp)_|^(Caption|Cim|Description|Name|PSComputerName)|_Base$|^Avg"
)
"""Averages and clocks of the counters, and what WMI tells of itself."""
_GAUGES = re.compile(r"^(Current|CreditStalls$)")
"""How it stands, not how often something happened; stalls are counted by the second and mean nothing here."""


def read_counters() -> ClientCounters | None:
    """The counters now; None where this Windows does not tell them."""
    try:
        told = subprocess.run(COMMAND, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_counters(told.stdout)


def parse_counters(text: str) -> ClientCounters | None:
    r"""WMI's objects as JSON: one object, a list, or nothing where no share is connected. Pure.

    A tree's name is its share as `\\server\share`, as the Linux client has it.
    """
    try:
        document = json.loads(text or "[]")
    except ValueError:
        return None
    objects = document if isinstance(document, list) else [document]
    trees = [
        TreeCounters(_share(found["Name"]), None, _counts(found), {})
        for found in objects
        if isinstance(found, dict) and isinstance(found.get("Name"), str) and found["Name"] != _TOTAL
    ]
    return ClientCounters({"shares": len(trees)}, 0, tuple(sorted(trees, key=lambda tree: tree.share)))


def _counts(found: Mapping[str, Any]) -> dict[str, int]:
    """`ReadRequestsPersec` → `ReadRequests`: the raw value of a rate is a count."""
    counts = {}
    for name, value in found.items():
        if _NOT_COUNTED.search(name) or _GAUGES.match(name) or isinstance(value, bool):
            continue
        if isinstance(value, int) and value >= 0:
            counts[re.sub(r"Persec$", "", name, flags=re.IGNORECASE)] = value
    return counts


def _share(name: str) -> str:
    return "\\\\" + name.strip("\\")
