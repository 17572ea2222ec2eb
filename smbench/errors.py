"""What can go wrong in a way that a user can mend, and the exit status that tells of it.

Every message is one sentence: what failed, for whom, why, and what to do next. The exit statuses
are the contract of the command line; nothing else in the package calls `sys.exit`.
"""

from __future__ import annotations


class SmbenchError(Exception):
    """An error that is the user's to mend; `exit_status` is the command's."""

    exit_status = 1


class UsageError(SmbenchError):
    """The input is not what it should be: a file that is no capture, an option that does not fit."""

    exit_status = 2


class SetupError(SmbenchError):
    """The surroundings are not ready: no tshark, a mount refused, no such share, a full disk."""

    exit_status = 3
