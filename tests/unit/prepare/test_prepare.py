"""prepare, verify and clean on a local directory: the pre-image is there, and nothing else is touched."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest

from smbench.clones import clone_folder
from smbench.errors import SetupError, UsageError
from smbench.prepare import make
from smbench.prepare.check import verify
from smbench.prepare.clean import clean
from smbench.prepare.content import Content, fill
from smbench.prepare.make import prepare
from smbench.prepare.manifest import MANIFEST, TRIAL_FOLDERS
from smbench.prepare.ranges import ranges_of
from smbench.prepare.wanted import Wanted
from smbench.workload.model import Kind, NamespaceEntry

WRITTEN = 1_500_000_000_123_456_700
ENTRIES = [
    NamespaceEntry("dir", Kind.DIRECTORY, attributes=0x10, written_ns=WRITTEN - 10**15),
    NamespaceEntry("dir/sub", Kind.DIRECTORY, attributes=0x10, written_ns=WRITTEN - 10**14),
    NamespaceEntry("dir/sub/read only", Kind.FILE, True, 70_000, True, attributes=0x1, written_ns=WRITTEN),
    NamespaceEntry("dir/empty", Kind.FILE, size_known=True),
    NamespaceEntry("top", Kind.FILE, True, 5_000_000, True, written_ns=WRITTEN, accessed_ns=WRITTEN + 1),
    NamespaceEntry("to be made", Kind.FILE, present=False),
    NamespaceEntry("dir/new folder", Kind.DIRECTORY, present=False),
]  # fmt: skip

READS = {"top": ranges_of([(1_000, 4_000), (4_999_000, 5_001_000), (4_998_000, 5_000_500)])}
"""5,000 bytes of it."""


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")} - {MANIFEST}


MADE = {"dir", "dir/sub", "dir/sub/read only", "dir/empty", "top"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    (tmp_path / "outside").write_text("untouched")
    return folder


@pytest.mark.parametrize("content", list(Content))
def test_what_is_prepared_is_verified(root: Path, content: Content) -> None:
    prepared = prepare(root, ENTRIES, wanted=Wanted(content, READS))
    assert names(root) == MADE
    assert verify(root, ENTRIES, READS) == []
    assert (prepared.directories, prepared.files, prepared.bytes) == (2, 3, 5_070_000)
    assert prepared.written == {"full": 5_070_000, "auto": 5_000, "sparse": 0}[content]
    assert not prepared.not_made
    assert not prepared.losses
    assert (root / "dir").stat().st_mtime_ns == WRITTEN - 10**15
    assert (root / "dir/sub/read only").stat().st_mode & 0o222 == 0


def test_content_is_seeded_and_does_not_compress(tmp_path: Path) -> None:
    import zlib

    entries = [NamespaceEntry(name, Kind.FILE, size=100_000) for name in ("a", "b")]
    data = []
    for name, seed in (("one", 1), ("same", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        prepare(tmp_path / name, entries, wanted=Wanted(Content.FULL, seed=seed))
        data.append([(tmp_path / name / file).read_bytes() for file in ("a", "b")])
    one, same, two = data
    assert one == same
    assert one[0] != one[1]
    assert one[0] != two[0]
    assert len(zlib.compress(one[0])) > 99_000


def test_sparse_files_take_no_room(root: Path) -> None:
    prepare(root, [NamespaceEntry("huge", Kind.FILE, size=1 << 40)], wanted=Wanted(Content.SPARSE))
    status = (root / "huge").stat()
    assert (status.st_size, status.st_blocks) == (1 << 40, 0)


def test_what_is_read_is_written_and_has_the_bytes_of_the_whole_file(tmp_path: Path) -> None:
    data = {}
    for content in Content:
        (tmp_path / content).mkdir()
        prepare(tmp_path / content, ENTRIES, wanted=Wanted(content, READS))
        data[content] = (tmp_path / content / "top").read_bytes()
    for begin, end in READS["top"].tolist():
        assert data[Content.AUTO][begin:end] == data[Content.FULL][begin:end]
    assert not any(data[Content.AUTO][4_000:4_998_000])
    assert not any(data[Content.SPARSE])


def test_a_large_file_of_which_little_is_read_is_made(root: Path) -> None:
    size = 195 << 30
    prepared = prepare(
        root,
        [NamespaceEntry("huge", Kind.FILE, size=size)],
        wanted=Wanted(Content.AUTO, {"huge": ranges_of([(size - 10_000, size + 1), (5, 6_005)])}),
        max_bytes=16_000,
    )
    status = (root / "huge").stat()
    assert (prepared.written, status.st_size) == (16_000, size)
    assert status.st_blocks * 512 < 1 << 20


def test_a_folder_with_other_content_is_known_as_such(root: Path) -> None:
    other = {"top": ranges_of([(0, 500_000)])}
    prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, READS))
    assert [(one.path, one.what) for one in verify(root, ENTRIES, other)] == [("top", "content")]
    assert prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, READS)).files == 0
    assert prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, other)).files == 1
    assert verify(root, ENTRIES, other) == []
    assert [one.path for one in verify(root, ENTRIES, READS)] == ["top"]
    prepare(root, ENTRIES)
    assert prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, READS)).files == 0, "it is all there"
    assert verify(root, ENTRIES, READS) == verify(root, ENTRIES, other) == []
    assert (root / "top").stat().st_blocks * 512 >= 5_000_000
    prepare(root, ENTRIES, wanted=Wanted(Content.SPARSE))
    assert verify(root, ENTRIES, READS) == [], "nothing was asked for that is not there"


def test_content_that_was_not_written_down_is_made_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(make._Maker, "content", stopped)
        with pytest.raises(KeyboardInterrupt):
            prepare(root, ENTRIES)
    assert [(one.path, one.what, one.found) for one in verify(root, ENTRIES, READS)] == [
        ("top", "content", "not written down: prepare was cut off")
    ]
    prepared = prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, READS))
    assert (prepared.files, prepared.kept) == (1, 2), "the others are not read"
    assert verify(root, ENTRIES, READS) == []


def test_what_was_interrupted_promises_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(make, "fill", stopped)
    with pytest.raises(KeyboardInterrupt):
        prepare(root, ENTRIES)
    monkeypatch.undo()
    (root / "top").write_bytes(b"")
    os.truncate(root / "top", 5_000_000)
    assert prepare(root, ENTRIES).kept == 1, "what is empty has all of its content"
    assert any((root / "top").read_bytes())


def test_many_ranges_are_written_down_and_read_again(root: Path) -> None:
    many = ranges_of([(number * 100, number * 100 + 1) for number in range(25_000)])
    prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, {"top": many}))
    lines = (root / MANIFEST).read_text().splitlines()
    assert len([line for line in lines if '"top"' in line]) == 3
    assert max(map(len, lines)) < 1 << 20
    assert verify(root, ENTRIES, {"top": many}) == []
    assert prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, {"top": many})).kept == 3


def test_a_file_that_is_too_large_for_the_file_system_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(descriptor: int, size: int) -> None:
        if size > 1 << 20:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "ftruncate", too_large)
    for wanted in (
        Wanted(Content.SPARSE),
        Wanted(Content.AUTO, {"top": ranges_of([(4_999_000, 5_000_000)])}),
    ):
        with pytest.raises(
            SetupError, match=r"cannot hold a file as large as 'top' \(4.77 MiB\).*larger files"
        ):
            prepare(root, ENTRIES, wanted=wanted)


def test_room_is_needed_for_what_is_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "free_bytes", lambda _: 10_000)
    prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, READS))
    with pytest.raises(SetupError, match=r"is full \(4.84 MiB needed, 9.77 KiB free\)"):
        prepare(root, ENTRIES)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda root: (root / "top").unlink(), {("top", "missing")}),
        (lambda root: os.truncate(root / "top", 3), {("top", "size"), ("top", "written")}),
        (lambda root: (root / "to be made").touch(), {("to be made", "present")}),
        (lambda root: (root / "dir/sub/read only").chmod(0o644), {("dir/sub/read only", "attributes")}),
        (lambda root: ((root / "dir/empty").unlink(), (root / "dir/empty").mkdir()),
         {("dir/empty", "kind"), ("dir", "written")}),
        (lambda root: os.utime(root / "top", ns=(0, WRITTEN + 100)), {("top", "written")}),
        (lambda root: os.utime(root / "top", ns=(0, WRITTEN + 99)), set()),
    ],
)  # fmt: skip
def test_each_difference_is_told(
    root: Path, change: Callable[[Path], object], what: set[tuple[str, str]]
) -> None:
    prepare(root, ENTRIES)
    change(root)
    assert {(difference.path, difference.what) for difference in verify(root, ENTRIES)} == what


def test_a_size_that_the_capture_never_told_is_a_least() -> None:
    entry = NamespaceEntry("f", Kind.FILE, size=10)
    from smbench.prepare.check import _size_fits

    assert [_size_fits(entry, size) for size in (9, 10, 11)] == [False, True, True]


def replayed(root: Path) -> None:
    """What a replay may leave."""
    (root / "to be made").write_text("made")
    (root / "dir/new folder").mkdir()
    (root / "dir/new folder/deep").write_text("x")
    (root / "dir/~temporary.tmp").write_text("x")
    (root / "dir/sub/read only").rename(root / "dir/sub/renamed")
    (root / "top").write_text("short")


def test_preparing_again_undoes_a_replay(root: Path) -> None:
    prepare(root, ENTRIES)
    replayed(root)
    prepared = prepare(root, ENTRIES)
    assert verify(root, ENTRIES) == []
    assert names(root) == MADE
    assert prepared.kept == 1
    assert prepared.removed == 6


def test_preparing_another_workload_replaces_the_first(root: Path) -> None:
    prepare(root, ENTRIES)
    other = [NamespaceEntry("dir", Kind.FILE, size=1), NamespaceEntry("else", Kind.DIRECTORY)]
    prepare(root, other)
    assert names(root) == {"dir", "else"}
    clean(root)
    assert list(root.iterdir()) == []


def test_clean_removes_all_of_it_however_it_was_changed(root: Path) -> None:
    prepare(root, ENTRIES)
    replayed(root)
    (root / "somebody's").write_text("mine")
    cleaned = clean(root)
    assert cleaned.left == []
    assert cleaned.others == ["somebody's"]
    assert [path.name for path in root.iterdir()] == ["somebody's"]
    with pytest.raises(UsageError, match="nothing was prepared"):
        clean(root)


def with_clones(root: Path) -> None:
    for number in (1, 2, 10_000):
        folder = root / clone_folder(number)
        folder.mkdir()
        prepare(folder, ENTRIES)
        replayed(folder)


def test_clean_removes_the_folders_of_clones(root: Path) -> None:
    with_clones(root)
    prepare(root, ENTRIES)
    cleaned = clean(root)
    assert (cleaned.left, cleaned.others, list(root.iterdir())) == ([], [], [])
    with_clones(root)
    assert clean(root).removed
    assert list(root.iterdir()) == [], "where nothing was prepared beside them, too"


def test_clean_leaves_what_only_looks_like_a_clones(root: Path, tmp_path: Path) -> None:
    with_clones(root)
    (root / "clone-0001/mine").write_text("x")
    theirs = {"clone-0003": "no manifest", "clone-004": "short", "clone-0000": "none", "others": "a target"}
    for name in theirs:
        (root / name).mkdir()
        (root / name / "mine").write_text("x")
    for name in ("clone-004", "clone-0000", "others"):
        prepare(root / name, ENTRIES, force=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    prepare(elsewhere, ENTRIES)
    (root / "clone-0004").symlink_to(elsewhere)
    before = names(elsewhere)
    cleaned = clean(root)
    assert cleaned.left == []
    assert sorted(cleaned.others) == sorted(["clone-0001", "clone-0004", *theirs])
    assert sorted(path.name for path in root.iterdir()) == sorted(cleaned.others)
    assert names(root / "clone-0001") == {"mine"}
    assert names(elsewhere) == before
    for name in ("clone-004", "clone-0000", "others"):
        assert names(root / name) >= {"mine", "dir", "top"}


def test_prepare_makes_its_files_beside_the_folders_of_clones(root: Path) -> None:
    with_clones(root)
    before = names(root)
    prepared = prepare(root, ENTRIES)
    assert (prepared.foreign, prepared.removed) == (0, 0)
    assert names(root) == before | MADE
    prepare(root, ENTRIES)
    assert names(root) == before | MADE
    assert verify(root, ENTRIES) == []


def test_a_folder_that_only_looks_like_a_clones_is_somebodys(root: Path) -> None:
    (root / "clone-0001").mkdir()
    with pytest.raises(UsageError, match=r"'clone-0001', which prepare did not make"):
        prepare(root, ENTRIES)


def test_a_workload_that_has_such_a_folder_itself(root: Path) -> None:
    entries = [NamespaceEntry("clone-0001", Kind.DIRECTORY), NamespaceEntry("clone-0001/a", Kind.FILE)]
    prepare(root, entries)
    prepare(root / "clone-0001", [NamespaceEntry("b", Kind.FILE)], force=True)
    prepare(root, entries)
    assert names(root) == {"clone-0001", "clone-0001/a"}, "what the workload does not know goes, as ever"
    clean(root)
    assert list(root.iterdir()) == []


def test_a_folder_with_something_else_in_it_is_refused(root: Path) -> None:
    (root / "mine").write_text("x")
    with pytest.raises(UsageError, match=r"'mine', which prepare did not make.*--force"):
        prepare(root, ENTRIES)
    assert names(root) == {"mine"}


def test_trials_that_a_killed_command_left_are_in_nobodys_way(root: Path) -> None:
    left = Path(mkdtemp(prefix=TRIAL_FOLDERS, dir=root))
    (left / "tried").write_text("x")
    prepare(root, ENTRIES)
    assert verify(root, ENTRIES) == []
    assert left.exists(), "they may be another command's that goes on"
    clean(root)
    assert list(root.iterdir()) == []
    (root / left.name).mkdir()
    assert clean(root).removed == 1, "also where nothing was prepared"
    with pytest.raises(UsageError, match="nothing was prepared"):
        clean(root)


def test_a_backslash_in_a_name_is_shown_once(root: Path) -> None:
    (root / "we\\ird").write_text("x")
    with pytest.raises(UsageError, match=r"holds 'we\\ird', which"):
        prepare(root, ENTRIES)


def test_force_leaves_what_is_there_as_it_is(root: Path) -> None:
    (root / "dir").mkdir()
    (root / "dir/mine").write_text("x")
    (root / "top").write_text("y")
    before = (root / "top").stat()
    prepared = prepare(root, ENTRIES, force=True)
    assert prepared.foreign == 2
    assert (root / "top").stat().st_mtime_ns == before.st_mtime_ns
    assert ("top", "size") in {(d.path, d.what) for d in verify(root, ENTRIES)}
    clean(root)
    assert names(root) == {"dir", "dir/mine", "top"}


def test_what_must_not_be_there_and_is_not_ours_is_refused_even_by_force(root: Path) -> None:
    (root / "to be made").write_text("mine")
    with pytest.raises(UsageError, match="'to be made' not to be there"):
        prepare(root, ENTRIES, force=True)
    assert names(root) == {"to be made"}


def test_a_limit_is_kept_before_anything_is_made(root: Path) -> None:
    with pytest.raises(UsageError, match=r"hold 4.84 MiB.*--content auto or sparse"):
        prepare(root, ENTRIES, max_bytes=1000)
    with pytest.raises(UsageError, match=r"4.88 KiB of the files of the workload are read.*--content sparse"):
        prepare(root, ENTRIES, wanted=Wanted(Content.AUTO, READS), max_bytes=1000)
    assert list(root.iterdir()) == []
    prepare(root, ENTRIES, max_bytes=1000, wanted=Wanted(Content.SPARSE))


def test_a_full_disk_tells_what_was_made_and_clean_finds_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def full(descriptor: int, path: str, *arguments: object) -> None:
        if path == "top":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fill(descriptor, path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(make, "fill", full)
    with pytest.raises(SetupError, match=r"is full.*2 folders, 2 files.*--clean"):
        prepare(root, ENTRIES)
    clean(root)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["dir", "top"])
def test_links_in_the_target_lead_nowhere(root: Path, tmp_path: Path, name: str) -> None:
    prepare(root, ENTRIES)
    outside = tmp_path / "outside folder"
    outside.mkdir()
    (outside / "empty").write_text("untouched")
    clean(root)
    (root / name).symlink_to(outside)
    prepared = prepare(root, ENTRIES, force=True)
    assert (outside / "empty").read_text() == "untouched"
    assert [path.name for path in outside.iterdir()] == ["empty"]
    assert prepared.foreign == 1
    clean(root)
    assert (outside / "empty").read_text() == "untouched"
    assert (root / name).is_symlink()


def test_a_replays_link_is_removed_and_not_followed(root: Path, tmp_path: Path) -> None:
    prepare(root, ENTRIES)
    (root / "dir/link").symlink_to(tmp_path)
    (root / "to be made").symlink_to(tmp_path / "outside")
    clean(root)
    assert (tmp_path / "outside").read_text() == "untouched"
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("path", ["../outside", "/outside", "dir/../../outside"])
def test_a_hostile_name_is_counted_and_not_made(root: Path, tmp_path: Path, path: str) -> None:
    prepared = prepare(root, [NamespaceEntry(path, Kind.FILE, size=9), NamespaceEntry("f", Kind.FILE)])
    assert sum(prepared.not_made.values()) == 1
    assert names(root) == {"f"}
    assert (tmp_path / "outside").read_text() == "untouched"


def test_what_a_file_system_cannot_keep_is_counted(root: Path) -> None:
    entries = [
        NamespaceEntry("n" * 300, Kind.FILE),
        NamespaceEntry("f", Kind.FILE, attributes=0x6, written_ns=1 << 100),
        NamespaceEntry("f:stream", Kind.STREAM, size=3),
    ]
    prepared = prepare(root, entries)
    assert any("too long" in reason for reason in prepared.not_made)
    assert any("streams" in reason for reason in prepared.not_made)
    assert sum(prepared.losses.values()) == 2
    assert set(prepared.examples.values()) == {"n" * 300, "f", "f:stream"}


def test_progress_ends_at_all_of_it(root: Path) -> None:
    heard: list[tuple[int, int]] = []
    prepare(root, ENTRIES, progress=lambda done, total: heard.append((done, total)))
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_is_made_belongs_to_the_workers(root: Path) -> None:
    prepare(root, ENTRIES, owner=(12345, 54321))
    assert {(p.lstat().st_uid, p.lstat().st_gid) for p in root.rglob("*")} == {(12345, 54321)}


def test_a_target_that_went_away(tmp_path: Path) -> None:
    for action in (lambda: prepare(tmp_path / "none", []), lambda: clean(tmp_path / "none")):
        with pytest.raises(SetupError, match="none"):
            action()
    with pytest.raises(SetupError, match="still mounted"):
        verify(tmp_path / "none", [])


def takes_attributes(folder: Path) -> None:
    try:
        os.setxattr(folder, "user.tried", b"x")
    except (AttributeError, OSError) as error:
        pytest.skip(f"the file system here takes no extended attributes: {error}")


def test_extended_attributes_are_the_captures_and_no_others(root: Path) -> None:
    takes_attributes(root)
    entries = [
        NamespaceEntry("d", Kind.DIRECTORY, ea_names=("of it",), ea_lengths=(3,)),
        NamespaceEntry("some", Kind.FILE, size_known=True, ea_names=("one", "Ã¤"), ea_lengths=(10, 300)),
        NamespaceEntry("none", Kind.FILE, size_known=True, ea_names=(), ea_lengths=()),
        NamespaceEntry("unknown", Kind.FILE, size_known=True),
    ]
    assert not prepare(root, entries).losses
    assert verify(root, entries) == []
    lengths = {name: len(os.getxattr(root / "some", name)) for name in os.listxattr(root / "some")}
    assert lengths == {"user.one": 10, "user.ä": 300}
    for name in ("some", "none", "unknown"):
        os.setxattr(root / name, "user.left", b"by a replay")
    os.removexattr(root / "d", "user.of it")
    told = [(one.path, one.what, one.expected, one.found) for one in verify(root, entries)]
    assert told == [
        ("d", "extended", "of it", "none"),
        ("none", "extended", "none", "left"),
        ("some", "extended", "one, Ã¤", "left, one, Ã¤"),
    ]
    prepare(root, entries)
    assert verify(root, entries) == []
    assert os.listxattr(root / "unknown") == ["user.left"]


def test_a_file_system_that_takes_no_extended_attributes_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "by design")

    monkeypatch.setattr(os, "setxattr", refused)
    entries = [NamespaceEntry("f", Kind.FILE, ea_names=("one",), ea_lengths=(10,))]
    assert dict(prepare(root, entries).losses) == {"extended attributes refused (by design)": 1}
