"""Pieces of HTML that pages are made of. Everything is escaped: names from a capture are hostile."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from html import escape
from typing import Any

from smbench.ratios import NO_RATIO, Bad, format_percent, format_ratio
from smbench.units import format_ns


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]], name: str = "") -> str:
    """A table; columns of numbers to the right. `name` is its id, for a filter."""
    numeric = [all(_is_number(row[at]) for row in rows) for at in range(len(heads))]
    head = "".join(_cell("th", text, right) for text, right in zip(heads, numeric, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell('td', value, right) for value, right in zip(row, numeric, strict=True))}</tr>"
        for row in rows
    )
    identity = f' id="{escape(name)}"' if name else ""
    return (
        f'<div class="wide"><table{identity}><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(tag: str, value: Any, right: bool) -> str:
    said = f"{value:,}" if isinstance(value, int) else str(value)
    kind = ' class="n"' if right else ""
    return f"<{tag}{kind}>{escape(said)}</{tag}>"


def _is_number(value: Any) -> bool:
    return isinstance(value, int) or value == "–" or str(value).replace(".", "").strip("×").isdecimal()


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values, one below the other."""
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in pairs) + "</dl>"
    )


def duration(value_ns: int | None) -> str:
    """A latency for people; a dash where there is none."""
    return "–" if value_ns is None else format_ns(value_ns)


def multiple(ratio: float | None) -> str:
    """A latency as a multiple of the reference's; a dash where there is none."""
    return "–" if ratio is None else f"×{format_ratio(ratio, 2, Bad.APART)}"


def distance(value: float | None) -> str:
    """How far two distributions lie apart, 0 to 1; a dash where one is empty."""
    return "–" if value is None else format_ratio(value, 2, Bad.HIGH)


def part_of(part: int, whole: int) -> str:
    """`3 of 200 (1.50 %)`, of what had better be none; a dash of nothing."""
    return f"{part:,} of {whole:,} ({format_percent(Fraction(part, whole))})" if whole else NO_RATIO
