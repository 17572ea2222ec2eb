"""Opening a target for a run: a root directory for every user, and everything unmounted at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from smbench.errors import SetupError, UsageError
from smbench.identity import Identity
from smbench.mounts import cifs, directory
from smbench.mounts.accounts import Account
from smbench.mounts.debugdata import read_connections
from smbench.mounts.dfs import Lead
from smbench.mounts.leading import mount_first
from smbench.mounts.mountinfo import read_mountinfo
from smbench.mounts.opened import Mounted, UserMount
from smbench.mounts.options import Option, account_options, merge
from smbench.mounts.state import RunState
from smbench.mounts.target import DirectoryTarget, ShareTarget, Target
from smbench.mounts.unmount import Progress, Unmounted, unmount_run
from smbench.mounts.verify import MountFacts, describe, tree_of
from smbench.owner import started_ticks
from smbench.privileged.client import Helper, HelperError
from smbench.privileged.system import RUNTIME_FOLDER
from smbench.run.surroundings import Mount, StreamsMount

Leads = dict[ShareTarget, Lead]
"""What has been found out of targets, so that it is found out once."""


@contextmanager
def open_target(
    target: Target,
    users: Sequence[UserMount],
    identity: Identity | None = None,
    progress: Progress | None = None,
    leads: Leads | None = None,
) -> Iterator[Mounted]:
    """The target for as long as the block lasts; then, however it ends, nothing stays mounted. `leads` has
    what was found out of targets earlier, and gets what is found out now.

    Raises SetupError where a mount is refused (those made before are undone), UsageError without accounts.
    """
    if isinstance(target, DirectoryTarget):
        yield Mounted([target.path] * len(users), directory.describe(target, [user.user for user in users]))
        return
    mounted = _mount(target, users, identity, progress, leads, kept=False)
    try:
        yield mounted
    finally:
        assert mounted.state is not None
        mounted.notes += _notes(unmount_run(cifs.require_helper(), mounted.state, cut_off=mounted.cut_off))


def mount_for_good(
    target: ShareTarget,
    users: Sequence[UserMount],
    identity: Identity | None = None,
    progress: Progress | None = None,
) -> Mounted:
    """Mounts that stay until `umount_all`. Raises SetupError; then nothing stays."""
    return _mount(target, users, identity, progress, None, kept=True)


def _mount(
    target: ShareTarget,
    users: Sequence[UserMount],
    identity: Identity | None,
    progress: Progress | None,
    leads: Leads | None,
    *,
    kept: bool,
) -> Mounted:
    accounts = [user.account for user in users if user.account is not None]
    if len(accounts) < len(users) or not users:
        raise UsageError(
            f"mounting {target} needs an account for every user: name them in a file given by --users."
        )
    helper = cifs.require_client()
    cifs.require_server(target)
    leads = {} if leads is None else leads
    state, roots, streams = _begin(helper, target, users, identity, kept)
    try:
        wanted = [
            (user.user, account, options, root)
            for every, chosen in (
                (roots, [user.options for user in users]),
                (streams, [u.streams for u in users]),
            )
            for user, account, options, root in zip(users, accounts, chosen, every, strict=True)
            if root is not None and options is not None
        ]
        facts = []
        for number, (name, account, own, root) in enumerate(wanted, 1):
            options = merge(account_options(account, target, identity), own)
            mounting = cifs.Mounting(helper, account, options, root, identity)
            if target not in leads:
                leads[target] = mount_first(mounting, target)
            else:
                lead = leads[target]
                replace(mounting, options=lead.options(options)).mount(lead.mounted, target)
            facts.append((name, account, leads[target].options(options), root))
            if progress is not None:
                progress(number, len(wanted))
        lead = leads[target]
        mounts = with_streams(_verify(target, facts, lead.leads_to), streams)
        return Mounted(roots, mounts, state, streams, lead.told(target))
    except BaseException:
        unmount_run(helper, state)
        raise


def _begin(
    helper: Helper, target: ShareTarget, users: Sequence[UserMount], identity: Identity | None, kept: bool
) -> tuple[RunState, list[Path], list[Path | None]]:
    """The state of a run, and its folders: each user's, and the second one where there is one."""
    pid = os.getpid()
    ticks = started_ticks(pid)
    second = [number for number, user in enumerate(users) if user.streams is not None]
    try:
        begun = helper.ask(
            "begin", share=str(target), users=len(users), streams=second, kept=kept, started_ticks=ticks,
            whose=cifs.whose(identity),
        )  # fmt: skip
    except HelperError as error:
        raise SetupError(f"cannot make folders for the mounts in {RUNTIME_FOLDER}: {error}") from error
    folder = RUNTIME_FOLDER / begun["run"]
    places = [folder / name for name in begun["names"]]
    behind = iter(places[len(users) :])
    streams = [None if user.streams is None else next(behind) for user in users]
    state = RunState(begun["run"], pid, ticks, kept, str(target), len(users), os.getuid())
    return state, places[: len(users)], streams


def with_streams(mounts: Sequence[Mount], streams: Sequence[Path | None]) -> list[Mount]:
    """One a user, each with its second one; those stand behind all first ones, in the users' order. Pure."""
    behind = iter(mounts[len(streams) :])
    return [
        first if root is None else structs.replace(first, streams=_second(next(behind)))
        for first, root in zip(mounts, streams, strict=False)
    ]


def _second(mount: Mount) -> StreamsMount:
    return StreamsMount(
        root=mount.root,
        options=mount.options,
        asked=mount.asked,
        differences=mount.differences,
        connection=mount.connection,
    )


def _verify(
    target: ShareTarget,
    mounts: Sequence[tuple[str, Account, tuple[Option, ...], Path]],
    leads_to: ShareTarget | None,
) -> list[Mount]:
    entries = {entry.path: entry for entry in read_mountinfo() if entry.is_cifs}
    facts = []
    for user, account, options, root in mounts:
        if root not in entries:
            raise SetupError(f"{target} was mounted for {user} and is not there any more; look at dmesg.")
        where = None if leads_to is None else str(leads_to)
        facts.append(MountFacts(user, str(account), options, entries[root], tree_of(root), where))
    return describe(facts, read_connections())


def _notes(result: Unmounted) -> list[str]:
    lazily = [f"{path} was busy and will go when its last user does" for path in result.lazily]
    left = [f"{path} is still mounted ({reason}); run smbench-mount umount" for path, reason in result.left]
    return lazily + left
