"""Fidelity: one side's wire held against another's, exchange by exchange; runs against their workload."""
