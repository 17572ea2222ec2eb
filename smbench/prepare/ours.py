"""Whether what has a name in a target is what prepare made, or what a replay made of it since. Pure.

By name alone that cannot be told: whoever may write in a target may move something else to a name that
prepare has made. On a local file system ours is what prepare made, by inode and time of birth, wherever a
replay has renamed it to; and what was born since and belongs to the user as whom replays work there, as
programs save by making a new file and renaming it. On others the name decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from errno import EPERM

from smbench.prepare.filesystem import Made


class NotOursError(PermissionError):
    """It stays, as prepare did not make it, nor did a replay."""

    def __init__(self, path: str) -> None:
        super().__init__(EPERM, "prepare did not make it, nor did a replay", path)


@dataclass(frozen=True, slots=True)
class Ours:
    """`made`: what prepare made. `owners`: whose everything may be that was born since."""

    made: frozenset[Made]
    owners: frozenset[int]
    since_ns: int = 0

    def has(self, made: Made, owner: int) -> bool:
        """Whether a file of a local file system is ours, that belongs to `owner`."""
        if made in self.made:
            return True
        return owner in self.owners and (not made.born_ns or made.born_ns >= self.since_ns)
