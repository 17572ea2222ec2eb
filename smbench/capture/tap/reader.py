"""The lines of one tap → exchanges, facts and counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from smbench.capture.collect import Collector
from smbench.capture.pairing import Pairing
from smbench.capture.pdus import Pdu, Sealed, Stream
from smbench.capture.segments import SMB_PORTS
from smbench.capture.tap.protocol import End, Frame, Lack, Place, read_lines
from smbench.smb2.constants import FLAGS_SERVER_TO_REDIR

_GRADES = {
    "tcp_gaps": "tcp_gaps", "malformed": "malformed", "snapped": "snapped", "smb1": "smb1_frames",
    "damaged": "damaged_packets",
}  # fmt: skip
"""What lines count, as the trace's grade calls it."""


class TapReader:
    """Reads the connections of one tshark; `ends` are the real ones of those that have others for it."""

    def __init__(self, collector: Collector, ends: Mapping[str, Stream]) -> None:
        self._collector = collector
        self._real_ends = ends
        self._ends: dict[bytes, Stream] = {}
        self._pairings: dict[bytes, Pairing] = {}
        self._numbers: dict[bytes, int] = {}
        self._frame = self._opened = 0
        self.shown = self.done = 0
        """The last frame that had a message, and the last of all, as far as each is told: by their numbers in
        the file."""

    def read(self, lines: Iterable[bytes], place: Place) -> None:
        """All lines of a run."""
        facts = self._collector.facts

        def counted(frame: int) -> tuple[int, int]:
            self._opened += frame != self._frame
            self._frame = self.shown = frame
            return place(frame)

        for line in read_lines(lines, counted):
            if isinstance(line, Pdu):
                self._message(line)
            elif isinstance(line, Stream):
                self._ends[line.stream] = line
            elif isinstance(line, Sealed):
                self._begin(line.stream, self._ends[line.stream].destination_port in SMB_PORTS, line.time_ns)
                facts.sealed(self._numbers[line.stream], line)
                facts.counts["sealed_messages"] += 1
                self._opened += 1
            elif isinstance(line, Lack):
                # What a connection lacks that was written for tshark is known to who wrote it.
                if line.what != "snapped" or self._real(line.stream) is None:
                    facts.counts[_GRADES[line.what]] += line.number
            elif isinstance(line, Frame):
                self.done = line.number
            elif isinstance(line, End):
                facts.counts["unreadable"] += line.failed

    def finish(self, messages: int = 0) -> None:
        """No more lines; `messages` of what was written for the run, each in a frame of its own."""
        # What tshark has no decompression for is not in its lines.
        self._collector.facts.counts["unreadable"] += max(0, messages - self._opened)
        for pairing in self._pairings.values():
            self._collector.finish(pairing)

    def _message(self, pdu: Pdu) -> None:
        pairing = self._pairings.get(pdu.stream)
        if pairing is None:
            self._begin(pdu.stream, not (pdu.data[16:17] or b"\0")[0] & FLAGS_SERVER_TO_REDIR, pdu.time_ns)
            pairing = self._pairings[pdu.stream] = Pairing(self._numbers[pdu.stream])
        for paired in pairing.message(pdu):
            self._collector.complete(paired)

    def _real(self, stream: bytes) -> Stream | None:
        ends = self._ends.get(stream)
        return ends and (self._real_ends.get(ends.source) or self._real_ends.get(ends.destination))

    def _begin(self, stream: bytes, from_client: bool, time_ns: int) -> None:
        if stream not in self._numbers:
            ends, real = self._ends[stream], self._real(stream)
            self._numbers[stream] = self._collector.connect(
                real or ends, real is not None or from_client, time_ns
            )
