"""Executors that are SMB clients themselves: what each user's has to know to reach the share.

The system's client only prepares for them, in whatever dialect the server speaks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from smbench.advice import this_command
from smbench.errors import SetupError, UsageError
from smbench.executors.base import ShareAccess
from smbench.mounts.dfs import leads_elsewhere
from smbench.mounts.opened import Mounted, NotSupportedError, UserMount
from smbench.mounts.options import DIALECT_OPTIONS, GIVEN, Option
from smbench.mounts.target import ShareTarget
from smbench.pipeline.place import Place
from smbench.pipeline.preparing import one_root
from smbench.pipeline.progress import Progress
from smbench.prepare.roots import Roots
from smbench.privileged.client import helper
from smbench.run.surroundings import Mount
from smbench.smb2.constants import DIALECT_2_0_2
from smbench.trace.model import TraceInfo
from smbench.workload.model import Workload

_DIALECT = "vers"
_OLDEST = Option(
    _DIALECT, DIALECT_OPTIONS[DIALECT_2_0_2], "the one dialect that the kernel offers only where it is asked"
)


@contextmanager
def root_in_any_dialect(place: Place, progress: Progress, workload: Workload) -> Iterator[Roots]:
    """The first user's mount in the dialect that was given, or else in whichever the server speaks.

    SetupError where it cannot be mounted for lack of rights, which the executor itself does not need.
    """
    if sys.platform != "win32" and helper() is None:
        raise SetupError(
            "this executor replays without root, but its files are prepared through a mount, which only root "
            f"can make: prepare them by sudo {this_command()} prepare, and replay with --no-prepare (or do "
            "all of it by sudo)"
        )
    options = place.users[0].options if place.users else ()
    others = [option for option in options if option.name != _DIALECT]
    given = [option for option in options if option.name == _DIALECT and option.reason == GIVEN]
    with ExitStack() as stack:
        try:
            root = stack.enter_context(one_root(_with(place, [*others, *given]), progress, workload))
        except NotSupportedError:
            if given:
                raise
            root = stack.enter_context(one_root(_with(place, [*others, _OLDEST]), progress, workload))
        yield root


def _with(place: Place, options: list[Option]) -> Place:
    return replace(place, users=[replace(user, options=tuple(options)) for user in place.users[:1]])


def _given_dialect(user: UserMount) -> str | None:
    return next((one.value for one in user.options if one.name == _DIALECT and one.reason == GIVEN), None)


def share_access(place: Place, trace: TraceInfo) -> list[ShareAccess]:
    """For each user: the target, its account, and what the captured client had negotiated.

    Raises UsageError where the target is no share.
    """
    target = place.where
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
        if given := _given_dialect(user):
            dialects = [dialect for dialect, name in DIALECT_OPTIONS.items() if name == given]
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
    named, where = str(place.target), str(place.where)
    mounts = [
        Mount(
            user=user.user,
            account=str(user.account),
            root=named,
            leads_to=None if where == named else where,
            filesystem="no mount: a library",
        )
        for user in place.users
    ]
    notes = []
    if where != named:
        notes.append(leads_elsewhere(named, where))
    if any(lead.follows for lead in place.leads.values()):
        notes.append(
            f"{named} holds DFS links, which this executor does not follow: what is behind one ends with "
            "STATUS_PATH_NOT_COVERED"
        )
    return Mounted([Path(named)] * len(mounts), mounts, notes=notes)
