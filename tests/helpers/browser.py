"""Pages in a headless Chromium, where there is one."""

from __future__ import annotations

import base64
import hashlib
import shutil
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import pytest

CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=2000",
)  # fmt: skip
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (scripts/setup --test)")


def browse(page: Path, *flags: str) -> str:
    """What Chromium says about a page: with `--dump-dom` the page as its scripts left it."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def probed(text: str, script: str) -> str:
    """A page with a script of a test's own at its end. The page's policy names it as it names the page's own,
    whose other rules hold: what the probe sees is what a reader's browser does.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert text.count("script-src ") == 1
    text = text.replace("script-src ", f"script-src 'sha256-{digest}' ")
    return text.replace("</body>", f"<script>{script}</script></body>")


def first_pixel(picture: Path) -> tuple[int, int, int]:
    """Red, green and blue of the upper left pixel of a PNG of 8 bits a channel: no filter of the first row
    changes it."""
    data, at, packed = picture.read_bytes(), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += length + 12
    _, red, green, blue = zlib.decompressobj().decompress(packed, 4)
    return red, green, blue
