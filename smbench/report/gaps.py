"""Gaps of a workload, stretches in which nothing happens, as a document, and what became of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from smbench.plan.gaps import Gaps

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


def gaps_closed(close_gaps_s: float | None, count: int, seconds: float) -> str | None:
    """What --close-gaps did: how many gaps it shortened, which lasted so long in all; None without it."""
    if close_gaps_s is None:
        return None
    asked = f"--close-gaps {close_gaps_s:.15g}"
    if not count:
        return f"{asked}: no gap is longer"
    return f"{asked}: {count:,} gap{'s' * (count > 1)} shortened, of {seconds:,.3f} s in all"
