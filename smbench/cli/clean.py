"""`smbench-mount clean`: remove what replays left behind that were cut off."""

from __future__ import annotations

from pathlib import Path

import click

from smbench.cli.common import Console, common_options
from smbench.errors import SetupError, UsageError
from smbench.pipeline.left import Left, left_behind, remove


@click.command(short_help=__doc__)
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--discard", is_flag=True, help="Also what a result can still be made of.")
@common_options
def clean(console: Console, folders: tuple[Path, ...], discard: bool) -> None:
    """Remove what processes of smbench-mount left behind that were killed: scratch folders, and runs of which
    nothing can be made. Nothing that a living process has is touched. A run that has records is listed, and
    stays, unless --discard is given; smbench-mount recover makes its result.

    FOLDERS: where replays were to write their results (default: the current one).

    \b
    Examples:
      smbench-mount clean
      sudo smbench-mount clean --discard /srv/results
    """
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder: name those that results were to go to")
    found = left_behind(folders or (Path(),))
    removed: list[Left] = []
    stays: list[Left] = []
    failed: list[tuple[Left, str]] = []
    for left in found:
        if left.recoverable and not discard:
            stays.append(left)
            continue
        try:
            remove(left)
            removed.append(left)
        except OSError as error:
            failed.append((left, error.strerror or str(error)))
    for left in stays:
        if left.why:
            console.note(f"left alone: {left.path}: {left.why}; clean --discard removes it")
            continue
        console.note(
            f"left alone: {left.path} has {left.recorded:,} operations of {left.output or 'a run'}: "
            f"smbench-mount recover {left.name}, or clean --discard"
        )
    console.result(
        {
            "schema": 1,
            "removed": [str(left.path) for left in removed],
            "recoverable": [
                {"path": str(left.path), "output": str(left.output or ""), "operations": left.recorded}
                for left in stays
            ],
            "left": [{"path": str(left.path), "reason": why} for left, why in failed],
        },
        lambda out: out.print(
            f"removed {len(removed)} folders" if removed else "nothing was left that can be removed",
            markup=False,
        ),
    )
    if failed:
        left, why = failed[0]
        raise SetupError(f"cannot remove {left.path}: {why}")
