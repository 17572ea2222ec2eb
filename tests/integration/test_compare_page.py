"""The page in a real browser: it opens without a network, its script runs, its charts are drawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.browser import browse, first_pixel, needs_chromium, probed
from helpers.command import THREE_USERS, run


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped capture beside a part of it under other names, and a run."""
    folder = tmp_path_factory.mktemp("page")
    assert run("ingest", THREE_USERS, "-o", folder / "three.workload").status == 0
    assert run("ingest", THREE_USERS, "-o", folder / "part.workload", "--to", "5").status == 0
    (folder / "there").mkdir()
    assert run(
        "replay", folder / "three.workload", folder / "there", "-o", folder / "a.run", "--pace", "fast"
    ).out
    ran = run("compare", folder / "three.workload", folder / "part.workload", folder / "a.run")
    assert ran.status == 0, ran.err
    assert f"written: {folder.resolve() / 'compare.html'}" in ran.err.replace("\n", "")
    return folder / "compare.html"


def test_it_names_nothing_outside_itself(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)\s*=|url\(|@import|https?://""", text)
    assert "$" not in re.sub(r"<script>.*?</script>|IPC\$", "", text, flags=re.DOTALL)
    assert len(text) < 500_000


def test_the_scores_come_first(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [text.index(word) for word in ("recall</div>", "By command", "Latency", "Timeline", "missing:")]
    assert places == sorted(places)
    assert 'class="good">1.000</b>precision' in text


def test_names_from_a_capture_are_only_text(page: Path) -> None:
    from smbench.report.html import table

    shown = table(["path"], [["<script>alert(1)</script>"], ['"><img src=x>']])
    assert "<script>" not in shown
    assert "<img" not in shown


@needs_chromium
def test_a_browser_draws_it_and_its_filter_works(page: Path) -> None:
    checked = page.with_name("checked.html")
    script = """
const wrong = [];
window.addEventListener("error", event => wrong.push(event.message));
const field = document.querySelector("input[data-filter]");
const rows = [...document.getElementById(field.dataset.filter).tBodies[0].rows];
const all = rows.filter(row => !row.hidden).length;
field.value = "query_info";
field.dispatchEvent(new Event("input"));
const left = rows.filter(row => !row.hidden).length;
const lines = [...document.querySelectorAll("svg .line")].filter(line => line.getTotalLength() > 50).length;
const beyond = document.documentElement.scrollWidth > document.documentElement.clientWidth;
document.body.dataset.checked = JSON.stringify({wrong, all, left, lines, beyond});
"""
    checked.write_text(probed(page.read_text(encoding="utf-8"), script), encoding="utf-8")
    shown = browse(checked, "--window-size=1300,900", "--dump-dom")
    match = re.search(r'data-checked="([^"]*)"', shown)
    assert match is not None
    said = match[1].replace("&quot;", '"')
    found = dict(re.findall(r'"(\w+)":([^,}]+)', said))
    assert found["wrong"] == "[]"
    assert 0 < int(found["left"]) < int(found["all"])
    assert int(found["lines"]) >= 16
    assert found["beyond"] == "false"


@needs_chromium
@pytest.mark.parametrize(("scheme", "dark"), [(0, True), (1, False)])
def test_it_is_dark_where_the_reader_is(page: Path, scheme: int, dark: bool) -> None:
    picture = page.with_name(f"scheme-{scheme}.png")
    browse(page, f"--blink-settings=preferredColorScheme={scheme}", "--window-size=600,400",
           f"--screenshot={picture}")  # fmt: skip
    red, green, blue = first_pixel(picture)
    assert (max(red, green, blue) < 60) is dark
