"""What a report says of the harness itself."""

from __future__ import annotations

import io

from helpers.runs import a_run
from rich.console import Console

from smbench.report.harness import unfinished
from smbench.report.page_tables import verdict
from smbench.report.run import show_run
from smbench.run.model import Run

CALL = {
    "operation": 5, "user": "alice", "lane": 0, "kind": "Open", "path": "a/<fifo>", "issued_s": 1.5,
    "lasted_s": 61.25,
}  # fmt: skip


def text(run: Run) -> str:
    out = io.StringIO()
    show_run(run, Console(file=out, width=200))
    return out.getvalue()


def test_each_call_that_never_came_back_has_a_row():
    run = a_run(
        operations={"planned": 60, "executed": 8, "mismatched": 0, "unfinished": 52}, unfinished=[CALL] * 52
    )
    shown = text(run)
    assert "52 unfinished" in shown
    (row, *_) = [line for line in shown.splitlines() if "a/<fifo>" in line]
    assert row.split() == ["Open", "alice", "a/<fifo>", "5", "1.5", "s", "61.2", "s"]
    assert "… and 42 more" in shown
    assert unfinished(run).count("<td>a/&lt;fifo&gt;</td>") == 50
    assert unfinished(a_run()) == ""


def test_what_is_apart_is_said_in_text_and_page():
    run = a_run(stood_still={"seconds": 20.0, "operations": 7, "periods": []}, valid=False)
    said = "the 7 operations that were due or in flight while the harness stood still, 20 s in all, "
    assert said in text(run)
    assert said in verdict(run)
    assert "stood still" not in text(a_run())


def test_a_run_that_was_cut_off_says_so_beside_its_verdict():
    assert "valid, cut off by its deadline" in text(a_run(stopped="deadline"))
    assert "this run, cut off by its deadline" in verdict(a_run(stopped="deadline"))
    assert "NOT VALID, given up" in text(a_run(stopped="give-up", valid=False))
    assert text(a_run()).startswith("valid  ")
