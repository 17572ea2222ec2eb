"""Workload → the same workload under pseudonyms."""
