"""One thing that `doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`needed_for` names what does not work without it; `mend` is a command."""

    what: str
    ok: bool
    found: str
    needed_for: str
    mend: str = ""
