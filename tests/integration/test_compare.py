"""`compare` as a user runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers.command import PROJECT, THREE_USERS, run
from helpers.mutate import write_without

CAPTURES = PROJECT.parent / "shared" / "captures"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shipped capture as a workload, and two runs of it on a directory."""
    folder = tmp_path_factory.mktemp("made")
    assert run("ingest", THREE_USERS, "-o", folder / "three.workload").status == 0
    for name, executor in (("posix", "posix"), ("null", "null")):
        (folder / name).mkdir()
        ran = run("replay", folder / "three.workload", folder / name, "-o", folder / f"{name}.run",
                  "--executor", executor, "--pace", "fast")  # fmt: skip
        assert (folder / f"{name}.run" / "run.json").is_file(), ran.err
    return folder


def compared(*arguments: str | Path) -> dict[str, Any]:
    ran = run("compare", *arguments, "--json")
    assert ran.status == 0, ran.err
    document: dict[str, Any] = json.loads(ran.out)
    return document


def test_a_capture_is_like_its_workload(made: Path) -> None:
    document = compared(THREE_USERS, made / "three.workload")
    assert document["schema"] == 1
    answerable = document["reference"]["answerable"]
    assert 200 < answerable < document["reference"]["exchanges"] == 310
    (candidate,) = document["candidates"]
    assert candidate["wire"]["recall"] == candidate["wire"]["precision"] == 1.0
    assert candidate["wire"]["matched"] == answerable
    assert candidate["wire"]["by_command"]["READ"]["matched"] == 13
    assert candidate["order"] == {
        "pairs": answerable * (answerable - 1) // 2,
        "inverted": 0,
        "by_user": candidate["order"]["by_user"],
    }
    assert candidate["outcomes"]["matched"] == answerable
    assert candidate["leases"]["breaks"] == [2, 2]
    assert candidate["leases"]["requested"]["lease RWH"] == [16, 16]
    assert candidate["bytes"] == {"read": [81305, 81305], "written": [38139, 38139]}
    assert candidate["latency"]["READ"]["p50_ratio"] == 1.0
    assert candidate["latency"]["READ"]["distance"] == 0.0
    assert candidate["missing"]["count"] == candidate["extra"]["count"] == 0
    assert candidate["users"][0] == {
        "reference": "user01", "candidate": "user01", "by": "content", "common": 26, "exchanges": [26, 26],
        "common_with_namesake": None,
    }  # fmt: skip
    assert candidate["users_alone"] == {"reference": [], "candidate": []}
    for side in (candidate, document["reference"]):
        assert side["quality"] == "excellent"
        assert side["warnings"] == []
        assert side["grade"]["tcp_gaps"] == 0


def test_runs_without_a_wire_stand_side_by_side(made: Path) -> None:
    document = compared(made / "three.workload", made / "posix.run", made / "null.run")
    posix, null = document["candidates"]
    assert posix["wire"] is None
    operations = posix["run"]["operations"]
    asked = json.loads(run("inspect", made / "three.workload", "--json").out)
    assert operations["planned"] == sum(asked["operations"].values())
    configuration = json.loads((made / "posix.run" / "run.json").read_text())["configuration"]
    assert configuration["client_calls"] == asked["client_calls"] == 5
    assert not configuration["client_calls_replayed"]
    assert posix["outcomes"] == {"matched": operations["planned"], "mismatched": 0, "unanswered": 0}
    assert operations["executed"] == operations["planned"] > 100
    assert posix["run"]["by_kind"]["Rename"]["matched"] == 1
    assert any("lease" in loss["reason"] for loss in posix["run"]["losses"])
    assert posix["bytes"] == {"read": [81305, 81305], "written": [38139, 38139]}
    assert posix["run"]["latency"]["Read"]["count"] == [13, 13]
    assert any("no wire capture" in note for note in posix["notes"])
    # null carries nothing out.
    assert (null["wire"], null["outcomes"], null["bytes"], null["run"]["latency"]) == (None,) * 4
    assert null["run"]["operations"]["planned"] == operations["planned"]
    assert null["run"]["by_kind"]["Read"]["matched"] is None
    assert [note for note in null["notes"] if note.startswith("not compared: the executor null carries ")]
    assert not any("compared by its operations" in note for note in null["notes"])
    shown = run("compare", made / "three.workload", made / "posix.run", made / "null.run", "--no-page").out
    assert "posix.run" in shown
    assert "null.run" in shown
    assert f"{operations['matched']} of {operations['planned']}" in shown
    assert re.search(r"null\.run +– +– +– +– +not compared +– +– +–", shown)
    assert re.search(r"Read +13/13 .*not compared", shown)
    page = made / "null.html"
    assert run("compare", made / "three.workload", made / "null.run", "-o", page).status == 0
    told = page.read_text()
    assert '<b class="dim">not compared</b>outcomes' in told
    assert "<td>not compared</td>" in told
    assert "p50" not in told.partition("<h2>Operations of the runs</h2>")[2]


def test_of_clones_and_loops_one_copy_is_compared(made: Path, tmp_path: Path) -> None:
    """The second loop, on what the first one left, fares otherwise; each clone has files of its own."""
    (tmp_path / "target").mkdir()
    workload, many_run = made / "three.workload", tmp_path / "many.run"
    ran = run("replay", workload, tmp_path / "target", "-o", many_run, "--pace", "fast", "--clone", "3",
              "--users-per-process", "9", "--loop", "2", "--loop-namespace", "same")  # fmt: skip
    assert (many_run / "run.json").is_file(), ran.err
    table = pq.read_table(many_run / "operations.parquet").to_pylist()
    (one,) = compared(workload, made / "posix.run")["candidates"]
    told = set()
    for clone, loop in [(None, None), (3, None), (3, 2)]:
        chosen = [f"--{name}={number}" for name, number in (("clone", clone), ("loop", loop)) if number]
        (many,) = compared(workload, many_run, *chosen)["candidates"]
        mine = [row for row in table if (row["clone"], row["loop"]) == (clone or 1, loop or 1)]
        assert many["run"]["operations"]["planned"] == len(mine) == one["run"]["operations"]["planned"]
        assert many["outcomes"]["matched"] == sum(row["matched"] for row in mine)
        assert many["run"]["losses"] == one["run"]["losses"]
        assert many["bytes"]["written"][1] == sum(row["bytes"] for row in mine if row["kind"] == "Write")
        told |= {many["notes"][0], many["notes"][1]}
        if loop is None:
            assert many["outcomes"] == one["outcomes"]
        else:
            assert many["outcomes"]["mismatched"] > 0
    assert told == {
        "of its 3 clones number 1 is compared (--clone N for another)",
        "of its 3 clones number 3 is compared (--clone N for another)",
        "of its 2 loops number 1 is compared (--loop N for another)",
        "of its 2 loops number 2 is compared (--loop N for another)",
    }


def test_users_may_be_named_and_all_differences_written(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "differences.parquet"
    document = compared(
        THREE_USERS, made / "three.workload", "--user", "user01=user02", "--user", "user02=user01",
        "--limit", "3", "--differences", file,
    )  # fmt: skip
    (candidate,) = document["candidates"]
    assert [pair["by"] for pair in candidate["users"]] == ["given", "given", "content"]
    assert 0.5 < candidate["wire"]["recall"] < 1.0
    assert len(candidate["missing"]["exchanges"]) == 3
    assert pq.read_table(file).num_rows == candidate["missing"]["count"] + candidate["extra"]["count"]
    everything = compared(THREE_USERS, made / "three.workload", "--user", "user01=user02", "--all")
    left = everything["candidates"][0]
    assert [pair["by"] for pair in left["users"]] == ["given", "left", "content"]
    assert not any("by what they sent" in note for note in left["notes"])
    assert (
        len(everything["candidates"][0]["extra"]["exchanges"])
        == everything["candidates"][0]["extra"]["count"]
    )


def test_a_lost_packet_is_said_in_words_of_either_side_and_of_a_run(made: Path, tmp_path: Path) -> None:
    """Without the packet, a capture's figures are what they are: the sentence says what they are worth."""
    lost, gaps = tmp_path / "lost.pcap", "gaps in the TCP streams (lost packets): 1 beside "
    write_without(THREE_USERS, lost, packet=200)
    document = compared(made / "three.workload", lost)
    (candidate,) = document["candidates"]
    assert candidate["wire"]["recall"] < 1
    assert candidate["grade"]["tcp_gaps"] == 1
    assert document["reference"]["warnings"] == []
    assert candidate["warnings"][0].startswith(gaps)
    turned = compared(lost, made / "three.workload")
    assert turned["reference"]["warnings"][0].startswith(gaps)
    assert turned["candidates"][0]["warnings"] == []
    page = tmp_path / "page.html"
    shown = run("compare", made / "three.workload", lost, "-o", page)
    assert f"lost.pcap: {gaps}" in shown.out
    assert f"lost.pcap: {gaps}" in page.read_text()
    (tmp_path / "target").mkdir()
    replayed = run("replay", lost, tmp_path / "target", "-o", tmp_path / "lost.run", "--executor", "null",
                   "--pace", "fast")  # fmt: skip
    assert f"the capture has {gaps}" in replayed.out, replayed.err
    written = json.loads((tmp_path / "lost.run" / "run.json").read_text())["capture"]
    assert written["grade"]["tcp_gaps"] == 1
    assert written["warnings"][0].startswith(gaps)
    assert f"the capture has {gaps}" in (tmp_path / "lost.run" / "report.html").read_text()


@pytest.mark.parametrize("packet", [108, 110], ids=["request", "response"])
def test_without_a_users_tree_connect_all_are_compared_as_they_were(tmp_path: Path, packet: int) -> None:
    """Of user03's connection to the share; what it looked for while it mounted counts then, and is extra."""
    lost = tmp_path / "lost.pcap"
    write_without(THREE_USERS, lost, packet)
    (candidate,) = compared(THREE_USERS, lost)["candidates"]
    assert candidate["wire"]["recall"] == 1.0
    assert candidate["wire"]["supported"]["matched"] == candidate["wire"]["matched"] == 240
    assert candidate["folders"] == {"reference": "", "candidate": ""}
    assert candidate["extra"]["count"] == 13
    assert [
        (pair["reference"], pair["candidate"], pair["by"], pair["common"]) for pair in candidate["users"]
    ] == [
        ("user01", "user01", "content", 26),
        ("user02", "user02", "content", 33),
        ("user03", "user03", "content", 181),
    ]
    (taken,) = candidate["unnamed_shares"]["candidate"]
    assert taken["name"].startswith("unknown-")
    assert taken["beneath"] == ""
    said = "on a share whose connection is not in its capture (unknown-"
    assert any(
        said in note and note.endswith("are compared as those of share") for note in candidate["notes"]
    )
    (turned,) = compared(lost, THREE_USERS)["candidates"]
    assert turned["wire"]["precision"] == 1.0
    assert turned["missing"]["count"] == 13


def test_who_was_held_against_whom_stands_in_text_and_page(made: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    shown = run("compare", THREE_USERS, made / "three.workload", "-o", page).out
    assert re.search(r"user02 +user02 +content +33 +33 +33", shown)
    assert "<h3>Who was held against whom</h3>" in page.read_text()
    assert "<td>what they sent</td>" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("three.workload", "nothing.pcap"), 2, "nothing.pcap"),
        (
            ("posix.run", "three.workload"),
            2,
            "posix.run has no wire capture: give the capture or the workload",
        ),
        (("posix", "three.workload"), 2, "neither a workload nor a run"),
        (("three.workload", "three.workload", "--user", "ann"), 2, "write REFERENCE=CANDIDATE"),
        (
            ("three.workload", "three.workload", "--user", "user01=bob"),
            2,
            "there is no user 'bob': the users of three.workload are user01, user02, user03",
        ),
        (
            ("three.workload", "three.workload", "--user", "DOM\\bob=user01"),
            2,
            "there is no user 'DOM\\bob': the users of three.workload are user01, ",
        ),
        (
            ("three.workload", "three.workload", "--user", "user01=user02", "--user", "USER01=user03"),
            2,
            "'USER01=user03': USER01 of the reference is paired twice",
        ),
        (
            ("three.workload", "three.workload", "--user", "user01=user02", "--user", "user03=User02"),
            2,
            "User02 of the candidate is paired twice",
        ),
        (
            ("three.workload", "three.workload", "--user", "user01=user02", "--user", "D\\user01=user03"),
            2,
            "'user01' and 'D\\user01' are both user01 of three.workload",
        ),
        *(
            (("three.workload", candidate, *option), 2, f"{option[0]} has no effect {why}")
            for candidate, why, *options in (
                (
                    "posix.run",
                    "where no candidate has a wire capture",
                    ("--user", "user01=user02"),
                    ("--folder", "x"),
                    ("--differences", "d.parquet"),
                ),
                (
                    "three.workload",
                    "where no candidate is a run",
                    ("--clone", "1"),
                    ("--loop", "2"),
                ),
                ("three.workload", "beside --all", ("--limit", "3", "--all")),
            )
            for option in options
        ),
        (
            ("three.workload", "three.workload", "--folder", "nosuch"),
            2,
            "--folder nosuch: three.workload has nothing in it; beneath its share there is projects, office",
        ),
        (("three.workload", "posix.run", "--clone", "2"), 2, "posix.run has only one clone: --clone 2"),
        (("three.workload", "posix.run", "--loop", "3"), 2, "only one loop"),
        (("three.workload", "three.workload", "-o", "no/such/page.html"), 3, "cannot write the page"),
        (
            ("three.workload", "three.workload", "--differences", "no/such/d.parquet"),
            3,
            "cannot write no/such",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(
    made: Path, arguments: tuple[str, ...], status: int, says: str
) -> None:
    ran = run("compare", *arguments, cwd=made)
    assert ran.status == status, ran.err
    assert says in ran.sentence


def test_a_run_of_another_workload_is_told(made: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.workload"
    assert run("ingest", THREE_USERS, "-o", part, "--user", "user01").status == 0
    ran = run("compare", part, made / "posix.run", "--no-page")
    assert ran.status == 2
    assert "posix.run is no run of this workload (it has 1" in ran.sentence


@pytest.mark.captures
@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the folder of public captures is not beside the project")
@pytest.mark.parametrize(
    "name",
    ["torture_lease", "torture_compound", "torture_notify", "torture_lock", "smbclient_311_plain",
     "zeek_smb_smb3_multichannel"],
)  # fmt: skip
def test_every_capture_is_like_itself(name: str) -> None:
    path = CAPTURES / f"{name}.pcap"
    (candidate,) = compared(path, path)["candidates"]
    assert candidate["wire"]["reference"] > 0
    assert candidate["wire"]["recall"] == candidate["wire"]["precision"] == 1.0
    assert candidate["order"]["inverted"] == 0
