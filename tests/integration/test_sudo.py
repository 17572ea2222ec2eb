"""Results of a command under sudo belong to who called it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, run

CALLER, GROUP = 100123, 100456
SOMEBODY = 100789

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)


@pytest.fixture
def as_by_sudo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The caller's own folder (pytest's are closed to others), and what sudo says of him."""
    monkeypatch.setenv("SUDO_UID", str(CALLER))
    monkeypatch.setenv("SUDO_GID", str(GROUP))
    with tempfile.TemporaryDirectory(prefix="smbench-test-") as name:
        here = Path(name)
        monkeypatch.setenv("XDG_STATE_HOME", str(here / "state"))
        (here / "scratch").mkdir()
        for folder in (here, here / "scratch"):
            os.chown(folder, CALLER, GROUP)
        yield here


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_uid, path.lstat().st_gid)
        for path in sorted(folder.rglob("*"))
    }


def test_all_that_is_written_is_the_callers(as_by_sudo: Path) -> None:
    here = as_by_sudo
    (here / "somebodys.html").write_text("an old page")
    os.chown(here / "somebodys.html", SOMEBODY, SOMEBODY)
    commands: list[tuple[str | Path, ...]] = [
        ("ingest", THREE_USERS, "-o", "w.workload"),
        ("anonymize", "w.workload", "-o", "a.workload"),
        ("replay", "w.workload", "scratch", "-o", "r.run", "--pace", "fast"),
        ("replay", "w.workload", "scratch", "-o", "c.run", "--pace", "fast", "--force", "--executor", "null",
         "--find-capacity", "all.response.p99<9s", "--max-clones", "2"),
        ("report", "r.run", "--csv", "tables/of/it"),
        ("report", "r.run", "--html", "somebodys.html"),
        ("compare", "w.workload", "r.run"),
        ("compare", THREE_USERS, THREE_USERS, "-o", "page.html", "--differences", "differences.parquet"),
    ]  # fmt: skip
    for command in commands:
        assert (done := run(*command, cwd=here)).status in (0, 5), done.err
    found = owners(here)
    assert found.pop("somebodys.html") == (SOMEBODY, SOMEBODY), "a page written over keeps its owner"
    assert {"r.run/report.html", "tables/of/it/series.csv", "tables", "compare.html", "page.html",
            "differences.parquet", "c.run/001/run.json",
            "state/smbench/prepare.key"} <= found.keys()  # fmt: skip
    assert {name: whose for name, whose in found.items() if whose != (CALLER, GROUP)} == {}
