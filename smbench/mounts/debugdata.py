"""/proc/fs/cifs/DebugData: the kernel client's connections, sessions and trees.

The text is for people (cifs_debug_data_proc_show, fs/smb/client/cifs_debug.c) and differs from kernel to
kernel: every part is looked for by its own words, and what is not found stays None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from smbench.trace.model import Command

_DEBUG_DATA = Path("/proc/fs/cifs/DebugData")
_CONNECTION = re.compile(r"^\d+\) ConnectionId: (0x[0-9a-f]+)(?:[ \t]+Hostname: (\S+))?", re.MULTILINE)
_SESSION = re.compile(r"SessionId: (0x[0-9a-f]+)(.*)")
_TREE = re.compile(
    r"^[ \t]*\d+\) (\\\\[^\n]*?) Mounts: \d+(.*?)(?=^[ \t]*\d+\) |\Z)", re.MULTILINE | re.DOTALL
)
_REQUEST = re.compile(r"State: \d+ com: (\d+) pid: ")
_NEXT_SESSION = re.compile(r"^[ \t]*\d+\) Address: ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ClientTree:
    """One tree connect of a session; the ids are the wire's."""

    share: str
    tree_id: int | None
    encrypted: bool
    dfs: bool = False
    """The server says that the share is in DFS (SMB2_SHARE_CAP_DFS)."""


@dataclass(frozen=True, slots=True)
class ClientSession:
    session_id: int
    signed: bool
    encrypted: bool
    channels: int
    """Connections that carry it, its own included."""
    trees: tuple[ClientTree, ...]
    address: str | None = None
    """The server's."""


@dataclass(frozen=True, slots=True)
class ClientConnection:
    """One TCP connection; `connection_id` is the kernel's number, unique since it was loaded."""

    connection_id: int
    host: str | None
    dialect: int | None
    credits: int | None
    nosharesock: bool
    signed: bool
    sessions: tuple[ClientSession, ...]
    in_flight: int = 0
    """Requests without an answer, but for the client's own (ECHO)."""


def read_connections() -> list[ClientConnection]:
    """The client's connections; none where it is not loaded or may not be asked."""
    try:
        return parse_debug_data(_DEBUG_DATA.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return []


def parse_debug_data(text: str) -> list[ClientConnection]:
    """The connections, in the kernel's order (the newest first)."""
    found = [*_CONNECTION.finditer(text), None]
    return [
        _connection(start, text[start.end() : following.start() if following else None])
        for start, following in pairwise(found)
        if start
    ]


def _connection(start: re.Match[str], body: str) -> ClientConnection:
    head = _NEXT_SESSION.split(body, maxsplit=1)[0]
    line = next((line for line in head.splitlines() if "Dialect" in line), "")
    dialect = re.search(r"Dialect (0x[0-9a-f]+)", line)
    # Newer kernels add the echo and oplock credits: `389,1,1`.
    credits_ = re.search(r"Number of credits: (\d+)", line)
    return ClientConnection(
        connection_id=int(start[1], 16),
        host=start[2],
        dialect=int(dialect[1], 16) if dialect else None,
        credits=int(credits_[1]) if credits_ else None,
        nosharesock="nosharesock" in line.split(),
        signed="signed" in line.split(),
        sessions=tuple(session for part in _NEXT_SESSION.split(body)[1:] if (session := _session(part))),
        in_flight=sum(int(command) != Command.ECHO for command in _REQUEST.findall(body)),
    )


def _session(text: str) -> ClientSession | None:
    found = _SESSION.search(text)
    if not found:
        return None
    channels = re.search(r"Extra Channels: (\d+)", text)
    trees = tuple(_tree(match) for match in _TREE.finditer(text))
    words = found[2].split()
    encrypted = any(word.startswith("encrypted") for word in words) or any(tree.encrypted for tree in trees)
    return ClientSession(
        session_id=int(found[1], 16),
        signed="signed" in words,
        encrypted=encrypted,
        channels=1 + (int(channels[1]) if channels else 0),
        trees=trees,
        address=next(iter(text.split()), None),
    )


def _tree(match: re.Match[str]) -> ClientTree:
    tree_id = re.search(r"\btid: (0x[0-9a-f]+)", match[2])
    return ClientTree(
        match[1],
        int(tree_id[1], 16) if tree_id else None,
        "Encrypted" in match[2].split(),
        re.search(r"^[ \t]*Share Capabilities:.*\bDFS,", match[2], re.MULTILINE) is not None,
    )
