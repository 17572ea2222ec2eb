"""Fidelity: one side's wire compared with another's, exchange by exchange; runs against their workload."""
