"""Which capture a workload was made from, told apart from others of the same name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from smbench.capture.formats import beginning, examine
from smbench.errors import UsageError
from smbench.units import format_size
from smbench.workload.model import CaptureFile

_FIRST_BYTES = 1 << 20
"""Enough for the file's header and hundreds of packets with their times."""
_NAMES_SHOWN = 4


def fingerprint(capture: Path, called: Path | None = None) -> CaptureFile:
    """Name, size and what the capture begins with, unpacked; `called` is its path for others, if it has
    another. UsageError where it is no capture at all."""
    called = called or capture
    packing, _ = examine(capture, called)
    try:
        first = beginning(capture, packing, _FIRST_BYTES)
        size = capture.stat().st_size
    except OSError as error:
        raise UsageError(f"cannot read the capture {called}: {error}") from None
    return CaptureFile(called.name, size, packing.value, hashlib.sha256(first).hexdigest())


def find_capture(capture: Path, names: Sequence[str], known: Sequence[CaptureFile]) -> list[int]:
    """Which of a workload's captures the file is, by their numbers; one that was ingested twice is both.

    `names` are the captures', `known` their fingerprints, which older workloads lack: then the name must do.
    UsageError where the file is none of them: a frame's number would name another packet.
    """
    given = fingerprint(capture)
    if not known:
        found = [number for number, name in enumerate(names) if name == given.name]
        if not found:
            raise UsageError(f"{capture} is not what the workload was made from: give {_few(names)}")
        return found
    found = [number for number, one in enumerate(known) if _same(one, given)]
    if not found:
        named = next((one for one in known if one.name == given.name), None)
        why = "" if named is None else f", although it is called so: {_differs(named, given)}"
        raise UsageError(f"{capture} is not what the workload was made from{why}; give {_few(names)}")
    return found


def _same(known: CaptureFile, given: CaptureFile) -> bool:
    # Packed since, or unpacked, it has another size and the same frames.
    return known.sha256 == given.sha256 and (known.packing != given.packing or known.bytes == given.bytes)


def _differs(known: CaptureFile, given: CaptureFile) -> str:
    if known.packing == given.packing and known.bytes != given.bytes:
        return f"it has {format_size(given.bytes)} ({given.bytes:,} bytes), that had {known.bytes:,}"
    return "it begins with other packets"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (" or another" if len(names) > _NAMES_SHOWN else "")
