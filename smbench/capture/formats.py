"""What a capture file is, before tshark sees it, and what to tell the user when nothing can come of it."""

from __future__ import annotations

import gzip
import io
import mmap
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any

from smbench.capture.given import FirstBytes, refuse_no_file
from smbench.capture.resync import SEALED
from smbench.capture.stopped import TO_UNPACK_MORE
from smbench.errors import UsageError
from smbench.trace.model import Command, command_name
from smbench.units import format_size

_CAPTURE = "e.g. tcpdump -s 0 -w FILE port 445"
_WIRE = "give a pcap or pcapng file, as tcpdump -w and Wireshark write them"


BROKEN = (OSError, EOFError, zlib.error)
"""What reading a packed file raises where it breaks off or is damaged."""
_UNPACKED_AT_ONCE = 4096
"""Bytes that pyarrow is asked for: what it has already unpacked for a request that fails is lost."""
_PACKED_AT_ONCE = 4096
"""Bytes that Python's gzip gets: the same, and from 3.12 on it asks for 128 KiB."""
_COPIED_AT_ONCE = 1 << 20
MAGIC_BYTES = 4


class Packing(StrEnum):
    """How the file's bytes are packed."""

    PLAIN = "plain"
    GZIP = "gz"
    ZSTD = "zst"


class Format(StrEnum):
    """What the unpacked bytes are."""

    PCAP = "pcap"
    PCAPNG = "pcapng"
    OTHER = "other"
    """Nothing that this package reads by itself: tshark knows more formats."""


_PACKINGS: Mapping[bytes, Packing] = {b"\x1f\x8b": Packing.GZIP, b"\x28\xb5\x2f\xfd": Packing.ZSTD}
_FORMATS: Mapping[bytes, Format] = {
    b"\xa1\xb2\xc3\xd4": Format.PCAP, b"\xd4\xc3\xb2\xa1": Format.PCAP,
    b"\xa1\xb2\x3c\x4d": Format.PCAP, b"\x4d\x3c\xb2\xa1": Format.PCAP,
    b"\x0a\x0d\x0d\x0a": Format.PCAPNG,
}  # fmt: skip


def examine(path: Path, name: Path | None = None) -> tuple[Packing, Format]:
    """How `path` is packed and what is in it; UsageError, which calls it by its name, where it can be no
    capture at all."""
    name = name or path
    try:
        refuse_no_file(path)
        with path.open("rb") as file:
            start = file.read(MAGIC_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read the capture {name}: {error.strerror or error}") from None
    if not start:
        raise UsageError(f"the capture {name} is empty (0 bytes): {_WIRE}")
    packing = packing_of(start)
    if packing is not Packing.PLAIN:
        try:
            with path.open("rb") as file:
                start = unpacked(file, packing).read(MAGIC_BYTES)
        except BROKEN as error:
            raise UsageError(
                f"cannot unpack {name}: {error}; {_WIRE}, or one of them as .gz or .zst"
            ) from None
    return packing, _FORMATS.get(start, Format.OTHER)


def packing_of(start: bytes) -> Packing:
    """By a file's first bytes."""
    return next((kind for magic, kind in _PACKINGS.items() if start.startswith(magic)), Packing.PLAIN)


def may_be_capture(start: bytes) -> bool:
    """Whether a file may begin so that this package reads by itself, packed or not."""
    return packing_of(start) is not Packing.PLAIN or start in _FORMATS


def unpacked(file: BufferedIOBase, packing: Packing, size: int | None = None) -> BufferedIOBase:
    """The first `size` bytes of an open file (all, if there is none) without their packing; its own `tell`
    shows how far it is read."""
    if size is not None:
        file = io.BufferedReader(FirstBytes(file, size), 1)
    if packing is Packing.GZIP:
        return gzip.GzipFile(fileobj=_InPieces(file))
    if packing is Packing.ZSTD:
        return io.BufferedReader(_Zstandard(file), _COPIED_AT_ONCE)
    return file


class _InPieces(io.RawIOBase):
    """A file that gives little at once: where it is damaged, all that came before is unpacked."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, _PACKED_AT_ONCE) if size >= 0 else _PACKED_AT_ONCE)


class _Zstandard(io.RawIOBase):
    """What a Zstandard file holds, up to where it breaks off; OSError from there on."""

    def __init__(self, file: BufferedIOBase) -> None:
        import pyarrow as pa

        self._stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
        self._error: OSError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        taken, room = 0, memoryview(buffer).cast("B")
        while taken < len(room) and self._error is None:
            try:
                piece = self._stream.read(min(_UNPACKED_AT_ONCE, len(room) - taken))
            except OSError as error:
                self._error = error
                break
            if not piece:
                break
            room[taken : taken + len(piece)] = piece
            taken += len(piece)
        if self._error is not None and not taken:
            raise self._error
        return taken


class Bounded(io.BufferedIOBase):
    """A stream of unpacked bytes; UsageError, which names the capture, behind `most` of them."""

    def __init__(self, stream: BufferedIOBase, most: int, name: Path) -> None:
        self._stream, self._most, self._name = stream, most, name
        self._left = most

    def read1(self, size: int = -1, /) -> bytes:
        """What can be had at once."""
        piece = self._stream.read1(size)
        self._left -= len(piece)
        if self._left < 0:
            raise UsageError(
                f"{self._name} unpacks to more than the {format_size(self._most)} that are read of a file of "
                f"its size; {TO_UNPACK_MORE}"
            )
        return piece


def copy(stream: BufferedIOBase, out: IO[bytes]) -> bool:
    """Write what is in a stream; whether it is whole. OSError where `out` is not taken."""
    while True:
        try:
            # What can be had at once: see Buffer.need.
            piece = stream.read1(_COPIED_AT_ONCE)
        except BROKEN:
            return False
        if not piece:
            return True
        out.write(piece)


def beginning(path: Path, packing: Packing, size: int) -> bytes:
    """The first `size` bytes of a file without its packing; as far as there are any."""
    first = b""
    with path.open("rb") as file:
        stream = unpacked(file, packing)
        while len(first) < size:
            try:
                piece = stream.read1(size - len(first))
            except BROKEN:
                break
            if not piece:
                break
            first += piece
    return first


def names_of(captures: Sequence[Path]) -> str:
    """Captures as a message names them."""
    shown = [str(path) for path in captures[:_NAMES_SHOWN]]
    more = len(captures) - len(shown)
    return " and ".join(shown) + (f" and {more} more" if more else "")


_NAMES_SHOWN = 4


def no_capture(path: Path | str, complaint: str) -> UsageError:
    """tshark could not take the file at all."""
    said = complaint.removeprefix("tshark: ").rstrip(".")
    return UsageError(f"{path} is no capture that tshark can read ({said}): {_WIRE}")


def may_be_sealed(capture: Path) -> bool:
    """Whether anything in a capture that is not packed looks like an encrypted message."""
    if not capture.stat().st_size:
        return False
    with capture.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(SEALED) >= 0


_NO_WORK = {
    command_name(command)
    for command in (
        Command.NEGOTIATE, Command.SESSION_SETUP, Command.LOGOFF, Command.TREE_CONNECT,
        Command.TREE_DISCONNECT, Command.ECHO, Command.CANCEL, Command.OPLOCK_BREAK,
    )
}  # fmt: skip
"""What says nothing of files. Samba tells of breaks in the clear, also where all else is encrypted."""


def check_content(
    captures: Mapping[Path, Format],
    commands: Mapping[str, int],
    counts: Counter[str],
    packets: Callable[[], int],
    keys: str,
) -> None:
    """UsageError where nothing was readable, with the reason and what to do.

    `captures` are as they are called, `packets` says, where it matters, how many of them hold any packet;
    `keys` says what becomes of the keys that were given, or which to give.
    """
    name = names_of([*captures])
    exchanges = sum(commands.values())
    if counts["sealed_messages"] and not commands.keys() - _NO_WORK:
        encrypted = f"all SMB traffic in {name} is encrypted ({counts['sealed_messages']:,} messages)"
        if counts["snapped"]:
            raise UsageError(
                f"{encrypted}, and the snap length has cut {counts['snapped']:,} packets: no key opens a "
                f"message that is cut; capture again without, {_CAPTURE}, and {keys}"
            )
        raise UsageError(f"{encrypted}: {keys}")
    if exchanges:
        return
    if counts["orphan_responses"] and not counts["smb1_frames"]:
        raise UsageError(
            f"{name} holds {counts['orphan_responses']} SMB2 responses and not one request: "
            "capture both directions, with the connection's start"
        )
    if counts["smb1_frames"]:
        raise UsageError(
            f"{name} holds SMB1 only ({counts['smb1_frames']} frames), which cannot be replayed: "
            "capture clients that speak SMB2 or SMB3"
        )
    if counts["snapped"]:
        raise UsageError(
            f"of {name} nothing can be read: {counts['snapped']:,} packets are cut short by the snap length, "
            f"ahead of what a message says; capture again without, {_CAPTURE}"
        )
    if counts["damaged_packets"]:
        raise UsageError(
            f"of {name} nothing can be read: {counts['damaged_packets']:,} packets are of an interface that "
            f"the file does not describe, or from a time that cannot be; {_WIRE}"
        )
    if not packets() and counts["cut_short"]:
        raise UsageError(f"{name} breaks off, or is damaged, ahead of its first packet: {_WIRE}")
    if not packets():
        if all(found is Format.OTHER for found in captures.values()):
            raise UsageError(f"{name} holds no packets, if it is a capture at all: {_WIRE}")
        raise UsageError(f"the capture {name} has no packets: capture again, {_CAPTURE}")
    raise UsageError(
        f"{name} holds no SMB2 or SMB3 traffic: capture on port 445, or name the server's port with --port"
    )
