"""/proc/self/mountinfo (proc(5)): what is mounted where, with the options that took effect; a pure parser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

CIFS_TYPES = ("cifs", "smb3")

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class MountEntry:
    """One line. `options` are the super block's, None for a flag; `flags` are the mount's own (`nosuid`)."""

    path: Path
    filesystem: str
    source: str
    options: Mapping[str, str | None]
    flags: frozenset[str] = frozenset()

    @property
    def is_cifs(self) -> bool:
        return self.filesystem in CIFS_TYPES


def parse_mountinfo(text: str) -> list[MountEntry]:
    """Every line that has the form that proc(5) tells; later lines lie over earlier ones of the same path."""
    entries = []
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        fields, tail = left.split(" "), right.split(" ")
        if not dash or len(fields) < 6 or len(tail) < 3:
            continue
        pairs = (option.partition("=") for option in tail[2].split(","))
        options = {_plain(name): (_plain(value) if equals else None) for name, equals, value in pairs}
        flags = frozenset(fields[5].split(","))
        entries.append(MountEntry(Path(_plain(fields[4])), tail[0], _plain(tail[1]), options, flags))
    return entries


def read_mountinfo() -> list[MountEntry]:
    """This process's mounts; none where the system has no /proc."""
    try:
        return parse_mountinfo(
            Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        )
    except OSError:
        return []


def mount_of(path: Path, entries: Iterable[MountEntry]) -> MountEntry | None:
    """The mount that `path` (absolute, without links) lies on."""
    covering = [entry for entry in entries if path == entry.path or entry.path in path.parents]
    # max() takes the first of equals; the last mounted lies on top.
    return max(reversed(covering), key=lambda entry: len(entry.path.parts), default=None)


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
