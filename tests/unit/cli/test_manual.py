"""Manual pages: smbench/man has what click says of the commands. SMBENCH_REWRITE_GOLDEN=1 writes them."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import subprocess

import click
import pytest
from helpers.command import PROJECT
from helpers.manual import page, pages

from smbench.cli import COMMANDS

FOLDER = PROJECT / "smbench" / "man"


@pytest.mark.parametrize("name", pages())
def test_a_page_is_what_click_knows(name: str) -> None:
    path = FOLDER / f"{name}.1"
    there = path.read_text(encoding="ascii") if path.exists() else ""
    dated = re.match(r"\.TH \S+ 1 (\d{4}-\d\d-\d\d) ", there)
    # The date is that of the page's last change.
    wanted = page(pages()[name], datetime.date.fromisoformat(dated[1]) if dated else datetime.date.min)
    if os.environ.get("SMBENCH_REWRITE_GOLDEN") and there != wanted:
        wanted = there = page(pages()[name], datetime.datetime.now(datetime.UTC).date())
        path.write_text(there, encoding="ascii")
    assert there == wanted, f"{path} is not of now; if that is meant: SMBENCH_REWRITE_GOLDEN=1"


def test_no_page_is_of_a_command_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.1")} == set(pages())
    assert set(pages()) >= {f"smbench-mount-{command}" for command in COMMANDS}


def shown(command: click.Command) -> str:
    """A page of a command of the tests, as a reader sees it."""
    if not shutil.which("groff"):
        pytest.skip("no groff here (scripts/setup --test)")
    context = click.Context(
        command, info_name="story", parent=click.Context(click.Command("x"), info_name="x")
    )
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=78n"],
        input=page(context, datetime.date(2026, 1, 1)), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not done.stderr
    return done.stdout


def test_what_means_something_to_troff_is_shown_as_it_is() -> None:
    @click.command()
    @click.option("--user", help=".user and 'CORP\\alice' -- ^~…→ \"so\"")
    def story(user: str) -> None:
        """Do `it all`:

        .so it begins with a dot, as this long line does that is filled by whoever shows the page.

        \b
        Examples:
          story --user 'CORP\\alice' | head

        \b
        'tis a table:
          .x   \\fBno bold\\fR

        \b
        Exit status: 0; 2 usage; 4 too many,
        or too few. That is it.
        """

    said = shown(story)
    assert "--user TEXT\n              .user and 'CORP\\alice' -- ^~…→ \"so\"\n" in said
    assert "\n       Do it all:\n\n       .so it begins" in said
    assert "\nEXAMPLES\n       story --user 'CORP\\alice' | head\n" in said
    assert "\n       'tis a table:\n         .x   \\fBno bold\\fR\n" in said
    assert "\n       4      Too many, or too few.\n" in said
    assert "\n       That is it.\n" in said


@pytest.mark.parametrize(
    "lint",
    [["mandoc", "-Tlint", "-Wwarning"], ["groff", "-man", "-ww", "-z", "-Tutf8"]],
    ids=lambda lint: lint[0],
)
def test_lint_has_nothing_to_say(lint: list[str]) -> None:
    if not shutil.which(lint[0]):
        pytest.skip(f"no {lint[0]} here (scripts/setup --test)")
    there = sorted(FOLDER.glob("*.1"))
    assert len(there) == len(pages())
    done = subprocess.run([*lint, *there], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
