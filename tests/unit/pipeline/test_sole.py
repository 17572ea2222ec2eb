"""A target is one replay's at a time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from smbench.errors import UsageError
from smbench.mounts.target import DirectoryTarget, ShareTarget, Target
from smbench.pipeline.sole import sole_use

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock(2)")


@pytest.fixture(autouse=True)
def _locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of the test's."""

    class Locks:
        def ask_for_file(self, _: str, share: str) -> int:
            name = tmp_path / f"target{share.replace('/', '_')}.lock"
            return os.open(name, os.O_RDWR | os.O_CREAT)

    monkeypatch.setattr("smbench.pipeline.sole.helper", Locks)


@pytest.fixture(params=["directory", "share"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    (tmp_path / "target").mkdir()
    return DirectoryTarget(tmp_path / "target") if request.param == "directory" else ShareTarget("nas", "a b")


def test_a_second_user_is_refused_until_the_first_has_gone(target: Target) -> None:
    with sole_use(target, False):
        with pytest.raises(UsageError, match=rf"in use by another replay \(process {os.getpid()}\)"):
            sole_use(target, False).__enter__()
        with sole_use(target, True):
            pass
    with sole_use(target, False):
        pass


def test_another_target_is_another_matter() -> None:
    with (
        sole_use(ShareTarget("nas", "a"), False),
        sole_use(ShareTarget("nas", "b"), False),
    ):
        pass


def test_what_is_not_there_is_not_judged_here(tmp_path: Path) -> None:
    with sole_use(DirectoryTarget(tmp_path / "nowhere"), False):
        pass
