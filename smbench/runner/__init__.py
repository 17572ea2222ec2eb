"""Runs a plan: workers, the progress board, a common start, a clean end, and the run directory."""
