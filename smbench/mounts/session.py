"""Opening a target for a run: a root directory for every user, and everything unmounted at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.identity import Identity
from smbench.mounts import cifs, directory
from smbench.mounts.accounts import Account
from smbench.mounts.mountinfo import read_mountinfo
from smbench.mounts.opened import Mounted, UserMount
from smbench.mounts.options import Option, account_options, merge
from smbench.mounts.state import RUNTIME_FOLDER, RunState, new_state, save
from smbench.mounts.target import DirectoryTarget, ShareTarget, Target
from smbench.mounts.unmount import Progress, Unmounted, unmount_run
from smbench.mounts.verify import MountFacts, describe, read_connections, tree_of
from smbench.run.surroundings import Mount


@contextmanager
def open_target(
    target: Target,
    users: Sequence[UserMount],
    identity: Identity | None = None,
    progress: Progress | None = None,
    runtime: Path = RUNTIME_FOLDER,
) -> Iterator[Mounted]:
    """The target for as long as the block lasts; then, however it ends, nothing stays mounted.

    Raises SetupError where a mount is refused (those made before are undone), UsageError without accounts.
    """
    if isinstance(target, DirectoryTarget):
        yield Mounted([target.path] * len(users), directory.describe(target, [user.user for user in users]))
        return
    mounted = _mount(target, users, identity, progress, runtime, kept=False)
    try:
        yield mounted
    finally:
        assert mounted.state is not None
        mounted.notes += _notes(unmount_run(mounted.state, runtime))


def mount_for_good(
    target: ShareTarget,
    users: Sequence[UserMount],
    identity: Identity | None = None,
    progress: Progress | None = None,
    runtime: Path = RUNTIME_FOLDER,
) -> Mounted:
    """Mounts that stay until `umount_all`. Raises SetupError; then nothing stays."""
    return _mount(target, users, identity, progress, runtime, kept=True)


def _mount(
    target: ShareTarget,
    users: Sequence[UserMount],
    identity: Identity | None,
    progress: Progress | None,
    runtime: Path,
    *,
    kept: bool,
) -> Mounted:
    accounts = [user.account for user in users if user.account is not None]
    if len(accounts) < len(users) or not users:
        raise UsageError(
            f"mounting {target} needs an account for every user: name them in a file given by --users."
        )
    program = cifs.require_client()
    cifs.require_server(target)
    state = new_state(str(target), len(users), kept=kept)
    try:
        _make_folders(state, runtime, identity)
        facts = []
        for number, (user, account, root) in enumerate(
            zip(users, accounts, state.roots(runtime), strict=True), 1
        ):
            options = merge(account_options(account, target, identity), user.options)
            cifs.mount(program, target, account, options, root)
            facts.append((user.user, account, options, root))
            if progress is not None:
                progress(number, len(users))
        return Mounted(state.roots(runtime), _verify(target, facts), state)
    except BaseException:
        unmount_run(state, runtime)
        raise


def _make_folders(state: RunState, runtime: Path, identity: Identity | None) -> None:
    """The state first. Only root and the workers' group may pass into the run's folder."""
    try:
        runtime.mkdir(mode=0o711, parents=True, exist_ok=True)
        save(state, runtime)
        folder = state.folder(runtime)
        folder.mkdir(mode=0o700)
        for root in state.roots(runtime):
            root.mkdir(mode=0o700)
        if identity is not None:
            os.chown(folder, 0, identity.gid)
            folder.chmod(0o710)
    except OSError as error:
        raise SetupError(
            f"cannot make folders for the mounts in {runtime}: {error.strerror}; it must be writable."
        ) from error


def _verify(
    target: ShareTarget, mounts: Sequence[tuple[str, Account, tuple[Option, ...], Path]]
) -> list[Mount]:
    entries = {entry.path: entry for entry in read_mountinfo() if entry.is_cifs}
    facts = []
    for user, account, options, root in mounts:
        if root not in entries:
            raise SetupError(f"{target} was mounted for {user} and is not there any more; look at dmesg.")
        facts.append(MountFacts(user, str(account), options, entries[root], tree_of(root)))
    return describe(facts, read_connections())


def _notes(result: Unmounted) -> list[str]:
    lazily = [f"{path} was busy and will go when its last user does" for path in result.lazily]
    left = [f"{path} is still mounted ({reason}); run smbench-mount umount" for path, reason in result.left]
    return lazily + left
