"""latency.hlog is what `IntervalLog` writes, line by line, or is told: no line is passed over."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.hlog import write_log

from smbench.errors import UsageError
from smbench.run.histogram import HIGHEST_NS, Histogram
from smbench.run.hlog import read_hlog

VALUES = (np.array([0, 1_500_000_000, 2_500_000_000]), np.array([10, 70_000, 3_000_000_000]))


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    write_log(tmp_path / "l", 0, {"Read.service": VALUES, "Write.held": VALUES})
    return (tmp_path / "l").read_text().splitlines(keepends=True)


def encoded(highest: int = HIGHEST_NS, digits: int = 3, counts: bytes = b"\x02") -> str:
    inner = struct.pack(">4I2Qd", 0x1C849313, len(counts), 0, digits, 1, highest, 1.0) + counts
    packed = zlib.compress(inner)
    return base64.b64encode(struct.pack(">2I", 0x1C849314, len(packed)) + packed).decode()


def logged(histogram: str) -> str:
    return f"Tag=Read.service,0.000,1.000,0.000,{histogram}\n"


DAMAGES: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "garbage": (lambda lines: [*lines[:5], "garbage\n", *lines[5:]], "line 6 is no line of an interval log"),
    "blank": (lambda lines: [*lines, "\n"], "line 11 is no line"),
    "untagged": (lambda lines: [*lines[:4], lines[4].partition(",")[2], *lines[5:]], "line 5 is no line"),
    "kind": (lambda lines: [line.replace("Tag=Read", "Tag=Rear") for line in lines], "line 5 is no line"),
    "measure": (lambda lines: [line.replace(".held", ".hell") for line in lines], "line 6 is no line"),
    "no header": (lambda lines: lines[4:], "line 1 is no header"),
    "header only": (lambda lines: lines[:2], "it has no header"),
    "cut": (lambda lines: [*lines[:-1], lines[-1][:-5]], "line 10 is cut off"),
    "doubled": (lambda lines: [*lines[:5], lines[4], *lines[5:]], "line 6 is out of order"),
    "moved": (lambda lines: [*lines[:4], *lines[6:], *lines[4:6]], "line 9 is out of order"),
    "longest": (lambda lines: [lines[at].replace(",0.070,", ",0.080,") for at in range(10)], "line 7 has"),
    "interval": (lambda lines: [line.replace("1.000,1.000", "1.000,7.000") for line in lines], "no interval"),
    "base64": (lambda lines: [*lines[:4], logged("====")], "line 5: no histogram"),
    "range": (lambda lines: [*lines[:4], logged(encoded(1 << 62, 5))], "line 5: a histogram of another"),
    "bomb": (
        lambda lines: [*lines[:4], logged(encoded(counts=bytes(300_000_000)))],
        "line 5: no histogram: it is longer or shorter",
    ),
    "endless": (lambda lines: [*lines[:4], "a" * (1 << 21)], "line 5 is endless"),
    "no text": (lambda lines: [*lines[:4], "Tag=\xff\n"], "line 5 is not text"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_line_is_one_that_was_written(tmp_path: Path, lines: list[str], damage: str) -> None:
    change, why = DAMAGES[damage]
    (tmp_path / "l").write_bytes("".join(change(lines)).encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        list(read_hlog(tmp_path / "l"))
    said = str(caught.value)
    assert why in said
    assert said.startswith(f"{tmp_path / 'l'} is damaged (")
    assert said.endswith("): replay again")


def test_what_was_written_is_read(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "l").write_text("".join(lines))
    found = list(read_hlog(tmp_path / "l"))
    assert [(one.tag, one.start_s, one.histogram.total) for one in found] == [
        (tag, start, 1) for start in (0.0, 1.0, 2.0) for tag in ("Read.service", "Write.held")
    ]


def test_the_form_by_hand_is_the_librarys() -> None:
    """Else the damages above would be told for another reason."""
    assert Histogram.decode(encoded()).counts[:2].tolist() == [1, 0]
