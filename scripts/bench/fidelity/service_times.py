"""The kernel's and the library's service times of the same operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from helpers.fidelity import Service

from smbench.ratios import Bad, format_ratio


@dataclass(frozen=True, slots=True)
class Times:
    """Of one application, by kind of call."""

    name: str
    kernel: dict[str, Service]
    library: dict[str, Service]
    own_cpu_ns: float
    """The library's own, a call."""


def lines(times: Sequence[Times]) -> Iterator[str]:
    """By application, the most frequent call first."""
    yield f"{'service time, median':22}{'call':18}{'kernel':>17}{'library':>17}{'ratio':>8}"
    yield f"{'':40}{'calls':>7}{'µs':>10}{'calls':>7}{'µs':>10}"
    for one in times:
        sides = one.kernel, one.library
        most = {
            kind: max(side[kind].count for side in sides if kind in side) for kind in one.kernel | one.library
        }
        for at, kind in enumerate(sorted(most, key=lambda kind: (kind == "all", -most[kind], kind))):
            row = f"{'' if at else one.name:22}{kind:18}"
            for side in sides:
                done = side.get(kind)
                row += f"{done.count:>7,}{done.p50_ns / 1e3:>10,.0f}" if done else f"{'–':>7}{'–':>10}"
            if kind in one.kernel and kind in one.library:
                row += f"{format_ratio(one.library[kind].p50_ns / one.kernel[kind].p50_ns, 1, Bad.HIGH):>8}"
            yield row
        yield f"{'':22}{'its own CPU, mean':18}{'':24}{one.own_cpu_ns / 1e3:>10,.0f}"
    yield "The library makes the calls, too, that the captured client made by itself."
