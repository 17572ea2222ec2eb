"""Gaps of a workload, stretches in which nothing happens, as a document and as the sentence of a warning."""

from __future__ import annotations

from typing import Any

import numpy as np

from smbench.plan.gaps import Gaps
from smbench.units import format_ns

_LISTED = 10


def gaps_document(gaps: Gaps) -> dict[str, Any]:
    """How many there are and how long, and the longest, where each begins (seconds of the capture)."""
    length_ns = gaps.length_ns
    longest = np.argsort(-length_ns, kind="stable")[:_LISTED].tolist()
    return {
        "count": len(gaps),
        "seconds": int(length_ns.sum()) / 1e9,
        "longest": [
            {"from_s": int(gaps.begin_ns[at]) / 1e9, "lasts_s": int(length_ns[at]) / 1e9} for at in longest
        ],
    }


def gaps_warning(document: dict[str, Any]) -> str | None:
    """What is worth a warning, with the option that mends it; None where there is nothing."""
    if not document["count"]:
        return None
    longest = document["longest"][0]
    several = document["count"] > 1
    said = f"no operation for {_lasts(longest['lasts_s'])}, from {longest['from_s']:,.3f} s of the capture on"
    if several:
        more = document["count"] - 1
        said += f" (and {more:,} more such gap{'s' * (more > 1)}, {_lasts(document['seconds'])} in all)"
    which = "them" if several else "it"
    return f"{said}: a replay waits through {which}, and --close-gaps SECONDS shortens {which}"


def gaps_closed(close_gaps_s: float | None, count: int, seconds: float) -> str | None:
    """What --close-gaps did: how many gaps it shortened, which lasted so long in all; None without it."""
    if close_gaps_s is None:
        return None
    asked = f"--close-gaps {close_gaps_s:.15g}"
    if not count:
        return f"{asked}: no gap is longer"
    return f"{asked}: {count:,} gap{'s' * (count > 1)} shortened, of {seconds:,.3f} s in all"


def _lasts(seconds: float) -> str:
    if seconds < 3600:
        return format_ns(seconds * 1e9)
    hours = seconds / 3600
    return f"{hours:.3g} h" if hours < 999.5 else f"{hours:,.0f} h"
