"""The packet behind an exchange: one frame of a capture, dissected in full by tshark and shown by pyshark."""

from __future__ import annotations

import io
import re
from pathlib import Path

from smbench.capture.formats import Packing, examine
from smbench.capture.tshark import ask
from smbench.errors import UsageError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def dissect_frame(capture: Path, frame: int) -> str:
    """What Wireshark says of frame `frame` (from 1) of `capture`; UsageError where there is none."""
    if frame < 1:
        raise UsageError(f"frames are numbered from 1: there is no frame {frame}")
    if examine(capture)[0] is Packing.ZSTD:
        raise UsageError(f"unpack {capture} with zstd -d to look at a single frame of it")
    # Reassembly needs the frames before; nothing needs those behind.
    parameters = ["-c", str(frame), "-Y", f"frame.number == {frame}"]
    shown = _shown(ask([*parameters, "-T", "pdml"], capture))
    if not shown:
        raise UsageError(f"{capture} has no frame {frame}: inspect --operations shows which frames there are")
    return shown


def _shown(pdml: bytes) -> str:
    """The layers of the one packet of a PDML document; nothing where it has none."""
    # pyshark's own processes are started by asyncio, as its caller, with a capture that they open themselves.
    from pyshark.tshark.output_parser.tshark_xml import packet_from_xml_packet

    found = re.search(rb"<packet>.*</packet>", pdml, re.DOTALL)
    if found is None:
        return ""
    out = io.StringIO()
    for layer in packet_from_xml_packet(found[0]).layers:
        layer.pretty_print(out)
    return _COLOUR.sub("", out.getvalue())
