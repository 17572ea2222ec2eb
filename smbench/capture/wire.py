"""The bytes of SMB2 messages, read by the layouts of [MS-SMB2] 2.2: pure, and safe on any bytes.

tshark has found, reassembled and decrypted the message; what is read here is its header and its fixed
part, by one table. Parts of variable length belong to the modules that the table names. A field whose
bytes the capture does not hold is None, whatever cut them off.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from smbench.smb2.constants import FLAGS_ASYNC_COMMAND, FLAGS_SERVER_TO_REDIR, HEADER_BYTES
from smbench.smb2.filetime import filetime_ns
from smbench.trace.messages import Message

_HEADER = struct.Struct("<4x2xHIHHIIQQQ")

Values = dict[str, Any]
Variable = Callable[[bytes, Values, Message | None], None]
"""Reads a message's variable parts into its values; a response is given its request."""


class Header(NamedTuple):
    """The SMB2 header ([MS-SMB2] 2.2.1), both of its forms; `status` has no meaning in a request.

    `tree_or_async`: process id (lower half) and tree id (upper half), or the async id, as the flags say.
    """

    credit_charge: int
    status: int
    command: int
    credits: int
    flags: int
    next_command: int
    message_id: int
    tree_or_async: int
    session_id: int

    @property
    def is_response(self) -> bool:
        return bool(self.flags & FLAGS_SERVER_TO_REDIR)

    @property
    def tree_id(self) -> int | None:
        return None if self.flags & FLAGS_ASYNC_COMMAND else self.tree_or_async >> 32

    @property
    def async_id(self) -> int | None:
        return self.tree_or_async if self.flags & FLAGS_ASYNC_COMMAND else None


def read_header(pdu: bytes) -> Header:
    """The header of a message; what is cut off counts as zero."""
    try:
        return Header._make(_HEADER.unpack_from(pdu))
    except struct.error:
        return Header._make(_HEADER.unpack_from(pdu.ljust(HEADER_BYTES, b"\0")))


def utf16(data: bytes) -> str:
    """Text of the wire. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD."""
    return data[: len(data) & ~1].decode("utf-16-le", "replace")


def text_at(pdu: bytes, offset: int, length: int) -> str | None:
    """`length` bytes of UTF-16 at `offset` of the message; None where they are not all there."""
    if not length:
        return ""
    return (
        utf16(pdu[offset : offset + length])
        if offset >= HEADER_BYTES and offset + length <= len(pdu)
        else None
    )


class Layout:
    """The fixed part of one message: its fields as `name:offset+code`, offsets from the body's start.

    Codes are those of `struct` and: `G` 16 bytes as hex, `T` a FILETIME, `F` a byte that is a truth value.
    Names with `_` at their front help to read the variable parts and are dropped afterwards.
    """

    __slots__ = ("_converters", "_helpers", "_names", "_parts", "_struct", "_variable", "message")

    def __init__(self, message: type[Message], fields: str = "", variable: Variable | None = None) -> None:
        self.message = message
        self._variable = variable
        self._parts = sorted((_part(text) for text in fields.split()), key=lambda part: part[1])
        self._names = [name for name, _, _ in self._parts]
        self._helpers = [name for name in self._names if name.startswith("_")]
        self._converters = [
            (name, convert) for name, _, code in self._parts if (convert := _CODES.get(code, (code, None))[1])
        ]
        pattern, at = "<", 0
        for _, offset, code in self._parts:
            wire = _CODES.get(code, (code, None))[0]
            pattern += f"{offset - at}x{wire}"
            at = offset + struct.calcsize("<" + wire)
        self._struct = struct.Struct(pattern)

    def read(self, pdu: bytes, request: Message | None = None) -> Message:
        """The message in `pdu`, header included; never raises, whatever the bytes."""
        try:
            values: Values = dict(zip(self._names, self._struct.unpack_from(pdu, HEADER_BYTES), strict=True))
        except struct.error:
            values = self._what_is_there(pdu)
        for name, convert in self._converters:
            if values[name] is not None:
                values[name] = convert(values[name])
        if self._variable is not None:
            self._variable(pdu, values, request)
            for name in self._helpers:
                del values[name]
        return self.message(**values)

    def _what_is_there(self, pdu: bytes) -> Values:
        values: Values = {}
        for name, offset, code in self._parts:
            wire = struct.Struct("<" + _CODES.get(code, (code, None))[0])
            start = HEADER_BYTES + offset
            values[name] = wire.unpack_from(pdu, start)[0] if start + wire.size <= len(pdu) else None
        # The readers of variable parts count on their helpers; what they point to is cut off as well.
        values.update({name: 0 for name in self._helpers if values[name] is None})
        return values


_CODES: Mapping[str, tuple[str, Callable[[Any], Any] | None]] = {
    "G": ("16s", bytes.hex),
    "T": ("Q", filetime_ns),
    "F": ("B", bool),
}


def _part(text: str) -> tuple[str, int, str]:
    name, _, place = text.partition(":")
    return name, int(place[:-1]), place[-1]
