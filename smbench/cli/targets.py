"""What the commands that need a target share: its options, its accounts, and a mount for every user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from smbench.cli.common import Console
from smbench.errors import UsageError
from smbench.identity import Identity
from smbench.mounts.accounts import deal, load_accounts, unmatched
from smbench.mounts.facts import CaptureFacts, gather_facts
from smbench.mounts.opened import UserMount
from smbench.mounts.opening import ACCOUNTS_NEEDED, derive_options, worker_identity
from smbench.mounts.options import PROFILES
from smbench.mounts.target import DirectoryTarget, ShareTarget, Target, parse_target
from smbench.plan.amplify import clone_names
from smbench.trace.model import TraceInfo
from smbench.workload.model import Workload

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a workload goes: the target, a mount for every user, and who the workers run as."""

    target: Target
    users: list[UserMount]
    identity: Identity | None


def complete_target(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """A directory, which the shell completes; a share has to be typed."""
    return [CompletionItem(incomplete, type="dir")]


def target_options(command: Command) -> Command:
    """`--users`, `--profile` and `--mount-option`."""
    decorations = (
        click.option("--users", "users_file", type=click.Path(path_type=Path), metavar="users.toml",
                     help="The accounts on the target; needed for a share."),
        click.option("--profile", type=click.Choice(PROFILES), default="wire", show_default=True,
                     help="wire: nothing on the wire that the workload did not ask for; "
                          "application: the client's defaults, as production has it."),
        click.option("--mount-option", "mount_options", multiple=True, metavar="K=V",
                     help="A mount option that wins over the derived ones (repeatable)."),
    )  # fmt: skip
    for decorate in reversed(decorations):
        command = decorate(command)
    return command


def place_workload(
    console: Console, workload: Workload, target_text: str, users_file: Path | None, profile: str,
    given: Sequence[str], clones: int = 1,
) -> Place:  # fmt: skip
    """The place of every user of a workload (of all its clones) on a target; warns of accounts that stand
    for nobody."""
    target = parse_target(target_text)
    captured = [user.name for user in workload.info.trace.users]
    names = clone_names(captured, clones)
    identity = worker_identity(target)
    if isinstance(target, DirectoryTarget):
        if given:
            raise UsageError(f"{target} is a directory, which is not mounted: leave --mount-option")
        if users_file is not None:
            console.warn(f"{target} is a directory, which needs no accounts: {users_file} is not used")
    if isinstance(target, DirectoryTarget) or (users_file is None and not ACCOUNTS_NEEDED):
        return Place(target, [UserMount(name) for name in names], identity)
    accounts = _accounts(console, target, users_file)
    for name in unmatched(captured, accounts):
        console.warn(f"{users_file}: no user of the capture is called {name}; it has {', '.join(captured)}")
    facts = gather_facts(workload.operations, workload.namespace)
    options = [
        derive_options(profile, workload.info.trace, facts, user=number, given=given)
        for number in range(len(captured))
    ]
    mounts = [
        UserMount(name, account, its)
        for name, account, its in zip(names, deal(captured * clones, accounts), options * clones, strict=True)
    ]
    return Place(target, mounts, identity)


def place_accounts(
    console: Console, target_text: str, users_file: Path | None, profile: str, given: Sequence[str]
) -> Place:
    """A mount for every account, where no workload says what it has to be like."""
    target = parse_target(target_text)
    if not isinstance(target, ShareTarget):
        raise UsageError(f"{target_text} is a directory already: only a share, //server/share, is mounted")
    accounts = _accounts(console, target, users_file)
    options = derive_options(profile, TraceInfo(), CaptureFacts(), given=given)
    return Place(target, [UserMount(str(a), a, options) for a in accounts], worker_identity(target))


def _accounts(console: Console, target: ShareTarget, users_file: Path | None) -> Sequence[Any]:
    if users_file is None:
        raise UsageError(
            f"mounting {target} needs accounts: name them in a file and give it by --users users.toml"
        )
    loaded = load_accounts(users_file)
    for warning in loaded.warnings:
        console.warn(warning)
    return loaded.accounts
