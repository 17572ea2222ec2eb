"""Who an NTLM AUTHENTICATE message says it is ([MS-NLMP] 2.2.1.3)."""

from __future__ import annotations

import struct

from smbench.capture.pdus import Identity

_AUTHENTICATE = b"NTLMSSP\0\3\0\0\0"
_UNICODE = 1
_FIELDS = struct.Struct("<12x16x HxxI HxxI HxxI 8x I")
"""Length and offset of domain, user and workstation, and the flags."""


def identity(message: bytes) -> Identity | None:
    """The names in the AUTHENTICATE message that stands somewhere in `message`; None where there is none."""
    at = message.find(_AUTHENTICATE)
    if at < 0 or len(message) < at + _FIELDS.size:
        return None
    *places, flags = _FIELDS.unpack_from(message, at)
    encoding = "utf-16-le" if flags & _UNICODE else "cp437"
    domain, user, workstation = (
        message[at + offset : at + offset + length].decode(encoding, "replace") or None
        for length, offset in zip(places[::2], places[1::2], strict=True)
    )
    return Identity(user, domain, workstation) if user or workstation else None
