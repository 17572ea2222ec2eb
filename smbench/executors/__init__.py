"""Executors: one file a backend, one handler a call, or a stated reason why not."""
