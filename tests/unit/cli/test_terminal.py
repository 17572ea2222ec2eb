"""What a command says holds no control that others wrote: on a terminal, in JSON, and in errors."""

from __future__ import annotations

import io
import json
from typing import Any

import click
import pytest
from helpers.shown import harmless
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from smbench.cli.guard import guarded
from smbench.cli.terminal import Terminal, one_line
from smbench.report.text import plain_table

OWNED = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj.exe\u2066\x00\x7f"


def shown(renderable: object, **how: Any) -> str:
    file = io.StringIO()
    Terminal(file=file, width=200, highlight=False, soft_wrap=True, **how).print(renderable, markup=False)
    return file.getvalue()


@given(st.text() | st.just(OWNED))
def test_what_others_named_moves_no_cursor(name: str) -> None:
    for renderable in (name, Text(name), plain_table(["path"], [[name]]), Group(Panel(Text(name)), name)):
        assert harmless(shown(renderable))


def test_it_is_told_and_styles_of_its_own_are_styles() -> None:
    whole = r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj.exe\u2066\x00\x7f"
    assert shown(OWNED) == f"{whole}\n"
    assert whole in shown(plain_table(["path"], [[OWNED]])), "as wide as it is told"
    assert r"\x1b]0;owned" in shown(Text(OWNED))
    styled = shown(Text(f"NOT VALID {OWNED}", "red"), force_terminal=True, color_system="standard")
    assert styled.startswith("\x1b[31mNOT VALID ")
    assert harmless(styled.removeprefix("\x1b[31m").rstrip("\n").removesuffix("\x1b[0m"))
    assert shown("two\nlines") == "two\nlines\n"


LEAVES = st.none() | st.text() | st.integers() | st.just(OWNED)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9))
def test_a_document_is_the_same_to_a_program(document: object) -> None:
    said = one_line(document)
    assert json.loads(said) == document
    assert harmless(said)
    assert "\n" not in said


@pytest.mark.parametrize("error", [
    click.UsageError(f"no {OWNED}"), FileNotFoundError(2, "No such file", OWNED), ValueError(OWNED)
])  # fmt: skip
def test_errors_are_sentences(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise error

    with pytest.raises((SystemExit, click.UsageError)) as ended:
        guarded(fails)
    said = (
        ended.value.format_message() if isinstance(ended.value, click.UsageError) else capsys.readouterr().err
    )
    assert r"\x1b]0;owned" in said
    assert harmless(said)
