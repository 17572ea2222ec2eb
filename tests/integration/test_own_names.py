"""A workload that names this program's notes in a target reaches them by no call, and the record says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.load import CREATE, OPEN, Load
from helpers.ran import written

from smbench.executors.registry import names
from smbench.plan import Pace, plan_run
from smbench.prepare.clean import clean
from smbench.prepare.make import prepare
from smbench.prepare.manifest import MANIFEST
from smbench.runner.run import RunOptions, run
from smbench.workload.calls import MakeDirectory, Rename, Stat, Unlink
from smbench.workload.model import Kind, NamespaceEntry

pytestmark = pytest.mark.skipif("posix" not in names(), reason="posix runs on Linux only")


def test_the_notes_stay_as_they_are(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "a.run").mkdir()
    prepare(target, [NamespaceEntry("f", Kind.FILE, size=9), NamespaceEntry(MANIFEST, Kind.FILE, size=9)])
    before = (target / MANIFEST).read_bytes()
    load = Load()
    load.opens(0, 1, MANIFEST, OPEN)
    load.writes(0, 1)
    load.closes(0, 1)
    load.opens(0, 2, MANIFEST.upper(), CREATE)
    load.opens(0, 3, "f", OPEN)
    load.add(0, Rename(3, "f", MANIFEST, True))
    load.add(0, Stat(MANIFEST))
    load.add(0, Unlink(MANIFEST))
    load.add(0, MakeDirectory(".smbench-trials-x"))
    load.closes(0, 3)
    plan = plan_run(load.workload, load.users, pace=Pace.FAST)
    document = written(run(plan, load.workload, RunOptions("posix", [target] * 2)), tmp_path / "a.run")
    assert (target / MANIFEST).read_bytes() == before
    assert sorted(path.name for path in target.iterdir()) == [MANIFEST, "f"]
    causes = {(cause["kind"], cause["got"]): cause for cause in document["causes"]}
    for kind in ("Open", "Rename", "Stat", "Unlink", "MakeDirectory"):
        assert "this program's own: the call is not made" in causes[kind, "ENOTNAM"]["why"]
    assert document["operations"]["matched"] == 2, "the open of f and its close"
    assert clean(target).left == []
