"""Both pages fit their window, wide or narrow: what is wider than it scrolls, and words stay legible."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.browser import browse, needs_chromium, probed
from helpers.command import THREE_USERS, run

MEASURE = """addEventListener("load", () => {
  const clipped = [...document.querySelectorAll("main *")].filter(
    one => !one.closest(".wide") && one.getBoundingClientRect().right > innerWidth + 0.5);
  const words = [...document.querySelectorAll("svg text")].map(one => one.getBoundingClientRect().height);
  document.title = JSON.stringify({page: document.documentElement.scrollWidth, window: innerWidth,
    clipped: clipped.map(one => one.outerHTML.slice(0, 80)), smallest: Math.min(...words)});
});"""
SMALLEST_PX = 9
"""The height of a line of letters that can be read."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of clones and its report, and a comparison of three candidates."""
    folder = tmp_path_factory.mktemp("pages")
    workload = folder / "three-users.workload"
    assert run("ingest", THREE_USERS, "-o", workload).status == 0
    (folder / "there").mkdir()
    run("replay", workload, folder / "there", "-o", folder / "a.run", "--pace", "fast", "--clone", "2",
        "--users-per-process", "3", "--threshold", "all.response.p99<1ns")  # fmt: skip
    assert run("compare", THREE_USERS, workload, THREE_USERS, folder / "a.run",
               "-o", folder / "compare.html").status == 0  # fmt: skip
    (folder / "report.html").write_text((folder / "a.run/report.html").read_text(encoding="utf-8"))
    return folder


@needs_chromium
@pytest.mark.parametrize("width", [700, 1400])
@pytest.mark.parametrize("name", ["report.html", "compare.html"])
def test_nothing_is_cut_off(pages: Path, name: str, width: int) -> None:
    text = (pages / name).read_text(encoding="utf-8")
    measured = pages / f"measured-{width}-{name}"
    measured.write_text(probed(text, MEASURE), encoding="utf-8")
    shown = browse(measured, "--dump-dom", f"--window-size={width},900")
    told = re.search(r"<title>(.*?)</title>", shown, re.DOTALL)
    assert told is not None
    found = json.loads(told[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert found["window"] == width
    assert found["page"] <= width, found
    assert found["clipped"] == []
    assert found["smallest"] >= SMALLEST_PX, found
