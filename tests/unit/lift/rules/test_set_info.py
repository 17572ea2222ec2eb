"""SET_INFO by class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.story import REMOVE, Wire, lifted

from smbench.workload.calls import (
    Call,
    Link,
    Rename,
    SetAllocation,
    SetAttributes,
    SetDelete,
    SetEa,
    SetSecurity,
    SetTimes,
    Truncate,
)

SECOND = 10**9


@pytest.mark.parametrize(
    ("level", "payload", "rule", "calls"),
    [
        (10, {"target": "d\\y", "replace": True}, "rename", [Rename(0, "x", "d/y", True)]),
        (65, {"target": "y", "replace": False}, "rename", [Rename(0, "x", "y", False)]),
        (10, {"target": ":s2:$DATA", "replace": False}, "rename", [Rename(0, "x", "x:s2", False)]),
        (11, {"target": "y", "replace": False}, "link", [Link(0, "x", "y", False)]),
        (13, {"delete": True}, "set-delete", [SetDelete(0, "x", True, False)]),
        (64, {"delete": False}, "set-delete", [SetDelete(0, "x", False, False)]),
        (20, {"size": 7}, "truncate", [Truncate(0, 7)]),
        (19, {"size": 7}, "allocate", [SetAllocation(0, 7)]),
        (4, {"written_ns": SECOND, "attributes": 0}, "set-times", [SetTimes(0, None, None, SECOND, None)]),
        (4, {"attributes": 1}, "set-attributes", [SetAttributes(0, 1)]),
        (4, {"attributes": 0}, "set-times", [SetTimes(0, None, None, None, None)]),
        (
            4,
            {"attributes": 2, "created_ns": SECOND},
            "set-basic-both",
            [SetAttributes(0, 2), SetTimes(0, SECOND, None, None, None)],
        ),
        (
            4,
            {"written_ns": 1 << 70, "accessed_ns": -(1 << 70)},
            "set-times",
            [SetTimes(0, None, None, None, None)],
        ),
        (10, {}, "set-cut", []),
        (15, {"ea_names": ("A",), "ea_lengths": (3,)}, "set-attributes-ea", [SetEa(0, "A", 3)]),
        (15, {"ea_names": ("A",)}, "set-cut", []),
        (14, {}, "set-other", []),
    ],
)
def test_what_is_set_by_class(
    tmp_path: Path, level: int, payload: dict[str, Any], rule: str, calls: list[Call]
) -> None:
    wire = Wire()
    wire.client("alice").opens("x").sets(level, **payload)
    story = lifted(wire, tmp_path)
    assert story.rules[1] == rule
    assert story.calls[1:] == calls


def test_a_security_descriptor_is_set_to_what_it_is(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x").sets(0, info_type=3, additional=4)
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [SetSecurity(0, 4)]
    assert story.coverage[1]["disposition"] == "approximate"


@pytest.mark.parametrize("info_type", [2, 4])
def test_what_is_set_besides_files(tmp_path: Path, info_type: int) -> None:
    wire = Wire()
    wire.client("alice").opens("x").sets(0, info_type=info_type)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open"]
    assert story.coverage[1]["disposition"] == "unsupported"
    assert story.coverage[1]["reason"]


def test_a_renamed_open_bears_its_new_name_from_then_on(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    inside = alice.opens("d/inner/x")
    other = alice.opens("dx")
    directory = alice.opens_directory("d", access=REMOVE)
    inside.reads(0, 1)
    directory.renames("e")
    inside.reads(1, 1)
    other.reads(0, 1)
    story = lifted(wire, tmp_path)
    assert [operation.path for operation in story.operations] == [
        "d/inner/x",
        "dx",
        "d",
        "d/inner/x",
        "d",
        "e/inner/x",
        "dx",
    ]
