"""Executors that are clients themselves: what they need, and what they do not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, run
from helpers.load import Load

from smbench.errors import SetupError, UsageError
from smbench.mounts.accounts import Account
from smbench.mounts.opened import UserMount
from smbench.mounts.target import DirectoryTarget, ShareTarget
from smbench.pipeline.clients import root_in_any_dialect, share_access
from smbench.pipeline.place import Place
from smbench.pipeline.progress import SILENT
from smbench.secret import secret
from smbench.trace.model import TraceInfo

ALICE = [UserMount("alice", Account("alice", secret("x")))]


@pytest.mark.skipif(sys.platform == "win32", reason="a share needs no rights there")
def test_without_root_only_the_preparation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with (
        pytest.raises(
            SetupError, match=r"replays without root.*sudo .* prepare, and replay with --no-prepare"
        ),
        root_in_any_dialect(Place(ShareTarget("s", "x"), ALICE, None), SILENT, Load().workload),
    ):
        pass


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory: give //server/share"):
        share_access(Place(DirectoryTarget(tmp_path), ALICE, None), TraceInfo())


def test_a_directory_is_refused_before_anything_is_prepared_in_it(tmp_path: Path) -> None:
    assert run("ingest", THREE_USERS, "-o", "w.workload", "-q", cwd=tmp_path).status == 0
    (tmp_path / "target").mkdir()
    for more in ([], ["--dry-run"]):
        ran = run("replay", "w.workload", "target", "--executor", "library", *more, cwd=tmp_path)
        assert ran.status == 2
        assert "is a directory: give //server/share" in ran.sentence
    assert not list((tmp_path / "target").iterdir())
