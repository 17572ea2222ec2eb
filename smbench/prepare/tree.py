"""Walking over what lies beneath a target; links are never followed, mounts never entered."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from smbench.prepare.system import Beneath, entries


@dataclass(frozen=True, slots=True)
class Found:
    """One name that is there."""

    path: str
    status: os.stat_result

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.status.st_mode)


def walk(beneath: Beneath, descend: Callable[[str], bool], folder: str = "") -> Iterator[Found]:
    """Everything in `folder`, parents first, and what is in those directories that `descend` agrees to."""
    device = beneath.stat("").st_dev
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        for name, status in entries(beneath, inside):
            if status is None:
                continue
            found = Found(f"{inside}/{name}" if inside else name, status)
            yield found
            if found.is_directory and status.st_dev == device and "\\" not in name and descend(found.path):
                waiting.append(found.path)


def names(beneath: Beneath, folder: str) -> list[str]:
    """What a directory lists, without `.` and `..`."""
    return [name for name, _ in entries(beneath, folder)]
