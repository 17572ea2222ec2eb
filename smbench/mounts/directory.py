"""A directory as the target: nothing to mount, every user gets the same root."""

from __future__ import annotations

from collections.abc import Sequence

from smbench.mounts.mountinfo import mount_of, read_mountinfo
from smbench.mounts.target import DirectoryTarget
from smbench.run.surroundings import Mount


def describe(target: DirectoryTarget, users: Sequence[str]) -> list[Mount]:
    """What stands for a mount of each user, as a run has it: what the directory lies on."""
    entry = mount_of(target.path, read_mountinfo())
    return [
        Mount(
            user=user,
            root=str(target.path),
            filesystem=entry.filesystem if entry else None,
            source=entry.source if entry else None,
        )
        for user in users
    ]
