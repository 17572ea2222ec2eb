"""A namespace put in order: what has to be made, in which order, and what cannot be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from smbench.paths.beneath import UnsafePathError, split
from smbench.paths.own_names import REFUSED, WHY
from smbench.paths.stream_names import without_stream
from smbench.quoting import quoted
from smbench.workload.model import Kind, NamespaceEntry


@dataclass(frozen=True, slots=True)
class Item:
    """A file or directory with the streams on it (each entry's path is `file:stream`)."""

    entry: NamespaceEntry
    streams: tuple[NamespaceEntry, ...] = ()

    @property
    def path(self) -> str:
        return self.entry.path

    @property
    def entries(self) -> tuple[NamespaceEntry, ...]:
        """Itself and its streams."""
        return (self.entry, *self.streams)


@dataclass(frozen=True, slots=True)
class Refused:
    """A path that is not made, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Directories come parents first."""

    directories: tuple[Item, ...]
    files: tuple[Item, ...]
    absent: frozenset[str]
    refused: tuple[Refused, ...]

    @property
    def entries(self) -> Iterator[NamespaceEntry]:
        """All that is to be there, streams too."""
        for item in (*self.directories, *self.files):
            yield from item.entries


_MOST_LEVELS = 256
"""Fewer than `smbench.prepare.removal` goes down: what is made can be removed."""


def lay_out(entries: Iterable[NamespaceEntry]) -> Layout:
    """Order the entries, add the parents that none of them names, and refuse what contradicts."""
    refused: list[Refused] = []
    present: dict[str, NamespaceEntry] = {}
    streams: dict[str, list[NamespaceEntry]] = {}
    absent: set[str] = set()
    for entry in entries:
        if reason := _unfit(entry):
            refused.append(Refused(entry.path, reason))
        elif entry.kind is Kind.STREAM:
            if entry.present:
                streams.setdefault(without_stream(entry.path), []).append(entry)
        elif not entry.path:
            continue  # the target itself is there, whatever a capture says of it
        elif not entry.present:
            absent.add(entry.path)
        else:
            present[entry.path] = entry
    for base in streams:
        present.setdefault(base, NamespaceEntry(base, Kind.FILE))
    for path in sorted(present):
        blocking = _prepare_parents(path, present)
        if blocking is not None:
            refused.append(Refused(path, f"the capture has {quoted(blocking)} as a file and as a folder"))
            del present[path]
    both = "the capture has it as there and as not there; it is made"
    refused += [Refused(path, both) for path in sorted(absent & present.keys())]
    items = [Item(entry, tuple(streams.get(path, ()))) for path, entry in present.items()]
    directories = [item for item in items if item.entry.kind is Kind.DIRECTORY]
    return Layout(
        tuple(sorted(directories, key=lambda item: (item.path.count("/"), item.path))),
        tuple(sorted((item for item in items if item.entry.kind is Kind.FILE), key=lambda item: item.path)),
        frozenset(absent - present.keys()),
        tuple(refused),
    )


def _unfit(entry: NamespaceEntry) -> str | None:
    try:
        components = split(entry.path)
    except UnsafePathError as error:
        if error.errno == REFUSED:
            return WHY
        return "no file beneath a target can have such a name (.., absolute, empty, a backslash, NUL)"
    if len(components) > _MOST_LEVELS:
        return f"it lies more than {_MOST_LEVELS} folders deep, where no capture has anything"
    base, _, stream = (components[-1] if components else "").partition(":")
    stream = stream if entry.kind is Kind.STREAM else ""
    colons = entry.path.count(":") - (1 if entry.kind is Kind.STREAM else 0)
    if entry.kind is Kind.STREAM and not (stream and base):
        return "a stream without a name, or of a folder by no name"
    # `file:stream:$DATA` names the same stream with its type ([MS-FSCC] 2.1.5).
    if colons and not (colons == 1 and stream.upper().endswith(":$DATA")):
        return "a colon in a name is taken for a stream"
    return None


def _prepare_parents(path: str, present: dict[str, NamespaceEntry]) -> str | None:
    """Add what is missing above `path`; the parent that is a file, if one is."""
    components = path.split("/")
    for length in range(1, len(components)):
        parent = "/".join(components[:length])
        entry = present.get(parent)
        if entry is None:
            present[parent] = NamespaceEntry(parent, Kind.DIRECTORY)
        elif entry.kind is not Kind.DIRECTORY:
            return parent
    return None


def without(layout: Layout, paths: frozenset[str]) -> Layout:
    """The layout without some paths: those that are there and are not prepare's."""
    return replace(
        layout,
        directories=tuple(item for item in layout.directories if item.path not in paths),
        files=tuple(item for item in layout.files if item.path not in paths),
    )
