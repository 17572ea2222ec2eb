"""The kernel client's own counters (/proc/fs/cifs/Stats).

The text is for people (cifs_stats_proc_show, smb2_print_stats; fs/smb/client) and differs from kernel to
kernel: lines are known by their words, and what a kernel does not print is not in the result. A lease or
oplock break shows as `OplockBreaks.sent`: the acknowledgement that this client sent for the tree. Breaks
that need none (read caching alone, [MS-SMB2] 2.2.23.2) are not counted by the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from smbench.measure.counters import ClientCounters, TreeCounters
from smbench.trace.model import command_name

STATS = Path("/proc/fs/cifs/Stats")
DEBUG_DATA = Path("/proc/fs/cifs/DebugData")

_TREE = re.compile(r"^\s*\d+\) (\\\\.*?)\s*$")
_COUNTED = re.compile(r"^(\w+): (\d+) (?:total|sent) (\d+) failed")
_COMMAND = re.compile(r"^\s+(\d+)\t+(\d+)\t+(\d+)\t")
_CLIENT_LINES: Mapping[str, re.Pattern[str]] = {
    "sessions": re.compile(r"^CIFS Session: (\d+)"),
    "shares": re.compile(r"^Share \(unique mount targets\): (\d+)"),
    "session_reconnects": re.compile(r"^(\d+) session \d+ share reconnects"),
    "share_reconnects": re.compile(r"^\d+ session (\d+) share reconnects"),
    "vfs_operations": re.compile(r"^Total vfs operations: (\d+)"),
}
_TREE_LINES: Mapping[str, re.Pattern[str]] = {
    "SMBs": re.compile(r"^SMBs: (\d+)"),
    "bytes_read": re.compile(r"^Bytes read: (\d+)"),
    "bytes_written": re.compile(r"^Bytes read: \d+\s+Bytes written: (\d+)"),
    "open_files": re.compile(r"^Open files: (\d+) total"),
    "open_on_server": re.compile(r"^Open files: \d+ total \(local\), (\d+) open on server"),
}
_CONNECTION_ID = re.compile(r"^\d+\) ConnectionId: (0x[0-9a-f]+)")
_TREE_OF_CONNECTION = re.compile(r"^\s*\d+\) (\\\\.*?) Mounts: \d+")


def read_counters() -> ClientCounters | None:
    """The counters now; None where there is no CIFS client or it may not be asked."""
    try:
        stats = STATS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    try:
        debug_data = DEBUG_DATA.read_text(encoding="utf-8", errors="replace")
    except OSError:
        debug_data = ""
    return parse_counters(stats, debug_data)


def parse_counters(stats: str, debug_data: str = "") -> ClientCounters:
    """Both files walk the same lists in one order: DebugData tells which connection a tree is on. Pure."""
    client: dict[str, int] = {}
    jiffies = 0
    trees: list[tuple[str, dict[str, int], dict[str, tuple[int, int]]]] = []
    commands: dict[str, tuple[int, int]] = {}
    for line in stats.splitlines():
        if started := _TREE.match(line):
            trees.append((started[1], {}, commands))
        elif per_second := re.search(r"jiffies \((\d+) per second\)", line):
            jiffies, commands = int(per_second[1]), {}
        elif counted := _COMMAND.match(line):
            commands[command_name(int(counted[1]))] = int(counted[2]), int(counted[3])
        elif trees:
            trees[-1][1].update(_tree_line(line))
        else:
            client.update(_values(_CLIENT_LINES, line))
    connections = _connections(debug_data)
    # Another run may have mounted between the two reads: then nothing is attributed.
    agree = [share for share, _ in connections] == [share for share, _, _ in trees]
    return ClientCounters(
        client,
        jiffies,
        tuple(
            TreeCounters(share, connections[number][1] if agree else None, counters, commands)
            for number, (share, counters, commands) in enumerate(trees)
        ),
    )


def _tree_line(line: str) -> dict[str, int]:
    if counted := _COUNTED.match(line):
        total = "sent" if counted[1] == "OplockBreaks" else "total"
        return {f"{counted[1]}.{total}": int(counted[2]), f"{counted[1]}.failed": int(counted[3])}
    return _values(_TREE_LINES, line)


def _values(patterns: Mapping[str, re.Pattern[str]], line: str) -> dict[str, int]:
    return {name: int(found[1]) for name, pattern in patterns.items() if (found := pattern.match(line))}


def _connections(debug_data: str) -> list[tuple[str, int]]:
    """Share and connection of every tree; IPC$ has another form there, and no line in Stats."""
    found: list[tuple[str, int]] = []
    connection: int | None = None
    for line in debug_data.splitlines():
        if started := _CONNECTION_ID.match(line):
            connection = int(started[1], 16)
        elif (tree := _TREE_OF_CONNECTION.match(line)) and connection is not None:
            found.append((tree[1], connection))
    return found
