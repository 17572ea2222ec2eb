"""Replay a captured SMB workload through the operating system's own SMB client, and measure it."""

__version__ = "0.1.0"
