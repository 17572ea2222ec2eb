"""Stories of the executor `library` that loses its server, told in the lab (see test_library_lost.py)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.library_lab import (
    ALL,
    BEHIND,
    BUSY,
    SHARE,
    User,
    ended,
    figure,
    opens,
    replaying,
    start_server,
    stop_server,
    until,
)

from smbench.executors.base import UserLostError
from smbench.executors.library import link
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload import calls

LEASE, RWH, BATCH = 0xFF, 7, 9
WRITABLE, OPEN_IF = 0xC0000000, 3


def kept(handle: int, path: str, contexts: str) -> calls.Open:
    key = f"{handle:032x}"
    asked = calls.Create(
        WRITABLE, 7, OPEN_IF, 0, 0, LEASE, RWH, lease_key=key, lease_version=2, contexts=contexts
    )
    return calls.Open(handle, path, asked)


def beyond(user: User) -> dict[str, int]:
    found: dict[str, int] = user.executor.statistics()["beyond"]
    return found


def connections_made_again(user: User) -> int:
    return int(user.executor.statistics()["connection"]["made_again"])


def cut(user: User) -> None:
    """End the connection without a word: the server keeps what is durable."""
    user.executor._link.here.transport.close()


@pytest.fixture
def restarted() -> Callable[[], None]:
    """Ends smbd and starts it again, when it is called."""

    def restart() -> None:
        stop_server()
        start_server()

    return restart


@pytest.mark.parametrize("contexts", ["RqLs,DHnQ,QFid", "DH2Q,MxAc,RqLs,QFid"])
def test_a_durable_handle_is_claimed_with_its_lease(
    user: Callable[..., User], folder: Path, contexts: str
) -> None:
    one, other = user(0), user(1)
    assert one.does(kept(1, "f", contexts)) == 0
    assert one.does(calls.Write(1, 0, 5000)) == 5000
    cut(one)
    assert one.does(calls.Write(1, 5000, 10)) == 10
    assert beyond(one) == {"handles_claimed": 1}
    assert connections_made_again(one) == 1
    assert (folder / "f").stat().st_size == 5010
    # The lease came with it: another's open breaks it, and is answered when that is acknowledged.
    assert other.does(kept(2, "f", contexts)) == 0
    assert until(lambda: one.breaks()["lease_acknowledged"] == 1)
    assert one.breaks()["acknowledgement_statuses"] == {"STATUS_SUCCESS": 1}
    assert [one.does(calls.Close(1)), other.does(calls.Close(2))] == [0, 0]


def test_a_batch_oplock_makes_a_handle_durable_too(user: Callable[..., User]) -> None:
    one = user(0)
    assert one.does(calls.Open(1, "f", calls.Create(WRITABLE, 7, OPEN_IF, 0, 0, BATCH, contexts="DHnQ"))) == 0
    cut(one)
    assert one.does(calls.Write(1, 0, 10)) == 10
    assert beyond(one) == {"handles_claimed": 1}


def test_after_a_restart_files_are_opened_by_name_and_locked_as_they_were(
    user: Callable[..., User], restarted: Callable[[], None], folder: Path
) -> None:
    one, other = user(0), user(1)
    assert [one.does(kept(1, "f", "RqLs,DHnQ,QFid")), one.does(opens(2, "g", OPEN_IF))] == [0, 0]
    assert one.does(calls.Write(1, 0, 600)) == 600
    assert one.does(calls.Lock(2, 0, 10, exclusive=True, wait=False)) == 0
    assert other.does(opens(3, "g")) == 0
    restarted()
    assert one.does(calls.Read(1, 0, 1000)) == 600  # nothing was emptied
    assert one.does(calls.Read(2, 100, 10)) == outcome_of(Status.END_OF_FILE)
    assert beyond(one) == {"handles_opened_again": 2}
    refused = other.does(calls.Lock(3, 0, 10, exclusive=True, wait=False))
    assert refused == outcome_of(Status.LOCK_NOT_GRANTED)
    assert one.does(calls.Unlock(2, 0, 10)) == 0
    assert [one.does(calls.Close(1)), one.does(calls.Close(2)), other.does(calls.Close(3))] == [0, 0, 0]
    assert other.does(calls.Close(3)) == outcome_of(Status.FILE_CLOSED)


def test_what_is_gone_is_refused_with_the_server_s_status(
    user: Callable[..., User], restarted: Callable[[], None], folder: Path
) -> None:
    one = user(0)
    assert [one.does(opens(number, f"f{number}", OPEN_IF)) for number in (1, 2)] == [0, 0]
    (folder / "f1").unlink()
    restarted()
    assert one.does(calls.Write(1, 0, 10)) == outcome_of(Status.OBJECT_NAME_NOT_FOUND)
    assert one.does(calls.Write(2, 0, 10)) == 10
    assert beyond(one) == {"handles_refused": 1, "handles_opened_again": 1}
    assert one.does(calls.Close(1)) == 0
    assert not (folder / "f1").exists()


def test_who_finds_no_server_in_time_is_lost(
    user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "GIVE_UP_S", 2.0)
    one = user(0)
    assert one.does(opens(1, "f", OPEN_IF)) == 0
    stop_server()
    try:
        with pytest.raises(UserLostError, match=r"within 2 s .*Connection refused"):
            one.does(calls.Write(1, 0, 10))
    finally:
        start_server()
    assert one.executor.statistics()["connection"]["lost"] is True


# Whole runs


def await_the_middle() -> None:
    """Until a file is there that user03 makes in the middle of the capture, with 6 files open among all."""
    made = BEHIND / "projects/beta/out/part-4.bin"
    assert until(made.exists, 60), "the replay never came to its middle"


def test_a_run_goes_on_after_its_server_was_restarted(clear: None, tmp_path: Path) -> None:
    run = replaying(tmp_path / "r.run")
    await_the_middle()
    stop_server()
    start_server()
    document = ended(run, tmp_path / "r.run", (0, BUSY))
    operations = document["operations"]
    assert (operations["planned"], operations["executed"]) == (ALL, ALL)
    rows = pq.read_table(tmp_path / "r.run/operations.parquet").to_pylist()
    assert [row for row in rows if not row["matched"]] == []
    assert document["client"]["connections_made_again"] == 3
    assert document["lost_users"] == []
    (warning,) = document["warnings"]
    assert warning.startswith("the connection of user01, user02, user03 was lost and made again (3 times")
    assert "opened again by name" in warning
    assert document["latency"]["all"]["failed"]["count"] == 0
    figure("restart", f"{operations['matched']} of {ALL}; {warning}")


def test_users_whose_server_never_comes_back_are_lost_and_the_run_says_so(
    clear: None, tmp_path: Path
) -> None:
    run = replaying(tmp_path / "l.run", give_up_s=2)
    await_the_middle()
    stop_server()
    try:
        document = ended(run, tmp_path / "l.run", (BUSY,))
    finally:
        start_server()
    assert not document["valid"]
    assert [one["user"] for one in document["lost_users"]] == ["user01", "user02", "user03"]
    for name in ("user01", "user02", "user03"):
        said = f"{name} was lost: no connection to {SHARE} within 2 s after the last one was lost: "
        assert any(reason.startswith(said) for reason in document["reasons"]), document["reasons"]
    executed = document["operations"]["executed"]
    assert 40 < executed < ALL
    # Each lane's last call found it out; what came before ended as in the capture.
    assert document["operations"]["matched"] >= executed - 3
    assert document["latency"]["all"]["failed"]["count"] == executed - document["operations"]["matched"]


def test_a_run_that_waits_for_its_server_is_stopped_at_once(clear: None, tmp_path: Path) -> None:
    run = replaying(tmp_path / "s.run")
    await_the_middle()
    stop_server()
    try:
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        document = ended(run, tmp_path / "s.run", (130,))
    finally:
        start_server()
    assert document["stopped"] == "SIGINT"
    assert document["workers"] == {"lost": 0, "killed": 0}
    assert document["lost_users"] == []
