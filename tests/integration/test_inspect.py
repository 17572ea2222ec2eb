"""`inspect` over the shipped capture: what it says is a golden file, and it adds up."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, run
from helpers.golden import assert_golden
from helpers.later import later

from smbench.fidelity.tally import Tally
from smbench.trace.store import EXCHANGES_FILE, read_exchanges


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inspect") / "three-users.workload"
    assert run("ingest", THREE_USERS, "-o", path).status == 0
    return path


def test_what_a_person_reads(workload: Path) -> None:
    lines = [line.rstrip() for line in run("inspect", workload).out.splitlines()]
    assert_golden("three-users.inspect.txt", "\n".join(lines) + "\n")


def test_what_a_program_reads(workload: Path) -> None:
    document = json.loads(run("inspect", workload, "--json").out)
    assert_golden("three-users.inspect.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    assert sum(document["coverage"].values()) == document["exchanges"] == sum(document["commands"].values())
    counts: Counter[str] = Counter()
    for row in document["reasons"]:
        counts[row["disposition"]] += row["count"]
    assert {fate: count for fate, count in document["coverage"].items() if count} == counts
    assert sum(user["operations"] for user in document["users"]) == sum(document["operations"].values())


def test_leases_and_breaks_are_those_of_a_plain_count(workload: Path) -> None:
    caching = json.loads(run("inspect", workload, "--json").out)["caching"]
    tally = Tally()
    for exchange in read_exchanges(workload / EXCHANGES_FILE):
        tally.add(exchange, answerable=True)
    assert caching["requested"] == dict(tally.requested)
    assert caching["granted"] == dict(tally.granted)
    assert caching["breaks"]["notified"] == sum(tally.breaks.values()) > 0
    assert caching["breaks"]["acknowledged"] == tally.acknowledged


def test_without_its_exchanges_a_workload_still_tells(workload: Path, tmp_path: Path) -> None:
    for file in workload.iterdir():
        if file.name != EXCHANGES_FILE:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    document = json.loads(run("inspect", tmp_path, "--json").out)
    assert document["caching"] is None
    assert document["working_set"]["bytes"] > 0
    assert "requested" not in run("inspect", tmp_path).out


def test_operations_name_the_frames_of_their_requests(workload: Path) -> None:
    rows = json.loads(run("inspect", workload, "--operations", "--json").out)["operations"]
    write = next(row for row in rows if row["kind"] == "Write")
    assert len(write["frames"]) == len(write["exchanges"]) == 1
    shown = run("inspect", workload, "--frame", str(write["frames"][0]), "--capture", THREE_USERS)
    assert "Write Request (0x09)" in shown.out
    assert f"Write Length: {write['length']}" in shown.out


def framed(workload: Path, frame: int, *options: str) -> dict:
    ran = run("inspect", workload, "--frame", str(frame), "--capture", THREE_USERS, "--json", *options)
    assert ran.status == 0, ran.err
    return json.loads(ran.out)


def test_every_frame_of_an_operation_leads_back_to_it(workload: Path) -> None:
    rows = json.loads(run("inspect", workload, "--operations", "--json").out)["operations"]
    for row in (rows[0], rows[2], next(row for row in rows if row["kind"] == "Write")):
        document = framed(workload, row["frames"][0])
        assert document["capture"] == "three-users.pcap"
        exchanges = {one["exchange"]: one for one in document["exchanges"]}
        # Of a long listing each exchange has a frame of its own.
        assert exchanges.keys() & set(row["exchanges"])
        for number in exchanges.keys() & set(row["exchanges"]):
            one = exchanges[number]
            assert (one["here"], one["user"], one["rule"]) == ("request", row["user"], row["rule"])
            assert one["disposition"] in ("exact", "approximate")
            (operation,) = [it for it in one["operations"] if it["operation"] == row["operation"]]
            assert (operation["kind"], operation["path"]) == (row["kind"], row["path"])
        answer = framed(workload, next(iter(exchanges.values()))["response_frame"])
        assert {one["here"] for one in answer["exchanges"]} == {"response"}


def test_a_frame_of_the_clients_own_has_its_rule_and_no_operation(workload: Path) -> None:
    (one,) = framed(workload, 31)["exchanges"]
    assert (one["command"], one["here"], one["disposition"]) == ("CLOSE", "request", "client")
    assert (one["rule"], one["operations"]) == ("mount-probe", [])
    assert one["reason"] == "mounting asks about the share's file system by itself"
    shown = run("inspect", workload, "--frame", "31", "--capture", THREE_USERS).out
    assert "mount-probe" in shown
    assert "Layer SMB2" in shown


def test_a_frame_without_an_exchange_says_so(workload: Path) -> None:
    assert framed(workload, 1)["exchanges"] == []
    shown = run("inspect", workload, "--frame", "1", "--capture", THREE_USERS).out
    assert "no exchange of the workload has its request or its response in this frame" in shown


def test_what_a_selection_left_out_has_no_fate(tmp_path: Path) -> None:
    path = tmp_path / "part.workload"
    assert run("ingest", THREE_USERS, "-o", path, "--user", "user02").status == 0
    (one,) = framed(path, 31)["exchanges"]
    assert (one["disposition"], one["rule"], one["reason"]) == (None, None, "left out by the selection")


def test_of_several_captures_the_frame_is_that_of_the_one_that_is_given(tmp_path: Path) -> None:
    path, other = tmp_path / "two.workload", later(tmp_path / "later.pcap", 3600)
    assert run("ingest", other, THREE_USERS, "-o", path).status == 0
    (first,) = framed(path, 31)["exchanges"]
    ran = run("inspect", path, "--frame", "31", "--capture", other, "--json")
    document = json.loads(ran.out)
    assert document["capture"] == "later.pcap"
    (second,) = document["exchanges"]
    assert second["exchange"] != first["exchange"]
    assert second["time_ns"] - first["time_ns"] == 3600 * 10**9


def test_another_capture_than_the_workloads_is_refused(workload: Path, tmp_path: Path) -> None:
    other = later(tmp_path / "three-users.pcap", 3600)
    ran = run("inspect", workload, "--frame", "31", "--capture", other)
    assert ran.status == 2
    assert "is not what the workload was made from, although it is called so: it begins with" in ran.sentence


def test_an_older_workload_is_read_and_knows_its_capture_by_the_name(workload: Path, tmp_path: Path) -> None:
    older = shutil.copytree(workload, tmp_path / "older.workload")
    manifest = json.loads((older / "manifest.json").read_text())
    (known,) = manifest.pop("capture_files")
    assert known["name"] == "three-users.pcap"
    (older / "manifest.json").write_text(json.dumps(manifest))
    ran = run("inspect", older, "--frame", "31", "--capture", THREE_USERS)
    assert ran.status == 0
    assert "does not say which three-users.pcap it was made from: taken for granted" in ran.err
    other = later(tmp_path / "later.pcap", 3600)
    refused = run("inspect", older, "--frame", "31", "--capture", other)
    assert (refused.status, "give three-users.pcap" in refused.sentence) == (2, True)
    for name in (EXCHANGES_FILE, "coverage.parquet"):
        (older / name).unlink(missing_ok=True)
    assert (
        "did not keep its exchanges" in run("inspect", older, "--frame", "31", "--capture", THREE_USERS).out
    )


def test_an_anonymized_workload_does_not_tell_whose_capture_it_was(workload: Path, tmp_path: Path) -> None:
    assert run("anonymize", workload, "-o", tmp_path / "a.workload").status == 0
    assert json.loads((tmp_path / "a.workload/manifest.json").read_text())["capture_files"] == []
    ran = run("inspect", tmp_path / "a.workload", "--frame", "31", "--capture", THREE_USERS)
    assert (ran.status, "is not what the workload was made from" in ran.sentence) == (2, True)
