"""prepare, --verify and --clean on Windows: the same modules, by names that Win32 takes literally."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from wine.conftest import Users
from wine.test_win32_replay import workload

from smbench.paths.beneath_windows import Beneath
from smbench.prepare.check import verify
from smbench.prepare.clean import clean
from smbench.prepare.make import prepare
from smbench.workload.model import Kind, NamespaceEntry

YEAR_2020_NS = 1_577_836_800_000_000_000
NAMESPACE = [
    NamespaceEntry("d", Kind.DIRECTORY),
    NamespaceEntry("d/plain", Kind.FILE, size=100_000, size_known=True, written_ns=YEAR_2020_NS),
    NamespaceEntry("d/dots..", Kind.FILE, size=10, size_known=True),
    NamespaceEntry("d/" + "long" * 50, Kind.FILE, size=1, size_known=True),
    NamespaceEntry("hidden", Kind.FILE, size=0, size_known=True, attributes=0x22),
    NamespaceEntry("gone", Kind.FILE, present=False),
]


def test_what_is_made_is_verified_and_cleaned(users: Users) -> None:
    made = prepare(users.root, NAMESPACE)
    assert (made.directories, made.files, made.bytes) == (1, 4, 100_011)
    assert made.not_made == {}
    assert verify(users.root, NAMESPACE) == []
    # The share's own directory listing has the names to the letter.
    place = Beneath(users.root)
    assert [name for name, _ in place.entries("d")] == ["dots..", "long" * 50, "plain"]
    assert place.stat("d/plain").st_mtime_ns == YEAR_2020_NS
    content = (users.root / "d" / "plain").read_bytes()
    assert len(set(content[:1000])) > 200, "data that does not compress"
    cleaned = clean(users.root)
    assert (cleaned.left, cleaned.others) == ([], [])
    assert list(users.root.iterdir()) == []


def test_a_second_prepare_brings_back_what_a_replay_changed(users: Users) -> None:
    prepare(users.root, NAMESPACE)
    (users.root / "d" / "plain").write_bytes(b"shorter")
    (users.root / "gone").write_bytes(b"born in the replay")
    assert {difference.path for difference in verify(users.root, NAMESPACE)} == {"d/plain", "gone"}
    again = prepare(users.root, NAMESPACE)
    assert (again.files, again.kept) == (1, 3)
    assert verify(users.root, NAMESPACE) == []


@pytest.mark.parametrize("path", ["..", "../x", "d/../../x", "CON", "d/nul.txt", "c:/x", "d\\x", "/x"])
def test_names_that_lead_elsewhere(users: Users, path: str) -> None:
    place = Beneath(users.root)
    for attempt in (
        lambda: place.open(path, os.O_WRONLY | os.O_CREAT),
        lambda: place.mkdir(path),
        lambda: place.unlink(path),
        lambda: place.rename("d", path),
    ):
        with pytest.raises(OSError, match=r"refused|has|device"):
            attempt()
    assert list(users.root.iterdir()) == []


def test_the_command_prepares_replays_and_cleans(users: Users, tmp_path: Path) -> None:
    source = workload("three-users")

    def command(*arguments: object) -> dict[str, object]:
        done = subprocess.run(
            [sys.executable, "-m", "smbench", *map(str, arguments), "--json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 3, 5), done.stderr
        document: dict[str, object] = json.loads(done.stdout)
        return document

    document = command("replay", source, users.root, "--pace", "fast", "-o", tmp_path / "x.run")
    assert document["configuration"]["prepared"] is True  # type: ignore[index]
    command("prepare", source, users.root)
    differences = command("prepare", source, users.root, "--verify")["differences"]
    # Wine keeps no time of creation, and every file is to be archived.
    wrong = [row for row in differences if row["what"] not in ("created", "attributes")]  # type: ignore[attr-defined]
    assert wrong == []
    assert command("prepare", source, users.root, "--clean")["left"] == []
    assert list(users.root.iterdir()) == []
