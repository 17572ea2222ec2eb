"""`smbench-mount mount` and `umount`: a share once a user, as a replay would mount it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console as RichConsole

from smbench.cli.common import Console, common_options
from smbench.cli.targets import complete_target, target_options
from smbench.errors import SetupError, UsageError
from smbench.pipeline.place import Place, place_accounts, place_workload
from smbench.pipeline.request import Destination
from smbench.report.text import plain_table


@click.command(short_help=__doc__)
@click.argument("target", shell_complete=complete_target)
@target_options
@click.option(
    "--workload", type=click.Path(path_type=Path), help="Derive the options from this workload's capture."
)
@click.option("--dry-run", is_flag=True, help="Show the options with the reason for each; mount nothing.")
@common_options
def mount(console: Console, workload: Path | None, dry_run: bool, **target: Any) -> None:
    """Mount a share once for every account (or, with --workload, for every captured user), each with a
    connection of its own, and leave it mounted until `smbench-mount umount`.

    \b
    Examples:
      sudo smbench-mount mount //server/share --users users.toml
      smbench-mount mount //server/share --users users.toml --workload customer.workload --dry-run
    """
    from smbench.mounts.session import mount_for_good
    from smbench.mounts.target import ShareTarget

    asked = Destination(**target)
    if workload is None:
        place = place_accounts(asked, console)
    else:
        from smbench.workload.store import read

        place = place_workload(read(workload), asked, console)
    if dry_run:
        document = _dry_run(place, asked.profile)
        console.result(document, lambda out: _show_dry_run(document, out))
        return
    if not isinstance(place.target, ShareTarget):
        raise UsageError(f"{asked.target} is a directory already: only a share, //server/share, is mounted")
    with console.stage("mounting") as progress:
        mounted = mount_for_good(place.target, place.users, place.identity, progress)
    rows = [
        {
            "user": user.user,
            "account": str(user.account),
            "path": str(root),
            "streams": None if streams is None else str(streams),
        }
        for user, root, streams in zip(place.users, mounted.roots, mounted.streams, strict=True)
    ]
    for note in mounted.notes:
        console.warn(note)
    console.result(
        {
            "schema": 1,
            "target": str(place.target),
            "profile": asked.profile,
            "mounts": msgspec.to_builtins(mounted.mounts),
            "paths": rows,
        },
        lambda out: out.print(
            plain_table(("user", "account", "path", "streams"), [_cells(row) for row in rows])
        ),
    )


def _cells(row: dict[str, str | None]) -> tuple[str, ...]:
    return tuple(value or "" for value in row.values())


def _dry_run(place: Place, profile: str) -> dict[str, Any]:
    from smbench.mounts.options import account_options, merge
    from smbench.mounts.target import ShareTarget

    mounts = []
    if isinstance(place.target, ShareTarget):
        for user in place.users:
            assert user.account is not None
            for own, streams in ((user.options, False), (user.streams, True)):
                if own is None:
                    continue
                options = merge(account_options(user.account, place.target, place.identity), own)
                rows = [{"option": str(option), "reason": option.reason} for option in options]
                told = {"user": user.user, "account": str(user.account), "streams": streams}
                mounts.append({**told, "options": rows})
    return {"schema": 1, "target": str(place.target), "profile": profile, "mounts": mounts}


def _show_dry_run(document: dict[str, Any], out: RichConsole) -> None:
    if not document["mounts"]:
        out.print(
            f"{document['target']} is a directory: every user gets it as it is, nothing is mounted",
            markup=False,
        )
    shown: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for mount in document["mounts"]:
        options = tuple((row["option"], row["reason"]) for row in mount["options"])
        whose = "streams of " if mount["streams"] else ""
        shown.setdefault(options, []).append(f"{whose}{mount['user']} (as {mount['account']})")
    for options, users in shown.items():
        out.print(
            f"{document['target']}, profile {document['profile']}, for {', '.join(users)}", markup=False
        )
        out.print(plain_table(("option", "why"), options))


@click.command(short_help=__doc__)
@click.argument("target", required=False)
@click.option("--force", is_flag=True, help="Also the mounts of runs that still go on.")
@common_options
def umount(console: Console, target: str | None, force: bool) -> None:
    """Unmount what `mount` left mounted, and what a run that was cut off left behind; nothing else.

    With TARGET, only mounts of that share. Mounts of a run that still goes on are left alone.

    \b
    Examples:
      sudo smbench-mount umount
      sudo smbench-mount umount //server/share
    """
    from smbench.mounts.cifs import require_helper
    from smbench.mounts.target import parse_target
    from smbench.mounts.unmount import umount_all
    from smbench.pipeline.left import left_behind

    share = None if target is None else str(parse_target(target))
    with console.stage("unmounting") as progress:
        done = umount_all(require_helper(), share, force=force, progress=progress)
    for state in done.live:
        console.note(
            f"left alone: {state.share} of a run that goes on (process {state.pid}); --force unmounts it too"
        )
    for path in done.lazily:
        console.warn(f"{path} was busy: it is out of sight, and gone when its last user is")
    gone = len(done.unmounted) + len(done.lazily)
    console.result(
        {
            "schema": 1,
            "unmounted": [str(path) for path in done.unmounted],
            "lazily": [str(path) for path in done.lazily],
            "left": [{"path": str(path), "reason": reason} for path, reason in done.left],
            "live": [state.pid for state in done.live],
        },
        lambda out: out.print(f"unmounted {gone} mounts" if gone else "nothing of ours is mounted"),
    )
    if done.damaged:
        raise UsageError(done.damaged[0])
    if done.left:
        path, reason = done.left[0]
        raise SetupError(
            f"cannot unmount {path}: {reason}; end what uses it (fuser -vm {path}) and try again"
        )
    if left := len(left_behind()):
        console.note(
            f"runs that were cut off left {left} folders: smbench-mount clean lists and removes them"
        )
