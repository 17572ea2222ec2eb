"""Three packets of SMB2, and whether the tshark of this machine hands over what is in them: for `doctor`."""

from __future__ import annotations

import struct

from smbench.capture.tap.process import Tap, settings
from smbench.capture.tshark import Keys, find_tshark
from smbench.errors import SetupError
from smbench.scratch import PREFIX, scratch
from smbench.smb2.constants import DIALECT_2_1, HEADER_BYTES, PORT
from smbench.trace.model import Command

_RAW_IP = 101
_CALLED = "three packets that were made for it"
_CLIENT, _SERVER = (b"\x7f\0\0\2", 50_000), (b"\x7f\0\0\1", PORT)


def try_out() -> str:
    """Which tshark runs here, as whom, and that it hands messages over; SetupError with the reason if not."""
    bodies = (
        (Command.NEGOTIATE, struct.pack("<HHHHI16s8sH2x", 36, 1, 1, 0, 0, bytes(16), b"", DIALECT_2_1)),
        (Command.ECHO, struct.pack("<HH", 4, 0)),
        (Command.ECHO, struct.pack("<HH", 4, 0)),
    )
    packets, sent = list[bytes](), 0
    for number, (command, body) in enumerate(bodies):
        message = _message(command, number, body)
        packets.append(_packet(message, sent))
        sent += len(message)
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _RAW_IP)
    with scratch(f"{PREFIX}trial-") as folder:
        capture = folder / "trial.pcap"
        capture.write_bytes(header + b"".join(packets))
        with settings(Keys()) as here, Tap(capture, here, (), lambda _: None, _CALLED) as tap:
            found = sum(line.startswith(b"P\t") for line in tap)
    if found != len(packets):
        raise SetupError(f"{find_tshark()} shows {found} of {len(packets)} SMB2 messages: reinstall it")
    return f"{find_tshark()}: its Lua hands over {found} of {len(packets)} SMB2 messages"


def _message(command: int, message_id: int, body: bytes) -> bytes:
    fields = (b"\xfeSMB", HEADER_BYTES, 0, 0, command, 1, 0, 0, message_id, 0, 0)
    message = struct.pack("<4sHHIHHIIQQQ16x", *fields) + body
    return struct.pack(">I", len(message)) + message


def _packet(payload: bytes, before: int) -> bytes:
    """A record of a pcap file: client to server, `before` bytes of the stream ahead of it."""
    tcp = struct.pack("!HHIIBBHHH", _CLIENT[1], _SERVER[1], 1 + before, 1, 0x50, 0x18, 8192, 0, 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, _CLIENT[0], _SERVER[0]) + tcp
    return struct.pack("<IIII", 1, 0, len(ip), len(ip)) + ip
