"""Every executor is told every story; every kind of call has a handler or a stated reason in each."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from conformance.stories import STORIES, Story
from helpers.executors import table

from smbench.errors import UsageError
from smbench.executors.base import NEVER, NOT_YET, ExecutorContext
from smbench.executors.registry import BUILT_IN, executor_class, names
from smbench.smb2 import ntstatus
from smbench.workload.calls import CALLS

if TYPE_CHECKING:
    from conformance.conftest import Target

MOUNTS = os.environ.get("SMBENCH_CONFORMANCE_MOUNTS")

KINDS = [kind for kind in map(executor_class, names()) if kind.compares and not kind.needs_share]
COMPARING = [(kind.name, "wire") for kind in KINDS]
if "posix" in names():
    COMPARING += [("posix", "application")]
if MOUNTS:
    COMPARING += [("cifs", "wire")]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize(("executor_name", "profile"), COMPARING)
def test_story(executor_name: str, profile: str, story: Story, make_target: Callable[..., Target]) -> None:
    target = make_target(executor_name, profile)
    target.prepare(story.namespace)
    for number, step in enumerate(story.steps):
        if not target.supports(step.call):
            continue
        outcome = target.run(step.call, step.user)
        got = f"step {number}: {step.call} ended in {ntstatus.outcome_name(outcome)} ({outcome})"
        if executor_name in step.differs:
            differs = not ntstatus.matches(step.status, outcome, step.call)
            differs |= step.bytes is not None and outcome != step.bytes
            assert differs, (
                f"{got}, as it should; the stated reason holds no more: {step.differs[executor_name]}"
            )
            continue
        assert ntstatus.matches(step.status, outcome, step.call), f"{got}, not {ntstatus.name(step.status)}"
        if executor_name == "memory" and outcome < 0:
            assert outcome == ntstatus.outcome_of(step.status), f"{got}, not {ntstatus.name(step.status)}"
        if step.bytes is not None:
            assert outcome == step.bytes, f"{got}, not {step.bytes} bytes or entries"


def test_every_kind_of_call_is_in_a_story_or_supported_nowhere() -> None:
    told = {type(step.call) for story in STORIES for step in story.steps}
    nowhere = {kind for kind in CALLS.values() if all(kind in executor.unsupported for executor in KINDS)}
    assert told | nowhere == set(CALLS.values())


def test_every_stated_difference_names_an_executor_and_begins_with_never_or_not_yet() -> None:
    reasons = [item for story in STORIES for step in story.steps for item in step.differs.items()]
    assert reasons
    for name, reason in reasons:
        assert name in ("posix", "cifs")
        assert reason.startswith((NEVER, NOT_YET))


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_call_has_a_handler_or_a_reason_and_never_both(name: str) -> None:
    """Of every executor, also of those that cannot run here."""
    try:
        kind = BUILT_IN[name].load()
    except ModuleNotFoundError as missing:
        pytest.skip(f"{name} needs {missing.name}, which is not here")
    handled, stated = set(table(kind)), set(kind.unsupported)
    lacking = sorted(call.__name__ for call in set(CALLS.values()) - handled - stated)
    assert not lacking, f"{name} lacks a handler for {', '.join(lacking)}, or a reason in `unsupported`"
    assert handled - set(CALLS.values()) == set()
    assert handled & stated == set()
    for reason in kind.unsupported.values():
        assert reason.startswith((NEVER, NOT_YET))
        assert len(reason) > len(NOT_YET) + 10
    assert kind.name == name


def test_handlers_are_what_an_executor_that_is_made_has(
    executor: str, make_target: Callable[..., Target]
) -> None:
    assert make_target(executor).handlers(0).keys() == table(executor_class(executor)).keys()


def test_null_accepts_all_and_compares_nothing(make_target: Callable[..., Target]) -> None:
    target = make_target("null")
    assert not executor_class("null").compares
    assert [target.run(step.call) for story in STORIES for step in story.steps] == [0] * sum(
        len(story.steps) for story in STORIES
    )


def test_loss_is_a_sentence_or_nothing(executor: str) -> None:
    kind = executor_class(executor)
    for story in STORIES:
        for step in story.steps:
            loss = kind.loss(step.call)
            assert loss is None or (len(loss) > 10 and not loss.endswith("."))


def test_an_unknown_executor_is_the_user_s_mistake() -> None:
    with pytest.raises(UsageError, match=r"posix.*is not known.*null") as told:
        executor_class("posixx")
    assert all(name in str(told.value) for name in names())


def test_an_executor_of_another_system_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert "posix" not in names()
    with pytest.raises(UsageError, match="another operating system"):
        executor_class("posix")


def test_contexts_are_all_that_an_executor_needs(executor: str, make_target: Callable[..., Target]) -> None:
    target = make_target(executor)
    context = target._context(0)
    assert isinstance(context, ExecutorContext)
    made = executor_class(executor)(context)
    made.close()
