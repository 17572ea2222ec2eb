"""`smbench-mount calibrate`: what this system's client puts on the wire, call by call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console as RichConsole

from smbench.cli.common import Console, common_options
from smbench.cli.targets import complete_target, target_options
from smbench.errors import SetupError, UsageError
from smbench.outputs import write_output
from smbench.pipeline.artefacts import for_caller
from smbench.pipeline.request import Destination
from smbench.report.text import plain_table

if TYPE_CHECKING:
    from smbench.clients.profile import ClientProfile


@click.command(short_help=__doc__)
@click.argument("target", shell_complete=complete_target)
@target_options
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.toml",
              help="Write the client profile there.")  # fmt: skip
@click.option("--server", default="", metavar="TEXT",
              help="What the server is, for the profile: the wire does not tell.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an earlier one there.")
@common_options
def calibrate(console: Console, output: Path | None, server: str, force: bool, **target: Any) -> None:
    """Make each call that a replay can choose from, alone, on a mount of the share, and tell what the
    kernel's client sent for it: a client profile. Kernels differ, and a version number does not tell; the
    wire does.

    Needs root and tcpdump, takes a quarter of a minute, and works in a folder of its own on the share, which
    is gone afterwards. Shows in what it is unlike the nearest of the profiles that smbench comes with.

    \b
    Examples:
      sudo smbench-mount calibrate //server/share --users users.toml
      sudo smbench-mount calibrate //server/share --users users.toml --server 'Samba 4.22.6' -o here.toml
    """
    import msgspec

    from smbench.clients.profile import nearest, shipped, to_toml, unlike
    from smbench.pipeline.calibrate import calibrate as make

    if output is not None and output.exists() and not (force and output.is_file()):
        raise UsageError(f"{output} exists: choose another name with -o, or replace a file with --force")
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"cannot write {output}: the folder {output.parent} does not exist")
    profile = make(Destination(**target), console, server)
    known = dict(shipped())
    like = nearest(profile, known)
    differs = [] if like is None else unlike(profile, known[like])
    document = {"profile": msgspec.to_builtins(profile), "nearest": like, "unlike": differs}
    console.result(
        {"schema": 1, **document},
        lambda out: _show(profile, like, {name: known[like or ""].calls[name] for name in differs}, out),
    )
    if output is not None:
        _write(output, to_toml(profile))


def _write(path: Path, text: str) -> None:
    try:
        with for_caller(path):
            write_output(path, text)
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror}; name another with -o") from None


def _show(profile: ClientProfile, like: str | None, theirs: dict[str, list[str]], out: RichConsole) -> None:
    rows = [(name, ", ".join(sent) or "nothing") for name, sent in profile.calls.items()]
    out.print(f"kernel {profile.kernel}, cifs {profile.module}, {profile.server}", markup=False)
    out.print(plain_table(("call", "on the wire"), rows))
    if like is None:
        return
    if not theirs:
        out.print(f"as the profile {like}, in every call", markup=False)
        return
    out.print(f"nearest is the profile {like}; unlike it:", markup=False)
    unlike = [(name, ", ".join(profile.calls[name]), ", ".join(sent)) for name, sent in theirs.items()]
    out.print(plain_table(("call", "here", like), unlike))
