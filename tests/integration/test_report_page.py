"""The report of a run as a page and as CSV: what stands on it, from where, and that names stay names."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import struct
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.browser import browse, first_pixel, needs_chromium
from helpers.command import THREE_USERS, run
from helpers.load import OPEN_IF, Load

from smbench.report.csv import _safe as safe
from smbench.report.origin import find_origins
from smbench.workload.calls import MakeDirectory, Stat
from smbench.workload.store import write

HOSTILE = [
    "<img src=x onerror=alert(1)>.txt",
    "a'\"b<script>document.title=1</script>.txt",
    "$title $$ &amp;.txt",
]
USERS = ["CORP\\alice", "<b onmouseover=alert(2)>bob</b>"]


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the shipped capture, its workload beside it."""
    folder = tmp_path_factory.mktemp("captured")
    (folder / "there").mkdir()
    assert run("ingest", THREE_USERS, "-o", folder / "three.workload").status == 0
    ran = run(
        "replay", folder / "three.workload", folder / "there", "-o", folder / "a.run", "--speed", "4",
        "--threshold", "all.response.p99<3600s", "--threshold", "read.service.max<1ns",
    )  # fmt: skip
    assert ran.status in (5, 99), ran.err
    return folder / "a.run"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which every name would like to be markup."""
    folder = tmp_path_factory.mktemp("hostile")
    load = Load(users=USERS, step_ns=100_000)
    load.add(0, MakeDirectory("d"))
    for number, name in enumerate(HOSTILE):
        load.opens(number % 2, number, f"d/{name.replace('/', '')}", OPEN_IF)
        load.reads(number % 2, number, expected=0)
        load.closes(number % 2, number)
        load.add(number % 2, Stat(f"=gone {name.replace('/', '')}"), expected=0)
    write(folder / "evil<script>[red].workload", load.workload)
    (folder / "there[" / "bold]").mkdir(parents=True)
    ran = run(
        "replay",
        folder / "evil<script>[red].workload",
        folder / "there[" / "bold]",
        "-o",
        folder / "h.run",
        "--pace",
        "fast",
    )
    assert ran.status == 0, ran.err
    return folder / "h.run"


def test_replay_writes_a_page_that_names_nothing_outside_itself(captured):
    text = (captured / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)\s*=|url\(|@import|https?://""", text)
    places = [text.index(f">{title}<") for title in
              ("this run", "Thresholds", "Latency by call", "Percentiles", "Over time", "Slowest calls",
               "Approximate", "Mounts", "Configuration", "Versions")]  # fmt: skip
    assert places == sorted(places)
    assert len(text) < 300_000


def test_thresholds_and_the_verdict_stand_first(captured):
    text = (captured / "report.html").read_text(encoding="utf-8")
    document = json.loads((captured / "run.json").read_text(encoding="utf-8"))
    valid = "valid" if document["valid"] else "not valid"
    assert f'">{valid}</b>this run' in text
    assert '"bad">1 missed</b>of 2 thresholds' in text
    for reason in document["reasons"]:
        assert reason.replace("'", "&#x27;") in text


def test_the_slowest_calls_have_their_frames(captured):
    text = (captured / "report.html").read_text(encoding="utf-8")
    slow = text[text.index("Slowest calls") : text.index("Approximate")]
    assert "<th>in the capture</th>" in slow
    assert re.search(r"[A-Z]{4} in frame \d+", slow)


def test_a_call_that_was_one_compound_names_its_frame_once(captured):
    rows = pq.read_table(captured / "operations.parquet").to_pylist()
    told = find_origins(captured.parent / "three.workload", rows).of
    looks = [told[row["operation"]] for row in rows if row["kind"] == "Stat"]
    assert looks
    assert all(re.fullmatch(r"CREATE\+QUERY_INFO\+CLOSE in frame \d+", said) for said in looks), looks
    scans = [told[row["operation"]] for row in rows if row["kind"] == "List"]
    assert any(re.search(r"QUERY_DIRECTORY in frame \d+, QUERY_DIRECTORY in frame", said) for said in scans)


def test_what_became_of_the_captures_exchanges_adds_up(captured):
    document = json.loads((captured / "run.json").read_text(encoding="utf-8"))
    coverage = document["coverage"]
    fates = [coverage[name] for name in ("exact", "approximate", "client", "unsupported")]
    assert sum(fates) == coverage["exchanges"] == 310
    text = (captured / "report.html").read_text(encoding="utf-8")
    assert "Coverage of the capture&#x27;s 310 exchanges" in text or "Coverage of the capture's 310" in text
    assert f'<td class="name">client</td><td class="n">{coverage["client"]:,}</td>' in text


def test_without_the_right_workload_there_are_no_frames_and_it_is_said(captured, tmp_path):
    alone = shutil.copytree(captured, tmp_path / "alone.run")
    assert run("report", alone).status == 0
    assert "give it with --workload" in (alone / "report.html").read_text(encoding="utf-8")
    load = Load()
    load.opens(0, 0, "other")
    write(tmp_path / "other.workload", load.workload)
    ran = run("report", alone, "--workload", tmp_path / "other.workload", "--html", tmp_path / "p.html")
    assert ran.status == 0, ran.err
    assert "no frames" in (tmp_path / "p.html").read_text(encoding="utf-8")
    again = run("report", alone, "--workload", captured.parent / "three.workload")
    assert again.status == 0
    assert " in frame " in (alone / "report.html").read_text(encoding="utf-8")


def test_a_run_that_is_not_whole_has_its_text_and_a_warning(captured, tmp_path):
    part = tmp_path / "part.run"
    part.mkdir()
    shutil.copy(captured / "run.json", part)
    ran = run("report", part)
    assert ran.status == 0
    assert "Read" in ran.out
    assert "operations.parquet is missing, which every run has: replay again" in ran.err
    asked = run("report", part, "--html", tmp_path / "p.html")
    assert asked.status == 2
    assert "operations.parquet" in asked.err
    (part / "operations.parquet").write_bytes(b"PAR1 and then nothing")
    assert run("report", part).status == 0


def test_the_tables_as_csv(captured, tmp_path):
    ran = run("report", captured, "--csv", tmp_path / "tables", "--json")
    document = json.loads(ran.out)
    tables = {path.name: rows(path) for path in (tmp_path / "tables").iterdir()}
    assert sorted(tables) == ["latency.csv", "mismatches.csv", "series.csv"]
    reads = [row for row in tables["latency.csv"] if (row["kind"], row["measure"]) == ("Read", "service")]
    assert [int(row["p99_ns"]) for row in reads] == [document["latency"]["Read"]["service"]["p99_ns"]]
    every = [row for row in tables["series.csv"] if (row["kind"], row["measure"]) == ("all", "response")]
    assert sum(int(row["count"]) for row in every) == document["operations"]["executed"]
    assert len(tables["mismatches.csv"]) == len(document["mismatches"])


@pytest.mark.skipif(os.name == "nt", reason="links as others than Windows have")
def test_a_run_that_was_sent_leads_a_page_nowhere(captured, tmp_path):
    """Its page, by the name that reports have, is a link to a file of the reader's; so are tables, …"""
    sent, tables, precious = tmp_path / "sent.run", tmp_path / "tables", tmp_path / "precious"
    shutil.copytree(captured, sent)
    tables.mkdir()
    precious.write_text("precious")
    for place in (
        sent / "report.html",
        tables / "latency.csv",
        tmp_path / "compare.html",
        tmp_path / "p.html",
    ):
        place.unlink(missing_ok=True)
        place.symlink_to(precious)
    ran = run("report", sent)
    assert ran.status == 0
    assert "no page: " in ran.err
    for words in (("--html", tmp_path / "p.html"), ("--csv", tables)):
        refused = run("report", sent, *words)
        assert (refused.status, "is a link, and is not written through" in refused.err) == (2, True)
    refused = run("compare", captured.parent / "three.workload", sent)
    assert (refused.status, "compare.html is a link" in refused.err) == (2, True), refused.err
    assert precious.read_text() == "precious"


def test_what_begins_a_formula_behind_a_semicolon_is_none():
    assert [safe(text) for text in ("a;b", "a;=b", "=a; +b", "a;\uff1db", "-")] == [
        "a;b", "a;'=b", "'=a;' +b", "a;'\uff1db", "'-"
    ]  # fmt: skip


def test_hostile_names_are_text_on_the_page_and_no_formula_in_a_table(hostile, tmp_path):
    text = (hostile / "report.html").read_text(encoding="utf-8")
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "<img" not in text
    assert "<b onmouseover" not in text
    assert text.count("<script>") == 1  # the page's own filter
    assert "$title $$ &amp;amp;.txt" in text
    assert run("report", hostile, "--csv", tmp_path).status == 0
    paths = [row["path"] for row in rows(tmp_path / "mismatches.csv")]
    assert any(path.startswith("'=gone") for path in paths)


def test_hostile_names_are_no_markup_on_a_terminal(hostile):
    (first, *_) = run("report", hostile).out.splitlines()
    assert f"evil<script>[red].workload on {hostile.parent}/there[/bold], executor" in first


def test_mismatches_are_grouped_by_cause(hostile):
    document = json.loads((hostile / "run.json").read_text(encoding="utf-8"))
    assert {"kind": "Stat", "expected": "ok", "got": "ENOENT", "count": 3, "warm_up": 0} in document["causes"]
    text = (hostile / "report.html").read_text(encoding="utf-8")
    assert "Ended otherwise than in the capture" in text


def test_the_warm_up_is_set_apart_and_its_calls_are_in_no_time(tmp_path):
    """Refused where they succeeded, in the warm-up and after it; only those after it have times."""
    load = Load(users=["alice"], step_ns=10_000_000)
    for number in range(6):
        load.add(0, Stat(f"{'early' if number < 4 else 'late'} {number}"), expected=0)
    write(tmp_path / "w.workload", load.workload)
    (tmp_path / "there").mkdir()
    ran = run("replay", "w.workload", "there", "-o", "w.run", "--warm-up", "40ms", cwd=tmp_path)
    assert ran.status in (0, 5), ran.err
    document = json.loads((tmp_path / "w.run/run.json").read_text())
    assert document["latency"]["all"]["count"] == 0
    assert document["latency"]["all"]["failed"]["count"] == 2
    assert document["causes"] == [
        {"kind": "Stat", "expected": "ok", "got": "ENOENT", "count": 6, "warm_up": 4}
    ]
    assert [row["warm_up"] for row in document["mismatches"]] == [True] * 4 + [False] * 2
    said = "the 4 operations due in the first 40 ms, the warm-up, are compared like all others"
    assert said in ran.out
    assert "6 (4 in the warm-up)" in ran.out
    text = (tmp_path / "w.run/report.html").read_text(encoding="utf-8")
    assert said in text
    assert "6 (4 in the warm-up)" in text
    slow = text[text.index("Slowest calls") : text.index("Ended otherwise")]
    assert sorted(re.findall(r"(?:early|late) \d", slow)) == ["late 4", "late 5"]
    assert text.count('class="apart"') >= 4
    assert run("report", "w.run", "--csv", "tables", cwd=tmp_path).status == 0
    assert [row["warm_up"] for row in rows(tmp_path / "tables/mismatches.csv")] == ["True"] * 4 + [
        "False"
    ] * 2
    every = [row for row in rows(tmp_path / "tables/series.csv")
             if (row["kind"], row["measure"]) == ("all", "failed")]  # fmt: skip
    assert sum(int(row["count"]) for row in every) == 2


def test_without_a_warm_up_nothing_is_set_apart(captured):
    text = (captured / "report.html").read_text(encoding="utf-8")
    assert 'class="apart"' not in text
    assert "warm-up" not in text


def test_a_run_of_nothing_has_a_page_too(tmp_path):
    write(tmp_path / "none.workload", Load().workload)
    (tmp_path / "there").mkdir()
    ran = run("replay", tmp_path / "none.workload", tmp_path / "there", cwd=tmp_path)
    assert ran.status == 5, ran.err
    assert "not valid: no operation was carried out: there is none in the workload" in ran.out
    document = json.loads((tmp_path / "none.run/run.json").read_text())
    assert document["operations"]["executed"] == 0
    assert "this run" in (tmp_path / "none.run/report.html").read_text(encoding="utf-8")


@needs_chromium
def test_a_browser_draws_it_and_runs_nothing_of_a_name(hostile, tmp_path):
    checked = tmp_path / "checked.html"
    script = """<script>
    const said = [];
    window.alert = text => said.push("alert " + text);
    window.addEventListener("error", event => said.push("error " + event.message));
    window.addEventListener("load", () => {
      document.body.dataset.said = said.join(";");
      const strange = document.querySelectorAll("img, iframe, main script, [onmouseover]");
      document.body.dataset.strange = strange.length;
      const drawn = [...document.querySelectorAll("svg .line, svg path[class^=h]")];
      document.body.dataset.drawn = drawn.filter(one => one.getBBox().width > 0).length;
      document.body.dataset.wide = document.documentElement.scrollWidth - window.innerWidth;
    });
    </script>"""
    text = (hostile / "report.html").read_text(encoding="utf-8")
    checked.write_text(text.replace("<head>", f"<head>{script}", 1), encoding="utf-8")
    body = re.search(r"<body[^>]*>", browse(checked, "--dump-dom", "--window-size=1280,900"))
    assert body is not None
    told = dict(re.findall(r'data-(\w+)="([^"]*)"', body[0]))
    assert told["said"] == ""
    assert told["strange"] == "0"
    assert int(told["drawn"]) >= 8
    assert int(told["wide"]) <= 0


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_light_or_dark_as_its_reader_is(captured, tmp_path, dark):
    picture = tmp_path / "page.png"
    scheme = [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    browse(captured / "report.html", f"--screenshot={picture}", "--window-size=1200,400", *scheme)
    assert struct.unpack(">II", picture.read_bytes()[16:24]) == (1200, 400)
    assert (first_pixel(picture)[0] < 60) == dark


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
