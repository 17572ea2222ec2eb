"""Stories of the executor `library` at a server of one dialect, told in the lab."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers.library_lab import (
    ALL,
    BUSY,
    STORIES,
    Story,
    User,
    ended,
    figure,
    opens,
    opens_directory,
    play,
    replaying,
    until,
)

from smbench.errors import SetupError
from smbench.workload import calls

LEASE, RWH, BATCH = 0xFF, 7, 9
CAPTURED = 0x0311
DIALECT = os.environ["SMBENCH_DIALECT"]
"""The newest that the server speaks."""
OLD = {"2.0.2", "2.1.0"}
NO_LEASES = "there are no leases (16 opens asked for the nearest oplock)"
LEASES_V1 = "leases have no parent and no epoch (16 opens asked for version 1)"
LACKS = {
    "2.0.2": NO_LEASES,
    "2.1.0": LEASES_V1,
    "3.0.0": "nothing was missing",
    "3.0.2": "nothing was missing",
}
"""What is said of the shipped capture, whose clients spoke 3.1.1."""


@pytest.fixture
def one(user: Callable[..., User]) -> Callable[[int], User]:
    """Users whose captured dialect is the newest of all."""
    return lambda number: user(number, dialect=CAPTURED)


def beyond(user: User) -> dict[str, int]:
    found: dict[str, int] = user.executor.statistics()["beyond"]
    return found


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_calls_end_as_in_the_newest_dialect(story: Story, folder: Path, one: Callable[[int], User]) -> None:
    play(story, folder, one)
    assert one(story.steps[0].user).executor.statistics()["connection"]["dialect"] == DIALECT


def leased(handle: int, key: str) -> calls.Open:
    asked = calls.Create(0xC0000000, 7, 3, 0, 0, LEASE, RWH, key * 16, "99" * 16, 2, "RqLs,DH2Q")
    return calls.Open(handle, "f", asked)


def test_what_a_client_may_cache_is_broken_acknowledged_and_had_again(one: Callable[[int], User]) -> None:
    holder, other = one(0), one(1)
    assert holder.does(leased(1, "11")) == 0
    assert holder.does(calls.Write(1, 0, 5000)) == 5000
    holder.executor._link.here.transport.close()
    assert holder.does(calls.Write(1, 0, 5000)) == 5000
    assert beyond(holder)["handles_claimed"] == 1
    assert other.does(leased(2, "22")) == 0
    kind = "oplock" if DIALECT == "2.0.2" else "lease"
    assert until(lambda: holder.breaks()[f"{kind}_acknowledged"] == 1)
    assert holder.breaks()["acknowledgement_statuses"] == {"STATUS_SUCCESS": 1}
    (told,) = holder.breaks()["events"]
    assert (told["from"], told["to"]) == ((BATCH, 1) if kind == "oplock" else (RWH, 3))
    assert holder.does(calls.Read(1, 0, 5000)) == 5000
    assert [holder.does(calls.Close(1)), other.does(calls.Close(2))] == [0, 0]


def test_large_data_goes_in_what_the_dialect_moves_at_once(one: Callable[[int], User], folder: Path) -> None:
    user, length = one(0), (1 << 20) + 17
    assert user.does(opens(1, "big", 3)) == 0
    assert user.does(calls.Write(1, 5, length)) == length
    assert user.does(calls.Read(1, 0, length + 100)) == length + 5
    assert (folder / "big").stat().st_size == length + 5
    assert user.does(calls.Close(1)) == 0
    assert beyond(user).get("in_pieces", 0) == (2 if DIALECT == "2.0.2" else 0)


def test_a_listing_has_the_room_that_the_server_gives(one: Callable[[int], User], folder: Path) -> None:
    for number in range(300):
        (folder / f"file{number:03}").touch()
    user = one(0)
    assert user.does(opens_directory(1, "")) == 0
    listing: Any = calls.List(1, "*", 37, True, output_length=1 << 20, calls=5)
    assert user.does(listing) == 300
    cut = beyond(user).get("answers_cut", 0)
    assert (cut > 0) is (DIALECT == "2.0.2")


def test_encryption_that_was_captured_is_had_or_refused_in_a_sentence(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    def insisting() -> User:
        return User(0, folder.name, dialect=CAPTURED, encrypt=True)

    if DIALECT in OLD:
        with pytest.raises(SetupError, match="encryption is required but") as told:
            insisting()
        assert "\n" not in str(told.value)
        return
    user = insisting()
    request.addfinalizer(user.executor.close)
    assert user.executor.statistics()["connection"]["encrypted"] is True
    assert user.does(opens(1, "f", 3)) == 0
    assert user.does(calls.Write(1, 0, 100)) == 100


def test_the_shipped_capture_ends_as_captured_and_what_was_missing_is_said(
    clear: None, tmp_path: Path
) -> None:
    document = ended(replaying(tmp_path / "d.run"), tmp_path / "d.run", (0, BUSY))
    rows = pq.read_table(tmp_path / "d.run/operations.parquet").to_pylist()
    assert [row for row in rows if not row["matched"]] == []
    assert len(rows) == document["operations"]["matched"] == ALL
    said = f"user01, user02, user03 spoke SMB {DIALECT} in the place of 3.1.1: {LACKS[DIALECT]}"
    assert said in document["warnings"]
    acknowledged = document["client"]
    if DIALECT == "2.0.2":
        assert acknowledged == {"lease_breaks_acknowledged": 0, "oplock_breaks_acknowledged": 1}
    else:
        assert acknowledged == {"lease_breaks_acknowledged": 2, "oplock_breaks_acknowledged": 0}
    figure(DIALECT, f"{document['operations']['matched']} of {ALL}, {acknowledged}")
