"""How a run stands, while it runs: a table on a terminal, a line now and then elsewhere.

It is drawn from the parent's own loop, without a thread, and on stderr: stdout is the result's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.text import Text

from smbench.ratios import Bad, format_percent
from smbench.report.text import plain_table
from smbench.runner.watch import KindView, RunView
from smbench.units import format_ns

_LINE_EVERY_S = 5.0
_NAMED = 3
_HEADINGS = ("service time", "last s", "p50", "p99", "total", "p50", "p99")


@contextmanager
def live_view(err: RichConsole, note: Callable[[str], None]) -> Iterator[Callable[[RunView], None]]:
    """What is to be told each second how the run stands."""
    if err.is_terminal:
        # No refreshing thread: the run's own loop draws.
        with Live(console=err, auto_refresh=False, transient=True) as live:
            yield lambda view: live.update(table(view), refresh=True)
    else:
        yield _lines(note)


def table(view: RunView) -> Group:
    """The whole view: what is told in a line, and a row a kind, the most frequent first."""
    kinds = sorted(view.kinds, key=lambda kind: -kind.count)
    rows = [_row(kind) for kind in ([*kinds, view.every] if len(kinds) > 1 else kinds)]
    progress, trouble = _said(view)
    return Group(
        Text(f"{_bar(view)}  {', '.join(progress)}"),
        Text(", ".join(trouble)),
        plain_table(_HEADINGS, rows, right=range(1, len(_HEADINGS))),
    )


def line(view: RunView) -> str:
    """The view in one line."""
    progress, trouble = _said(view)
    times = f"p50 {_time(view.every.p50_ns[0])}, p99 {_time(view.every.p99_ns[0])}"
    return ", ".join([*progress, times, *trouble])


def _said(view: RunView) -> tuple[list[str], list[str]]:
    """How far it is, and what may be wrong."""
    share = Fraction(view.done, view.planned) if view.planned else Fraction(1)
    progress = [
        f"{view.elapsed_s:,.0f} s",
        f"{view.done:,} of {view.planned:,} operations ({format_percent(share, 0, Bad.LOW)})",
        f"{view.per_s:,.0f}/s",
    ]
    if view.warm_up_left_s:
        progress.append(f"{view.warm_up_left_s:,.0f} s of warm-up left")
    if view.left_s is not None:
        progress.append(f"{view.left_s:,.0f} s left")
    lately, total = view.lateness_p99_ns
    trouble = [
        f"{view.users_running:,} of {view.users:,} users running",
        f"late p99 {_time(lately)} (in total {_time(total)})",
        f"{view.errors:,} errors",
    ]
    if (out := view.longest) is not None:
        trouble.append(f"longest in flight: {out.kind} of {out.user}, {out.age_s:,.0f} s")
    if still := view.standing_still:
        trouble.append(f"standing still: {', '.join(still[:_NAMED])}{', …' * (len(still) > _NAMED)}")
    return progress, trouble


def _lines(note: Callable[[str], None]) -> Callable[[RunView], None]:
    due_s = time.monotonic() + _LINE_EVERY_S

    def tell(view: RunView) -> None:
        nonlocal due_s
        if (now := time.monotonic()) >= due_s:
            due_s = now + _LINE_EVERY_S
            note(line(view))

    return tell


def _row(kind: KindView) -> tuple[str, ...]:
    lately, total = (
        (_time(kind.p50_ns[at]) if count else "–", _time(kind.p99_ns[at]) if count else "–")
        for at, count in ((0, kind.lately), (1, kind.count))
    )
    return (kind.kind, f"{kind.lately:,}", *lately, f"{kind.count:,}", *total)


_BAR = 20


def _bar(view: RunView) -> str:
    full = _BAR * view.done // view.planned if view.planned else _BAR
    return "━" * full + "╌" * (_BAR - full)


def _time(value_ns: int) -> str:
    return format_ns(value_ns) if value_ns else "–"
