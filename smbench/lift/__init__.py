"""Lift: Trace → Workload, by one rule a pattern. Pure but for the files that `lift` writes."""
