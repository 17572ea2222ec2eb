"""One reader's part of a decode: lines of one tshark → sorted runs of exchanges, facts and counts."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from smbench.capture.facts import Facts
from smbench.capture.lines import End, Lack, Pdu, Place, Sealed, Stream, read_lines
from smbench.capture.packets import SMB_PORTS, ServerPorts
from smbench.capture.pairing import Paired, Pairing
from smbench.capture.wire import FLAG_RESPONSE
from smbench.spill import Sorter
from smbench.trace.model import Connection

_GRADES = {"tcp_gaps": "tcp_gaps", "malformed": "malformed", "snapped": "snapped", "smb1": "smb1_frames"}
"""What the script counts, as the trace's grade calls it."""


class Reader:
    """Reads the connections of one tshark run, the `number`th of `of`: their numbers never meet."""

    def __init__(
        self, folder: Path, number: int = 0, of: int = 1, server_ports: ServerPorts | None = None
    ) -> None:
        self.facts = Facts()
        self.exchanges: Sorter[Paired] = Sorter(folder)
        self._number, self._of = number, of
        self._server_ports = server_ports or {}
        self._ends: dict[bytes, Stream] = {}
        self._pairings: dict[bytes, Pairing] = {}
        self._numbers: dict[bytes, int] = {}

    def read(self, lines: Iterable[bytes], place: Place) -> None:
        """All lines of a run."""
        for line in read_lines(lines, place):
            if isinstance(line, Pdu):
                self._message(line)
            elif isinstance(line, Stream):
                self._ends[line.stream] = line
            elif isinstance(line, Sealed):
                self._begin(line.stream, self._ends[line.stream].destination_port in SMB_PORTS, line.time_ns)
                self.facts.sealed(self._numbers[line.stream], line)
                self.facts.counts["sealed_messages"] += 1
            elif isinstance(line, Lack):
                self.facts.counts[_GRADES[line.what]] += line.number
            elif isinstance(line, End):
                self.facts.counts["unreadable"] += line.failed
        for pairing in self._pairings.values():
            for paired in pairing.unanswered():
                self._complete(paired)
            self.facts.counts.update(pairing.counts)

    def _message(self, pdu: Pdu) -> None:
        pairing = self._pairings.get(pdu.stream)
        if pairing is None:
            self._begin(pdu.stream, not (pdu.data[16:17] or b"\0")[0] & FLAG_RESPONSE, pdu.time_ns)
            pairing = self._pairings[pdu.stream] = Pairing(self._numbers[pdu.stream])
        paired = pairing.message(pdu)
        if paired is not None:
            self._complete(paired)

    def _begin(self, stream: bytes, from_client: bool, time_ns: int) -> None:
        if stream not in self._numbers:
            number = self._numbers[stream] = len(self._numbers) * self._of + self._number
            self.facts.connect(number, self._ends[stream], from_client, time_ns)
            if self._server_ports:
                self._restore_port(self.facts.connections[number])

    def _complete(self, paired: Paired) -> None:
        self.facts.exchange(paired)
        self.exchanges.add(paired)

    def _restore_port(self, connection: Connection) -> None:
        try:
            client = ip_address(connection.client).packed
        except ValueError:
            return
        key = (client, connection.client_port)
        connection.server_port = self._server_ports.get(key, connection.server_port)
