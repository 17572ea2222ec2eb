"""The packet behind an exchange: one frame of a capture, dissected in full by pyshark."""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from smbench.capture.formats import Packing, examine, no_capture
from smbench.capture.tshark import find_tshark
from smbench.errors import UsageError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def dissect_frame(capture: Path, frame: int) -> str:
    """What Wireshark says of frame `frame` (from 1) of `capture`; UsageError where there is none."""
    if frame < 1:
        raise UsageError(f"frames are numbered from 1: there is no frame {frame}")
    if examine(capture)[0] is Packing.ZSTD:
        raise UsageError(f"unpack {capture} with zstd -d to look at a single frame of it")
    _check_frame(capture, frame)
    import pyshark

    # pyshark finds no loop of its own in threads and, from Python 3.12 on, in none at all.
    loop = asyncio.new_event_loop()
    try:
        return _dissected(pyshark.FileCapture, loop, capture, frame)
    finally:
        loop.close()


def _parameters(frame: int) -> list[str]:
    # Reassembly needs the frames before; nothing needs those behind.
    return ["-n", "-c", str(frame), "-o", "tcp.reassemble_out_of_order:TRUE"]


def _check_frame(capture: Path, frame: int) -> None:
    """Whether there is such a frame: pyshark cannot tell that from a tshark that broke down."""
    argv = [find_tshark().path, "-r", str(capture), *_parameters(frame), "-Y", f"frame.number == {frame}"]
    shown = subprocess.run(
        [*argv, "-T", "fields", "-e", "frame.number"], capture_output=True, text=True, check=False
    )
    if not shown.stdout.strip():
        complaint = shown.stderr.strip().rpartition("\n")[2]
        if shown.returncode and "isn't a capture file" in complaint:
            raise no_capture(capture, complaint)
        raise UsageError(f"{capture} has no frame {frame}: inspect --operations shows which frames there are")


def _dissected(kind: Any, loop: Any, capture: Path, frame: int) -> str:
    from pyshark.capture.capture import TSharkCrashException

    found = kind(
        str(capture),
        display_filter=f"frame.number == {frame}",
        tshark_path=find_tshark().path,
        keep_packets=False,
        eventloop=loop,
        custom_parameters=_parameters(frame),
    )
    try:
        return _shown(next(iter(found)))
    finally:
        # asyncio loses the exit status of a tshark that ends meanwhile, which pyshark takes for a crash.
        with suppress(TSharkCrashException):
            found.close()


def _shown(packet: Any) -> str:
    out = io.StringIO()
    for layer in packet.layers:
        layer.pretty_print(out)
    return _COLOUR.sub("", out.getvalue())
