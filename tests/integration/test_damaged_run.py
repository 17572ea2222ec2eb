"""run.json with one value gone or another: a report, or one sentence that names the file and what to do."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.command import THREE_USERS, run
from rich.console import Console

from smbench.errors import UsageError
from smbench.fidelity.copies import copy_of
from smbench.fidelity.loading import account_mappings, window, wire_notes
from smbench.fidelity.outcomes import run_outcomes
from smbench.measure.baseline import read_baseline
from smbench.measure.likeness import Circumstances, differences
from smbench.report import csv as csv_of_run
from smbench.report import page as page_of_run
from smbench.report.csv import write_csv
from smbench.report.page import page
from smbench.report.run import show_run
from smbench.run.model import Run
from smbench.run.store import document_of, read
from smbench.trace.model import Session, TraceInfo
from smbench.workload.store import StoredOperations
from smbench.workload.store import read as read_workload

PlaceOf = tuple[str | int, ...]
"""Keys, and numbers of lists, from the outermost."""

MOUNTED: dict[str, Any] = {
    "lost_users": [{"user": "bob", "why": "gone"}],
    "mounts": [
        {
            "user": "alice@1", "account": "LAB\\\\user01", "share": "//server/share", "root": "/mnt/1",
            "options": "vers=3.1.1", "asked": [{"name": "vers", "value": "3.1.1", "reason": "as captured"}],
            "differences": ["rsize"],
            "connection": {
                "id": 1, "session": "0x10", "dialect": "3.1.1", "nosharesock": True, "signed": True,
                "encrypted": False, "channels": 1, "credits": 10,
            },
        }
    ],
    "client": {"lease_breaks_acknowledged": 3},
    "wire": {
        "file": "wire.pcapng", "interface": "lo", "addresses": ["::1"], "filter": "tcp", "window_ns": [1, 2],
        "packets": {"captured": 10, "dropped": 1}, "notes": ["one"],
    },
}  # fmt: skip
"""What a run on a directory does not have."""
INSTEAD: list[Any] = [None, "x", [], {}, -1, 10**30, 2**63 - 1, 1e300]
GONE = object()
NEEDED = {
    ("schema",), ("configuration",), ("configuration", "executor"), ("configuration", "profile"),
    ("configuration", "pace"), ("start_epoch_ns",), ("elapsed_s",), ("valid",), ("reasons",), ("warnings",),
    ("stopped",), ("operations",), ("operations", "planned"), ("operations", "executed"),
    ("operations", "skipped"), ("operations", "mismatched"), ("latency",), ("latency", "all"), ("lateness",),
    ("throughput",), ("order",), ("order", "edges"), ("order", "violated"), ("mismatches",),
}  # fmt: skip
"""What every run has said since there are runs (`mismatched`: where anything was compared)."""


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run's other files stay as they are: what is drawn of them for the same times is the same."""
    drawn: dict[Any, Any] = {}

    def once(name: str, key: Callable[..., Any], module: Any = page_of_run) -> None:
        draw = getattr(module, name)

        def drawing(*given: Any) -> Any:
            at = name, key(*given)
            if at not in drawn:
                drawn[at] = draw(*given)
            return drawn[at]

        monkeypatch.setattr(module, name, drawing)

    once("read_operations", lambda _path, *what: what)
    once("read_latencies", lambda _path: None)
    once("read_latencies", lambda _path: None, csv_of_run)
    once("read_resources", lambda _path: None)
    once("_counters", lambda _run: None)
    once("_curves", lambda _whole: None)
    once("time_section", lambda _operations, _intervals, _resources, *times: times)


@dataclass(frozen=True)
class Made:
    run: Path
    document: dict[str, Any]
    operations: StoredOperations


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A run of all that the command line can ask for, which ended otherwise than its capture."""
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "there").mkdir()
    assert run("ingest", THREE_USERS, "-o", "w.workload", cwd=folder).status == 0
    ran = run(
        "replay", "w.workload", "there", "-o", "a.run", "--no-prepare", "--clone", "2", "--loop", "2",
        "--speed", "100", "--warm-up", "1ms", "--close-gaps", "1s", "--stagger", "0", "--namespace", "shared",
        "--threshold", "all.response.p99<3600s", "--deadline", "60", cwd=folder,
    )  # fmt: skip
    assert (folder / "a.run" / "run.json").is_file(), ran.err
    document = json.loads((folder / "a.run" / "run.json").read_text()) | MOUNTED
    # Of one kind of calls it is the same as of the others.
    document["latency"] = {"all": document["latency"]["all"]}
    assert document["mismatches"]
    assert document["causes"]
    operations = read_workload(folder / "w.workload").operations
    assert isinstance(operations, StoredOperations)
    return Made(folder / "a.run", document, operations)


def places(value: Any, at: PlaceOf = ()) -> Iterator[PlaceOf]:
    """Every key of a document, and the first of every list."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, one in value.items():
            yield from places(one, (*at, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*at, 0))


def damaged(document: dict[str, Any], place: PlaceOf, value: Any) -> dict[str, Any]:
    """The document with another value there, or none."""
    made = copy.deepcopy(document)
    there: Any = made
    for key in place[:-1]:
        there = there[key]
    if value is GONE:
        del there[place[-1]]
    else:
        there[place[-1]] = value
    return made


def use(found: Run, made: Made, folder: Path) -> str:
    """All that is made of a run by report, compare and replay --baseline; the text of the report."""
    told = io.StringIO()
    show_run(found, Console(file=told, width=200))
    assert "<html" in page(found, None)
    write_csv(found, folder)
    assert json.loads(json.dumps(document_of(found)))["schema"] == 1
    read_baseline(found)
    differences(Circumstances.of(found), Circumstances.of(found))
    window(found)
    account_mappings(found, TraceInfo(sessions=[Session(0x10, user=0)]), copy_of(found))
    wire_notes(found)
    run_outcomes(found, made.operations)
    return told.getvalue()


def tried(made: Made, place: PlaceOf, value: Any, folder: Path) -> str | None:
    """The sentence by which the damage is refused; None where all works."""
    (made.run / "run.json").write_text(json.dumps(damaged(made.document, place, value)))
    try:
        found = read(made.run)
    except UsageError as error:
        said = str(error)
        assert said.startswith(f"{made.run / 'run.json'} "), said
        assert said.endswith(": replay again"), said
        assert "\n" not in said
        return said
    try:
        assert use(found, made, folder)
    except UsageError as error:
        # It is whole, and another run's: by its clones, its loops, or what it replayed.
        if "a.run is no run of this workload" in str(error):
            return None
        # Or it contradicts the files beside it, one of which is named.
        said = str(error)
        assert said.startswith(f"{made.run}/"), said
        assert said.endswith(": replay again"), said
        return said
    return None


def test_what_is_missing_is_named_or_may_be(made: Made, tmp_path: Path) -> None:
    refused = {place for place in places(made.document) if tried(made, place, GONE, tmp_path)}
    assert {place for place in NEEDED if place not in refused} == set()
    outer = {place for place in refused if len(place) == 1 or place[0] in ("configuration", "operations")}
    assert outer - NEEDED == set()
    assert tried(made, ("operations", "mismatched"), GONE, tmp_path) == (
        f"{made.run / 'run.json'} is not whole (it lacks `mismatched`, and outcomes were compared in "
        "`operations`): replay again"
    )


@pytest.mark.long
@pytest.mark.parametrize("value", INSTEAD, ids=repr)
def test_another_value_is_refused_or_reported(made: Made, tmp_path: Path, value: Any) -> None:
    said = {place: tried(made, place, value, tmp_path) for place in places(made.document)}
    assert len(said) > 150
    # Of a text where a number has to be, and the other way round, there is always somebody who says so.
    if value == "x":
        assert said["elapsed_s",]
        assert said["latency", "all", "service", "p99_ns"]
    if value == 10**30:
        assert said["elapsed_s",]
        assert said["operations", "planned"]
        assert said["configuration", "workload"]
