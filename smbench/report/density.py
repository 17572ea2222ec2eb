"""Charts of distributions: a heat map over time, and the spread of one distribution on a line. Pure.

Shades are the style sheet's classes `h0` (few) … `h6` (many): a cell's shade is by the logarithm of its
count. All cells of one shade are one path, so that a map costs some tens of kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smbench.report.charts import Axis, Frame, svg
from smbench.report.html import escape
from smbench.units import format_ns

SHADES = 7


def heat_map(
    counts: NDArray[np.int64], edges_x: Sequence[float], edges_y: Sequence[float], x: Axis, y: Axis,
    *, width: int = 1180, height: int = 260,
) -> str:  # fmt: skip
    """A cell for every count (column, row) above 0; `edges_x` and `edges_y` are where cells begin and end."""
    frame = Frame(width, height)
    shade = shades(counts)
    parts = [frame.open("chart"), *frame.axes(x, y)]
    for level in range(SHADES):
        cells = [
            _cell(frame, x, y, edges_x[column : column + 2], edges_y[row : row + 2])
            for column, row in np.argwhere(shade == level).tolist()
        ]
        if cells:
            parts.append(f'<path class="h{level}" d="{"".join(cells)}"/>')
    return "".join([*parts, "</svg>"])


def shades(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The shade of every count; -1 where there is nothing."""
    most = int(counts.max(initial=0))
    if most < 1:
        return np.full(counts.shape, -1)
    step = SHADES / math.log(most + 1)
    shade = (np.log(np.maximum(counts, 1)) * step).astype(np.int64)
    return np.where(counts > 0, np.minimum(shade, SHADES - 1), -1)


def shade_key(most: int) -> str:
    """What the shades mean, for a legend."""
    keys = "".join(f'<i class="key k{level}"></i>' for level in range(SHADES))
    return f'<span class="legend dim"><span>1 {keys} {most:,} calls in a cell</span></span>'


def spread(values_ns: Sequence[tuple[str, int]], y: Axis, *, width: int = 400) -> str:
    """Percentiles of one distribution, ascending, as dots on a line: the last is its largest value."""
    height, middle = 14, 7
    pad = 5
    places = [pad + (width - 2 * pad) * y.place(max(value, 1)) for _, value in values_ns]
    said = ", ".join(f"{name} {format_ns(value)}" for name, value in values_ns)
    dots = "".join(
        f'<circle class="dot d{number}" cx="{place:.1f}" cy="{middle}" r="{3.2 if number == 0 else 2.4}"/>'
        for number, place in enumerate(places)
    )
    return (
        svg("spread", width, height)
        + f"<title>{escape(said)}</title>"
        + f'<line class="grid" x1="0" x2="{width}" y1="{middle}" y2="{middle}"/>'
        + f'<line class="reach" x1="{places[0]:.1f}" x2="{places[-1]:.1f}" y1="{middle}" y2="{middle}"/>'
        + f"{dots}</svg>"
    )


def _cell(frame: Frame, x: Axis, y: Axis, across: Sequence[float], up: Sequence[float]) -> str:
    left, bottom = frame.at(x.place(across[0]), y.place(up[0]))
    right, top = frame.at(x.place(across[1]), y.place(up[1]))
    # A hair wider, so that neighbours leave no seam.
    return f"M{left:.1f} {top:.1f}H{right + 0.2:.1f}V{bottom + 0.2:.1f}H{left:.1f}z"
