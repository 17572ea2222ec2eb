"""Extended attributes: who asked for them, what is set, and what must be there before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.story import Client, Wire, lifted

from smbench.lift.evidence import inform_of_eas
from smbench.smb2.constants import CREATED, FILE_READ_EA, FILE_WRITE_EA, OPENED
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Close, Create, Open, SetEa, Stat, StatHandle
from smbench.workload.store import with_client_calls

CIFS: dict[str, Any] = {"request": {"contexts": ("QFid",)}}
ASKED = Create(FILE_READ_EA, contexts="QFid")


def asks(client: Client, path: str, *eas: tuple[str, int], status: int | None = None) -> None:
    """getxattr of a Linux client: one compound."""
    if status is None:
        status = 0 if eas else Status.NO_EAS_ON_FILE
    refused = status not in (0, Status.NO_EAS_ON_FILE)
    with client:
        opened = client.opens(path, status if refused else 0, access=FILE_READ_EA, **CIFS)
        names, lengths = tuple(name for name, _ in eas), tuple(length for _, length in eas)
        opened.asks(15, status, ea_names=names, ea_lengths=lengths)
        opened.closes(status if refused else 0)


def sets(client: Client, path: str, name: str, length: int) -> None:
    """The half of a Linux client's setxattr that sets."""
    with client:
        opened = client.opens(path, access=FILE_WRITE_EA, **CIFS)
        opened.sets(15, ea_names=(name,), ea_lengths=(length,)).closes()


def test_asking_is_one_call_and_setting_has_a_look_of_the_clients(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    asks(alice, "x")
    asks(alice, "x")
    sets(alice, "x", "a", 10)
    asks(alice, "x", ("a", 10))
    story = lifted(wire, tmp_path)
    assert story.rules == [
        *["ask-eas"] * 3, *["look-before-set-ea"] * 3, "open", "set-attributes-ea", "close", *["ask-eas"] * 3
    ]  # fmt: skip
    assert story.calls == [
        Stat("x", (15,), ASKED),
        Open(2, "x", Create(FILE_WRITE_EA, contexts="QFid")),
        SetEa(2, "a", 10),
        Close(2),
        Stat("x", (15,), ASKED),
    ]
    every = [one for one in with_client_calls(story.workload).operations if one.by_client]
    assert [(one.call, one.exchanges) for one in every] == [(Stat("x", (15,), ASKED), (3, 4, 5))]
    assert story.operations[0].expected == Status.NO_EAS_ON_FILE
    assert story.operations[-1].expected == 0


def test_another_name_between_is_nobodys_look(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    asks(alice, "y")
    sets(alice, "x", "a", 10)
    assert lifted(wire, tmp_path).rules[:3] == ["ask-eas"] * 3


def test_a_look_at_what_is_not_there_is_its_callers(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    asks(alice, "x", status=Status.OBJECT_NAME_NOT_FOUND)
    story = lifted(wire, tmp_path)
    assert story.calls == [Stat("x", (15,), ASKED)]
    assert story.absent == ["x"]


def test_another_clients_questions_stay_as_they_were_sent(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x", access=FILE_READ_EA).asks(15, Status.NO_EAS_ON_FILE).closes()
    assert lifted(wire, tmp_path).calls[1:] == [StatHandle(0, 1, 15, 4096), Close(0)]


def test_several_at_once_are_a_call_each(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x", access=FILE_WRITE_EA)
    opened.sets(15, Status.EA_TOO_LARGE, ea_names=("a", "b"), ea_lengths=(1, 0))
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [SetEa(0, "a", 1), SetEa(0, "b", 0)]
    assert [one.expected for one in story.operations[1:]] == [Status.EA_TOO_LARGE] * 2
    assert story.coverage[1]["disposition"] == "approximate"


@pytest.mark.parametrize(
    ("status", "action", "eas"),
    [
        (0, CREATED, [SetEa(0, "a", 7)]),
        (0, OPENED, []),
        (Status.ACCESS_DENIED, None, []),
    ],
)
def test_what_a_create_brings_is_set_where_it_made_the_file(
    tmp_path: Path, status: int, action: int | None, eas: list[SetEa]
) -> None:
    wire = Wire()
    brought = {"contexts": ("ExtA",), "ea_names": ("a",), "ea_lengths": (7,)}
    wire.client("alice").opens("x", status, disposition=3, action=action, request=brought)
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == eas
    assert story.coverage[0]["rule"] == "open-with-eas"


def test_a_directory_that_brings_some_is_more_than_a_mkdir(tmp_path: Path) -> None:
    wire = Wire()
    brought = {"contexts": ("ExtA",), "ea_names": ("a",), "ea_lengths": (7,)}
    with wire.client("alice") as alice:
        made = alice.opens("d", disposition=2, options=1, action=CREATED, attributes=16, request=brought)
        made.closes()
    assert lifted(wire, tmp_path).calls[1:] == [SetEa(0, "a", 7), Close(0)]


def test_what_is_read_before_it_was_set_must_be_there(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    asks(alice, "some", ("a", 10), ("b", 3000))
    asks(alice, "none")
    asks(alice, "set")
    sets(alice, "set", "a", 5)
    asks(alice, "set", ("a", 5))
    sets(alice, "first", "a", 5)
    asks(alice, "first", ("a", 5))
    alice.looks("unasked", **CIFS)
    made = alice.creates("made", **CIFS)
    asks(alice, "made", ("a", 1))
    made.closes()
    told = lifted(wire, tmp_path).namespace
    known = {path: (entry.ea_names, entry.ea_lengths) for path, entry in told.items()}
    assert known == {
        "some": (("a", "b"), (10, 3000)),
        "none": ((), ()),
        "set": ((), ()),
        "first": (None, None),
        "unasked": (None, None),
        "made": (None, None),
    }


def test_a_part_of_the_answer_is_no_evidence() -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x", access=FILE_READ_EA)
    opened.asks(15, Status.BUFFER_OVERFLOW, ea_names=("a",), ea_lengths=(1,))

    class Node:
        class entry:  # noqa: N801 - as the attribute is named
            present, eas = True, None

        ea_touched = False

    inform_of_eas(Node, opened.exchange)  # type: ignore[arg-type]
    assert Node.entry.eas is None
