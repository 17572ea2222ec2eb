"""Requests and answers as packets: a socket takes no more at once than its buffer has room for. Each begins
with a byte, which says whether more of it follows."""

from __future__ import annotations

import socket
from array import array
from collections.abc import Sequence

MOST_BYTES = 1 << 24
"""Of a request, and of an answer: what a hundred thousand users take, several times."""
PIECE = 1 << 16
"""Of a packet; Linux' buffers have room for three."""
MORE, LAST = b"+", b"."
MOST_DESCRIPTORS = 4


def send(line: socket.socket, content: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send a request or an answer, with descriptors (SCM_RIGHTS, unix(7)) in its last packet."""
    pieces = [content[at : at + PIECE] for at in range(0, len(content), PIECE)] or [b""]
    for piece in pieces[:-1]:
        line.sendmsg([MORE, piece])
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))] if descriptors else []
    line.sendmsg([LAST, pieces[-1]], rights)
