"""Plan: the workload on processes and lanes, with times, and what waits for what. Pure: no clock, no I/O."""

from smbench.plan.amplify import clone, clone_folder, clone_names, default_stagger_ns, loop
from smbench.plan.build import plan_run
from smbench.plan.model import Pace, Plan

__all__ = ["Pace", "Plan", "clone", "clone_folder", "clone_names", "default_stagger_ns", "loop", "plan_run"]
