"""The direct decoder: the messages of a connection → exchanges, for SMB2 in the clear.

What it cannot open it hands over, by connection: tshark reads what is encrypted (where there are keys) or
compressed, and the names of users that Kerberos tells (in a ticket, where there is a keytab; or by way of the
server).
"""

from __future__ import annotations

from dataclasses import dataclass

from smbench.capture.collect import Collector
from smbench.capture.connections import Connection, Key, Reason
from smbench.capture.framing import Message, Packet
from smbench.capture.ntlm import identity
from smbench.capture.pairing import Pairing
from smbench.capture.pdus import LIMIT, LIMITS, Pdu, Sealed
from smbench.capture.resync import COMPRESSED, LEAST_CUT, SEALED, SEALED_HEADER, SESSION_ID, SMB1, SMB2
from smbench.smb2.constants import HEADER_BYTES
from smbench.trace.model import Command

_ORIGINS = (b"1", b"2")
"""Messages one after the other are of different origins: a compound that broke off does not go on."""
_IAKERB = bytes.fromhex("06062b0601050205")
"""The OID of Kerberos by way of the server, as macOS clients use it: it names the user in the clear."""
_SESSION_SETUP_REQUEST = Command.SESSION_SETUP * 2


@dataclass(frozen=True, slots=True)
class Opens:
    """What tshark could open: whether there are keys, and a keytab among them."""

    keys: bool = False
    keytab: bool = False


def _kind(header: bytes | bytearray) -> int:
    """command * 2 + (1 for a response)."""
    return int.from_bytes(header[12:14], "little") * 2 + (int.from_bytes(header[16:17]) & 1)


def kept(header: bytes, size: int) -> int:
    """How many of a message's bytes are needed, judged by its header."""
    if header[:4] in (SEALED, SMB1):
        return min(size, HEADER_BYTES)
    compound = header[20:24] != b"\0\0\0\0"
    if header[:4] != SMB2 or len(header) < HEADER_BYTES or compound:
        return size
    return min(size, LIMITS.get(_kind(header), LIMIT))


class Conversation(Connection):
    """A connection whose exchanges go to a collector."""

    def __init__(self, collector: Collector, opens: Opens, client: bytes, server: bytes, key: Key) -> None:
        super().__init__(kept, client, server, key)
        self._collector = collector
        self._opens = opens
        self._pairing: Pairing | None = None
        self._smb1_frame = -1
        self._origin = False

    def message(self, message: Message) -> None:
        """What one length framed, of either direction."""
        magic = bytes(message.data[message.start : message.start + 4])
        if self.reason is not None:
            return
        if message.holes and message.holes[0][0] < len(SMB2):
            self.counts["lost_messages"] += 1
        elif magic == SMB2:
            self._chain(message)
        elif magic == SEALED:
            self._sealed(message)
        elif magic == COMPRESSED:
            self.reason = Reason.COMPRESSED
        elif magic == SMB1:
            self.counts["smb1_frames"] += message.packet.frame != self._smb1_frame
            self._smb1_frame = message.packet.frame
        else:
            self.counts["malformed"] += 1

    def end(self) -> None:
        """No more packets."""
        super().end()
        if self.reason is not None:
            if self.number >= 0:
                self._collector.forgotten.add(self.number)
        elif self._pairing is None:
            # What never spoke SMB2 lacks nothing of it; what is cut short may have spoken it.
            for name in ("smb1_frames", "snapped", "lost_messages"):
                self._collector.facts.counts[name] += self.counts[name]
        else:
            self._collector.finish(self._pairing)
            self._collector.facts.lack(self.number, self.counts)

    def _begin(self, packet: Packet) -> Pairing:
        if self._pairing is None:
            self.number = self._collector.connect(self.ends, True, packet.time_ns)
            self._pairing = Pairing(self.number)
        return self._pairing

    def _chain(self, message: Message) -> None:
        """The messages of a compound, each from where the one before says ([MS-SMB2] 3.2.4.1.4)."""
        data, at, stop = message.data, message.start, message.start + message.size
        self._origin = not self._origin
        holes = [(message.start + first, message.start + last) for first, last in message.holes]
        while True:
            header = data[at : at + HEADER_BYTES]
            following = int.from_bytes(header[20:24], "little")
            if following and not HEADER_BYTES <= following < stop - at:
                self.counts["malformed"] += 1
                following = 0
            end = min(at + (following or stop - at), at + LIMITS.get(_kind(header), LIMIT), message.end)
            hole = next((first for first, last in holes if last > at), end)
            if hole < at + LEAST_CUT:
                self.counts["lost_messages" if holes else "malformed"] += 1
                return
            self.counts["cut_messages"] += hole < end
            kept = min(hole, end) - at
            if SESSION_ID.start < kept < SESSION_ID.stop:
                # Half an id is another one's.
                kept = SESSION_ID.start
            self._pdu(bytes(data[at : at + kept]), message.packet)
            if not following or self.reason is not None:
                return
            at += following

    def _pdu(self, data: bytes, packet: Packet) -> None:
        pairing = self._begin(packet)
        who = None
        if _kind(data) == _SESSION_SETUP_REQUEST:
            who = identity(data)
            if _IAKERB in data:
                self.names = Reason.KERBEROS
        self.use_session(data)
        for paired in pairing.message(Pdu(*packet, b"", _ORIGINS[self._origin], data, who)):
            if self._opens.keytab and getattr(paired.exchange.request, "mechanism", None) == "krb5":
                self.names = Reason.KERBEROS
            self._collector.complete(paired)

    def _sealed(self, message: Message) -> None:
        if self._opens.keys:
            self.reason = Reason.ENCRYPTED
            return
        self._begin(message.packet)
        hole = message.start + message.holes[0][0] if message.holes else message.end
        header = message.data[message.start : min(hole, message.start + SEALED_HEADER)]
        session_id = self.use_session(header)
        self._collector.facts.sealed(self.number, Sealed(message.packet.time_ns, b"", session_id))
        self._collector.facts.counts["sealed_messages"] += 1
