"""One direction of a connection: segments in any order → bytes in order, and what the capture lacks.

A segment that is ahead waits for what comes before it, but no longer once the other side has acknowledged
what is missing: it got there, and the capture will not have it. Where nobody does, patience has an end.
"""

from __future__ import annotations

from bisect import insort
from collections import deque

from smbench.capture.framing import Framing, Packet

_HALF, _WHOLE = 1 << 31, 1 << 32
_PATIENCE = 128
"""Packets of the connection behind the acknowledgement of what is missing: several queues shuffle them."""
_MOST_WAITING = 4096
_MOST_BYTES = 32 << 20
"""What waits, in segments and in bytes, before it is done without what is missing."""
_AT_FIRST = 8
"""Segments that are looked at before a stream whose beginning is not in the capture is taken to begin."""
_FAR = 1 << 26
"""Further back than anything is sent again: not this stream any more, where three such segments agree."""
_AGREE = 3
_MOST_LACKING = 64
_LATE_SYN = 1 << 20
"""Bytes of a stream that may be captured ahead of its SYN."""


class Direction:
    """The segments of one direction, by sequence number; the bytes go to a `Framing`."""

    __slots__ = (
        "_acknowledged", "_bytes", "_first", "_framing", "_given_up", "_lacking", "_late", "_next",
        "_started", "_waiting", "begun", "gaps", "late", "snapped", "strays",
    )  # fmt: skip

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._next = 0
        """Of the byte that is expected; grows beyond 32 bits."""
        self._first = 0
        """Of the byte that the stream was taken to begin with."""
        self._started = False
        self._waiting: list[tuple[int, int, bytes, Packet]] = []
        """(where in the stream, bytes on the wire, those that were captured, packet), in order."""
        self._bytes = 0
        self._acknowledged = -1
        self._given_up = -1
        """Up to here nothing is waited for any more, once `_late` has run out."""
        self._late = 0
        self.begun = -1
        """The sequence number of the SYN; -1: not seen."""
        self.strays: list[tuple[int, bytes, int, Packet]] = []
        """Segments that are far behind, each following the one before: (number, captured, bytes, packet)."""
        self._lacking: deque[tuple[int, int]] = deque(maxlen=_MOST_LACKING)
        """What was given up, from where to where; the newest."""
        self.late = 0
        """Segments that came when they were given up."""
        self.gaps = 0
        """Places at which the capture lacks bytes."""
        self.snapped = 0
        """Segments that the capture has cut."""

    def begin(self, sequence: int) -> None:
        """A SYN: the stream begins behind it."""
        self.begun = sequence
        if not self._started:
            self._started = True
            self._next = self._first = _WHOLE + sequence + 1
            # What was captured ahead of the SYN; its numbers may have begun anew behind it.
            self._waiting = sorted(
                (self._next + self._ahead(at), length, data, packet)
                for at, length, data, packet in self._waiting
            )
            self._framing.begin()
            self._deliver_waiting(None)

    def begins_again(self, sequence: int) -> bool:
        """Whether a SYN with this number is of another stream with the same addresses."""
        if self.begun >= 0:
            return sequence != self.begun
        if not self._started and not self._waiting:
            return False
        first = self._first if self._started else self._waiting[0][0]
        # One that was captured late begins what came before it; any other number is of another stream.
        return (first - sequence - 1) % _WHOLE > _LATE_SYN

    def settle(self) -> None:
        """The other side answers: a stream whose beginning is not in the capture begins with what is here."""
        if not self._started and self._waiting:
            self._start()

    @property
    def waits(self) -> bool:
        """Whether a segment waits for what comes before it."""
        return bool(self._waiting)

    def segment(self, sequence: int, data: bytes, start: int, end: int, length: int, packet: Packet) -> bool:
        """A segment with `length` bytes on the wire, of which `data[start:end]` were captured.

        False: it can only be of another stream with the same addresses, as those in `strays` before it.
        """
        if start + length > end:
            self.snapped += 1
        if not self._started:
            self._wait_at_first(sequence, data[start:end], length, packet)
            return True
        ahead = self._ahead(sequence)
        if ahead == 0:
            self._deliver(data, start, end, length, packet)
            if self._waiting:
                self._late = 0
                self._deliver_waiting(packet)
        elif ahead > 0:
            self._insert(self._next + ahead, length, data[start:end], packet)
        elif -ahead < length:
            self._deliver(data, min(start - ahead, end), end, length + ahead, packet)
            self._deliver_waiting(packet)
        elif ahead <= -_FAR:
            return not self._agree(sequence, data[start:end], length, packet)
        else:
            self._note_old(self._next + ahead, length)
        return True

    def _note_old(self, at: int, length: int) -> None:
        """What was sent again costs nothing; what had been given up, or is ahead of all others, is lost."""
        if at < self._first or any(first < at + length and at < last for first, last in self._lacking):
            self.late += 1

    def _agree(self, sequence: int, data: bytes, length: int, packet: Packet) -> bool:
        """Whether segments that are far behind follow each other."""
        if self.strays and sequence != (self.strays[-1][0] + self.strays[-1][2]) % _WHOLE:
            self.strays.clear()
        self.strays.append((sequence, data, length, packet))
        return len(self.strays) >= _AGREE

    def acknowledge(self, number: int) -> None:
        """The other side has all bytes before sequence number `number`."""
        if self._started:
            self._acknowledged = max(self._acknowledged, self._next + self._ahead(number))

    def wait(self) -> None:
        """Another packet of the connection has passed; something may wait in vain."""
        if not self._started:
            return
        first = self._waiting[0][0]
        # Of a capture of one direction only, no acknowledgement tells what is lost.
        most = _PATIENCE if self._acknowledged < 0 else _MOST_WAITING
        if len(self._waiting) > most or self._bytes > _MOST_BYTES:
            self._give_up()
        elif self._given_up >= first:
            self._late += 1
            if self._late > _PATIENCE:
                while self._waiting and self._waiting[0][0] <= self._given_up:
                    self._give_up()
                self._given_up = -1
        elif self._acknowledged >= first:
            self._given_up, self._late = self._acknowledged, 0

    def end(self) -> None:
        """Nothing comes any more: what waits is taken as it is."""
        self.settle()
        while self._waiting:
            self._give_up()
        # With cut packets no message is whole; else the one that the capture breaks off in never ended.
        self._framing.end(self.snapped > 0)

    def forget(self) -> None:
        """The stream has ended, and nothing of it is needed any more."""
        self._framing.forget()

    def _wait_at_first(self, sequence: int, data: bytes, length: int, packet: Packet) -> None:
        at = sequence + _WHOLE
        if self._waiting and abs(apart := at - self._waiting[0][0]) > _HALF:
            at -= _WHOLE if apart > 0 else -_WHOLE
        self._insert(at, length, data, packet)
        if len(self._waiting) >= _AT_FIRST:
            self._start()

    def _start(self) -> None:
        self._started = True
        self._next = self._first = self._waiting[0][0]
        self._deliver_waiting(None)

    def _insert(self, at: int, length: int, data: bytes, packet: Packet) -> None:
        insort(self._waiting, (at, length, data, packet))
        self._bytes += len(data)

    def _ahead(self, sequence: int) -> int:
        distance = (sequence - self._next) % _WHOLE
        return distance - _WHOLE if distance >= _HALF else distance

    def _give_up(self) -> None:
        at, _, _, packet = self._waiting[0]
        self.gaps += 1
        self._lacking.append((self._next, at))
        self._framing.lack(at - self._next, packet)
        self._next = at
        self._deliver_waiting(None)

    def _deliver_waiting(self, filler: Packet | None) -> None:
        """What follows without a gap; what had to wait for `filler` did not get there before it."""
        taken = 0
        for at, length, data, packet in self._waiting:
            if at > self._next:
                break
            taken += 1
            self._bytes -= len(data)
            old = self._next - at
            if old < length:
                if filler is not None and filler.time_ns > packet.time_ns:
                    packet = filler
                self._deliver(data, min(old, len(data)), len(data), length - old, packet)
        del self._waiting[:taken]

    def _deliver(self, data: bytes, start: int, end: int, length: int, packet: Packet) -> None:
        self._next += length
        if start < end:
            self._framing.feed(data, start, end, packet)
        if (cut := length - max(0, end - start)) > 0:
            self._framing.lack(cut, packet)
