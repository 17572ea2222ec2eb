"""What the stories do not tell: names, waits, lanes on one handle, further classes, two processes."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from wine.conftest import Users

from smbench.errors import SetupError
from smbench.executors.base import ExecutorContext
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload import calls
from smbench.workload.model import Kind, NamespaceEntry

READ, WRITE, DELETE, LIST = 0x80000000, 0x40000000, 0x00010000, 0x00100081
OPEN, CREATE, OPEN_IF = 1, 2, 3
NOTIFY_NAMES = 0x3
DEADLINE_S = 20


def opens(handle: int, path: str, disposition: int = OPEN, access: int = READ | WRITE, share: int = 7,
          options: int = 0x40) -> calls.Open:  # fmt: skip
    return calls.Open(
        handle,
        path,
        calls.Create(access, share, disposition, options, 0),
        directory=bool(options & 1),
    )


def opens_directory(handle: int, path: str = "", access: int = LIST) -> calls.Open:
    return opens(handle, path, access=access, options=1)


def in_thread(run: Callable[[], int]) -> tuple[threading.Thread, list[int]]:
    ends: list[int] = []
    thread = threading.Thread(target=lambda: ends.append(run()))
    thread.start()
    return thread, ends


@pytest.mark.parametrize(
    "path", ["../out", "a/../../out", "NUL", "con.txt", "COM1", "d:\\x", "x:y:z", "a\\b", "/x"]
)
def test_nothing_is_reached_by_a_hostile_name(users: Users, path: str) -> None:
    invalid = outcome_of(Status.OBJECT_NAME_INVALID)
    around = set(users.root.parent.iterdir())
    assert users.run(opens(1, path, OPEN_IF)) == invalid
    assert users.run(calls.MakeDirectory(path)) == invalid
    assert users.run(calls.Unlink(path)) == invalid
    assert users.run(calls.Stat(path)) == invalid
    assert users.run(opens(2, "mine", CREATE, access=READ | DELETE)) == 0
    assert users.run(calls.Rename(2, "mine", path, True)) == invalid
    assert users.run(calls.Link(2, "mine", path, True)) == invalid
    assert users.run(calls.Close(2)) == 0
    assert [entry.name for entry in users.root.iterdir()] == ["mine"]
    assert set(users.root.parent.iterdir()) == around


@pytest.mark.parametrize("name", ["ends in dots..", "ends in a space ", "Ünïcödé €", "con-nect", "x" * 200])
def test_names_are_kept_to_the_letter(users: Users, name: str) -> None:
    assert users.run(opens(1, name, CREATE)) == 0
    assert users.run(calls.Close(1)) == 0
    assert [entry.name for entry in users.root.iterdir()] == [name]
    assert users.run(calls.Stat(name.upper())) == 0


def test_a_path_longer_than_win32_allows(users: Users) -> None:
    path = ""
    for _ in range(8):
        path = f"{path}/{'d' * 60}".lstrip("/")
        assert users.run(calls.MakeDirectory(path)) == 0
    assert len(path) > 300
    assert users.run(opens(1, f"{path}/file", CREATE)) == 0
    assert users.run(calls.Write(1, 0, 10)) == 10
    assert users.run(calls.Rename(1, f"{path}/file", f"{path}/other", False)) == 0
    assert users.run(calls.Close(1)) == 0
    assert users.run(calls.Stat(f"{path}/other")) == 0


def test_a_target_that_is_no_directory_is_a_sentence(users: Users, tmp_path: Path) -> None:
    from smbench.executors.win32.executor import Win32Executor

    with pytest.raises(SetupError, match="OBJECT_NAME_NOT_FOUND"):
        Win32Executor(ExecutorContext(users.root / "missing", 0))
    with pytest.raises(SetupError, match="share"):
        Win32Executor(ExecutorContext(Path("relative"), 0))


def test_a_share_mode_of_another_process_binds(users: Users) -> None:
    """The conflict that Linux can never cause, with its very NTSTATUS."""
    users.prepare([NamespaceEntry("ledger.xls", Kind.FILE, size=100)])
    program = (
        "import sys; from pathlib import Path; from smbench.executors.base import ExecutorContext as C;"
        "from smbench.executors.win32.executor import Win32Executor as W; from smbench.workload import calls;"
        "h = W(C(Path(sys.argv[1]), 1)).handlers();"
        "print([h[calls.Open](calls.Open(n, 'ledger.xls', calls.Create(a, s, 1, 0x40)))"
        " for n, (a, s) in enumerate([(0x80000000, 7), (0x40000000, 7), (0x80000000, 1), (0x80, 0)])])"
    )
    assert users.run(opens(1, "ledger.xls", access=READ | WRITE, share=1)) == 0
    done = subprocess.run(
        [sys.executable, "-c", program, str(users.root)], capture_output=True, text=True, check=True
    )
    conflict = outcome_of(Status.SHARING_VIOLATION)
    assert done.stdout.strip() == str([0, conflict, conflict, 0])


def test_written_data_is_the_seed_s_and_comes_back(users: Users) -> None:
    users.run(opens(1, "data", CREATE))
    assert users.run(calls.Write(1, 1 << 20, 60_000)) == 60_000
    assert users.run(calls.Write(1, 0, 200_000)) == 200_000, "larger than what the executor was told"
    assert users.run(calls.Read(1, 0, 200_000)) == 200_000
    assert users.run(calls.Close(1)) == 0
    written = (users.root / "data").read_bytes()
    assert written[:1000] == random.Random(1).randbytes(1000)
    assert len(set(written[:200_000:4096])) > 20


def test_lanes_read_one_handle_at_once(users: Users) -> None:
    users.prepare([NamespaceEntry("data", Kind.FILE, size=1 << 20)])
    users.run(opens(1, "data"))

    def reads(lane: int) -> int:
        return sum(users.run(calls.Read(1, lane * 1000, 512)) for _ in range(300))

    threads = [in_thread(partial(reads, lane)) for lane in range(4)]
    for thread, ends in threads:
        thread.join(DEADLINE_S)
        assert ends == [300 * 512]


def test_a_handle_is_used_again_in_a_loop(users: Users) -> None:
    users.prepare([NamespaceEntry("data", Kind.FILE, size=10)])
    for _ in range(3):
        assert users.run(opens(1, "data", access=READ, share=0)) == 0, "the one before was closed first"
    assert users.run(calls.Close(1)) == 0
    assert users.run(calls.Close(1)) == outcome_of(Status.FILE_CLOSED)


@pytest.mark.parametrize("level", [4, 5, 6, 7, 9, 14, 18, 34])
def test_file_information_by_class(users: Users, level: int) -> None:
    users.prepare([NamespaceEntry("data", Kind.FILE, size=10)])
    assert users.run(opens(1, "data")) == 0
    assert users.run(calls.StatHandle(1, 1, level)) == 0
    assert users.run(calls.Stat("data", (level, level))) == 0


def test_a_class_that_nobody_knows_is_refused(users: Users) -> None:
    users.run(opens_directory(1))
    assert users.run(calls.StatHandle(1, 1, 200)) == outcome_of(Status.INVALID_INFO_CLASS)
    assert users.run(calls.StatHandle(1, 4, 0)) == outcome_of(Status.NOT_SUPPORTED)
    assert users.run(calls.StatFs(1, 200)) < 0


@pytest.mark.parametrize("level", [1, 3, 4, 5, 7])
def test_volume_information_by_class(users: Users, level: int) -> None:
    users.run(opens_directory(1))
    assert users.run(calls.StatFs(1, level)) == 0


def test_a_security_descriptor(users: Users) -> None:
    users.run(opens_directory(1, access=LIST | 0x20000))
    assert users.run(calls.StatHandle(1, 3, 0)) == 0
    assert users.run(calls.StatHandle(1, 3, 0, 4)) == outcome_of(Status.BUFFER_TOO_SMALL)


def test_a_security_descriptor_is_set_to_what_it_is(users: Users) -> None:
    read_control, write_dac, dacl = 0x20000, 0x40000, 4
    users.run(opens(1, "x", CREATE, access=READ | read_control | write_dac))
    assert users.run(calls.SetSecurity(1, dacl)) == 0
    users.run(opens(2, "x", access=READ))
    assert users.run(calls.SetSecurity(2, dacl)) == outcome_of(Status.ACCESS_DENIED)


@pytest.mark.parametrize("level", [1, 2, 3, 37, 38])
def test_a_scan_in_pieces_finds_every_entry(users: Users, level: int) -> None:
    users.prepare([NamespaceEntry(f"file-{number:03}", Kind.FILE) for number in range(200)])
    users.run(opens_directory(1))
    whole = users.run(calls.List(1, "*", level, True, 1 << 16, 2))
    assert whole == 200, "neither . nor .. is an entry"
    some = users.run(calls.List(1, "*", level, True, 4096))
    assert 0 < some < whole
    assert users.run(calls.List(1, "*", level, False, 4096, calls=99)) == whole - some
    assert users.run(calls.List(1, "*", level, False)) == outcome_of(Status.NO_MORE_FILES)
    assert users.run(calls.List(1, "FILE-01?", level, True)) == 10, "another pattern"
    assert users.run(calls.Close(1)) == 0


def test_a_notification_of_a_change(users: Users) -> None:
    users.run(opens_directory(1))
    thread, ends = in_thread(lambda: users.run(calls.Notify(1, NOTIFY_NAMES, False)))
    time.sleep(0.2)
    assert not ends
    users.run(calls.MakeDirectory("new"))
    thread.join(DEADLINE_S)
    assert ends == [0]


def test_a_notification_ends_with_its_handle(users: Users) -> None:
    users.run(opens_directory(1))
    thread, ends = in_thread(lambda: users.run(calls.Notify(1, NOTIFY_NAMES, False)))
    time.sleep(0.2)
    assert users.run(calls.Close(1)) == 0
    thread.join(DEADLINE_S)
    assert ends == [outcome_of(Status.CANCELLED)]


def test_a_notification_ends_with_its_executor(users: Users) -> None:
    users.run(opens_directory(1))
    thread, ends = in_thread(lambda: users.run(calls.Notify(1, NOTIFY_NAMES, False)))
    time.sleep(0.2)
    users.close()
    thread.join(DEADLINE_S)
    assert ends == [outcome_of(Status.CANCELLED)]


def test_an_open_by_file_number_is_not_tried(users: Users) -> None:
    assert users.run(opens(1, "whatever", options=0x2040)) == outcome_of(Status.NOT_SUPPORTED)


def test_offsets_beyond_what_nt_can_say(users: Users) -> None:
    users.run(opens(1, "data", CREATE))
    invalid = outcome_of(Status.INVALID_PARAMETER)
    for call in (calls.Read(1, 1 << 63, 1), calls.Write(1, (1 << 64) - 1, 1), calls.Truncate(1, 1 << 63)):
        assert users.run(call) == invalid
    assert users.run(calls.Close(1)) == 0


def test_times_are_set_and_kept(users: Users) -> None:
    users.prepare([NamespaceEntry("data", Kind.FILE)])
    users.run(opens(1, "data", access=0x180))
    # In the future, lest the kernel beneath Wine moves it on when somebody looks into the file (relatime).
    accessed_s = int(time.time()) + 3600
    assert users.run(calls.SetTimes(1, None, None, 1_700_000_000_123_456_700)) == 0
    assert users.run(calls.SetTimes(1, None, accessed_s * 10**9, None)) == 0
    users.run(calls.Close(1))
    status = (users.root / "data").stat()
    assert abs(status.st_mtime_ns - 1_700_000_000_123_456_700) < 1000
    assert status.st_atime == accessed_s
