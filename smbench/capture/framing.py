"""One direction's bytes, in order and with holes → the messages in them.

Each has four bytes of length ahead ([MS-SMB2] 2.1).

A hole inside a message costs that message what stood there, and no other: where it ends is known. A hole that
swallowed a boundary costs what stood in it; the next message is found by what its header has to be
(`resync.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from smbench.capture.resync import LEAST, MAGICS, PREFIX, Verdict, find, judge

_SESSION_SERVICE = (0x81, 0x82, 0x83, 0x84, 0x85)
"""What else NetBIOS frames on port 139 ([RFC 1002] 4.3.1)."""
_LARGEST_HOLE = 1 << 16
"""Bytes behind which nothing of a message is kept."""
_PROVEN = 3
"""Messages one behind the other by which the first is one."""


class Packet(NamedTuple):
    """Where a message ended in the captures, and when that was."""

    capture: int
    frame: int
    time_ns: int


class Message(NamedTuple):
    """What one length framed: `data[start:end]` as far as it was kept, of `size` bytes on the wire.

    `holes` are what the capture lacks of it, as (from, to) offsets from its start; the bytes there are zeros.
    """

    data: bytes | bytearray
    start: int
    end: int
    size: int
    holes: tuple[tuple[int, int], ...]
    packet: Packet
    from_server: bool


class Reader(Protocol):
    """Who takes the messages of one direction."""

    def message(self, message: Message) -> None: ...
    def unreadable(self, what: str) -> None:
        """Bytes that are no message (`malformed`), or lost with a boundary (`resynchronised`)."""

    def known_session(self, session_id: int) -> bool | None:
        """Whether the connection has used this session id; None: it has used none so far."""


class Framing:
    """Cuts a direction's bytes into messages; `limit` says how many bytes of one are kept, by its header."""

    __slots__ = (
        "_boundary", "_from_server", "_have", "_holes", "_keep", "_kept", "_limit", "_of_packet", "_packet",
        "_probation", "_reader", "_size", "_synchronised", "_tail",
    )  # fmt: skip

    def __init__(self, reader: Reader, limit: Callable[[bytes, int], int], from_server: bool) -> None:
        self._reader = reader
        self._limit = limit
        self._from_server = from_server
        self._synchronised = False
        self._tail = b""
        """The end of what was searched in vain, where a message may begin."""
        self._boundary = -1
        """Where in it a packet begins; negative: before it."""
        self._probation: list[Message] | None = None
        """What may be messages, until there are enough of them."""
        self._of_packet = False
        """The first of them begins with its packet."""
        self._kept = bytearray()
        self._size = 0
        """Of the message that is being read, its length's four bytes included; 0: not known yet."""
        self._have = 0
        self._keep = 0
        self._holes: list[tuple[int, int]] = []
        self._packet: Packet | None = None
        """The last one that brought a piece of it."""

    def begin(self) -> None:
        """The stream's first byte is next: a message begins there."""
        self._synchronised = True

    def feed(self, data: bytes, start: int, end: int, packet: Packet) -> None:
        """The next bytes, which came with the packet at `packet`."""
        while start < end:
            if self._size:
                start = self._continue(data, start, end, packet)
            elif self._kept or not self._synchronised:
                start, data, end = self._judge(data, start, end, packet)
            else:
                start = self._begin(data, start, end, packet)

    def lack(self, count: int, packet: Packet) -> None:
        """The next `count` bytes are not in the capture."""
        if not self._synchronised and self._boundary >= 0:
            self._judge_what_is_cut()
        if self._size == 0 and len(self._kept) >= PREFIX and self._synchronised:
            kept = bytes(self._kept)
            self._open(kept, 0, len(kept), self._framed(kept), packet)
        left = self._size - self._have
        if self._size and count <= left:
            self._hole(count)
            if count == left:
                self._finish(packet)
            return
        if self._size:
            self._hole(left)
            self._finish(packet)
        self._settle()
        self._kept.clear()
        self._have = 0
        self._search(b"", -1)
        if self._synchronised:
            self._synchronised = False
            self._reader.unreadable("resynchronised")

    def end(self, cut: bool) -> None:
        """Nothing comes any more; what there is of a message counts, not whole, if packets are `cut`."""
        if cut and self._size and self._packet is not None:
            self._hole(self._size - self._have)
            self._finish(self._packet)
        self._settle()

    def forget(self) -> None:
        """The stream has ended, and nobody is told of it any more."""
        del self._reader

    def _begin(self, data: bytes, start: int, end: int, packet: Packet) -> int:
        """At a boundary: the message or the piece of one that begins at `start`; where the next one does."""
        if end - start < PREFIX + 4:
            self._kept += data[start:end]
            return end
        kind, size = data[start], PREFIX + int.from_bytes(data[start + 1 : start + 4], "big")
        if kind in _SESSION_SERVICE:
            size = PREFIX + (size - PREFIX & 0x1FFFF)
        elif kind or (size > PREFIX and data[start + PREFIX : start + PREFIX + 4] not in MAGICS):
            self._refuse()
            return start + 1
        stop = start + size
        if stop <= end:
            if kind == 0 and size > PREFIX:
                whole = Message(data, start + PREFIX, stop, size - PREFIX, (), packet, self._from_server)
                self._deliver(whole)
            return stop
        if end - start < LEAST and end - start < size:
            self._kept += data[start:end]
            # Judged again when the header is there.
            return end
        self._open(data, start, end, size, packet)
        return end

    def _open(self, data: bytes, start: int, end: int, size: int, packet: Packet) -> None:
        """A message of which there are `data[start:end]` so far."""
        self._size, self._have, self._holes, self._packet = size, end - start, [], packet
        self._keep = PREFIX + self._limit(data[start + PREFIX : start + LEAST], size - PREFIX)
        self._kept = bytearray(data[start : min(end, start + self._keep)])

    def _continue(self, data: bytes, start: int, end: int, packet: Packet) -> int:
        taken = min(end - start, self._size - self._have)
        missing = self._keep - len(self._kept)
        if missing > 0:
            self._kept += data[start : start + min(taken, missing)]
        self._have += taken
        self._packet = packet
        if self._have == self._size:
            self._finish(packet)
        return start + taken

    def _judge(self, data: bytes, start: int, end: int, packet: Packet) -> tuple[int, bytes, int]:
        """With what was left over from the packet before; where to go on, and in which bytes."""
        if self._synchronised:
            joined = bytes(self._kept) + data[start:end]
            self._kept.clear()
            if len(joined) < LEAST and len(joined) < self._framed(joined):
                self._kept += joined
                return end, data, end
            return self._begin(joined, 0, len(joined), packet), joined, len(joined)
        joined, boundary = self._tail + data[start:end], len(self._tail)
        found, verdict = find(joined, boundary, self._from_server, self._reader.known_session)
        if found < 0:
            left = max(0, len(joined) - LEAST + 1)
            self._search(joined[left:], boundary - left)
            self._packet = packet
            return end, data, end
        self._accept(verdict, found == boundary)
        return found, joined, len(joined)

    def _judge_what_is_cut(self) -> None:
        """A packet whose header the capture has cut may begin a message all the same."""
        data = self._tail[self._boundary :]
        verdict = judge(data, 0, 0, self._from_server, self._reader.known_session, cut=True)
        if verdict and self._packet is not None:
            self._accept(verdict, True)
            self._open(data, 0, len(data), self._framed(data), self._packet)

    def _search(self, tail: bytes, boundary: int) -> None:
        self._tail, self._boundary = tail, boundary

    def _accept(self, verdict: Verdict, of_packet: bool) -> None:
        self._search(b"", -1)
        self._synchronised = True
        self._probation = None if verdict is Verdict.CERTAIN else []
        self._of_packet = of_packet

    def _refuse(self) -> None:
        """No message begins where one should: the ones before are none either, if that is not known yet."""
        if self._probation is None:
            self._reader.unreadable("malformed")
        self._probation = None
        self._synchronised = False
        self._search(b"", -1)

    def _settle(self) -> None:
        """Nothing will follow what may be messages: what is whole has had nothing behind it that is none."""
        made, self._probation = self._probation or [], None
        if self._of_packet or len(made) > 1 or not any(message.holes for message in made):
            for message in made:
                self._reader.message(message)

    def _deliver(self, message: Message) -> None:
        if self._probation is None:
            self._reader.message(message)
            return
        self._probation.append(message)
        if len(self._probation) >= _PROVEN:
            self._settle()

    @staticmethod
    def _framed(data: bytes) -> int:
        """How long the message is that begins here; where that is not said yet, longer than it is there."""
        return PREFIX + int.from_bytes(data[1:4], "big") if len(data) >= PREFIX else len(data) + 1

    def _hole(self, count: int) -> None:
        start = self._have - PREFIX
        self._holes.append((start, start + count))
        if count > _LARGEST_HOLE:
            # Zeros without end would be kept for what a damaged length says.
            self._keep = len(self._kept)
        missing = self._keep - len(self._kept)
        if missing > 0:
            self._kept += bytes(min(count, missing))
        self._have += count

    def _finish(self, packet: Packet) -> None:
        kept, holes = self._kept, tuple(self._holes)
        size = self._size
        self._kept, self._size, self._have, self._holes = bytearray(), 0, 0, []
        if kept[0] == 0:
            made = Message(kept, PREFIX, len(kept), size - PREFIX, holes, packet, self._from_server)
            self._deliver(made)
