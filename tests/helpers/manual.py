"""Manual pages, made from click's tree of commands: one a command, in the macros of man(7), ASCII only.

The text is that of --help. A paragraph of it that click may not fill (\b) is shown as it stands; one that
begins with "Examples:" or "Exit status:" is a section of its own. The tool click-man makes pages that lint
refuses: it neither escapes text nor knows such paragraphs.
"""

from __future__ import annotations

import datetime
import inspect
import re
import textwrap
from collections.abc import Iterator

import click

from smbench import __version__
from smbench.cli import COMMANDS, main

PROGRAM = "smbench-mount"

_STATUSES = {
    0: "Done.",
    1: "A defect of the program itself. With SMBENCH_DEBUG set it says where.",
    2: "Usage: an option, or an input that is not what it should be.",
    3: "Environment: no tshark, a mount that is refused, no such share, a full disk.",
    130: "Interrupted by Ctrl-C.",
}
"""Of every command (smbench/errors.py, smbench/cli/guard.py)."""

_FILES = {
    ".workload": ("NAME.workload/", "A workload: operations, namespace and coverage, as Parquet and JSON."),
    ".run": ("NAME.run/", "A run: run.json, operations.parquet, latency.hlog and more."),
    "users.toml": (
        "users.toml",
        "The accounts on the target: a table [[user]] each, with name, and password_file, password_env or "
        "kerberos = true; domain and captured (which captured user it stands for) where wanted.",
    ),
    "mount": ("/run/smbench-mount/", "What is mounted now, by which run."),
}
"""Files by the word in a command's help that tells of them."""

_ENVIRONMENT = {
    "SMBENCH_DEBUG": "Where it is set, an internal error comes with its traceback.",
    "TMPDIR": "Where what does not fit into memory is kept while a command runs.",
}

_PLAIN = {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
_OPTION = re.compile(r"((?:--?[a-z][a-z-]*(?:, | / )?)+)(?: (.*))?", re.DOTALL)


def pages() -> dict[str, click.Context]:
    """Every command of the tree by its page's name, as smbench-mount-replay."""
    return {context.command_path.replace(" ", "-"): context for context in _tree(main, PROGRAM, None)}


def _tree(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            if below is not None and not below.hidden:
                yield from _tree(below, each, context)


def page(context: click.Context, date: datetime.date) -> str:
    """The page of one command."""
    name = context.command_path.replace(" ", "-")
    text = _Text(context.command)
    lines = [
        f'.TH {name.upper()} 1 {date} "{PROGRAM} {__version__}" "{PROGRAM} manual"',
        ".nh",
        ".ad l",
        ".SH NAME",
    ]
    lines += [rf"{_plain(name)} \-", *_filled(_summary(context)), ".SH SYNOPSIS", *_synopsis(context)]
    lines += _section("DESCRIPTION", text.description)
    if isinstance(context.command, click.Group):
        lines += _section("COMMANDS", _items(_commands(context), after="(1)"))
    lines += _section("OPTIONS", _options(context))
    lines += _section("EXIT STATUS", _exit_status(text.exit_status))
    if isinstance(context.command, click.Group):
        lines += _section("ENVIRONMENT", _items(_ENVIRONMENT))
    lines += _section("FILES", _items(dict(_files(context)), font="I"))
    lines += _section("EXAMPLES", text.examples)
    lines += [".SH SEE ALSO", *_see_also(name)]
    return "\n".join(lines) + "\n"


class _Text:
    """A command's help, by the sections of a page."""

    def __init__(self, command: click.Command) -> None:
        self.description: list[str] = []
        self.examples: list[str] = []
        self.exit_status = ""
        help_text = inspect.cleandoc(command.help or "")
        for paragraph in _paragraphs(f"{help_text}\n\n{command.epilog or ''}"):
            as_it_stands = paragraph.startswith("\b\n")
            words = paragraph.removeprefix("\b\n")
            if words.startswith("Examples:"):
                self.examples += _as_it_stands(words.partition("\n")[2])
            elif words.startswith("Exit status:"):
                self.exit_status = " ".join(words.removeprefix("Exit status:").split())
            else:
                self.description += [".PP"] if self.description else []
                self.description += _as_it_stands(words) if as_it_stands else _filled(words)


def _paragraphs(text: str) -> list[str]:
    return [part for part in re.split(r"\n\s*\n", text.replace("\f", "")) if part.strip("\b \n")]


def _summary(context: click.Context) -> str:
    if isinstance(context.command, click.Group):
        return "replay captured SMB workloads and measure every call"
    return COMMANDS.get(context.info_name or "") or context.command.get_short_help_str(limit=200)


def _synopsis(context: click.Context) -> list[str]:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return [f".B {_plain(context.command_path)}", _guarded(_plain(pieces))]


def _commands(context: click.Context) -> dict[str, str]:
    below = {name: each for name, each in pages().items() if each.parent and each.parent.command is main}
    return {name: _summary(each) for name, each in below.items() if context.command is main}


def _options(context: click.Context) -> list[str]:
    lines = []
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is None:
            continue
        found = _OPTION.fullmatch(record[0])
        assert found, f"{record[0]!r} is no option as this knows them"
        names = re.sub(r"--?[a-z-]+", lambda name: rf"\fB{_plain(name[0])}\fR", found[1])
        value = rf" \fI{_plain(found[2])}\fR" if found[2] else ""
        lines += [".TP", f"{names}{value}", *_filled(record[1])]
    return lines


def _exit_status(own: str) -> list[str]:
    """The statuses of every command, and a command's own: "0; 4 why; 5 why. And what else is to be said"."""
    listed, _, rest = own.partition(". ")
    said = [re.fullmatch(r"(\d+)(?: (.*))?", part) for part in listed.split("; ")] if own else []
    statuses = dict(_STATUSES)
    for each in said:
        assert each, f"{listed!r} is no list of exit statuses as this knows them"
        if each[2]:
            statuses.setdefault(int(each[1]), each[2][0].upper() + each[2][1:].rstrip(".") + ".")
    lines = _items({str(status): statuses[status] for status in sorted(statuses)})
    return [*lines, ".PP", *_filled(rest)] if rest else lines


def _files(context: click.Context) -> Iterator[tuple[str, str]]:
    said = context.command.get_help(context)
    for word, (name, meaning) in _FILES.items():
        if re.search(rf"(?<![\w-]){re.escape(word)}\b" if word.isalpha() else re.escape(word), said):
            yield name, meaning


def _see_also(name: str) -> list[str]:
    others = [other for other in pages() if other != name]
    return [rf".BR \%{_plain(other)} (1){',' if other != others[-1] else ''}" for other in others]


def _section(title: str, lines: list[str]) -> list[str]:
    return [f".SH {title}", *lines] if lines else []


def _items(meanings: dict[str, str], font: str = "B", after: str = "") -> list[str]:
    lines = []
    for name, meaning in meanings.items():
        lines += [".TP", rf"\f{font}{_plain(name)}\fR{after}", *_filled(meaning)]
    return lines


def _filled(text: str) -> list[str]:
    """Source lines of words that the reader's terminal fills; `code` is bold."""
    words = " ".join(text.split())
    parts = [
        rf"\fB{_plain(part)}\fR" if number % 2 else _plain(part)
        for number, part in enumerate(words.split("`"))
    ]
    lines = textwrap.wrap("".join(parts), 78, break_long_words=False, break_on_hyphens=False)
    return [_guarded(line) for line in lines]


def _as_it_stands(text: str) -> list[str]:
    return [".EX", *(_guarded(_plain(line)) for line in textwrap.dedent(text).splitlines()), ".EE"]


def _plain(text: str) -> str:
    """Characters that mean something to troff, or that not every output has, as escapes."""
    return "".join(
        _PLAIN.get(one, one) if ord(one) < 128 else rf"\[u{ord(one):04X}]" for one in text.expandtabs()
    )


def _guarded(line: str) -> str:
    """A line of text is no request, whatever it begins with."""
    return rf"\&{line}" if line.startswith((".", "'")) else line
