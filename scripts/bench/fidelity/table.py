"""The table of replays as text: a line each, below it what misses its aims, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.fidelity.row import Row
from smbench.ratios import Bad, format_percent, format_ratio

SHOWN = 5
"""Causes of one figure that are shown."""
_WIDTH = 150
HEADER = (
    f"{'capture':40}{'by':9}{'exchanges':>9}{'outcomes as captured':>26}{'skipped':>9}{'recall':>8}"
    f"{'precision':>10}{'breaks':>12}{'makespan':>9}  verdict"
)
LEGEND = """\
outcomes: of operations that were carried out and that the capture has an answer to. recall: over what some
call of POSIX, or ioctl, can make the kernel's client send. precision: an aim where the kernel's client was
captured, and replays. breaks: in the capture, and in the replay. makespan: the replay's as a multiple of the
capture's."""


def line(row: Row) -> str:
    """One replay."""
    share = "–" if row.outcomes is None else format_percent(row.outcomes, 2, Bad.LOW)
    outcomes = f"{row.alike:,} of {row.compared:,} {share:>9}"
    breaks = f"{row.breaks[0]}/{row.breaks[1]}" + (f" ({row.equal} of {row.runs})" if row.runs > 1 else "")
    verdict = "not valid" if row.reasons else "valid"
    missed = ", ".join(row.missed())
    return (
        f"{row.name[:39]:40}{row.by:9}{row.exchanges:>9,}{outcomes:>26}{row.skipped:>9,}"
        f"{format_ratio(row.recall):>8}{format_ratio(row.precision):>10}{breaks:>12}"
        f"{format_ratio(row.makespan, 2, Bad.APART):>9}  {verdict}{f'  MISSED: {missed}' if missed else ''}"
    )


def causes(rows: Sequence[Row]) -> Iterator[str]:
    """What is not valid, and what misses its aims, each with its first causes."""
    for row in rows:
        if row.reasons:
            yield f"{row.name}, {row.by}: not valid: {'; '.join(row.reasons)}"
        for figure, asked in row.missed().items():
            yield f"{row.name}, {row.by}: MISSED {asked}"
            behind = [cause for cause in row.why() if cause.figure == figure]
            for cause in behind[:SHOWN]:
                yield f"    {cause.count:>6}  {cause.what}{f': {cause.why}' if cause.why else ''}"[:_WIDTH]
            if rest := behind[SHOWN:]:
                yield f"    {sum(cause.count for cause in rest):>6}  others, of {len(rest)} kinds"


def losses(rows: Sequence[Row]) -> Iterator[str]:
    """What the client sends otherwise than the captured one, whatever it is asked: by call."""
    for row in rows:
        for loss in row.lost:
            yield f"{row.name}, {row.by}: {loss.count} {loss.what}: {loss.why}"[:_WIDTH]


def left_out(reasons: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What was not replayed: name and why."""
    for name, why in reasons:
        yield f"{name[:39]:40}not replayed: {why}"
