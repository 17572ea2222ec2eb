"""Where the files of an isolated clone are: a folder of its own, beneath the target."""

from __future__ import annotations

import re

_NAME = re.compile(r"clone-(\d{4,})")


def clone_folder(clone: int) -> str:
    """The folder of a clone; they count from 1."""
    return f"clone-{clone:04d}"


def is_clone_folder(name: str) -> bool:
    """Whether a folder of that name may be a clone's."""
    found = _NAME.fullmatch(name)
    return found is not None and name.isascii() and int(found[1]) > 0 and clone_folder(int(found[1])) == name
