"""Names of alternate data streams, `file:stream` ([MS-FSCC] 2.1.5). Pure."""

from __future__ import annotations


def has_stream(path: str) -> bool:
    """Whether a path names an alternate data stream anywhere."""
    return ":" in path


def is_stream(path: str) -> bool:
    """Whether the last component of a path names one: what it leads to is a stream."""
    return ":" in path.rpartition("/")[2]


def without_stream(path: str) -> str:
    """The file's path, of a path that may lead to a stream of it."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + name.partition(":")[0]
