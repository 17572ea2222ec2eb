"""The posix executor where stories do not reach: the wire's needs, hostile names, threads, limits."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from errno import EACCES, EBADF, EINVAL, EOPNOTSUPP
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("posix runs on Linux only", allow_module_level=True)

from smbench.executors.base import ExecutorContext
from smbench.executors.posix import linux_calls
from smbench.executors.posix.client import CIFS_WIRE
from smbench.executors.posix.executor import PosixExecutor
from smbench.executors.posix.opens import plan_open
from smbench.workload import calls
from smbench.workload.calls import (
    AllocatedRanges,
    Call,
    Close,
    Create,
    Flush,
    List,
    Lock,
    Open,
    PunchHole,
    Read,
    Rename,
    SetAttributes,
    SetDelete,
    SetTimes,
    Stat,
    StatHandle,
    Truncate,
    Unlink,
    Write,
)  # fmt: skip

BOTH = 0xC0000000


def executor(root: Path, profile: str = "wire", max_io_bytes: int = 1 << 16, seed: int = 0) -> PosixExecutor:
    return PosixExecutor(ExecutorContext(root, 0, profile, max_io_bytes, seed))


def runner(made: PosixExecutor) -> Callable[[Call], int]:
    handlers = made.handlers()
    return lambda call: handlers[type(call)](call)


def opens(handle: int, path: str, access: int = BOTH, disposition: int = 3, options: int = 0x40) -> Open:
    return Open(handle, path, Create(access, 7, disposition, options, 0))


@pytest.fixture
def on_cifs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[object, ...]]]:
    """As if the root were a CIFS mount; what is asked of the kernel's client is written down."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: True)
    real = {name: getattr(linux_calls, name) for name in ("fallocate", "statx_forced", "fstatx_forced")}

    def recorded(name: str) -> Callable[..., object]:
        def call(*args: object) -> object:
            asked.append((name, args))
            return real[name](*args)

        return call

    for name in real:
        monkeypatch.setattr(linux_calls, name, recorded(name))
    monkeypatch.setattr(os, "setxattr", lambda _, name, value: asked.append((name, (value,))))
    monkeypatch.setattr(linux_calls, "query_info", lambda *args: asked.append(("query_info", args)))
    return asked


def flags_of(made: PosixExecutor, handle: int) -> int:
    text = Path(f"/proc/self/fdinfo/{made._files.fds[handle]}").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("flags:")), 8)


def test_opens_of_one_path_on_cifs_never_share_their_flags(tmp_path: Path, on_cifs: object) -> None:
    made = executor(tmp_path)
    run = runner(made)
    asked_flags: list[int] = []
    real = made._files._open_name

    def open_name(path: str, flags: int, mode: int) -> int:
        asked_flags.append(flags)
        return real(path, flags, mode)

    made._files._open_name = open_name  # type: ignore[method-assign]
    for handle in range(1, 9):
        assert run(opens(handle, "f" if handle % 2 else "F", 0x80000000)) == 0
    assert len(set(asked_flags)) == 8
    assert run(Close(3)) == 0
    assert run(opens(9, "f", 0x80000000)) == 0
    assert asked_flags[-1] == asked_flags[2]  # the variant that was given back
    assert run(opens(10, "other", 0x80000000)) == 0
    assert asked_flags[-1] == asked_flags[0]
    for handle in (1, 2, 4, 5, 6, 7, 8, 9, 10):
        assert run(Close(handle)) == 0
    assert made._files._variants == {}


def test_more_opens_than_variants_still_open(tmp_path: Path, on_cifs: object) -> None:
    run = runner(executor(tmp_path))
    assert [run(opens(handle, "f", 0x80000000)) for handle in range(40)] == [0] * 40
    assert [run(Close(handle)) for handle in range(40)] == [0] * 40


def test_noatime_is_dropped_where_the_owner_is_another(
    tmp_path: Path, on_cifs: list[tuple[str, tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = executor(tmp_path)
    (tmp_path / "f").touch()
    real = os.open

    def refusing(path: object, flags: int, *args: object, **named: object) -> int:
        if flags & os.O_NOATIME:
            raise PermissionError(1, "not the owner")
        return real(path, flags, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refusing)
    plan = plan_open(0x80000000, 1, 0, 0, False, CIFS_WIRE)
    os.close(made._files._open("f", plan, 31))
    assert on_cifs == []


def test_growth_on_cifs_is_one_fallocate_and_elsewhere_stays_sparse(
    tmp_path: Path, on_cifs: list[tuple[str, tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner(executor(tmp_path))
    assert run(opens(1, "f")) == 0
    assert run(Truncate(1, 10_000)) == 0
    assert [(name, args[1:]) for name, args in on_cifs] == [("fallocate", (0, 9_999, 1))]
    assert run(Truncate(1, 100)) == 0
    assert (tmp_path / "f").stat().st_size == 100
    assert len(on_cifs) == 1

    def unsupported(*args: object) -> None:
        raise OSError(EOPNOTSUPP, "the lease is lost")

    monkeypatch.setattr(linux_calls, "fallocate", unsupported)
    assert run(Truncate(1, 20_000)) == 0
    assert (tmp_path / "f").stat().st_size == 20_000


def test_growth_off_cifs_allocates_nothing(tmp_path: Path) -> None:
    run = runner(executor(tmp_path))
    assert run(opens(1, "f")) == 0
    assert run(Truncate(1, 1 << 40)) == 0
    assert (tmp_path / "f").stat().st_blocks * 512 < 1 << 20


def test_attributes_and_creation_time_on_cifs_are_its_extended_attributes(
    tmp_path: Path, on_cifs: list[tuple[str, tuple[object, ...]]]
) -> None:
    run = runner(executor(tmp_path))
    assert run(opens(1, "f")) == 0
    assert run(SetAttributes(1, 0x23)) == 0
    assert run(SetTimes(1, 0, None, None)) == 0
    assert on_cifs == [
        ("user.cifs.dosattrib", (b"\x23\0\0\0",)),
        ("user.cifs.creationtime", ((116444736000000000).to_bytes(8, "little"),)),
    ]


def test_times_are_set_one_by_one(tmp_path: Path) -> None:
    run = runner(executor(tmp_path))
    assert run(opens(1, "f")) == 0
    assert run(SetTimes(1, None, 10**18 + 7, 10**18 + 9)) == 0
    assert run(SetTimes(1, None, None, 10**18 + 11)) == 0
    stat = (tmp_path / "f").stat()
    assert (stat.st_atime_ns, stat.st_mtime_ns) == (10**18 + 7, 10**18 + 11)
    assert run(SetTimes(1, None, -(10**9) - 1, None)) == 0  # before 1970
    assert (tmp_path / "f").stat().st_atime_ns == -(10**9) - 1


@pytest.mark.parametrize(("profile", "forced"), [("wire", 2), ("application", 0)])
def test_stats_are_forced_in_the_wire_profile(
    tmp_path: Path, on_cifs: list[tuple[str, tuple[object, ...]]], profile: str, forced: int
) -> None:
    run = runner(executor(tmp_path, profile))
    assert run(opens(1, "f")) == 0
    assert (run(Stat("f")), run(StatHandle(1, 1, 18))) == (0, 0)
    assert len(on_cifs) == forced


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", "d/../../outside", "link/x", "file-link", "a\0b"]
)
def test_hostile_names_reach_nothing(tmp_path: Path, path: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "d").mkdir(parents=True)
    outside.mkdir()
    (outside / "x").write_text("untouched")
    (root / "link").symlink_to(outside)
    (root / "file-link").symlink_to(outside / "x")
    run = runner(executor(root))
    assert run(opens(1, "mine")) == 0
    before = (outside / "x").stat()
    for disposition in range(6):
        assert run(opens(2, path, disposition=disposition)) < 0
    assert run(Rename(1, "mine", "d/../../outside/x", True)) < 0
    assert run(calls.Link(1, "mine", "link/y", True)) < 0
    if "link" not in path:
        assert run(Unlink(path)) < 0
        assert run(Stat(path)) < 0
    after = (outside / "x").stat()
    assert (after.st_mtime_ns, after.st_nlink, after.st_size) == (before.st_mtime_ns, 1, 9)
    assert [entry.name for entry in outside.iterdir()] == ["x"]


def test_numbers_beyond_what_a_file_can_hold_are_refused_not_raised(tmp_path: Path) -> None:
    run = runner(executor(tmp_path))
    assert run(opens(1, "f")) == 0
    for call in (
        Read(1, (1 << 64) - 1, 10), Write(1, (1 << 64) - 1, 10), Truncate(1, 1 << 63),
        PunchHole(1, 1 << 63, 10), AllocatedRanges(1, 1 << 64, 10), Lock(1, 1 << 63, 1, True, False),
    ):  # fmt: skip
        outcome = run(call)
        assert outcome < 0 or isinstance(call, AllocatedRanges | PunchHole), call
    assert run(Read(1, (1 << 64) - 1, 10)) == -EINVAL


def test_larger_reads_and_writes_than_were_announced_still_move_all(tmp_path: Path) -> None:
    run = runner(executor(tmp_path, max_io_bytes=4096))
    assert run(opens(1, "f")) == 0
    assert run(Write(1, 512, 3 << 20)) == 3 << 20
    assert run(Read(1, 0, 4 << 20)) == (3 << 20) + 512
    assert run(Read(1, 0, 10)) == 10


def test_data_is_seeded_incompressible_and_differs_by_place(tmp_path: Path) -> None:
    import zlib

    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run = runner(executor(tmp_path, seed=seed))
        assert run(opens(1, name)) == 0
        assert run(Write(1, 0, 65536)) == run(Write(1, 65536, 65536)) == 65536
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    assert a[:65536] != a[65536:]
    assert len(zlib.compress(a)) > len(a)


def test_threads_read_into_buffers_of_their_own(tmp_path: Path) -> None:
    made = executor(tmp_path)
    run = runner(made)
    assert run(opens(1, "f")) == 0
    assert run(Write(1, 0, 65536)) == 65536
    buffers = []

    def read() -> None:
        assert run(Read(1, 0, 65536)) == 65536
        buffers.append(made._data._buffers.view)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(view.obj) for view in buffers}) == 3
    assert all(bytes(view[:65536]) == (tmp_path / "f").read_bytes() for view in buffers)


def test_close_closes_all_and_removes_what_was_to_be_deleted(tmp_path: Path) -> None:
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    made = executor(tmp_path)
    run = runner(made)
    assert run(opens(1, "kept")) == run(opens(2, "gone", options=0x1040)) == 0
    assert run(opens(3, "gone too")) == run(SetDelete(3, "gone too", True)) == 0
    made.close()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert run(Read(1, 0, 1)) == -EBADF
    del made, run
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_a_handle_that_is_opened_again_is_closed_first(tmp_path: Path) -> None:
    run = runner(executor(tmp_path))
    assert run(opens(1, "f")) == 0
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    for _ in range(5):
        assert run(opens(1, "f")) == 0
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_a_descriptor_without_the_right_is_access_denied_not_a_bad_handle(tmp_path: Path) -> None:
    run = runner(executor(tmp_path, "application"))
    (tmp_path / "f").touch()
    assert run(opens(1, "f", 0x00100080, 1)) == 0  # O_PATH
    assert run(Read(1, 0, 1)) == -EACCES
    assert run(StatHandle(1, 1, 18)) == 0


def test_a_second_scan_reads_the_directory_anew(tmp_path: Path) -> None:
    run = runner(executor(tmp_path))
    assert run(opens(1, "", 0x81, 1, 1)) == 0
    assert run(List(1, "*", 37, restart=True)) == 0
    (tmp_path / "new").touch()
    assert run(List(1, "*", 37, restart=False)) == 0
    assert run(List(1, "*", 37, restart=True)) == 1


def test_a_listing_of_one_answer_reads_no_further(tmp_path: Path) -> None:
    """2,000 entries do not fit in one getdents64. `rm -r` reads so: it asks whether there are any."""
    for number in range(2000):
        (tmp_path / f"file {number:04}").touch()
    run = runner(executor(tmp_path))
    assert run(opens(1, "", 0x81, 1, 1)) == 0
    first = run(List(1, "*", 38, restart=True, output_length=15380))
    assert 0 < first < 2000
    second = run(List(1, "*", 38, restart=False, output_length=15380))
    assert second > 0
    assert run(List(1, "*", 38, restart=False, output_length=15380, calls=9)) == 2000 - first - second
    assert run(List(1, "*", 38, restart=False, output_length=15380)) == 0
    assert run(List(1, "*", 38, restart=True, output_length=15380, calls=2)) == 2000
    # A longer answer than the client's own may be all of the directory.
    assert run(List(1, "*", 37, restart=True, output_length=65536)) == 2000


def test_a_listing_of_one_answer_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = runner(executor(tmp_path))
    assert run(opens(1, "", 0x81, 1, 1)) == 0
    one = List(1, "*", 38, restart=True, output_length=15380)
    assert (run(one), run(one)) == (1, 1)
    assert run(List(1, "*", 38, restart=False, output_length=15380)) == 0


def test_allocated_ranges_are_counted(tmp_path: Path) -> None:
    run = runner(executor(tmp_path))
    assert run(opens(1, "f")) == 0
    assert run(AllocatedRanges(1, 0, 1 << 20)) == 0
    for offset in (0, 1 << 20, 1 << 21):
        assert run(Write(1, offset, 4096)) == 4096
    assert run(Flush(1)) == 0
    assert run(AllocatedRanges(1, 0, 1 << 22)) == 3
    assert run(AllocatedRanges(1, 8192, 4096)) == 0


def test_a_local_directory_is_no_cifs_mount(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    assert not linux_calls.is_cifs(fd)
    os.close(fd)
