"""Pieces of HTML that pages are made of. Everything is escaped: names from a capture are hostile."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from fractions import Fraction
from importlib.resources import files
from string import Template
from typing import Any

from smbench.quoting import visible
from smbench.ratios import NO_RATIO, Bad, format_percent, format_ratio
from smbench.units import format_ns


def document(title: str, subtitle: str, body: str) -> str:
    """A page's text; `body` is HTML, the others are not. Its content-security policy lets the page's own
    style sheet and script be, and nothing else: were a name to get into it unescaped, a browser would not run
    it, nor ask for anything from the net."""
    page = files("smbench.report").joinpath("page.html").read_text("utf-8")
    allowed = (f"{tag}-src '{_digest(page, tag)}'" for tag in ("style", "script"))
    policy = "; ".join(("default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"))
    return Template(page).substitute(policy=policy, title=escape(title), subtitle=escape(subtitle), body=body)


def _digest(page: str, tag: str) -> str:
    """Of an inline element, as CSP Level 2 (section 4.2.5) wants it."""
    (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def escape(text: str) -> str:
    """Text as HTML: no markup, and nothing that turns what stands beside it round."""
    return html.escape(visible(text))


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
