"""The edge where a command's words meet a terminal: what others named is shown, and moves no cursor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from smbench.quoting import visible

_NOT_ASCII = re.compile("[^ -~]")
_LINES = "\n"


class Terminal(Console):
    """rich's console; of the text that it is given only styles of its own reach the terminal as controls."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Plain text is spelled out before rich would leave some of it out; the rest in `render`."""
        super().print(*(visible(one, _LINES) if isinstance(one, str) else one for one in objects), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text, _LINES), segment.style)


def one_line(document: Any) -> str:
    """A document as JSON in one line: the same values to a program, and to a terminal nothing but text."""
    return _NOT_ASCII.sub(_escaped, json.dumps(document, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    one = found[0]
    return one if one.isprintable() else json.dumps(one)[1:-1]
