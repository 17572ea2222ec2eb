"""The calls on ranges of an open file: locks, copies within the server, holes, and control codes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Lock:
    """Lock a byte range; `wait`: block until it is free."""

    handle: int
    offset: int
    length: int
    exclusive: bool
    wait: bool


@dataclass(frozen=True, slots=True)
class Unlock:
    handle: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class CopyRange:
    """Server-side copy (FSCTL_SRV_COPYCHUNK) of one range."""

    source: int
    handle: int
    source_offset: int
    offset: int
    length: int
    request: int = field(default=0, compare=False)
    """How many bytes the first of several requests asked for; 0: one asked for all."""


@dataclass(frozen=True, slots=True)
class PunchHole:
    """Zero a range (FSCTL_SET_ZERO_DATA)."""

    handle: int
    offset: int
    length: int
    sparse: bool = field(default=False, compare=False)
    """The file was marked sparse just before (FSCTL_SET_SPARSE)."""


@dataclass(frozen=True, slots=True)
class ShiftRange:
    """Take a range out of a file, or put one of zeros in: what comes after it moves, and the file's size
    changes (fallocate's COLLAPSE_RANGE and INSERT_RANGE). By server-side copies of the file to itself."""

    handle: int
    offset: int
    length: int
    insert: bool = False
    size: int = field(default=0, compare=False)
    """Of the captured file, afterwards."""
    listed: bool = field(default=False, compare=False)
    """A message named many chunks, from the end for a range that is put in; else one of them, forwards."""
    sparse: bool = field(default=False, compare=False)
    """The file was marked sparse before a range was put in."""


@dataclass(frozen=True, slots=True)
class AllocatedRanges:
    """FSCTL_QUERY_ALLOCATED_RANGES over one range."""

    handle: int
    offset: int
    length: int
    seek: bool = field(default=False, compare=False)
    """A Linux client looked for the first data or hole (lseek): it asked for attributes before."""
    flushed: bool = field(default=False, compare=False)
    """A FLUSH came in between, of the client's own."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control code of an open file whose payload no call chooses (FSCTL_SRV_ENUMERATE_SNAPSHOTS,
    FSCTL_SET_INTEGRITY_INFORMATION, FSCTL_SET_COMPRESSION)."""

    handle: int
    function: int = 0
    output_length: int = field(default=0, compare=False)
