"""Where messages begin in bytes that follow nothing known: behind a gap, or where a capture begins. Pure.

A file may hold SMB, too, when somebody copies a capture. So what looks like a message is one for certain only
where it begins with its packet, and its session is known or it fills the packet; else what follows it has to
be one as well.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum

from smbench.smb2.constants import FLAGS_SERVER_TO_REDIR, HEADER_BYTES
from smbench.trace.model import Command

SMB2, SEALED, COMPRESSED, SMB1 = b"\xfeSMB", b"\xfdSMB", b"\xfcSMB", b"\xffSMB"
"""First bytes of what SMB sends ([MS-SMB2] 2.2.1, 2.2.41, 2.2.42; [MS-CIFS] 2.2.3.1)."""
MAGICS = (SMB2, SEALED, COMPRESSED, SMB1)
PREFIX = 4
"""Bytes of length ahead of a message ([MS-SMB2] 2.1)."""
LEAST = PREFIX + HEADER_BYTES
"""Bytes by which a message is judged: its length and its header."""
LEAST_CUT = 26
"""Bytes of a header, where the capture has cut it, that tell it from anything else."""
SEALED_HEADER = 52
"""Bytes of the header ahead of what is encrypted; the session id is its end."""
_LARGEST_WITHIN = 1 << 18
"""What begins within a packet and says that it is longer than this is not believed."""
_LEAST_SMB1 = 35
_LAST_COMMAND = max(Command)
_ALGORITHMS = range(6)
"""Of compression ([MS-SMB2] 2.2.3.1.3)."""
_FIELDS = struct.Struct("<4xH6xH2xII16xQ16x")
"""StructureSize, Command, Flags, NextCommand, SessionId ([MS-SMB2] 2.2.1)."""
SESSION_ID = slice(40, 48)
"""Where the header of a message in the clear has the session id."""
_SESSION_AT = {SMB2: SESSION_ID.start, SEALED: 44}


def session_of(data: bytes | bytearray) -> int:
    """The session id of a message of which there is `data`; 0: it has none, or lacks it."""
    at = _SESSION_AT.get(bytes(data[:4]), len(data))
    return int.from_bytes(data[at : at + 8], "little") if len(data) >= at + 8 else 0


class Verdict(IntEnum):
    """On what may be a message."""

    NO = 0
    PERHAPS = 1
    """If messages follow it."""
    CERTAIN = 2


def find(
    data: bytes, boundary: int, from_server: bool, known_session: Callable[[int], bool | None]
) -> tuple[int, Verdict]:
    """Where a message begins, for certain or else perhaps; a packet begins at `boundary`."""
    best = (-1, Verdict.NO)
    at = data.find(b"SMB", PREFIX + 1)
    while at >= 0:
        start = at - PREFIX - 1
        verdict = judge(data, start, boundary, from_server, known_session)
        if verdict is Verdict.CERTAIN:
            return start, verdict
        if verdict > best[1]:
            best = (start, verdict)
        at = data.find(b"SMB", at + 1)
    return best


def judge(
    data: bytes,
    start: int,
    boundary: int,
    from_server: bool,
    known_session: Callable[[int], bool | None],
    cut: bool = False,
) -> Verdict:
    """What begins at `start`; `cut`: the capture lacks what would follow `data`."""
    size = int.from_bytes(data[start + 1 : start + PREFIX], "big")
    header = data[start + PREFIX : start + LEAST]
    least = min(LEAST_CUT if cut else HEADER_BYTES, size)
    if (
        data[start]
        or len(header) < least
        or not _possible(header.ljust(HEADER_BYTES, b"\0"), size, from_server)
    ):
        return Verdict.NO
    known = known_session(session_of(header))
    if start == boundary:
        fills = start + PREFIX + size == len(data) and not cut
        return Verdict.CERTAIN if known or fills else Verdict.PERHAPS
    # Within a packet, a session that is none of the connection's is that of a file.
    return Verdict.PERHAPS if known is not False and (known or size <= _LARGEST_WITHIN) else Verdict.NO


def _possible(header: bytes, size: int, from_server: bool) -> bool:
    magic = header[:4]
    if magic == SMB1:
        return size >= _LEAST_SMB1
    if magic == COMPRESSED:
        # Its session stands in what is compressed.
        algorithm, flags = struct.unpack_from("<HH", header, 8)
        return size > 16 and algorithm in _ALGORITHMS and flags <= 1
    if magic == SEALED:
        return size > SEALED_HEADER
    if magic != SMB2 or size < HEADER_BYTES + 2:
        return False
    structure, command, flags, following, _ = _FIELDS.unpack(header)
    return (
        structure == HEADER_BYTES
        and command <= _LAST_COMMAND
        and (following == 0 or (following % 8 == 0 and HEADER_BYTES < following < size))
        and bool(flags & FLAGS_SERVER_TO_REDIR) == from_server
    )
