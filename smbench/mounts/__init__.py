"""Where a replay's files are: a mount of a share for every user, or one directory for all.

Invariant: whatever this package mounted is in a state file before it is tried, so that it is found and
unmounted also after the process died; nothing else is ever unmounted. Passwords never reach argv, an
environment or a disk. Start reading at `session.open_target`.
"""
