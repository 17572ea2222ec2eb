"""The command line: one file a command; wiring happens here and nowhere else.

`main` is the console script. Commands are imported when they are asked for, so that `--help` and a
short command do not pay for the libraries of all.
"""

from __future__ import annotations

import atexit
import gc
import sys
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from smbench import __version__
from smbench.cli.guard import guarded
from smbench.cli.streams import Streams
from smbench.privileged.becoming import become_caller

COMMANDS = {
    "ingest": "a capture becomes a workload: decode, lift, say what became of every exchange",
    "inspect": "what is in a workload: coverage, users, operations, the grade of the capture",
    "anonymize": "the same workload under pseudonyms, to give away",
    "prepare": "make the files that a workload presumes on a target; verify or remove them",
    "mount": "mount a share once a user, as a replay would, and leave it mounted",
    "umount": "unmount what mount, or a run that was cut off, left behind",
    "replay": "carry out a workload on a target by many processes, and measure every call",
    "report": "the report of a run",
    "recover": "the result of a replay that was cut off",
    "compare": "what a replay put on the wire, beside what the capture had",
    "calibrate": "what this system's client puts on the wire, call by call",
    "clean": "remove what replays left behind that were cut off",
    "doctor": "what is here, what is missing, and the command that mends it",
    "completion": "the script that lets bash, zsh or fish complete all of this",
}


class _Commands(click.Group):
    """Loads `smbench.cli.<command>` when the command is used, and guards it against tracebacks."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"smbench.cli.{'mount' if name == 'umount' else name}")
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Root becomes who called it before a word of the command is looked at, but for --run-as."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            from smbench.cli.common import (  # with what commands need, which completing does not
                REMARK,
                run_as,
            )

            ctx.meta[REMARK] = become_caller(run_as(command, ctx, rest))
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands, in the order of the work"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Answers from the table: click would import every command, and make the user wait for it."""
        names = [
            CompletionItem(name, help=what) for name, what in COMMANDS.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def main(self, *args: Any, **extra: Any) -> Any:
        """The process' own streams are kept from ending it; those that somebody put in their place are not
        ours."""
        if (sys.stdout, sys.stderr) != (sys.__stdout__, sys.__stderr__):
            return super().main(*args, **extra)
        streams = Streams()
        try:
            return super().main(*args, **extra)
        except SystemExit as ended:
            raise SystemExit(streams.status(int(ended.code or 0))) from None

    def invoke(self, ctx: click.Context) -> object:
        return guarded(lambda: super(_Commands, self).invoke(ctx))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="First time here: smbench-mount doctor. Every command has --help with examples.",
)
@click.version_option(__version__, prog_name="smbench-mount")
def main() -> None:
    """Replay a captured SMB workload through the operating system's own SMB client, one mount a user,
    and measure what every call cost and how true the replay was.

    \b
      smbench-mount ingest customer.pcap -o customer.workload
      sudo smbench-mount replay customer.workload //server/share --users users.toml -o first.run
      smbench-mount report first.run
    """
    # A process that ends need not look for garbage first.
    atexit.register(gc.freeze)
