"""The table of kernels and workloads: each captured there and replayed there, and the first one's on all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.fidelity.row import KERNEL, Row
from smbench.ratios import format_ratio

ALL = "all"
_NAME, _CELL = 24, 22


@dataclass(frozen=True, slots=True)
class Pair:
    """A kernel and a server of the lab."""

    kernel: str
    samba: str

    @property
    def title(self) -> str:
        return f"{self.kernel}, Samba {self.samba}"

    @property
    def folder(self) -> str:
        return f"linux-{self.kernel}-samba-{self.samba}"


PAIRS = (Pair("6.1", "4.17"), Pair("6.12", "4.17"), Pair("6.12", "4.22"), Pair("7.2", "4.17"))
"""The first is where the workloads are captured that all replay."""
ROWS = "rows.json"
Booted = Callable[[Pair, Path, Sequence[Path]], int]
"""Runs the bench on a pair, into a folder, with captures that others have made; its exit status."""


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """For `every` to read."""
    path.write_bytes(msgspec.json.encode(rows))


def every(out: Path, run: Booted) -> int:
    """The bench on each pair, and the table of all. Exit status 0 where each had 0; the first other one."""
    tables: dict[Pair, list[Row]] = {}
    statuses = []
    for pair in PAIRS:
        folder = out / pair.folder
        folder.mkdir(parents=True, exist_ok=True)
        print(f"== {pair.title}", flush=True)
        captured = [] if pair == PAIRS[0] else sorted((out / PAIRS[0].folder).glob("*.pcapng"))
        statuses.append(run(pair, folder, captured))
        if statuses[-1] > 1:
            break
        tables[pair] = msgspec.json.decode((folder / ROWS).read_bytes(), type=list[Row])
    print("", *table(tables), sep="\n")
    return next((status for status in statuses if status), 0)


def table(tables: dict[Pair, list[Row]]) -> Iterator[str]:
    """Recall and precision of the kernel's client, a line each workload: captured there, and on the first."""
    yield f"{'recall, precision':{_NAME}}" + "".join(f"{pair.title:>{_CELL}}" for pair in tables)
    found = {
        (pair, row.name.removesuffix(".pcapng"), row.name.endswith(".pcapng")): row
        for pair, rows in tables.items()
        for row in rows
        if row.by == KERNEL
    }
    for name in sorted({name for _, name, _ in found}):
        for elsewhere in (False, True):
            cells = [found.get((pair, name, elsewhere)) for pair in tables]
            if any(cells):
                title = f"  of {PAIRS[0].kernel}" if elsewhere else name
                yield f"{title:{_NAME}}" + "".join(map(_cell, cells))
    yield ""
    yield f"of {PAIRS[0].kernel}: captured there. *: an aim is missed (the lines above say which)."


def _cell(row: Row | None) -> str:
    if row is None:
        return " " * _CELL
    told = f"{format_ratio(row.recall)} {format_ratio(row.precision)}{'*' if row.missed() else ' '}"
    return f"{told:>{_CELL}}"
