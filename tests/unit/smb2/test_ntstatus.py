"""NTSTATUS, errno and Win32: the table against tshark's, and outcomes against what captures had."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from smbench.smb2 import ntstatus
from smbench.smb2.ntstatus import Errno, Status, matches, outcome_of
from smbench.workload.calls import Create, List, Lock, Notify, Open, Read, Stat

OPEN = Open(1, "a", Create(1, 7, 1, 0, 0))
READ = Read(1, 0, 10)
LOCK = Lock(1, 0, 10, exclusive=True, wait=True)
NOTIFY = Notify(1, 1, watch_tree=False)
LIST = List(1, "*", 37, restart=True)
SCAN = List(1, "*", 37, restart=True, calls=3)


def test_names_and_numbers_are_those_of_tshark() -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed, its table of NTSTATUS names is the reference")
    printed = subprocess.run([tshark, "-G", "values"], capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in printed.splitlines()]
    theirs = {int(row[2], 0): row[3] for row in rows if row[:2] == ["V", "smb2.nt_status"]}
    # STATUS_INVALID_LOCK_RANGE is in [MS-ERREF] 2.3.1 and not in Wireshark's table.
    ours = {status.value: ntstatus.name(status) for status in Status if status != 0xC00001A1}
    assert len(theirs) > 500
    assert {code: theirs.get(code) for code in ours} == ours


def test_a_status_that_no_table_has_is_named_by_its_number_and_classed_as_io_error() -> None:
    assert ntstatus.name(0xC0DE0001) == "0xC0DE0001"
    assert ntstatus.errnos_of(0xC0DE0001) == (Errno.EIO,)
    assert ntstatus.win32_of(0xC0DE0001) is None
    assert matches(0xC0DE0001, -Errno.EIO, OPEN)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (0, "ok"),
        (4096, "ok"),
        (-2, "ENOENT"),
        (-95, "EOPNOTSUPP"),
        (-4000, "errno 4000"),
        (outcome_of(Status.SHARING_VIOLATION), "STATUS_SHARING_VIOLATION"),
        (outcome_of(Status.NO_MORE_FILES), "STATUS_NO_MORE_FILES"),
        (0xC0DE0001 - (1 << 32), "0xC0DE0001"),
    ],
)
def test_outcome_names(outcome: int, expected: str) -> None:
    assert ntstatus.outcome_name(outcome) == expected


@pytest.mark.parametrize("status", list(Status))
def test_every_status_goes_to_an_outcome_and_comes_back(status: Status) -> None:
    outcome = outcome_of(status)
    assert (outcome == 0) == (status < 0x80000000)
    assert outcome >= 0 or outcome < -4095
    if outcome:
        assert ntstatus.outcome_name(outcome) == ntstatus.name(status)
        assert matches(status, outcome, OPEN)


@pytest.mark.parametrize(
    ("status", "errno", "win32"),
    [
        ("OBJECT_NAME_NOT_FOUND", "ENOENT", 2),
        ("OBJECT_PATH_NOT_FOUND", "ENOENT", 3),
        ("OBJECT_NAME_COLLISION", "EEXIST", 183),
        ("FILE_IS_A_DIRECTORY", "EISDIR", 5),
        ("ACCESS_DENIED", "EACCES", 5),
        ("SHARING_VIOLATION", "EBUSY", 32),
        ("LOCK_NOT_GRANTED", "EACCES", 33),
        ("DISK_FULL", "ENOSPC", 112),
        ("RANGE_NOT_LOCKED", "EIO", 158),
        ("NETWORK_NAME_DELETED", "EREMCHG", 64),
    ],
)
def test_the_kernel_client_s_errno_comes_first(status: str, errno: str, win32: int) -> None:
    assert ntstatus.errnos_of(Status[status])[0] == Errno[errno]
    assert ntstatus.win32_of(Status[status]) == win32


@pytest.mark.parametrize(
    ("win32", "status"),
    [
        (0, "SUCCESS"),
        (5, "ACCESS_DENIED"),
        (33, "FILE_LOCK_CONFLICT"),
        (145, "DIRECTORY_NOT_EMPTY"),
        (99999, "UNSUCCESSFUL"),
    ],
)
def test_win32_codes_become_their_most_usual_status(win32: int, status: str) -> None:
    assert ntstatus.status_of_win32(win32) == Status[status]


MATCHING = [
    (None, -2, OPEN, True),
    (Status.PENDING, 0, NOTIFY, True),
    (Status.PENDING, -Errno.EIO, LOCK, True),
    (Status.SUCCESS, 0, OPEN, True),
    (Status.SUCCESS, -Errno.ENOENT, OPEN, False),
    (Status.OBJECT_NAME_NOT_FOUND, 0, OPEN, False),
    (Status.OBJECT_NAME_NOT_FOUND, -Errno.ENOENT, OPEN, True),
    (Status.OBJECT_NAME_NOT_FOUND, -Errno.EACCES, OPEN, False),
    (Status.OBJECT_NAME_NOT_FOUND, outcome_of(Status.OBJECT_PATH_NOT_FOUND), OPEN, False),
    (Status.SHARING_VIOLATION, -Errno.EBUSY, OPEN, True),
    (Status.ACCESS_DENIED, -Errno.EPERM, OPEN, True),
    (Status.ACCESS_DENIED, -Errno.EACCES, OPEN, True),
    (Status.LOCK_NOT_GRANTED, -Errno.EAGAIN, LOCK, True),
    (Status.OBJECT_PATH_NOT_FOUND, -Errno.ENOTDIR, Stat("a/b"), True),
    (Status.BUFFER_OVERFLOW, 0, OPEN, True),
    (Status.BUFFER_OVERFLOW, -Errno.E2BIG, OPEN, True),
    (Status.BUFFER_OVERFLOW, outcome_of(Status.BUFFER_OVERFLOW), OPEN, True),
    (Status.END_OF_FILE, 0, READ, True),
    (Status.END_OF_FILE, 4, READ, False),
    (Status.END_OF_FILE, outcome_of(Status.END_OF_FILE), READ, True),
    (Status.SUCCESS, 0, READ, False),
    (Status.SUCCESS, 10, READ, True),
    (Status.SUCCESS, 0, Read(1, 0, 0), True),
    (Status.NO_MORE_FILES, 0, LIST, True),
    (Status.NO_MORE_FILES, 3, LIST, False),
    (Status.NO_SUCH_FILE, 0, LIST, True),
    (Status.NO_SUCH_FILE, 1, LIST, False),
    (Status.NO_SUCH_FILE, 0, OPEN, False),
    (Status.SUCCESS, outcome_of(Status.NO_MORE_FILES), LIST, False),
    (Status.NO_MORE_FILES, 3, SCAN, True),
    (Status.SUCCESS, outcome_of(Status.NO_MORE_FILES), SCAN, True),
    (Status.NOTIFY_ENUM_DIR, 0, NOTIFY, True),
    (Status.NOTIFY_CLEANUP, outcome_of(Status.CANCELLED), NOTIFY, True),
    (Status.CANCELLED, -Errno.EINTR, LOCK, True),
    (Status.CANCELLED, 0, LOCK, False),
]


@pytest.mark.parametrize(("expected", "outcome", "call", "match"), MATCHING)
def test_matches(expected: int | None, outcome: int, call: object, match: bool) -> None:
    assert matches(expected, outcome, call) is match


@pytest.mark.parametrize(
    ("status", "failed", "error"),
    [
        (Status.SUCCESS, False, False),
        (Status.OBJECT_NAME_EXISTS, False, False),
        (Status.BUFFER_OVERFLOW, True, False),
        (0xBFFFFFFF, True, False),
        (Status.UNSUCCESSFUL, True, True),
        (0xFFFFFFFF, True, True),
    ],
)
def test_severities(status: int, failed: bool, error: bool) -> None:
    assert (ntstatus.failed(status), ntstatus.is_error(status)) == (failed, error)
