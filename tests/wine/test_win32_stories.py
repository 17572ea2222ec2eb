"""The conformance stories, told to the win32 executor on a share and on a local directory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conformance.stories import STORIES, Step, Story
from wine.conftest import Users
from wine.wine_lacks import AS_ROOT, IS_ROOT, LACKS, READ_ONLY_STORY, Lack, lack_of

from smbench.smb2 import ntstatus

BY_NAME = {story.name: story for story in STORIES}


def ends_as_told(step: Step, outcome: int) -> bool:
    """Stricter than a comparison: NTSTATUS is what this executor speaks, so that it must be this very one."""
    told = ntstatus.matches(step.status, outcome, step.call)
    if step.bytes is not None:
        return told and outcome == step.bytes
    return told and (outcome >= 0 or outcome == ntstatus.outcome_of(step.status))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize(("remote", "profile"), [(True, "wire"), (False, "application")], ids=["share", "C:"])
def test_story(story: Story, remote: bool, profile: str, make_users: Callable[..., Users]) -> None:
    if story.name == READ_ONLY_STORY and IS_ROOT:
        pytest.skip(AS_ROOT)
    users = make_users(remote, profile)
    users.prepare(story.namespace)
    wrong = []
    for number, step in enumerate(story.steps):
        outcome = users.run(step.call, step.user)
        got = f"step {number}: {step.call} ended in {ntstatus.outcome_name(outcome)} ({outcome})"
        lack = lack_of(story.name, step)
        if lack is None and not ends_as_told(step, outcome):
            wrong.append(f"{got}, not {ntstatus.name(step.status)} {step.bytes or ''}")
        if lack is not None and ends_as_told(step, outcome):
            wrong.append(f"{got}, as it should: Wine lacks no more: {lack.reason}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("row", LACKS, ids=lambda row: f"{row.story}: {row.kind.__name__}")
def test_what_wine_lacks(row: Lack) -> None:
    steps = [step for step in BY_NAME[row.story].steps if row.fits(step)]
    assert steps, "the story has no such step"
    pytest.skip(f"{len(steps)} × {row.kind.__name__}: {row.reason}")
