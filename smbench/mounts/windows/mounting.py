"""Opening a target for a run on Windows: shares by their UNC names, and a logon for every account.

How an account is used is a mount option of its own, `logon=impersonate` (the default) or
`logon=connection`. Without accounts everybody is who is logged on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.mounts.facts import CaptureFacts
from smbench.mounts.opened import Mounted, UserMount
from smbench.mounts.options import Option
from smbench.mounts.target import DirectoryTarget, ShareTarget, Target
from smbench.mounts.windows.connections import connections
from smbench.mounts.windows.logon import Logon, close_all, logon_of
from smbench.run.surroundings import Mount
from smbench.smb2.constants import PORT
from smbench.trace.model import TraceInfo

IMPERSONATE, CONNECTION = "impersonate", "connection"
_KINDS = (IMPERSONATE, CONNECTION)
CLIENT_GUID_NOTE = (
    "all users of this machine have one ClientGuid: leases are not broken between them, "
    "as they would be between machines"
)


def worker_identity(_target: Target) -> None:
    """Nobody changes: a thread acts as its user's logon instead."""


def derive_options(
    profile: str,
    info: TraceInfo,
    facts: CaptureFacts,
    *,
    user: int | None = None,
    given: Sequence[str] = (),
) -> tuple[Option, ...]:
    """Only how accounts are used: the redirector takes no options by connection. UsageError for others."""
    del profile, info, facts, user
    kind = IMPERSONATE
    for text in given:
        name, _, value = text.partition("=")
        if name != "logon" or value not in _KINDS:
            raise UsageError(
                f"--mount-option {text}: on Windows there is only logon={IMPERSONATE} or logon={CONNECTION}; "
                "the redirector's caches are the registry's (smbench-mount doctor)."
            )
        kind = value
    return (Option("logon", kind, "given" if given else "a session of its own for every user"),)


def stream_options(_options: Sequence[Option]) -> None:
    """None: every name reaches streams."""


@contextmanager
def open_target(
    target: Target,
    users: Sequence[UserMount],
    identity: None = None,
    progress: Callable[[int, int], None] | None = None,
    leads: object = None,
) -> Iterator[Mounted]:
    """The target for as long as the block lasts; then, however it ends, no logon and no connection stays.
    The redirector follows DFS by itself, so that `leads` gets nothing.

    Raises SetupError where an account is refused or the share cannot be reached.
    """
    del identity, leads
    if isinstance(target, DirectoryTarget):
        mounts = [Mount(user=user.user, root=str(target.path)) for user in users]
        yield Mounted([target.path] * len(users), mounts)
        return
    if target.port != PORT:
        raise UsageError(f"{target}: Windows speaks SMB on port {PORT} only; forward it there.")
    root_path = unc_path(target)
    connecting = [user for user in users if _kind(user) == CONNECTION]
    with ExitStack() as stack:
        stack.callback(close_all)
        if connecting:
            accounts = [user.account for user in connecting if user.account is not None]
            stack.enter_context(connections(f"\\\\{target.server}\\{target.share}", accounts))
        acting: list[Logon | None] = []
        for number, user in enumerate(users):
            account = user.account
            logon = logon_of(number, account) if account and _kind(user) == IMPERSONATE else None
            _look(root_path, user, logon)
            acting.append(logon)
            if progress is not None:
                progress(number + 1, len(users))
        yield Mounted(
            [root_path] * len(users),
            [_describe(root_path, user) for user in users],
            notes=[CLIENT_GUID_NOTE] if len(users) > 1 else [],
            acting=acting if any(acting) else [],
        )


def unc_path(target: ShareTarget) -> Path:
    r"""`\\server\share\folder`."""
    folder = target.folder.replace("/", "\\")
    return Path(f"\\\\{target.server}\\{target.share}" + (f"\\{folder}" if folder else "\\"))


def _kind(user: UserMount) -> str | None:
    """How a user's account is used; None where there is none."""
    if user.account is None:
        return None
    return next((option.value for option in user.options if option.name == "logon"), IMPERSONATE)


def _look(root: Path, user: UserMount, logon: Logon | None) -> None:
    """Let the server judge name and password now, and not in the middle of a run."""
    with ExitStack() as stack:
        if logon is not None:
            stack.enter_context(logon.entered())
        try:
            root.stat()
        except OSError as error:
            who = f"as {user.account}" if user.account else "as whoever is logged on"
            reason = (error.strerror or str(error)).rstrip(".")
            raise SetupError(
                f"cannot reach {root} for {user.user} {who}: {reason}. Check the names and the account."
            ) from None


def _describe(root: Path, user: UserMount) -> Mount:
    account = str(user.account) if user.account else None
    return Mount(
        user=user.user,
        root=str(root),
        filesystem=f"SMB as {account or 'whoever is logged on'}",
        source=str(root),
        account=account,
        logon=_kind(user) or "own",
    )
