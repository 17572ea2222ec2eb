"""A configuration file means what the command line would: no value of another type is taken for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from smbench.cli.config import OptionalValue, load_config
from smbench.errors import UsageError


@click.command()
@click.option("--clone", type=int, default=1)
@click.option("--speed", type=float, default=1.0)
@click.option("--prepare/--no-prepare", default=True)
@click.option("--wire", is_flag=True)
@click.option("--threshold", multiple=True)
@click.option("--close-gaps", cls=OptionalValue, alone="10s")
@click.option("--verbose", count=True)
@click.option("--old", type=click.Path(path_type=Path))
@click.option("--config", type=Path, is_eager=True, expose_value=False, callback=load_config)
def command(**given: Any) -> None:
    print(sorted((name, value) for name, value in given.items() if value != DEFAULTS[name]))


DEFAULTS = {"clone": 1, "speed": 1.0, "prepare": True, "wire": False, "threshold": (), "close_gaps": None,
            "verbose": 0, "old": None}  # fmt: skip


def told(folder: Path, text: str, *arguments: str) -> Any:
    (folder / "c.toml").write_text(text)
    return CliRunner().invoke(command, ["--config", str(folder / "c.toml"), *arguments])


@pytest.mark.parametrize(("text", "given"), [
    ("clone = 3", [("clone", 3)]),
    ("speed = 2", [("speed", 2.0)]),
    ('speed = "2.5"', [("speed", 2.5)]),
    ("prepare = false", [("prepare", False)]),
    ("no-prepare = true", [("prepare", False)]),
    ("no_prepare = false", []),
    ("wire = true", [("wire", True)]),
    ('threshold = ["a<1", "b<2"]', [("threshold", ("a<1", "b<2"))]),
    ('threshold = "a<1"', [("threshold", ("a<1",))]),
    ("close-gaps = true", [("close_gaps", "10s")]),
    ("close-gaps = false", []),
    ("close-gaps = 5", [("close_gaps", "5")]),
    ('close_gaps = "5m"', [("close_gaps", "5m")]),
    ("verbose = true", [("verbose", 1)]),
    ("verbose = 2", [("verbose", 2)]),
    ("old = 5", [("old", Path("5"))]),
])  # fmt: skip
def test_each_value_is_that_of_the_command_line(tmp_path: Path, text: str, given: list[Any]) -> None:
    assert told(tmp_path, text).stdout.strip() == str(given)


def test_the_command_line_wins(tmp_path: Path) -> None:
    assert told(tmp_path, "clone = 3", "--clone", "4").stdout.strip() == "[('clone', 4)]"


@pytest.mark.parametrize(("text", "why"), [
    ("clone = true", "clone is a number or a text in quotes, not true"),
    ("clone = [1]", "clone is a number or a text in quotes, not a list"),
    ('wire = "yes"', "wire is true or false, not 'yes'"),
    ("no-prepare = 1", "no-prepare is true or false, not 1"),
    ("threshold = [true]", "threshold is a number or a text in quotes, not true"),
    ("[replay]\nspeed = 2", "has no option 'replay'"),
    ('config = "other.toml"', "config is said on the command line only: leave it out of the file"),
])  # fmt: skip
def test_what_is_none_is_refused_in_a_sentence(tmp_path: Path, text: str, why: str) -> None:
    refused = told(tmp_path, text)
    assert isinstance(refused.exception, UsageError)
    assert why in str(refused.exception)


def test_a_part_of_a_clone_is_refused_as_on_the_command_line(tmp_path: Path) -> None:
    """By a sentence that names the file, which click knows nothing of."""
    refused = told(tmp_path, "clone = 2.7").exception
    assert isinstance(refused, UsageError)
    assert str(refused) == f"{tmp_path / 'c.toml'}: clone: '2.7' is not a valid integer."
