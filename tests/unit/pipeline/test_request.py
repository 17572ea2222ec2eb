"""A setting of a replay stands once: the command offers what a `Request` has, with its defaults."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import click
import pytest

from smbench.cli.replay import _READ, _request, replay
from smbench.errors import UsageError
from smbench.pipeline.request import DEFAULTS, LoopNamespace, Namespace, Request
from smbench.plan.model import Pace
from smbench.prepare.content import Content

OF_PYTHON_ALONE = {"seed"}
OF_THE_COMMAND_ALONE = {
    "find_capacity", "max_clones", "max_mismatch", "dry_run", "as_json", "quiet", "verbose", "config",
    "run_as",
}  # fmt: skip
"""How often it runs, what its exit status is, and what it shows."""


def offered() -> set[str]:
    names = {str(parameter.name) for parameter in replay.params}
    return {_READ.get(name, name) for name in names} - OF_THE_COMMAND_ALONE


def test_every_setting_is_an_option_and_every_option_a_setting() -> None:
    assert offered() == {field.name for field in fields(Request)} - OF_PYTHON_ALONE


def test_the_commands_defaults_are_the_requests(tmp_path: Path) -> None:
    context = replay.make_context("replay", ["there/w.workload", str(tmp_path)])
    assert isinstance(context, click.Context)
    assert _request(Path("there/w.workload"), context.params) == Request(
        target=str(tmp_path), source="w.workload", output=Path("w.run")
    )


def test_options_become_what_they_ask_for(tmp_path: Path) -> None:
    arguments = [
        "w", str(tmp_path), "--pace", "think", "--speed", "2", "--close-gaps", "1m", "--clone", "3",
        "--namespace", "shared", "--stagger", "2ms", "--loop", "2", "--loop-namespace", "same",
        "--warm-up", "5", "--no-prepare", "--deadline", "1h", "--give-up", "5m",
        "--threshold", "errors.count==0", "--users", "u.toml", "--force",
        "--executor", "null", "--max-bytes", "1M", "--profile", "application", "--users-per-process", "4",
    ]  # fmt: skip
    asked = _request(Path("w"), replay.make_context("replay", arguments).params)
    assert asked == Request(
        target=str(tmp_path),
        source="w",
        output=Path("w.run"),
        pace=Pace.THINK,
        speed=2.0,
        close_gaps_s=60.0,
        clones=3,
        namespace=Namespace.SHARED,
        stagger_s=0.002,
        loops=2,
        loop_namespace=LoopNamespace.SAME,
        warm_up_s=5.0,
        prepare=False,
        deadline_s=3600.0,
        give_up_s=300.0,
        thresholds=("errors.count==0",),
        users=Path("u.toml"),
        force=True,
        executor="null",
        max_bytes=1 << 20,
        profile="application",
        users_per_process=4,
    )


def test_words_and_paths_may_be_plain(tmp_path: Path) -> None:
    asked = Request(target=str(tmp_path), pace="fast", content="sparse", output="a.run", users="u.toml")  # type: ignore[arg-type]
    assert (asked.pace, asked.content, asked.namespace) == (Pace.FAST, Content.SPARSE, Namespace.ISOLATED)
    assert (asked.output, asked.users) == (Path("a.run"), Path("u.toml"))
    assert (asked.filling.content, asked.filling.max_bytes) == (Content.SPARSE, DEFAULTS["max_bytes"])
    assert asked.backend.name == asked.executor


def test_it_stays_as_it_is(tmp_path: Path) -> None:
    asked = Request(target=str(tmp_path))
    with pytest.raises(FrozenInstanceError):
        asked.speed = 2.0  # type: ignore[misc]


def test_a_target_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="names no share"):
        Request(target="//server")
