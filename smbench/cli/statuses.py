"""The exit statuses that a run asks for, beside those of errors (`smbench.errors`) and of signals."""

MISMATCHED = 4
"""More outcomes differ than --max-mismatch allows."""
NOT_VALID = 5
"""The harness itself was at fault."""
CUT_OFF = 6
"""The deadline ended the run, and nothing else is the matter with it."""
MISSED = 99
"""A threshold."""
