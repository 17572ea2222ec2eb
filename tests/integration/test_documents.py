"""What commands write is what the documents say of it: files, keys, tags, tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, run
from helpers.docs import CLI, FORMATS, covers, keys_of, leaves, listed, rows, unknown
from helpers.later import later

from smbench.prepare.manifest import MANIFEST
from smbench.run import store as run_store
from smbench.run.hlog import read_hlog
from smbench.run.measures import MEASURES
from smbench.workload.calls import CALLS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workload, a run that ended otherwise than captured, a search, and a prepared folder."""
    folder = tmp_path_factory.mktemp("made")
    assert run("ingest", THREE_USERS, "-o", folder / "w.workload").status == 0
    later(folder / "later.pcap", 60)  # by then somebody has put everything back
    assert run("ingest", THREE_USERS, folder / "later.pcap", "-o", folder / "twice.workload").status == 0
    for name in ("bare", "prepared", "searched"):
        (folder / name).mkdir()
    replay = ("replay", folder / "w.workload")
    done = run(
        *replay, folder / "bare", "-o", folder / "r.run", "--no-prepare", "--speed", "200",
        "--clone", "2", "--namespace", "shared", "--loop", "2", "--threshold", "read.response.p99<20s",
        "--close-gaps", "1",
    )  # fmt: skip
    assert (folder / "r.run").is_dir(), done.err
    assert run("prepare", folder / "w.workload", folder / "prepared").status == 0
    searching = ("--find-capacity", "all.response.p99<1000s", "--max-clones", "1", "--pace", "fast")
    search = run(*replay, folder / "searched", "-o", folder / "c.run", "--executor", "null", *searching)
    assert (folder / "c.run").is_dir(), search.err
    return folder


def test_files_of_artefacts_are_written_down(made: Path) -> None:
    workload, ran = FORMATS["The workload: `NAME.workload/`"], FORMATS["The run: `NAME.run/`"]
    assert sorted(path.name for path in (made / "w.workload").iterdir()) == sorted(listed(workload))
    assert sorted(listed(ran)) == sorted(run_store.FILES)
    assert {path.name for path in (made / "r.run").iterdir()} <= set(listed(ran))


def test_keys_of_real_documents_are_written_down(made: Path) -> None:
    document = json.loads((made / "r.run" / "run.json").read_text(encoding="utf-8"))
    assert document["mismatches"]
    assert document["causes"]
    assert document["losses"]
    assert unknown(document, "`run.json`") == set()
    manifest, changed = (
        json.loads((made / f"{name}.workload" / "manifest.json").read_text(encoding="utf-8"))
        for name in ("w", "twice")
    )
    for one in (manifest, changed):
        assert unknown(one, "`manifest.json` of a workload") == set()
    assert (manifest["schema"], changed["schema"]) == (2, 3)
    search = json.loads((made / "c.run" / "capacity.json").read_text(encoding="utf-8"))
    assert unknown(search, "`capacity.json`") == set()
    # And the other way: what these two always have is all that is listed.
    for found, heading in ((changed, "`manifest.json` of a workload"), (search, "`capacity.json`")):
        there = list(leaves(found))
        assert [one for one in listed(FORMATS[heading]) if not any(covers(one, leaf) for leaf in there)] == []


def test_an_unknown_key_would_be_found(made: Path) -> None:
    document = json.loads((made / "r.run" / "run.json").read_text(encoding="utf-8"))
    document["configuration"]["new"] = 1
    document["mismatches"][0]["new"] = 1
    document["latency"]["all"]["new"] = {"p50_ns": 1}
    assert unknown(document, "`run.json`") == {
        "configuration.new", "mismatches[].new", "latency.all.new.p50_ns",
    }  # fmt: skip


def test_lines_of_what_was_prepared_are_written_down(made: Path) -> None:
    lines = (made / "prepared" / MANIFEST).read_text(encoding="utf-8").splitlines()
    header, *entries, signature = map(json.loads, lines)
    assert header.items() >= {"schema": 3, "tool": "smbench-mount", "content": "auto"}.items()
    assert list(signature) == ["hmac_sha256"]
    assert {*header, *(key for entry in entries for key in entry)} == set(listed(FORMATS[f"`{MANIFEST}`"]))


def test_tags_of_the_log_are_written_down(made: Path) -> None:
    assert listed(FORMATS["`latency.hlog`"]) == list(MEASURES)
    kinds, measures = zip(
        *(line.tag.split(".") for line in read_hlog(made / "r.run" / "latency.hlog")), strict=True
    )
    assert set(measures) == set(MEASURES)
    assert set(kinds) <= set(CALLS)


def test_tables_for_spreadsheets_are_written_down(made: Path) -> None:
    assert run("report", made / "r.run", "--csv", made / "tables").status == 0
    for name, columns in rows(FORMATS["Tables of `report --csv`"]):
        first = (made / "tables" / name.strip("`")).read_text(encoding="utf-8").splitlines()[0]
        assert first.split(",") == columns.strip("`").split(", ")


def test_documents_of_inspect_and_compare_are_as_written(made: Path) -> None:
    inspected = json.loads(run("inspect", made / "w.workload", "--json").out)
    assert set(inspected) - keys_of(CLI["inspect"]) == set()
    assert set(inspected["users"][0]) - keys_of(CLI["inspect"]) == set()
    compared = json.loads(run("compare", THREE_USERS, made / "w.workload", made / "r.run", "--json").out)
    wire, ran = compared["candidates"]
    of_wire = (compared, compared["reference"], wire, wire["wire"], wire["users"][0], wire["latency"]["all"])
    shown = keys_of(CLI["compare"])
    percentiles = {f"{name}_{what}" for name in ("p90", "p99", "p99_9", "max") for what in ("ns", "ratio")}
    for document in (*of_wire, ran, ran["run"], ran["run"]["operations"]):
        assert set(document) - shown - percentiles == set()
    # And nothing is shown that is not there.
    for top in (
        "schema",
        "captures",
        "gaps",
        "coverage",
        "caching",
        "working_set",
        "hot",
        "sizes",
        "dialects",
    ):
        assert top in inspected
