"""One direction's bytes, in order and with holes → the messages in them.

Each has four bytes of length ahead ([MS-SMB2] 2.1).

A hole inside a message costs that message what stood there, and no other: where it ends is known. A hole that
swallowed a boundary costs what stood in it; the next message is found by what its header has to be.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple, Protocol

SMB2, SEALED, COMPRESSED, SMB1 = b"\xfeSMB", b"\xfdSMB", b"\xfcSMB", b"\xffSMB"
"""First bytes of what SMB sends ([MS-SMB2] 2.2.1, 2.2.41, 2.2.42; [MS-CIFS] 2.2.3.1)."""
_MAGICS = (SMB2, SEALED, COMPRESSED, SMB1)
_PREFIX = 4
_HEADER = 64
_LEAST = _PREFIX + _HEADER
"""Bytes by which a message is judged: its length and its header."""
_SESSION_SERVICE = (0x81, 0x82, 0x83, 0x84, 0x85)
"""What else NetBIOS frames on port 139 ([RFC 1002] 4.3.1)."""
_LAST_COMMAND = 0x12
_LARGEST_HOLE = 1 << 16
"""Bytes behind which nothing of a message is kept."""
_LARGEST_QUESTION = 1 << 18
"""Bytes that are held of what may be a message, until what follows tells."""
_WITHOUT_SESSION = (0x00, 0x01, 0x0D, 0x12)
"""NEGOTIATE, SESSION_SETUP, ECHO, OPLOCK_BREAK: their session id may be 0 or one that was not seen before."""
_FLAG_RESPONSE = 1
_ALGORITHMS = range(6)
"""Of compression ([MS-SMB2] 2.2.3.1.3)."""
SEALED_HEADER = 52
"""Bytes of the header ahead of what is encrypted; the session id is its end."""


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
        "_from_server", "_have", "_holes", "_keep", "_kept", "_limit", "_open_question", "_packet", "_reader",
        "_size",
        "_synchronised", "_tail",
    )  # fmt: skip

    def __init__(self, reader: Reader, limit: Callable[[bytes, int], int], from_server: bool) -> None:
        self._reader = reader
        self._limit = limit
        self._from_server = from_server
        self._synchronised = False
        self._tail = b""
        """The end of what was searched in vain, where a message may begin."""
        self._open_question = 0
        """Where, in what was searched, something begins that is a message if one follows it."""
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
        if self._size == 0 and len(self._kept) >= _PREFIX and self._synchronised:
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
        self._kept.clear()
        self._have = 0
        self._tail = b""
        if self._synchronised:
            self._synchronised = False
            self._reader.unreadable("resynchronised")

    def end(self) -> None:
        """Nothing comes any more, and a message that is not whole will not be: what there is of it counts."""
        if self._size and self._packet is not None:
            self._hole(self._size - self._have)
            self._finish(self._packet)

    def forget(self) -> None:
        """The stream has ended, and nobody is told of it any more."""
        del self._reader

    def _begin(self, data: bytes, start: int, end: int, packet: Packet) -> int:
        """At a boundary: the message or the piece of one that begins at `start`; where the next one does."""
        if end - start < _PREFIX + 4:
            self._kept += data[start:end]
            return end
        kind, size = data[start], _PREFIX + int.from_bytes(data[start + 1 : start + 4], "big")
        if kind in _SESSION_SERVICE:
            size = _PREFIX + (size - _PREFIX & 0x1FFFF)
        elif kind:
            self._reader.unreadable("malformed")
            self._synchronised = False
            self._tail = b""
            return start + 1
        stop = start + size
        if stop <= end:
            if kind == 0 and size > _PREFIX:
                whole = Message(data, start + _PREFIX, stop, size - _PREFIX, (), packet, self._from_server)
                self._reader.message(whole)
            return stop
        if end - start < _LEAST and end - start < size:
            self._kept += data[start:end]
            # Judged again when the header is there.
            return end
        self._open(data, start, end, size, packet)
        return end

    def _open(self, data: bytes, start: int, end: int, size: int, packet: Packet) -> None:
        """A message of which there are `data[start:end]` so far."""
        self._size, self._have, self._holes, self._packet = size, end - start, [], packet
        self._keep = _PREFIX + self._limit(data[start + _PREFIX : start + _LEAST], size - _PREFIX)
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
            if len(joined) < _LEAST and len(joined) < self._framed(joined):
                self._kept += joined
                return end, data, end
            return self._begin(joined, 0, len(joined), packet), joined, len(joined)
        joined = self._tail + data[start:end]
        found = self._find(joined, len(self._tail))
        if found < 0:
            self._tail = joined[min(self._open_question, max(0, len(joined) - _LEAST + 1)) :]
            return end, data, end
        self._tail = b""
        self._synchronised = True
        return found, joined, len(joined)

    @staticmethod
    def _framed(data: bytes) -> int:
        """How long the message is that begins here; where that is not said yet, longer than it is there."""
        return _PREFIX + int.from_bytes(data[1:4], "big") if len(data) >= _PREFIX else len(data) + 1

    def _find(self, data: bytes, boundary: int) -> int:
        """Where the first message begins in bytes that follow nothing known; -1: nowhere yet.

        A file may hold SMB, too: a message is of a session that the connection is known to have, or one of
        those that need none and begins where the packet does, at `boundary`. Where no session is known yet,
        it begins or ends with the packet, or another one follows it: that may have to be waited for.
        """
        self._open_question = len(data)
        at = data.find(b"SMB", 5)
        while at >= 0:
            start = at - 5
            if self._credible(data, start, start == boundary):
                # What ended before this packet did so at a time that is not known any more.
                following = start + _PREFIX + int.from_bytes(data[start + 1 : start + 4], "big")
                return following if following < boundary else start
            at = data.find(b"SMB", at + 1)
        return -1

    def _credible(self, data: bytes, start: int, of_packet: bool) -> bool:
        size = int.from_bytes(data[start + 1 : start + 4], "big")
        header = data[start + _PREFIX : start + _LEAST]
        magic = header[:4]
        if data[start] or len(header) < min(_HEADER, size):
            return False
        if magic == SMB1:
            return of_packet and size >= 35
        if magic == COMPRESSED:
            # Its session stands in what is compressed.
            algorithm, flags = struct.unpack_from("<HH", header, 8) if size > 16 else (-1, -1)
            return algorithm in _ALGORITHMS and flags <= 1 and self._stands(data, start, size, of_packet)
        if magic == SEALED:
            known = size > SEALED_HEADER and self._reader.known_session(
                int.from_bytes(header[44:52], "little")
            )
            return known if known is not None else self._stands(data, start, size, of_packet)
        if magic != SMB2 or size < _HEADER + 2:
            return False
        structure, command, flags, following, session_id = _FIELDS.unpack(header)
        if (
            structure != _HEADER
            or command > _LAST_COMMAND
            or not (following == 0 or (following % 8 == 0 and _HEADER < following < size))
            or bool(flags & _FLAG_RESPONSE) != self._from_server
        ):
            return False
        known = self._reader.known_session(session_id)
        if known is None:
            return self._stands(data, start, size, of_packet)
        return known or (of_packet and command in _WITHOUT_SESSION)

    def _stands(self, data: bytes, start: int, size: int, of_packet: bool) -> bool:
        """Whether what may be a message stands where messages do, and not within something else."""
        following = start + _PREFIX + size
        if of_packet or following == len(data):
            return True
        if len(data) < following + _PREFIX + 4:
            if size <= _LARGEST_QUESTION:
                self._open_question = min(self._open_question, start)
            return False
        return data[following] == 0 and data[following + _PREFIX : following + _PREFIX + 4] in _MAGICS

    def _hole(self, count: int) -> None:
        start = self._have - _PREFIX
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
            made = Message(kept, _PREFIX, len(kept), size - _PREFIX, holes, packet, self._from_server)
            self._reader.message(made)


_FIELDS = struct.Struct("<4xH6xH2xII16xQ16x")
"""StructureSize, Command, Flags, NextCommand, SessionId ([MS-SMB2] 2.2.1)."""
