"""prepare and clean where others may write: whatever they plant there, nothing outside is touched."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.hostile import ENEMY, exchanging, make_outside, names, namespace, plant, snapshot

from smbench.errors import SetupError, UsageError
from smbench.prepare.check import verify
from smbench.prepare.clean import clean
from smbench.prepare.content import Content
from smbench.prepare.make import prepare
from smbench.prepare.manifest import MANIFEST
from smbench.prepare.roots import Roots
from smbench.prepare.wanted import Wanted
from smbench.workload.model import Kind, NamespaceEntry

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="root works in the folder of another user"
)
ENTRIES = [
    NamespaceEntry("dir", Kind.DIRECTORY),
    NamespaceEntry("dir/sub", Kind.DIRECTORY, written_ns=10**18),
    NamespaceEntry("dir/sub/f", Kind.FILE, size=100, attributes=0x1, written_ns=10**18),
    NamespaceEntry("dir/a", Kind.FILE, size=3, ea_names=("mark",), ea_lengths=(4,)),
    NamespaceEntry("top", Kind.FILE, size=9, written_ns=10**18),
    NamespaceEntry("sub", Kind.DIRECTORY, present=False),
]
EVERYWHERE = ["dir", "dir/sub", "dir/sub/f", "dir/a", "top", "sub", MANIFEST, f"{MANIFEST}.new"]
ROUNDS = int(os.environ.get("SMBENCH_ROUNDS", "60"))


@pytest.fixture
def here() -> Iterator[Path]:
    """A folder that the enemy may pass through (pytest's are closed to others), with an outside beside it."""
    with tempfile.TemporaryDirectory(prefix="prepare-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        make_outside(folder)
        yield folder


def target_of(here: Path, owner: int = ENEMY) -> Path:
    target = here / "target"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    os.chown(target, owner, owner)
    return target


OWNERS = pytest.mark.parametrize("owner", [0, ENEMY], ids=["root's", "the enemy's"])


@OWNERS
def test_no_name_leads_out_of_a_target(here: Path, owner: int) -> None:
    target, before = target_of(here, owner), snapshot(here / "outside")
    entries = namespace(names(600))
    prepared = prepare(target, entries, wanted=Wanted(Content.SPARSE), owner=(owner, owner))
    assert prepared.files > 50
    assert sum(prepared.not_made.values()) > 100
    verify(target, entries)
    assert prepare(target, entries, wanted=Wanted(Content.SPARSE), owner=(owner, owner)).files == 0
    cleaned = clean(target)
    assert (cleaned.left, list(target.iterdir())) == ([], [])
    assert snapshot(here / "outside") == before
    assert sorted(path.name for path in here.iterdir()) == ["outside", "target"]


@OWNERS
@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_link_that_was_planted_is_not_followed(here: Path, owner: int, path: str) -> None:
    before = snapshot(here / "outside")
    for prepared_first in (False, True):
        target = target_of(here, owner)
        if prepared_first:
            prepare(target, ENTRIES, owner=(owner, owner))
            if (target / path).is_dir():
                shutil.rmtree(target / path)
        plant(target, here / "outside", [path])
        for force in (False, True):
            with suppress(UsageError, SetupError):
                prepare(target, ENTRIES, owner=(owner, owner), force=force)
        with suppress(UsageError, SetupError):
            verify(target, ENTRIES)
        with suppress(UsageError, SetupError):
            clean(target)
        assert snapshot(here / "outside") == before


def test_a_clones_folder_that_is_a_link_is_refused(here: Path) -> None:
    target, before = target_of(here), snapshot(here / "outside")
    plant(target, here / "outside", ["clone-0001"])
    with pytest.raises(UsageError, match=r"clone-0001 in the target is a link or a file.*move it away"):
        prepare(Roots(target, folder="clone-0001"), ENTRIES, owner=(ENEMY, ENEMY))
    assert snapshot(here / "outside") == before


def test_links_exchanged_in_a_race_lead_nowhere(here: Path) -> None:
    """Whatever comes of it is a result, or a sentence."""
    outside, before = here / "outside", snapshot(here / "outside")
    outcomes = {"prepared": 0, "cleaned": 0, "refused": 0}
    paths = [*EVERYWHERE, "clone-0001", "clone-0001/dir", "clone-0001/top"]
    target = target_of(here)
    with exchanging(target, outside, paths):
        for number in range(ROUNDS):
            for folder in ("", "clone-0001"):
                try:
                    prepare(
                        Roots(target, folder=folder), ENTRIES, owner=(ENEMY, ENEMY), force=number % 2 == 0
                    )
                    outcomes["prepared"] += 1
                except (UsageError, SetupError):
                    outcomes["refused"] += 1
            with suppress(UsageError, SetupError):
                verify(target, ENTRIES)
            try:
                clean(target)
                outcomes["cleaned"] += 1
            except (UsageError, SetupError):
                outcomes["refused"] += 1
            if number % 5 == 4:
                for path in target.iterdir():
                    with suppress(OSError):
                        path.unlink() if path.is_symlink() else shutil.rmtree(path)
                for name in (MANIFEST, "top"):
                    (target / name).unlink(missing_ok=True)
    print(outcomes)
    assert outcomes["prepared"]
    assert outcomes["cleaned"]
    assert snapshot(outside) == before


def test_a_file_with_another_name_outside_is_made_anew(here: Path) -> None:
    """What the owner of a target links there is not given away, nor changed."""
    target = target_of(here)
    prepare(target, ENTRIES, owner=(ENEMY, ENEMY))
    precious = here / "outside" / "a"
    precious.write_bytes(b"abc")
    for path in ("dir/a", "top", "dir/sub/f"):
        (target / path).unlink()
        (target / path).hardlink_to(precious)
    before = precious.stat()
    for force in (True, False):
        with suppress(UsageError):
            prepare(target, ENTRIES, owner=(ENEMY, ENEMY), force=force)
        now = precious.stat()
        assert (now.st_uid, now.st_mode, now.st_mtime_ns) == (
            before.st_uid,
            before.st_mode,
            before.st_mtime_ns,
        )
    assert precious.read_bytes() == b"abc"
    assert not os.listxattr(precious)


@pytest.mark.parametrize("owner", [54321, ENEMY], ids=["another's", "their own"])
@pytest.mark.parametrize("name", ["dir", "sub", ".smbench-trials-x"])
def test_a_folder_that_was_moved_to_a_prepared_name_stays(here: Path, name: str, owner: int) -> None:
    """It is older than what prepare made, or somebody else's."""
    target = target_of(here)
    theirs = target / "theirs"
    (theirs / "deep").mkdir(parents=True)
    (theirs / "deep" / "f").write_text("precious")
    for path in (theirs, theirs / "deep", theirs / "deep" / "f"):
        os.chown(path, owner, owner)
    prepare(target, ENTRIES, owner=(ENEMY, ENEMY), force=True)
    if (target / name).exists():
        shutil.rmtree(target / name)
    theirs.rename(target / name)
    if name == ".smbench-trials-x":
        if owner == ENEMY:
            return  # of the target's owner they may be trials
    else:
        with pytest.raises(UsageError, match=rf"holds '{name}', which prepare did not make"):
            prepare(target, ENTRIES, owner=(ENEMY, ENEMY))
    cleaned = clean(target)
    assert cleaned.left == [(name, "prepare did not make it, nor did a replay")]
    assert (target / name / "deep" / "f").read_text() == "precious"


def test_what_a_replay_saves_by_a_new_file_is_ours(here: Path) -> None:
    target = target_of(here)
    prepare(target, ENTRIES, owner=(ENEMY, ENEMY))
    for name in ("dir/new", "dir/sub/g", "sub"):
        (target / name).write_text("saved")
        os.chown(target / name, ENEMY, ENEMY)
    (target / "dir/new").replace(target / "dir/a")
    (target / "dir/sub/f").rename(target / "top")
    prepare(target, ENTRIES, owner=(ENEMY, ENEMY))
    assert verify(target, ENTRIES) == []
    assert clean(target).left == []
    assert list(target.iterdir()) == []


def planted(target: Path, what: str) -> None:
    """Something that bears the manifest's name."""
    place = target / MANIFEST
    if what == "a FIFO":
        os.mkfifo(place)
    elif what == "a link":
        place.symlink_to("/dev/zero")
    elif what == "a folder":
        place.mkdir()
    elif what == "a terabyte":
        place.touch()
        os.truncate(place, 1 << 40)
    else:
        place.write_text(PLANTED[what])


HEADER = json.dumps({"schema": 3, "tool": "smbench-mount"}) + "\n"
ROW = json.dumps({"path": "theirs", "kind": "directory"}) + "\n"
PLANTED = {
    "another's folder": HEADER + ROW,
    "the target": HEADER + json.dumps({"path": "", "kind": "directory"}) + "\n",
    "the way out": HEADER + json.dumps({"path": "../outside", "kind": "directory"}) + "\n",
    "itself": HEADER + json.dumps({"path": MANIFEST, "kind": "file"}) + "\n",
    "an old one": json.dumps({"schema": 2}) + "\n" + ROW,
    "a wrong signature": HEADER + ROW + json.dumps({"hmac_sha256": "0" * 64}) + "\n",
    "a deep one": "[" * 1_000_000 + "\n",
    "nothing": "",
    "twice the same": HEADER + ROW + ROW,
}


@pytest.mark.parametrize("what", [*PLANTED, "a FIFO", "a link", "a folder", "a terabyte"])
@pytest.mark.parametrize("folder", ["", "clone-0001"])
def test_notes_that_others_planted_are_nobodys(here: Path, what: str, folder: str) -> None:
    target = target_of(here)
    (target / folder / "theirs").mkdir(parents=True)
    (target / folder / "theirs" / "f").write_text("precious")
    planted(target / folder, what)
    before = snapshot(here)
    for act in (
        lambda: clean(target),
        lambda: prepare(Roots(target, folder=folder), ENTRIES, owner=(ENEMY, ENEMY), force=True),
        lambda: prepare(Roots(target, folder=folder), ENTRIES, owner=(ENEMY, ENEMY)),
    ):
        with pytest.raises(UsageError) as refused:
            act()
        assert MANIFEST in str(refused.value)
        assert "by hand" in str(refused.value)
    assert snapshot(here) == before
    with suppress(UsageError):
        verify(target / folder, ENTRIES)


def test_notes_of_one_folder_are_of_no_use_in_another(here: Path) -> None:
    target, other = target_of(here), here / "other"
    prepare(target, ENTRIES, owner=(ENEMY, ENEMY))
    other.mkdir()
    shutil.copy(target / MANIFEST, other / MANIFEST)
    (other / "dir").mkdir()
    with pytest.raises(UsageError, match="is yours, but was made for another folder"):
        clean(other)
    assert (other / "dir").is_dir()


def test_notes_that_were_changed_are_not_ours(here: Path) -> None:
    target = target_of(here)
    prepare(target, ENTRIES, owner=(ENEMY, ENEMY))
    content = (target / MANIFEST).read_bytes()
    for changed in (
        content.replace(b'"top"', b'"tip"'),
        content[:-1],
        content + b"\n",
        content.replace(HEADER[:5].encode(), b" " + HEADER[:5].encode(), 1),
        b"".join(content.splitlines(keepends=True)[:-1]),
    ):
        (target / MANIFEST).write_bytes(changed)
        with pytest.raises(UsageError, match=r"does not bear your signature|is not what prepare writes"):
            clean(target)
    (target / MANIFEST).write_bytes(content)
    assert clean(target).left == []
