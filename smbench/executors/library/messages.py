"""The bodies of SMB2 requests and the parts of responses that an executor needs, as raw bytes. Pure.

The library's typed structures refuse values that they do not know and cost more than the rest of a call
together; bodies made here carry whatever a capture had. Sections are of [MS-SMB2].
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from smbench.smb2.constants import (
    HEADER_BYTES,
    INFO_FILE,
    IOCTL_IS_FSCTL,
    LEASE_FLAG_PARENT_LEASE_KEY_SET,
    NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED,
)
from smbench.trace.model import Command
from smbench.workload.calls import Create

PAYLOAD_BYTES = 65536
"""What one credit pays for (3.2.4.1.5)."""

_CREATE = struct.Struct("<HBBI16xIIIIIHHII")
_READ = struct.Struct("<HBBIQ16sI4x4x4xx")
_WRITE = struct.Struct("<HHIQ16s4x4x4xI")
_IOCTL = struct.Struct("<H2xI16sIIIIIII4x")
_QUERY_DIRECTORY = struct.Struct("<HBB4x16sHHI")
_QUERY_INFO = struct.Struct("<HBBI2x2x4xI4x16sx")
_SET_INFO = struct.Struct("<HBBIH2xI16s")
_LOCK_ELEMENT = struct.Struct("<QQI4x")


@dataclass(frozen=True, slots=True)
class Message:
    """One request: what `smbprotocol.Connection.send` asks of a message, and no more."""

    COMMAND: int
    body: bytes
    answer_bytes: int = 0
    """The most that the response may carry: it counts for the credit charge, as the body does."""

    def pack(self) -> bytes:
        return self.body

    def __len__(self) -> int:
        return len(self.body)

    @property
    def credit_charge(self) -> int:
        """Credits that it costs where the dialect has multi-credit requests (3.1.5.2)."""
        payload = max(len(self.body) if self.COMMAND in _PAYING else 0, self.answer_bytes, 1)
        return (payload - 1) // PAYLOAD_BYTES + 1


_PAYING = frozenset((Command.IOCTL, Command.SET_INFO))
"""Commands whose own payload counts; a WRITE says its length itself."""


def create(name: str, asked: Create, contexts: bytes = b"") -> Message:
    """2.2.13; `name` with backslashes, relative to the share, `contexts` as `create_contexts` made them."""
    encoded = name.encode("utf-16-le", "surrogatepass")
    at = HEADER_BYTES + _CREATE.size
    buffer = encoded or b"\0"
    if contexts:
        buffer = buffer.ljust(-(-len(buffer) // 8) * 8, b"\0")  # they begin at a multiple of 8
    contexts_at = at + len(buffer) if contexts else 0
    head = _CREATE.pack(
        57, 0, asked.oplock, asked.impersonation, asked.access, asked.attributes, asked.share_access,
        asked.disposition, asked.options, at, len(encoded), contexts_at, len(contexts),
    )  # fmt: skip
    return Message(Command.CREATE, head + buffer + contexts)


def close(file_id: bytes, flags: int = 0) -> Message:
    """2.2.15."""
    return Message(Command.CLOSE, struct.pack("<HH4x16s", 24, flags, file_id))


def flush(file_id: bytes) -> Message:
    """2.2.17."""
    return Message(Command.FLUSH, struct.pack("<H6x16s", 24, file_id))


def read(file_id: bytes, offset: int, length: int) -> Message:
    """2.2.19. `struct.error` beyond 64 bits."""
    return Message(Command.READ, _READ.pack(49, 0x50, 0, length, offset, file_id, 0), length)


def write(file_id: bytes, offset: int, data: memoryview | bytes, flags: int = 0) -> Message:
    """2.2.21."""
    head = _WRITE.pack(49, HEADER_BYTES + _WRITE.size, len(data), offset, file_id, flags)
    return Message(Command.WRITE, b"".join((head, data or b"\0")), len(data))


def lock(file_id: bytes, offset: int, length: int, flags: int) -> Message:
    """2.2.26, one element; flags as LOCK_…"""
    return Message(
        Command.LOCK, struct.pack("<HHI16s", 48, 1, 0, file_id) + _LOCK_ELEMENT.pack(offset, length, flags)
    )


def ioctl(file_id: bytes, function: int, data: bytes, answer_bytes: int) -> Message:
    """2.2.31, a file system control."""
    at = HEADER_BYTES + _IOCTL.size
    head = _IOCTL.pack(57, function, file_id, at, len(data), 0, 0, 0, answer_bytes, IOCTL_IS_FSCTL)
    return Message(Command.IOCTL, head + (data or b"\0"), answer_bytes)


def query_directory(file_id: bytes, level: int, flags: int, pattern: str, answer_bytes: int) -> Message:
    """2.2.33."""
    encoded = pattern.encode("utf-16-le", "surrogatepass")
    at = HEADER_BYTES + _QUERY_DIRECTORY.size
    head = _QUERY_DIRECTORY.pack(33, level, flags, file_id, at, len(encoded), answer_bytes)
    return Message(Command.QUERY_DIRECTORY, head + (encoded or b"\0"), answer_bytes)


def notify(file_id: bytes, changes: int, watch_tree: bool, answer_bytes: int) -> Message:
    """2.2.35."""
    body = struct.pack("<HHI16sI4x", 32, watch_tree, answer_bytes, file_id, changes)
    return Message(Command.CHANGE_NOTIFY, body, answer_bytes)


def query_info(file_id: bytes, info_type: int, level: int, answer_bytes: int, additional: int = 0) -> Message:
    """2.2.37; without input."""
    body = _QUERY_INFO.pack(41, info_type, level, answer_bytes, additional, file_id)
    return Message(Command.QUERY_INFO, body, answer_bytes)


def set_info(
    file_id: bytes, level: int, data: bytes, info_type: int = INFO_FILE, additional: int = 0
) -> Message:
    """2.2.39."""
    at = HEADER_BYTES + _SET_INFO.size
    return Message(
        Command.SET_INFO, _SET_INFO.pack(33, info_type, level, len(data), at, additional, file_id) + data
    )


def answered(body: bytes) -> bytes:
    """What a QUERY_INFO response carries (2.2.38)."""
    at, length = struct.unpack_from("<HI", body, 2)
    return body[at - HEADER_BYTES : at - HEADER_BYTES + length]


def oplock_acknowledgement(file_id: bytes, level: int) -> Message:
    """2.2.24.1."""
    return Message(Command.OPLOCK_BREAK, struct.pack("<HB5x16s", 24, level, file_id))


def lease_acknowledgement(key: bytes, state: int) -> Message:
    """2.2.24.2."""
    return Message(Command.OPLOCK_BREAK, struct.pack("<H2xI16sI8x", 36, 0, key, state))


@dataclass(frozen=True, slots=True)
class Break:
    """A break notification (2.2.23). `key` is the file id (oplock) or the lease key."""

    lease: bool
    key: bytes
    new: int
    """The level or state to go to."""
    current: int | None = None
    """A lease's state before."""
    required: bool = True
    """The flag ACK_REQUIRED of a lease break; an oplock break has none."""


def break_of(body: bytes) -> Break | None:
    """The notification in a body; None where it is neither of both."""
    size = int.from_bytes(body[:2], "little")
    if size == 24 and len(body) >= 24:
        return Break(False, body[8:24], body[2])
    if size == 44 and len(body) >= 44:
        flags, key, current, new = struct.unpack_from("<I16sII", body, 4)
        return Break(True, key, new, current, bool(flags & NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED))
    return None


def created(body: bytes) -> tuple[bytes, int]:
    """The file id and the granted oplock level of a CREATE response (2.2.14)."""
    return body[64:80], body[2]


def granted_contexts(body: bytes) -> set[str]:
    """The tags of a CREATE response's contexts (2.2.14.2)."""
    if len(body) < 88:
        return set()
    at, length = struct.unpack_from("<II", body, 80)
    area, tags, start = body[at - HEADER_BYTES : at - HEADER_BYTES + length] if length else b"", set(), 0
    while start + 16 <= len(area):
        following, name_at, name_length = struct.unpack_from("<IHH", area, start)
        tags.add(area[start + name_at : start + name_at + name_length].decode("latin-1"))
        if not following:
            break
        start += following
    return tags


def moved(body: bytes) -> int:
    """The byte count of a READ or WRITE response (2.2.20, 2.2.22)."""
    return int.from_bytes(body[4:8], "little")


def output(body: bytes) -> bytes:
    """What a QUERY_INFO or QUERY_DIRECTORY response carries (2.2.34, 2.2.38)."""
    at, length = struct.unpack_from("<HI", body, 2)
    return body[at - HEADER_BYTES : at - HEADER_BYTES + length] if length else b""


def ioctl_output(body: bytes) -> bytes:
    """What an IOCTL response carries (2.2.32)."""
    at, length = struct.unpack_from("<II", body, 32)
    return body[at - HEADER_BYTES : at - HEADER_BYTES + length] if length else b""


def create_contexts(contexts: Sequence[tuple[bytes, bytes]]) -> bytes:
    """CREATE contexts (tag, data) in a row, each but the last as long as a multiple of 8 (2.2.13.2)."""
    entries = []
    for number, (tag, data) in enumerate(contexts, 1):
        head = struct.pack("<HHHHI4s4x", 16, len(tag), 0, 24 if data else 0, len(data), tag)
        if number == len(contexts):
            entries.append(b"\0\0\0\0" + head + data)
        else:
            length = -(-(4 + len(head) + len(data)) // 8) * 8
            entries.append((struct.pack("<I", length) + head + data).ljust(length, b"\0"))
    return b"".join(entries)


def lease(key: bytes, state: int, version: int, parent: bytes = b"") -> bytes:
    """The data of a lease request, version 1 or 2 (2.2.13.2.8, 2.2.13.2.10)."""
    has_parent = LEASE_FLAG_PARENT_LEASE_KEY_SET if parent and version == 2 else 0
    data = struct.pack("<16sII8x", key, state, has_parent)
    return data + struct.pack("<16sH2x", parent, 0) if version == 2 else data


def durable(version: int, guid: bytes) -> bytes:
    """The data of a request for a durable handle (2.2.13.2.3, 2.2.13.2.11)."""
    return struct.pack("<II8x16s", 0, 0, guid) if version == 2 else bytes(16)


def durable_again(file_id: bytes, guid: bytes) -> bytes:
    """The data that claims a durable handle of version 2 (2.2.13.2.12); that of version 1 is the file id."""
    return struct.pack("<16s16sI", file_id, guid, 0)
