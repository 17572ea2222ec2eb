"""Executors that are SMB clients themselves: what each user's has to know to reach the share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from smbench.cli.targets import Place
from smbench.errors import UsageError
from smbench.executors.base import ShareAccess
from smbench.mounts.opened import Mounted
from smbench.mounts.target import ShareTarget

if TYPE_CHECKING:
    from smbench.trace.model import TraceInfo


def share_access(place: Place, trace: TraceInfo) -> list[ShareAccess]:
    """For each user: the target, its account, and what the captured client had negotiated.

    Raises UsageError where the target is no share.
    """
    target = place.target
    if not isinstance(target, ShareTarget):
        raise UsageError(
            f"this executor is an SMB client itself, and {target} is a directory: give //server/share"
        )
    accesses = []
    for number, user in enumerate(place.users):
        if user.account is None:
            raise UsageError(f"reaching {target} needs accounts: name them in a file, --users users.toml")
        captured = number % len(trace.users)  # of clones, each is the captured user again
        sessions = [session for session in trace.sessions if session.user == captured]
        connections = [trace.connections[at] for session in sessions for at in session.connections]
        dialects = [connection.dialect for connection in connections if connection.dialect]
        accesses.append(
            ShareAccess(
                server=target.server,
                share=target.share,
                port=target.port,
                folder=target.folder,
                account=user.account.name,
                domain=user.account.domain,
                password=user.account.password,
                kerberos=user.account.kerberos,
                dialect=dialects[0] if dialects else None,
                encrypt=any(session.encrypted for session in sessions),
            )
        )
    return accesses


def described(place: Place) -> Mounted:
    """What stands for the mounts of users whose executor has a connection of its own."""
    where = str(place.target)
    mounts = [
        {"user": user.user, "account": str(user.account), "root": where, "filesystem": "no mount: a library"}
        for user in place.users
    ]
    return Mounted([Path(where)] * len(mounts), mounts)
