"""The harness itself, for people: calls that never came back, and what was apart while it stood still."""

from __future__ import annotations

from smbench.report.html import table
from smbench.run.model import Run
from smbench.units import format_s

_SHOWN = 50
UNFINISHED = ("unfinished", "user", "path", "operation", "since", "for at least")


def unfinished_rows(run: Run, most: int) -> list[tuple[str, ...]]:
    """Calls that were in flight when their worker ended, the oldest first; since the start of the run."""
    return [
        (
            one.kind,
            one.user,
            one.path or "/",
            str(one.operation),
            format_s(one.issued_s),
            format_s(one.lasted_s),
        )
        for one in run.unfinished[:most]
    ]


def unfinished(run: Run) -> str:
    """The same as a section of the page; "" where every call came back."""
    if not run.unfinished:
        return ""
    return f"<h2>Never came back</h2>{table(UNFINISHED, unfinished_rows(run, _SHOWN))}"


def harness_notes(run: Run) -> list[str]:
    """What is counted apart because the harness stood still."""
    still = run.stood_still
    if not still.operations:
        return []
    return [
        f"the {still.operations:,} operations that were due or in flight while the harness stood still, "
        f"{format_s(still.seconds)} in all, are compared like all others, and are in no time and no rate"
    ]
