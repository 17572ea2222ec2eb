"""What PowerShell tells of the SMB client's counters, as a document and as a difference."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from smbench.measure import client_windows
from smbench.measure.client_windows import parse_counters
from smbench.measure.counters import diff


def told(share: str, reads: int, **more: Any) -> dict[str, Any]:
    return {
        "Name": share,
        "Caption": None,
        "Frequency_PerfTime": 10_000_000,
        "Timestamp_Sys100NS": 133_485_408_000_000_000,
        "AvgsecPerRead": 12345,
        "AvgsecPerRead_Base": reads,
        "ReadRequestsPersec": reads,
        "ReadBytesPersec": reads * 4096,
        "CurrentDataQueueLength": 3,
        "CimClass": {"CimClassName": client_windows.CLASS},
        **more,
    }


def test_counts_and_what_is_none() -> None:
    text = json.dumps([told("\\server\\share", 7, WriteRequestsPersec=2), told("_Total", 7)])
    counters = parse_counters(text)
    assert counters is not None
    (tree,) = counters.trees
    assert tree.share == r"\\server\share"
    assert tree.counters == {"ReadRequests": 7, "ReadBytes": 28672, "WriteRequests": 2}


def test_one_share_is_no_list() -> None:
    counters = parse_counters(json.dumps(told(r"\\server\share", 1)))
    assert counters is not None
    assert [tree.share for tree in counters.trees] == [r"\\server\share"]


@pytest.mark.parametrize("text", ["", "[]"])
def test_no_share_is_connected(text: str) -> None:
    counters = parse_counters(text)
    assert counters is not None
    assert counters.trees == ()


@pytest.mark.parametrize("text", ["Get-CimInstance : Invalid class", "{", "\x00"])
def test_words_are_no_counters(text: str) -> None:
    assert parse_counters(text) is None


@pytest.mark.parametrize("text", ['"x"', "[1, null]", '{"Name": 5}', '{"other": 1}'])
def test_strange_json_has_no_shares(text: str) -> None:
    counters = parse_counters(text)
    assert counters is not None
    assert counters.trees == ()


def test_the_difference_is_that_of_a_linux_client() -> None:
    before = parse_counters(json.dumps([told("\\s\\a", 10)]))
    after = parse_counters(json.dumps([told("\\s\\a", 15), told("\\s\\b", 3)]))
    changed = diff(before, after)
    assert changed["totals"] == {"ReadRequests": 8, "ReadBytes": 8 * 4096}
    assert [tree["share"] for tree in changed["trees"]] == [r"\\s\a", r"\\s\b"]
    assert changed["vanished_trees"] == 0


def test_without_powershell_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("powershell")

    monkeypatch.setattr(subprocess, "run", missing)
    assert client_windows.read_counters() is None
