"""What the commands that need a target share: its options, and how a shell completes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from smbench.mounts.options import PROFILES
from smbench.pipeline.request import DEFAULTS

Command = TypeVar("Command", bound=Callable[..., Any])


def complete_target(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """A directory, which the shell completes; a share has to be typed."""
    return [CompletionItem(incomplete, type="dir")]


def target_options(command: Command) -> Command:
    """`--users`, `--profile` and `--mount-option`: by name, with TARGET, the fields of a `Destination`."""
    decorations = (
        click.option("--users", type=click.Path(path_type=Path), metavar="users.toml",
                     help="The accounts on the target; needed for a share."),
        click.option("--profile", type=click.Choice(PROFILES), default=DEFAULTS["profile"], show_default=True,
                     help="wire: nothing on the wire that the workload did not ask for; "
                          "application: the client's defaults, as production has it."),
        click.option("--mount-option", "mount_options", multiple=True, metavar="K=V",
                     help="A mount option that wins over the derived ones (repeatable): how the client "
                          "talks and what it keeps, as mount.cifs(8) has it."),
    )  # fmt: skip
    for decorate in reversed(decorations):
        command = decorate(command)
    return command
