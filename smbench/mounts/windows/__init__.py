"""Mounts, logons and connections of Windows."""
