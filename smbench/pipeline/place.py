"""Placing: the target, a mount for every user of a workload, and who the workers run as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smbench.errors import UsageError
from smbench.identity import Identity
from smbench.mounts.accounts import Account, deal, load_accounts, unmatched
from smbench.mounts.dfs import Lead
from smbench.mounts.facts import CaptureFacts, gather_facts
from smbench.mounts.opened import UserMount
from smbench.mounts.opening import ACCOUNTS_NEEDED, derive_options, stream_options, worker_identity
from smbench.mounts.options import WIRE_PROFILE
from smbench.mounts.target import DirectoryTarget, ShareTarget, Target, parse_target
from smbench.pipeline.progress import Progress
from smbench.pipeline.request import Destination
from smbench.plan.amplify import clone_names
from smbench.trace.model import TraceInfo
from smbench.workload.model import Workload
from smbench.workload.outside import OUTSIDE_NAME, outside_user
from smbench.workload.store import StoredOperations, with_client_calls


@dataclass(frozen=True, slots=True)
class Place:
    """Where a workload goes: the target, a mount for every user, and who the workers run as."""

    target: Target
    users: list[UserMount]
    identity: Identity | None
    leads: dict[ShareTarget, Lead] = field(default_factory=dict)
    """What mounting it has found out of DFS."""

    @property
    def where(self) -> Target:
        """Where its files are, as far as that was found out: DFS may lead the target elsewhere."""
        lead = self.leads.get(self.target) if isinstance(self.target, ShareTarget) else None
        return self.target if lead is None else lead.where

    @property
    def owner(self) -> tuple[int, int] | None:
        """User and group that files made in a directory are given to; None: whoever makes them. On a share
        the server says whose a file is; on a directory the workers have to own what they change."""
        if not isinstance(self.target, DirectoryTarget) or self.identity is None:
            return None
        return self.identity.uid, self.identity.gid


def place_workload(workload: Workload, asked: Destination, progress: Progress, clones: int = 1) -> Place:
    """The place of every user of a workload (of all its clones) on a target; warns of accounts that stand
    for nobody."""
    target = parse_target(asked.target)
    captured = [user.name for user in workload.info.trace.users]
    outside = outside_user(workload)
    names = clone_names(captured, clones)
    identity = worker_identity(target)
    if isinstance(target, DirectoryTarget):
        if asked.mount_options:
            raise UsageError(f"{target} is a directory, which is not mounted: leave --mount-option")
        if asked.users is not None:
            progress.warn(f"{target} is a directory, which needs no accounts: {asked.users} is not used")
    if isinstance(target, DirectoryTarget) or (asked.users is None and not ACCOUNTS_NEEDED):
        return Place(target, [UserMount(name) for name in names], identity)
    accounts = _accounts(target, asked, progress)
    for name in unmatched([*captured, OUTSIDE_NAME], accounts):
        progress.warn(f"{asked.users}: no user of the capture is called {name}; it has {', '.join(captured)}")
    operations = workload.operations
    if isinstance(operations, StoredOperations):
        # What clients sent by themselves tells of flushes.
        operations = with_client_calls(workload).operations
    facts = gather_facts(operations, workload.namespace, len(captured))
    its = []
    for number, fact in enumerate(facts):
        options = derive_options(
            asked.profile, workload.info.trace, fact, user=number, given=asked.mount_options
        )
        wire = asked.profile == WIRE_PROFILE
        its.append((options, stream_options(options) if fact.streams and wire else None))
        if fact.streams and not wire:
            progress.warn(
                f"{captured[number]} uses alternate data streams, which the client's defaults do not reach: "
                "with --profile application file:stream is an ordinary file of that name"
            )
    dealt = deal(captured * clones, accounts, None if outside is None else captured[outside])
    mounts = [
        UserMount(name, account, options, streams)
        for name, account, (options, streams) in zip(names, dealt, its * clones, strict=True)
    ]
    return Place(target, mounts, identity)


def place_accounts(asked: Destination, progress: Progress) -> Place:
    """A mount for every account, where no workload says what it has to be like."""
    target = parse_target(asked.target)
    if not isinstance(target, ShareTarget):
        raise UsageError(f"{asked.target} is a directory already: only a share, //server/share, is mounted")
    accounts = _accounts(target, asked, progress)
    options = derive_options(asked.profile, TraceInfo(), CaptureFacts(), given=asked.mount_options)
    return Place(target, [UserMount(str(a), a, options) for a in accounts], worker_identity(target))


def _accounts(target: ShareTarget, asked: Destination, progress: Progress) -> Sequence[Account]:
    if asked.users is None:
        raise UsageError(
            f"mounting {target} needs accounts: name them in a file and give it by --users users.toml"
        )
    loaded = load_accounts(asked.users)
    for warning in loaded.warnings:
        progress.warn(warning)
    return loaded.accounts
