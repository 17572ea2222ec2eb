"""Plan: the workload on processes and lanes, with times, and what waits for what. Pure: no clock, no I/O."""

from smbench.plan.amplify import clone, clone_names, default_stagger_ns, loop
from smbench.plan.build import plan_run
from smbench.plan.gaps import CLOSED_NS, LONG_NS, NO_GAPS, Gaps, find_gaps, gaps_warning
from smbench.plan.model import Pace, Plan

__all__ = [
    "CLOSED_NS", "LONG_NS", "NO_GAPS", "Gaps", "Pace", "Plan", "clone", "clone_names",
    "default_stagger_ns", "find_gaps", "gaps_warning", "loop", "plan_run",
]  # fmt: skip
