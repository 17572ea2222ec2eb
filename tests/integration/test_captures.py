"""All captures through the whole of ingest: accounted for to the last exchange, whole or damaged."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from helpers.accounts import account, table
from helpers.command import PROJECT, THREE_USERS
from helpers.mutate import mutated

from smbench.capture.decode import decode
from smbench.errors import SmbenchError
from smbench.lift.lift import lift
from smbench.report.inspection import inspection
from smbench.trace.grade import BY_NAME
from smbench.workload.store import read

SHARED = PROJECT.parent / "shared" / "captures"
CAPTURES = [THREE_USERS, *sorted(SHARED.glob("*.pcap*"))]
REFUSED = ("no SMB2 or SMB3 traffic", "is encrypted")


def test_every_capture_is_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    accounts = [account(capture) for capture in CAPTURES]
    with capsys.disabled():
        print("", *table(accounts), sep="\n")
    assert [one.differences for one in accounts if one.differences] == []
    refused = [one.refused for one in accounts if one.refused]
    assert [said for said in refused if not any(why in said for why in REFUSED) or "\n" in said] == []
    reasons = {reason for one in accounts for _, reason in one.unsupported}
    assert all(len(reason) > 20 for reason in reasons), "a reason is a sentence, not a word"


def ingested(capture: Path, into: Path) -> str:
    """Decode and lift; the sentence with which that ended, if it did not go through."""
    try:
        lift(decode([capture], into), into)
    except SmbenchError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("seed", range(24))
def test_damaged_captures_are_accounted_for(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    (tmp_path / "x.pcap").write_bytes(mutated(chance.choice(CAPTURES).read_bytes(), chance))
    said = ingested(tmp_path / "x.pcap", tmp_path)
    assert "\n" not in said
    if said:
        return
    document = inspection(read(tmp_path))
    assert sum(document["coverage"].values()) == document["exchanges"] == sum(document["commands"].values())
    counts: Counter[str] = Counter()
    for row in document["reasons"]:
        counts[row["disposition"]] += row["count"]
    assert document["grade"].keys() <= BY_NAME.keys(), "a new count of the grade is a line of trace/grade.py"
    assert counts == Counter({fate: count for fate, count in document["coverage"].items() if count})
