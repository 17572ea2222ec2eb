"""What a run says of somebody outside the capture."""

from __future__ import annotations

from typing import Any

from helpers.runs import a_run

from smbench.report.outside import outside_lines, outside_notes

DONE: dict[str, Any] = {
    "changes": {"appeared": 2, "held": 1}, "replayed": True, "user": "outside", "planned": 8, "executed": 8,
}  # fmt: skip
REFUSED = {"kind": "Open", "expected": "STATUS_SHARING_VIOLATION", "got": "ok", "count": 3}


def test_nothing_is_said_where_nobody_did_anything() -> None:
    assert outside_notes(a_run()) == []
    assert outside_lines({"changes": {}, "operations": 0, "first": []}) == []


def test_what_was_done_and_by_whom() -> None:
    (note,) = outside_notes(a_run(outside=DONE))
    assert note.startswith("somebody outside the capture changed files meanwhile (2 appeared, 1 held): ")
    assert "the user outside here, by 8 of 8 calls" in note


def test_a_capture_with_losses_may_have_lost_the_change_itself() -> None:
    run = a_run(outside=DONE, capture={"grade": {}, "quality": "good", "warnings": ["12 gaps"]})
    assert outside_notes(run)[0].startswith("somebody outside the capture, or requests that it lacks,")


def test_what_was_left_is_told_with_the_option() -> None:
    (note,) = outside_notes(a_run(outside={"changes": {"gone": 1}, "replayed": False}))
    assert "--no-outside" in note


def test_a_holder_that_this_executor_cannot_be_is_not_the_servers() -> None:
    notes = outside_notes(a_run(outside=DONE, causes=[REFUSED]))
    assert len(notes) == 2
    assert notes[1].startswith("3 requests that the capture has refused for what others held open")
    assert len(outside_notes(a_run(outside=DONE | {"changes": {"gone": 1}}, causes=[REFUSED]))) == 1


def test_the_first_changes_are_listed_and_the_rest_counted() -> None:
    first = [{"what": "gone", "kind": "directory", "path": "d", "at_s": 1.5}]
    lines = outside_lines({"changes": {"gone": 3}, "operations": 3, "first": first})
    assert lines == [
        "somebody outside the capture changed files meanwhile: 3 gone",
        "directory gone, 1.500 s: d",
        "… and 2 more",
    ]
