"""What became of exchanges; what has no answer cannot be called asked for again as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import Wire, lifted

from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.lift.coverage import UNANSWERED
from smbench.lift.vocabulary import WORDS
from smbench.smb2.constants import WRITE_TO_END_OF_FILE
from smbench.smb2.ntstatus import Status
from smbench.trace.model import Command
from smbench.workload.model import Disposition


def rows(wire: Wire, into: Path) -> list[tuple[str, str]]:
    story = lifted(wire, into)
    counted = {(row.disposition.value, row.reason) for row in story.workload.info.coverage}
    found = [(row["disposition"], row["reason"]) for row in story.coverage]
    assert counted == set(found), "the counts say what the rows say"
    assert sum(row.count for row in story.workload.info.coverage) == len(found)
    return found


def test_an_answer_that_is_missing_is_said_and_no_exact_one(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.reads(0, 10).reads(10, 10, status=None).writes(0, 10, status=Status.PENDING).flushes()
    assert rows(wire, tmp_path) == [
        ("exact", "open"), ("exact", "read"), ("approximate", UNANSWERED), ("approximate", UNANSWERED),
        ("exact", "flush"),
    ]  # fmt: skip


def test_what_is_replayed_otherwise_says_both(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x").writes(WRITE_TO_END_OF_FILE, 10, status=None)
    (_, (disposition, reason)) = rows(wire, tmp_path)
    assert disposition == "approximate"
    assert reason.startswith(f"{UNANSWERED}: an append (offset 2^64-1)")
    assert Pseudonyms(b"k" * 16, words=WORDS).reason(reason) == reason, "its words are this program's own"


@pytest.mark.parametrize("command", [Command.LOGOFF, Command.ECHO])
def test_what_is_not_asked_for_again_stays_what_it_was(tmp_path: Path, command: int) -> None:
    wire = Wire()
    wire.client("alice").sends(command, None, None)
    assert [disposition for disposition, _ in rows(wire, tmp_path)] == [Disposition.CLIENT]


def test_a_pattern_that_lacks_one_answer_lacks_all(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    with alice:
        looked = alice.opens("x", access=0x80)
        looked.asks(18, None)
        looked.closes()
    assert rows(wire, tmp_path) == [("approximate", UNANSWERED)] * 3
