"""What all commands share: `--json`, `--quiet`, `-v`, `--config`, and the console that they speak through."""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click
from rich.console import Console as RichConsole
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.text import Text

from smbench.cli.config import load_config
from smbench.cli.terminal import Terminal, one_line
from smbench.pipeline.progress import Progress
from smbench.ratios import Bad, format_percent

if TYPE_CHECKING:
    from smbench.runner.watch import RunView

Command = TypeVar("Command", bound=Callable[..., Any])

REMARK = "smbench.remark"
"""Where a context has what is to be known of whom the command runs as."""
_PROGRESS_AFTER_S = 1.0
_WIDTH_OF_A_FILE = 160


def _width(stream: TextIO) -> int | None:
    """Tables fit a terminal; in a file or a pipe they need not fold."""
    return None if stream.isatty() else _WIDTH_OF_A_FILE


class Console(Progress):
    """Where a command's words go: results to stdout, everything else to stderr.

    With `--json` stdout carries one JSON object and nothing else; with `--quiet` only results and
    errors are said.
    """

    def __init__(self, as_json: bool = False, quiet: bool = False, verbose: int = 0) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.out = Terminal(highlight=False, soft_wrap=True, width=_width(sys.stdout))
        self.err = Terminal(stderr=True, highlight=False, soft_wrap=True, width=_width(sys.stderr))

    def result(
        self, document: dict[str, Any] | Callable[[], dict[str, Any]], show: Callable[[RichConsole], None]
    ) -> None:
        """The command's result: the document (or what makes it, where that is work) as JSON, or shown to a
        person."""
        if self.as_json:
            print(one_line(document() if callable(document) else document))
        else:
            show(self.out)

    def note(self, text: str) -> None:
        """What a person would like to know on the way."""
        if not self.quiet:
            self.err.print(text, markup=False)

    def warn(self, text: str) -> None:
        """What a person has to know, even when quiet."""
        self.err.print(f"warning: {text}", markup=False)

    def detail(self, text: str) -> None:
        """With -v."""
        if self.verbose:
            self.err.print(text, markup=False)

    @contextlib.contextmanager
    def stage(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """A callback `(done, total)` that shows a bar on a terminal once it has taken a second."""
        if self.quiet or self.as_json or not sys.stderr.isatty():
            yield lambda _done, _total: None
            return
        bar = ProgressBar(
            TextColumn("{task.description}"), BarColumn(), Share(), TimeRemainingColumn(),
            console=self.err, transient=True,
        )  # fmt: skip
        task = bar.add_task(what, total=None)
        began = time.monotonic()

        def update(done: int, total: int) -> None:
            if not bar.live.is_started:
                if time.monotonic() - began < _PROGRESS_AFTER_S:
                    return
                bar.start()
            bar.update(task, completed=done, total=total)

        try:
            yield update
        finally:
            if bar.live.is_started:
                bar.stop()

    @contextlib.contextmanager
    def watching(self) -> Iterator[Callable[[RunView], None] | None]:
        """A table on a terminal, a line now and then elsewhere; with `--quiet` and `--json` nothing."""
        if self.quiet or self.as_json:
            yield None
            return
        from smbench.cli.live import live_view

        with live_view(self.err, self.note) as watch:
            yield watch


class Share(ProgressColumn):
    """How much is done, in percent: 100 % when all is."""

    def render(self, task: Task) -> Text:
        if not task.total:
            return Text()
        return Text(format_percent(Fraction(task.completed) / Fraction(task.total), 0, Bad.LOW))


def run_as(command: click.Command, parent: click.Context, arguments: Sequence[str]) -> str | None:
    """--run-as among a command's arguments, before any of them has an effect; None where it is not there, or
    they cannot be parsed, which is said later."""
    context = click.Context(command, info_name=command.name, parent=parent, **command.context_settings)
    try:
        given, _, _ = command.make_parser(context).parse_args(list(arguments))
    except click.UsageError:
        return None
    found: str | None = given.get("run_as")
    return found


def common_options(command: Command) -> Command:
    """Adds the common options to a command, whose first parameter then is the Console."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else there.")
    @click.option("-q", "--quiet", is_flag=True, help="Say results and errors only.")
    @click.option("-v", "--verbose", count=True, help="Say more.")
    @click.option(
        "--config", metavar="FILE", type=click.Path(path_type=Path), is_eager=True, expose_value=False,
        callback=load_config, help="TOML file with any of the long options; the command line wins.",
    )  # fmt: skip
    @click.option(
        "--run-as", metavar="USER", expose_value=False,
        help="Of root itself: who does all but mounting and capturing. By sudo it is whoever called that.",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, quiet: bool, verbose: int, **kwargs: Any) -> Any:
        console = Console(as_json, quiet, verbose)
        if (remark := click.get_current_context().meta.get(REMARK)) is not None:
            console.warn(remark)
        return command(console, *args, **kwargs)

    return wrapped  # type: ignore[return-value]
