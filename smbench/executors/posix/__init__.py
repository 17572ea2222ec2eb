"""The executor that makes POSIX calls, and what Linux has beyond Python's os module."""
