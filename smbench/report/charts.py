"""Charts as SVG text. Pure: numbers in, markup out; colours and fonts come from the page's style sheet.

Lines and bars carry classes `s0`, `s1`, … for their series, axes `axis`, grid lines `grid`. Every mark
has a `<title>`, which a browser shows where the pointer rests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smbench.report.html import escape
from smbench.units import format_ns

Point = tuple[float, float]
Label = Callable[[float], str]

_HALF = 900
"""Pictures that are wider go over the whole page."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 10, 34


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its name, its number (which gives its colour), its points in ascending x."""

    name: str
    number: int
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to a position between 0 and 1, and where its ticks are."""

    place: Callable[[float], float]
    ticks: Sequence[tuple[float, str]]
    title: str = ""
    apart: tuple[float, float, str] | None = None
    """From where to where it is set apart, and what that is."""


def linear_axis(largest: float, label: Label, title: str = "", ticks: int = 5) -> Axis:
    """From 0 to a round number not below `largest`."""
    step = _round_step(largest / ticks) if largest > 0 else 1.0
    end = max(step, math.ceil(largest / step - 1e-9) * step)
    marks = [step * at for at in range(round(end / step) + 1)]
    return Axis(lambda value: value / end, [(mark, label(mark)) for mark in marks], title)


def log_axis(smallest: float, largest: float, label: Label = format_ns, title: str = "") -> Axis:
    """Whole decades around the values, which must be above 0."""
    low = math.floor(math.log10(max(smallest, 1e-9)))
    high = max(low + 1, math.ceil(math.log10(max(largest, smallest, 1e-9))))
    return Axis(
        lambda value: (math.log10(max(value, 10.0**low)) - low) / (high - low),
        [(10.0**at, label(10.0**at)) for at in range(low, high + 1)],
        title,
    )


NINES = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99)


def percentile_axis(count: int, title: str = "share of the exchanges that took no longer") -> Axis:
    """HdrHistogram's: equal steps for 90 %, 99 %, 99.9 %, as far as `count` values reach."""
    deepest = max(1.0, math.log10(max(count, 1)))
    ticks = [mark for mark in NINES if _nines(mark) <= deepest + 1e-9]
    return Axis(
        lambda percent: min(1.0, _nines(percent) / deepest),
        [(mark, f"{mark:g} %") for mark in ticks],
        title,
    )


def percentiles(count: int, steps: int = 120) -> list[float]:
    """Percentages evenly spread on the axis of `percentile_axis(count)`."""
    deepest = max(1.0, math.log10(max(count, 1)))
    # Rounded, so that a tick's percentage is that decimal and not one a little above it.
    return [round(100 * (1 - 10 ** (-deepest * at / steps)), 10) for at in range(steps + 1)]


def _nines(percent: float) -> float:
    return -math.log10(max(1e-9, 1 - percent / 100))


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def line_chart(
    series: Sequence[Series], x: Axis, y: Axis, *, width: int = 560, height: int = 260, stepped: bool = False
) -> str:
    """Lines over two axes; `stepped`: each value holds until the next."""
    frame = Frame(width, height)
    parts = [frame.open("chart"), *frame.axes(x, y)]
    for one in series:
        points = [frame.at(x.place(across), y.place(up)) for across, up in one.points]
        if points:
            parts.append(
                f'<path class="line s{one.number}" d="{_path(points, stepped)}"><title>{escape(one.name)}'
                "</title></path>"
            )
    return "".join([*parts, "</svg>"])


def bar_pair(values: Sequence[tuple[float, str]], largest: float, *, width: int = 180) -> str:
    """Small horizontal bars one below the other, one a series; each with its text for the pointer."""
    height, gap = 7, 2
    parts = [svg("bars", width, len(values) * (height + gap))]
    for number, (value, said) in enumerate(values):
        length = width * value / largest if largest > 0 else 0.0
        parts.append(
            f'<rect class="bar s{number}" x="0" y="{number * (height + gap)}" width="{max(length, 1):.1f}" '
            f'height="{height}" rx="1.5"><title>{escape(said)}</title></rect>'
        )
    return "".join([*parts, "</svg>"])


def gauge(share: float, said: str, *, width: int = 220) -> str:
    """A share of one, as a bar on its track."""
    return (
        svg("gauge", width, 8)
        + f'<rect class="track" width="{width}" height="8" rx="4"></rect>'
        + f'<rect class="fill" width="{width * min(max(share, 0.0), 1.0):.1f}" height="8" rx="4"><title>'
        + f"{escape(said)}</title></rect></svg>"
    )


class Frame:
    """The plotting area within a picture."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._across = width - _LEFT - _RIGHT
        self._up = height - _TOP - _BOTTOM

    def open(self, name: str) -> str:
        return svg(name, self._width, self._height)

    def at(self, across: float, up: float) -> Point:
        return _LEFT + across * self._across, _TOP + (1 - up) * self._up

    def axes(self, x: Axis, y: Axis) -> list[str]:
        left, bottom = self.at(0, 0)
        right, top = self.at(1, 1)
        parts = []
        if x.apart is not None:
            begin, end, what = x.apart
            first, last = (self.at(x.place(value), 0)[0] for value in (begin, end))
            parts.append(
                f'<rect class="apart" x="{first:.1f}" y="{top}" width="{last - first:.1f}" '
                f'height="{bottom - top}"><title>{escape(what)}</title></rect>'
            )
        for value, label in y.ticks:
            level = self.at(0, y.place(value))[1]
            parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{level:.1f}" y2="{level:.1f}"/>')
            parts.append(
                f'<text class="tick" x="{left - 6}" y="{level + 4:.1f}" text-anchor="end">'
                f"{escape(label)}</text>"
            )
        for value, label in x.ticks:
            place = self.at(x.place(value), 0)[0]
            anchor = "end" if place > right - 10 else "middle"
            parts.append(f'<line class="grid" x1="{place:.1f}" x2="{place:.1f}" y1="{top}" y2="{bottom}"/>')
            parts.append(
                f'<text class="tick" x="{place:.1f}" y="{bottom + 14}" text-anchor="{anchor}">'
                f"{escape(label)}</text>"
            )
        parts.append(f'<path class="axis" d="M{left} {top}V{bottom}H{right}"/>')
        if x.title:
            parts.append(
                f'<text class="title" x="{(left + right) / 2:.0f}" y="{self._height - 4}" '
                f'text-anchor="middle">{escape(x.title)}</text>'
            )
        return parts


def svg(name: str, width: int, height: int) -> str:
    across = " over" if width > _HALF else ""
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg class="{name}{across}" {size} role="img">'


def _path(points: Sequence[Point], stepped: bool) -> str:
    first, *rest = points
    parts = [f"M{first[0]:.1f} {first[1]:.1f}"]
    for across, up in rest:
        parts.append(f"H{across:.1f}V{up:.1f}" if stepped else f"L{across:.1f} {up:.1f}")
    return "".join(parts)
