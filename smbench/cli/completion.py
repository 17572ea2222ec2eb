"""`smbench-mount completion`: the script that lets a shell complete commands, options and their values."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from smbench.cli.common import Console, common_options

_PROGRAM = "smbench-mount"
_VARIABLE = "_SMBENCH_MOUNT_COMPLETE"
"""What click itself looks for in the environment of a program of that name."""
_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(short_help=__doc__)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@common_options
def completion(console: Console, shell: str) -> None:
    """Print the script by which a shell completes smbench-mount: commands, options, their values, files.

    \b
    Examples:
      smbench-mount completion bash > ~/.local/share/bash-completion/completions/smbench-mount
      smbench-mount completion zsh > ~/.zfunc/_smbench_mount_completion
      smbench-mount completion fish > ~/.config/fish/completions/smbench-mount.fish

    A shell that is started afterwards finds the script there: bash (4.4 or newer) if the package
    bash-completion is installed; zsh if ~/.zshrc has fpath+=~/.zfunc before compinit, and the file is called
    like that. The folder has to exist (mkdir -p).

    \b
    Or a line in what the shell reads when it starts:
      eval "$(smbench-mount completion bash)"        # ~/.bashrc
      eval "$(smbench-mount completion zsh)"         # ~/.zshrc, after compinit
      smbench-mount completion fish | source         # ~/.config/fish/config.fish
    """
    # The program's group is not looked at: the script calls the program, which then answers.
    script = _SHELLS[shell](click.Group(_PROGRAM), {}, _PROGRAM, _VARIABLE).source()
    console.result({"schema": 1, "shell": shell, "script": script}, lambda _out: click.echo(script))
