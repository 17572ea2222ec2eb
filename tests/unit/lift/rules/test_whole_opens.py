"""Whole opens that are one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.story import DIRECTORY, LOOK, REMOVE, Wire, lifted

from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Create, MakeDirectory, RemoveDirectory, Stat, Unlink


def test_compound_statopen_is_one_stat(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").looks("dir/x")
    story = lifted(wire, tmp_path)
    assert story.calls == [Stat("dir/x", (18,), Create(LOOK))]
    assert story.rules == ["stat"] * 3
    operation = story.operations[0]
    assert operation.exchanges == (0, 1, 2)
    assert operation.expected == 0
    assert operation.service_ns == 500_000


def test_refused_statopen_is_one_stat_with_its_status(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").looks("gone", Status.OBJECT_NAME_NOT_FOUND)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat"]
    assert story.operations[0].expected == Status.OBJECT_NAME_NOT_FOUND
    assert story.operations[0].exchanges == (0, 1, 2)


def test_windows_asks_one_by_one_in_several_classes(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x", access=0x100080).asks(4).asks(5).closes()
    story = lifted(wire, tmp_path)
    assert story.calls == [Stat("x", (4, 5), Create(0x100080))]
    assert story.operations[0].service_ns == 3_500_000


def test_create_and_close_alone_is_a_stat_that_asked_nothing(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x", access=LOOK).closes()
    assert lifted(wire, tmp_path).calls == [Stat("x", (), Create(LOOK))]


@pytest.mark.parametrize(
    "change",
    [
        {"disposition": 3},
        {"access": 0x81},
        {"options": 0x1000},
        {"request": {"contexts": ("ExtA",)}},
    ],
)
def test_what_does_more_than_look_is_no_stat(tmp_path: Path, change: dict[str, Any]) -> None:
    wire = Wire()
    wire.client("alice").opens("x", **{"access": LOOK, **change}).asks().closes()
    assert lifted(wire, tmp_path).kinds == ["Open", "StatHandle", "Close"]


def test_an_attribute_open_that_sets_something_is_an_open(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x", access=LOOK).asks().sets(4, written_ns=10**18).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "StatHandle", "SetTimes", "Close"]
    assert [operation.exchanges for operation in story.operations] == [(0,), (1,), (2,), (3,)]


def test_unlink_by_option_and_by_disposition(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.unlinks("x")
    alice.opens("y", access=REMOVE).dooms().closes()
    alice.opens("z", access=REMOVE, options=0x1000).closes()
    story = lifted(wire, tmp_path)
    assert story.calls == [Unlink("x", True), Unlink("y", False), Unlink("z", True)]
    assert set(story.rules) == {"unlink"}


def test_unlink_refused_in_its_compound_or_at_its_disposition(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.unlinks("x", Status.OBJECT_NAME_NOT_FOUND)
    alice.opens("d", access=REMOVE, attributes=DIRECTORY, options=1).dooms(
        Status.DIRECTORY_NOT_EMPTY
    ).closes()
    alice.opens("y", Status.ACCESS_DENIED, access=REMOVE, options=0x1000)
    story = lifted(wire, tmp_path)
    assert story.calls == [Unlink("x", True), RemoveDirectory("d", False), Unlink("y", True)]
    assert [operation.expected for operation in story.operations] == [
        Status.OBJECT_NAME_NOT_FOUND,
        Status.DIRECTORY_NOT_EMPTY,
        Status.ACCESS_DENIED,
    ]


def test_unlink_that_asks_on_the_way_is_approximate(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x", access=REMOVE).asks(35).dooms().closes()
    story = lifted(wire, tmp_path)
    assert story.calls == [Unlink("x", False)]
    assert {row["disposition"] for row in story.coverage} == {"approximate"}


def test_rename_handle_is_no_removal(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x", access=REMOVE).renames("y").closes()
    assert lifted(wire, tmp_path).kinds == ["Open", "Rename", "Close"]


def test_mkdir(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.makes_directory("d")
    alice.makes_directory("d", Status.OBJECT_NAME_COLLISION)
    alice.opens("e", Status.OBJECT_NAME_COLLISION, access=0x100, disposition=2, options=1)
    story = lifted(wire, tmp_path)
    assert story.calls == [MakeDirectory("d"), MakeDirectory("d"), MakeDirectory("e")]
    assert [operation.expected for operation in story.operations] == [0, *[Status.OBJECT_NAME_COLLISION] * 2]


def test_directory_made_and_kept_open_is_an_open(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("d", disposition=2, options=1, action=2, attributes=DIRECTORY).lists().closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "List", "Close"]
    assert story.calls[0].directory
