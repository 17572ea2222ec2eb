"""Runs are their callers', and what mount.cifs is given to read is nobody's."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smbench.privileged.runs import Runs, _credentials
from smbench.privileged.system import Caller, RefusedError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the helper is Linux' alone")
RunsOf = Callable[[int], Runs]
ASKED: dict[str, Any] = {"share": "//s/x", "users": 1, "streams": [], "kept": True, "started_ticks": 7}
ALICE, BOB = 1000, 1001


@pytest.fixture
def runs_of(tmp_path: Path) -> Iterator[RunsOf]:
    """The runs that this user's helper knows, all in one folder; a helper of its own each time."""
    tmp_path.chmod(0o711)
    line, other = socket.socketpair()
    with line, other:
        yield lambda uid: Runs(Caller(os.getpid(), uid, os.getgid(), None), line, tmp_path)


def test_runs_are_their_callers_and_roots_to_end(runs_of: RunsOf, tmp_path: Path) -> None:
    alice = runs_of(ALICE)
    run = alice.begin(**ASKED)["run"]
    assert list(runs_of(ALICE).states()["states"]) == list(runs_of(0).states()["states"]) == [run]
    assert runs_of(BOB).states() == {"states": {}}
    for ends in (
        lambda: runs_of(BOB).end(run),
        lambda: runs_of(BOB).umount(run, ["user01"], lazily=True, deadline_s=1),
    ):
        with pytest.raises(RefusedError, match="another user's"):
            ends()
    assert (tmp_path / run / "user01").is_dir()
    runs_of(ALICE).end(run)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"run": 1}', "[" * 60_000, '{"uid": "1000"}'])
def test_a_state_that_is_none_is_roots_and_in_nobodys_way(runs_of: RunsOf, tmp_path: Path, text: str) -> None:
    run = runs_of(ALICE).begin(**ASKED)["run"]
    (tmp_path / "1-00000000.json").write_text(text)
    assert list(runs_of(ALICE).states()["states"]) == [run]
    assert sorted(runs_of(0).states()["states"]) == sorted((run, "1-00000000"))


def test_a_folder_in_the_place_of_a_state_is_told_as_one(runs_of: RunsOf, tmp_path: Path) -> None:
    (tmp_path / "1-00000000.json").mkdir()
    run = runs_of(ALICE).begin(**ASKED)["run"]
    assert runs_of(0).states()["states"]["1-00000000"] == ""
    assert list(runs_of(ALICE).states()["states"]) == [run]


@pytest.mark.parametrize(
    "fields",
    [
        {"started_ticks": "A" * 100_000}, {"started_ticks": -1}, {"started_ticks": 1 << 63},
        {"started_ticks": [1]}, {"users": 0}, {"users": 100_001},
    ],
)  # fmt: skip
def test_a_run_of_no_form_is_not_begun(runs_of: RunsOf, tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        runs_of(ALICE).begin(**{**ASKED, **fields})
    assert not list(tmp_path.iterdir())


def test_there_are_not_any_number_of_runs(runs_of: RunsOf) -> None:
    alice = runs_of(ALICE)
    begun = [alice.begin(**ASKED)["run"] for _ in range(64)]
    with pytest.raises(RefusedError, match="64 runs are under way"):
        alice.begin(**ASKED)
    alice.end(begun[0])
    alice.begin(**ASKED)


@pytest.mark.parametrize("names", [["user01"] * 2, [f"user{number:03d}" for number in range(257)]])
def test_umount_is_not_started_any_number_of_times(runs_of: RunsOf, names: list[str]) -> None:
    alice = runs_of(ALICE)
    run = alice.begin(**ASKED)["run"]
    with pytest.raises(RefusedError, match="256 mounts at once, each once"):
        alice.umount(run, names, lazily=False, deadline_s=1)


def test_credentials_are_in_memory_and_private(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p,a ss\n")
    with (
        (tmp_path / "password").open("rb") as password,
        _credentials(["alice", "LAB"], [password.fileno()]) as descriptor,
    ):
        path = Path(f"/proc/self/fd/{descriptor}")
        assert path.read_text() == "username=alice\ndomain=LAB\npassword=p,a ss\n"
        status = os.fstat(descriptor)
        assert (status.st_mode & 0o777, status.st_nlink) == (0o600, 0)
    assert not path.exists()


def test_with_kerberos_there_is_no_password() -> None:
    with _credentials(["alice", ""], []) as descriptor:
        assert Path(f"/proc/self/fd/{descriptor}").read_text() == "username=alice\n"
