"""A directory as the target: nothing to mount, every user gets the same root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smbench.mounts.mountinfo import mount_of, read_mountinfo
from smbench.mounts.target import DirectoryTarget


def describe(target: DirectoryTarget, users: Sequence[str]) -> list[dict[str, Any]]:
    """One dict a user, as those of shares, for run.json: what the directory lies on."""
    entry = mount_of(target.path, read_mountinfo())
    return [
        {
            "user": user,
            "root": str(target.path),
            "filesystem": entry.filesystem if entry else None,
            "source": entry.source if entry else None,
        }
        for user in users
    ]
