"""The packet behind an exchange: one frame of a capture, dissected in full by pyshark."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any

from smbench.capture.formats import Format, Packing, examine, no_capture
from smbench.capture.tshark import find_tshark
from smbench.errors import UsageError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def dissect_frame(capture: Path, frame: int) -> str:
    """What Wireshark says of frame `frame` (from 1) of `capture`; UsageError where there is none."""
    if frame < 1:
        raise UsageError(f"frames are numbered from 1: there is no frame {frame}")
    packing, kind = examine(capture)
    if packing is Packing.ZSTD:
        raise UsageError(f"unpack {capture} with zstd -d to look at a single frame of it")
    tshark = find_tshark()
    import pyshark

    # pyshark finds no loop of its own in threads and, from Python 3.12 on, in none at all.
    loop = asyncio.new_event_loop()
    try:
        shown = _dissected(pyshark.FileCapture, loop, capture, frame, tshark.path)
    except Exception as error:
        # pyshark has errors of many kinds for a tshark that ends early; their text is all they say.
        raise UsageError(f"cannot dissect frame {frame} of {capture}: {error}") from None
    finally:
        loop.close()
    if shown is None and kind is Format.OTHER:
        raise no_capture(capture, "no frame was found")
    if shown is None:
        raise UsageError(f"{capture} has no frame {frame}: inspect --operations shows which frames there are")
    return shown


def _dissected(kind: Any, loop: Any, capture: Path, frame: int, tshark: str) -> str | None:
    found = kind(
        str(capture),
        display_filter=f"frame.number == {frame}",
        tshark_path=tshark,
        keep_packets=False,
        eventloop=loop,
        # Reassembly needs the frames before; nothing needs those behind.
        custom_parameters=["-n", "-c", str(frame), "-o", "tcp.reassemble_out_of_order:TRUE"],
    )
    try:
        packet = next(iter(found), None)
        return None if packet is None else _shown(packet)
    finally:
        found.close()


def _shown(packet: Any) -> str:
    out = io.StringIO()
    for layer in packet.layers:
        layer.pretty_print(out)
    return _COLOUR.sub("", out.getvalue())
