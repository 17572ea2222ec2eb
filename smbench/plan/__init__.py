"""Plan: the workload on processes and lanes, with times, and what waits for what. Pure: no clock, no I/O."""

from smbench.plan.build import plan_run
from smbench.plan.model import Pace, Plan

__all__ = ["Pace", "Plan", "plan_run"]
