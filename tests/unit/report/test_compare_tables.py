"""What a comparison shows: no table or page says more than the result."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from helpers.sides import side_of
from helpers.story import Wire
from rich.console import Console

from smbench.fidelity.comparison import Comparison, compare
from smbench.fidelity.result import Candidate, Result
from smbench.report.compare import document
from smbench.report.compare_page import page
from smbench.report.compare_text import show_comparison


def story(reads: int, without: int | None = None) -> Wire:
    wire = Wire()
    opened = wire.client("ann").opens("f")
    for number in range(reads):
        if number != without:
            opened.reads(number * 10, 10)
    opened.closes()
    return wire


def result_of(compared: Comparison) -> Result:
    return Result(compared.reference, [Candidate("two", compared, None)])


def told(result: Result) -> dict[str, Any]:
    (candidate,) = document(result, 10)["candidates"]
    found: dict[str, Any] = candidate
    return found


def shown(result: Result) -> str:
    out = io.StringIO()
    show_comparison(result, Console(file=out, width=300))
    return out.getvalue()


@pytest.fixture(scope="module")
def one_missing(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """2,004 of 2,005 exchanges."""
    folder = tmp_path_factory.mktemp("sides")
    return compare(side_of(story(2003), folder / "one"), side_of(story(2003, 1000), folder / "two"))


def test_one_of_two_thousand_is_seen_in_every_table(one_missing: Comparison) -> None:
    result = result_of(one_missing)
    wire = told(result)["wire"]
    assert (wire["matched"], wire["reference"]) == (2004, 2005)
    assert wire["recall"] == 2004 / 2005
    text = shown(result)
    assert re.search(r"two +0\.9995 +1\.0000 +0\.9995 ", text)
    assert re.search(r"READ +2,003 +2,002 +2,002 +0\.999 +1\.000 ", text)
    html = page(result, 10)
    assert re.search(r">0\.999</b>recall<", html)
    assert re.search(r">1\.000</b>precision<", html)
    cells = re.findall(r'<td class="n[^"]*">([01]\.\d+)</td>', html)
    # By command: CREATE, READ and CLOSE with their distances; by user: ann alone.
    assert [cell for cell in cells if cell.startswith("0.999")] == ["0.999", "0.999"]
    assert html.count("<dd>0.9995</dd>") == 2


def test_a_genuine_one_stays_one(tmp_path: Path) -> None:
    compared = compare(side_of(story(20), tmp_path / "one"), side_of(story(20), tmp_path / "two"))
    result = result_of(compared)
    assert re.search(r"two +1\.0000 +1\.0000 +1\.0000 ", shown(result))
    html = page(result, 10)
    assert re.search(r">1\.000</b>recall<", html)
    assert "0.99" not in html


def test_nothing_of_nothing_is_a_dash_and_null(tmp_path: Path) -> None:
    compared = compare(side_of(Wire(), tmp_path / "one"), side_of(story(3), tmp_path / "two"))
    result = result_of(compared)
    wire = told(result)["wire"]
    assert (wire["recall"], wire["precision"], wire["supported"]["recall"]) == (None, 0.0, None)
    assert wire["by_command"]["READ"]["recall"] is None
    assert told(result)["latency"]["READ"]["p50_ratio"] is None
    text = shown(result)
    assert re.search(r"two +– +0\.0000 +– +– +– ", text)
    assert re.search(r"READ +0 +3 +0 +– +0\.000 ", text)
    html = page(result, 10)
    assert '<b class="dim">–</b>recall' in html
    assert '<b class="bad">0.000</b>precision' in html
    for said in ("pairs in another order", "recall of what has a POSIX counterpart", "same outcome"):
        assert f"<dt>{said}</dt><dd>–</dd>" in html
    assert "None" not in html


def test_what_failed_on_one_side_alone_is_told_beside_the_latencies(tmp_path: Path) -> None:
    refused = Wire()
    refused.client("ann").opens("f").reads(0, 10, status=0xC0000022).reads(10, 10).reads(20, 10).closes()
    compared = compare(side_of(story(3), tmp_path / "one"), side_of(refused, tmp_path / "two"))
    result = result_of(compared)
    reads = told(result)["latency"]["READ"]
    assert (reads["count"], reads["failed"]["count"]) == ([2, 2], [1, 1])
    assert told(result)["latency"]["CREATE"]["failed"] is None
    said = "in no latency, because one side failed and the other did not fail so: READ 1"
    assert said in shown(result)
    assert f"two: {said}" in page(result, 10)
    as_it_was = compare(compared.reference, compared.reference)
    assert "in no latency" not in shown(result_of(as_it_was))
