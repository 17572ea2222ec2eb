"""What tshark has to read, written for it: connections that were handed over, packets that are no plain TCP.

A connection's messages go out in order, in segments of their own with nothing missing between them: what
order and loss do to a stream is dealt with in one place (`stream.py`). Of a message in the clear that has
holes goes what is there before them, as a packet that is cut; what is sealed or compressed stays closed then.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Sequence, Set
from pathlib import Path

from smbench.capture.connections import Connection, Connections, HandedOver, Key, Reason
from smbench.capture.disk import cannot_write
from smbench.capture.formats import names_of
from smbench.capture.framing import Message, Packet
from smbench.capture.parts import Part, PartWriter
from smbench.capture.records import DAMAGED, Record
from smbench.capture.resync import COMPRESSED, LEAST_CUT, PREFIX, SEALED, SMB2
from smbench.capture.segments import LINKS, Elsewhere, Segment, Segments
from smbench.capture.sources import AllPackets, Source
from smbench.errors import SetupError
from smbench.smb2.constants import PORT

ELSEWHERE = "elsewhere"
"""The part with what is no plain TCP."""
_RAW_IP = 101
_LARGEST = 60_000
"""Bytes of a message in one made-up segment; an IP packet holds 65,535."""
_SERVER = bytes((10, 255, 255, 254))
_SESSION_SETUP = b"\x01\0"
_KERBEROS = (88).to_bytes(2, "big")


class _Relay(Connection):
    """A connection that is written for tshark under an address of its own, message by message."""

    def __init__(
        self,
        writer: PartWriter | None,
        one: HandedOver | None,
        address: int,
        client: bytes,
        server: bytes,
        key: Key,
    ) -> None:
        super().__init__(_whole, client, server, key)
        self._writer = writer
        self._names_only = one is not None and one.reason is Reason.KERBEROS
        self.reads_all = one is not None and not self._names_only
        """What is lost here is not read elsewhere."""
        self._address = bytes((10, *address.to_bytes(3, "big")))
        self._sent = [1, 1]
        shown = ".".join(map(str, self._address))
        if writer is not None:
            writer.ends[shown] = self.ends
        if writer is not None and one is not None and self._names_only:
            writer.numbers[shown] = one.number

    def message(self, message: Message) -> None:
        """What one length framed, of either direction."""
        data = bytes(message.data[message.start : message.end])
        hole = message.holes[0][0] if message.holes else len(data)
        self.use_session(data[:hole])
        if self._names_only and data[:4] == SMB2 and data[12:14] != _SESSION_SETUP:
            return
        whole = hole == message.size
        if not whole and (data[:4] != SMB2 or hole < LEAST_CUT):
            self.counts["lost_messages"] += 1
            return
        self.counts["cut_messages"] += not whole
        if self._writer is not None:
            self._writer.messages += data[:4] in (SMB2, SEALED, COMPRESSED)
            framed = struct.pack(">I", message.size) + data[:hole]
            if not whole:
                framed = framed[:_LARGEST]
                self._write(self._writer, message, framed, PREFIX + message.size)
                return
            for start in range(0, len(framed), _LARGEST):
                piece = framed[start : start + _LARGEST]
                self._write(self._writer, message, piece, len(piece))

    def _write(self, writer: PartWriter, message: Message, payload: bytes, size: int) -> None:
        """A segment of `size` bytes on the wire, of which `payload` is there."""
        from_server = message.from_server
        ends = [(self._address, 50_000), (_SERVER, PORT)]
        (source, port), (target, other) = reversed(ends) if from_server else ends
        sent, seen = self._sent[from_server], self._sent[not from_server]
        self._sent[from_server] = sent + size & 0xFFFFFFFF
        tcp = struct.pack("!HHIIBBHHH", port, other, sent, seen, 0x50, 0x18, 65535, 0, 0) + payload
        # Longer than an IP packet may be: as what offloading makes, it goes without its length.
        length = 40 + size
        ip = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, length if length < 1 << 16 else 0, 0, 0, 64, 6, 0, source, target
        )
        writer.add(message.packet, _RAW_IP, ip + tcp, length)


def _whole(header: bytes, size: int) -> int:
    del header
    return size


def write_parts(
    sources: Sequence[Source],
    handed_over: Sequence[HandedOver],
    elsewhere: bool,
    parts: int,
    folder: Path,
    ports: frozenset[int],
    progress: Callable[[int], None],
) -> tuple[list[Part], Counter[str]]:
    """Write what was handed over to `parts` captures in `folder`, what only names are wanted of to another,
    and what is no plain TCP to one more.

    Gives those that have packets, and what they lack. SetupError where the disk does not take them.
    """
    writers = [PartWriter(folder / f"handed-over-{number}.pcapng") for number in range(parts)]
    names, other = PartWriter(folder / "names.pcapng"), PartWriter(folder / f"{ELSEWHERE}.pcapng")
    relays = _Relays(handed_over, writers, names)
    kerberos = any(one.reason is Reason.KERBEROS for one in handed_over)
    segments, connections = Segments(ports), Connections(relays.make, ports)
    try:
        for source, frame, data, record in AllPackets(sources, progress):
            at, end, link = record.packet, record.captured, record.link
            packet = Packet(source.number, frame, record.time_ns)
            segment = segments.of(link, data, at, end, record.length)
            if isinstance(segment, Elsewhere):
                if elsewhere:
                    _add(other, packet, data, record, segment)
            elif segment is not None:
                connections.packet(segment, packet)
            if kerberos and (inside := _kerberos(link, data, at, end)):
                for writer in (*writers, names):
                    writer.add(packet, _RAW_IP, data[inside:end], record.length - (inside - at))
        connections.finish()
        made = [writer.finish() for writer in (*writers, names, other)]
    except OSError as error:
        raise _no_copy(folder, sources, error) from None
    return [part for part in made if part is not None], relays.counts()


def write_joined(
    sources: Sequence[Source], ends: Set[bytes], folder: Path, ports: frozenset[int]
) -> Part | None:
    """Write what is no plain TCP once more, and with it all packets of the connections between some `ends`: a
    part of what they carried came by a tunnel, and who reads that has to read the rest.

    SetupError where the disk does not take them.
    """
    writer, segments = PartWriter(folder / "joined.pcapng"), Segments(ports)
    try:
        for source, frame, data, record in AllPackets(sources):
            segment = segments.of(record.link, data, record.packet, record.captured, record.length)
            if segment is not None and (isinstance(segment, Elsewhere) or _goes_between(ends, segment)):
                _add(writer, Packet(source.number, frame, record.time_ns), data, record, segment)
        return writer.finish()
    except OSError as error:
        raise _no_copy(folder, sources, error) from None


def _goes_between(ends: Set[bytes], segment: Segment) -> bool:
    return segment.source + segment.target in ends or segment.target + segment.source in ends


def _add(
    writer: PartWriter, packet: Packet, data: bytes, record: Record, found: Segment | Elsewhere | None = None
) -> None:
    """Add a packet as it was captured, or as what is `found` in it was put together."""
    if isinstance(found, Elsewhere) and found.packet:
        writer.add(packet, _RAW_IP, found.packet, len(found.packet))
    else:
        writer.add(packet, record.link, data[record.packet : record.captured], record.length)


def write_all(
    sources: Sequence[Source], folder: Path, progress: Callable[[int], None]
) -> tuple[Part | None, Counter[str]]:
    """Write the packets of all sources by time to one capture in `folder`; None: they have none.

    With it, what the sources lack. SetupError where the disk does not take it.
    """
    writer, counts = PartWriter(folder / "captures.pcapng"), Counter[str]()
    packets = AllPackets(sources, progress)
    try:
        for source, frame, data, record in packets:
            counts["damaged_packets"] += record.link == DAMAGED
            _add(writer, Packet(source.number, frame, record.time_ns), data, record)
        made = writer.finish()
    except OSError as error:
        raise _no_copy(folder, sources, error) from None
    counts["cut_short"] += packets.cut_short
    return made, counts


def _no_copy(folder: Path, sources: Sequence[Source], error: OSError) -> SetupError:
    what = f"a copy of what tshark has to read of {names_of([source.given for source in sources])}"
    return cannot_write(folder, what, error.errno or 0, str(error))


class _Relays:
    """A relay for every connection that was handed over, each in the part that has least so far."""

    def __init__(
        self, handed_over: Sequence[HandedOver], writers: Sequence[PartWriter], names: PartWriter
    ) -> None:
        self._handed_over: dict[bytes, list[HandedOver]] = {}
        for one in handed_over:
            self._handed_over.setdefault(one.ends, []).append(one)
        self._writers, self._names = writers, names
        self._relays: list[_Relay] = []

    def make(self, client: bytes, server: bytes, key: Key) -> Connection:
        """A relay, or a connection that nobody asks for."""
        known = self._handed_over.get(client + server)
        if known is None:
            made = _Relay(None, None, 0, client, server, key)
            made.reason = Reason.NOT_ASKED
            return made
        # Followed also where only a later connection of the same ends was handed over: else nothing shows
        # where that one begins. Who hands over looks no further, and this may be more than one connection.
        one = next((one for one in known if one.key <= key < one.until), None)
        made = _Relay(self._writer(one), one, len(self._relays), client, server, key)
        self._relays.append(made)
        return made

    def _writer(self, one: HandedOver | None) -> PartWriter | None:
        if one is None:
            return None
        if one.reason is Reason.KERBEROS:
            return self._names
        return min(self._writers, key=lambda writer: writer.size)

    def counts(self) -> Counter[str]:
        """What the connections lack that only tshark reads."""
        return sum(
            (relay.counts for relay in self._relays if relay.reads_all),
            Counter(),
        )


def _kerberos(link: int, data: bytes, at: int, end: int) -> int:
    """Where a packet of the key distribution centre begins, which a keytab opens, too; 0: it is none."""
    if link not in LINKS:
        return 0
    kind, inside = LINKS[link](data, at)
    if kind != b"\x08\x00" or inside + 24 > end or data[inside + 9] not in (6, 17):
        return 0
    ports = inside + (data[inside] & 15) * 4
    return inside if _KERBEROS in (data[ports : ports + 2], data[ports + 2 : ports + 4]) else 0
