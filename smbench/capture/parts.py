"""Captures made for tshark: packets of other captures, each with the frame that it comes from."""

from __future__ import annotations

import mmap
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smbench.capture.framing import Packet
from smbench.capture.pdus import Stream
from smbench.capture.records import DAMAGED

_FLUSH = 1 << 20
_LARGEST = 262_144
"""Bytes of a packet that Wireshark reads; it refuses a file with a larger one."""
_SECTION = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
_NANOSECONDS = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
"""The option if_tsresol: times count 10^-9 seconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """A capture on disk, and the file of 32-bit frame numbers that its frames had.

    `captures` are two columns, in order: frames of this part before, and the number of the capture from there
    on. By the address of their clients here, `ends` are the real ends of connections, and `numbers` the
    numbers of those that are here for their users' names only.
    """

    path: Path
    frames: Path
    captures: tuple[array[int], array[int]]
    ends: Mapping[str, Stream]
    numbers: Mapping[str, int]
    messages: int = 0
    """Messages in it that tshark may open, each with a frame that ends it."""

    @property
    def count(self) -> int:
        """How many frames it has."""
        return self.frames.stat().st_size // 4

    def place(self) -> Callable[[int], tuple[int, int]]:
        """Frame number in the part → (capture, frame number there)."""
        with self.frames.open("rb") as file:
            numbers = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("I")
        starts, captures = self.captures
        if len(starts) == 1:
            only = captures[0]
            return lambda frame: (only, numbers[frame - 1])
        return lambda frame: (captures[bisect_right(starts, frame - 1) - 1], numbers[frame - 1])


@dataclass(slots=True)
class PartWriter:
    """A part that is being written, as pcapng with an interface for each link type."""

    path: Path
    ends: dict[str, Stream] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    size: int = 0
    """Bytes of packets so far."""
    messages: int = 0
    _interfaces: dict[int, int] = field(default_factory=dict)
    _pending: bytearray = field(default_factory=lambda: bytearray(_SECTION))
    _frames: array[int] = field(default_factory=lambda: array("I"))
    _starts: array[int] = field(default_factory=lambda: array("I"))
    _captures: array[int] = field(default_factory=lambda: array("I"))

    def add(self, packet: Packet, link: int, data: bytes, length: int) -> None:
        """A packet of a link type, of which `data` were captured and `length` bytes sent.

        One that is damaged is left out, and lengths that cannot be are not handed on: tshark reads no part
        of which it refuses a packet.
        """
        if link == DAMAGED:
            return
        data = data[:_LARGEST]
        interface = self._interfaces.get(link)
        if interface is None:
            interface = self._interfaces[link] = len(self._interfaces)
            self._pending += struct.pack("<IIHHI", 1, 32, link, 0, 0) + _NANOSECONDS + struct.pack("<I", 32)
        if not self._captures or self._captures[-1] != packet.capture:
            self._starts.append(len(self._frames))
            self._captures.append(packet.capture)
        self._frames.append(packet.frame)
        padding = -len(data) % 4
        size = 32 + len(data) + padding
        time = max(0, packet.time_ns)
        self._pending += struct.pack(
            "<7I", 6, size, interface, time >> 32, time & 0xFFFFFFFF, len(data), max(len(data), length)
        )
        self._pending += data + bytes(padding) + struct.pack("<I", size)
        self.size += len(data)
        if len(self._pending) > _FLUSH:
            self._flush()

    def finish(self) -> Part | None:
        """The part; None where it has no packets."""
        if not self._frames:
            return None
        self._flush()
        frames = self.path.with_suffix(".frames")
        with frames.open("wb") as file:
            self._frames.tofile(file)
        return Part(self.path, frames, (self._starts, self._captures), self.ends, self.numbers, self.messages)

    def _flush(self) -> None:
        with self.path.open("ab") as file:
            file.write(self._pending)
        self._pending.clear()
