"""What POSIX has no counterpart for: one table of requests, and what only their order tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import Wire

from smbench.fidelity.comparison import compare
from smbench.fidelity.counterpart import Counterparts
from smbench.fidelity.sides import Side, read_dispositions
from smbench.lift.lift import lift
from smbench.lift.rule import Rule
from smbench.lift.rules.table import RULES, rule_named
from smbench.smb2.ntstatus import Status
from smbench.trace import messages as m
from smbench.trace.model import Command, Exchange, Trace
from smbench.trace.values import LockElement
from smbench.workload.model import Disposition

MESSAGES = {
    Command.CREATE: m.CreateRequest,
    Command.CLOSE: m.CloseRequest,
    Command.READ: m.ReadRequest,
    Command.WRITE: m.WriteRequest,
    Command.LOCK: m.LockRequest,
    Command.IOCTL: m.IoctlRequest,
    Command.QUERY_DIRECTORY: m.QueryDirectoryRequest,
    Command.QUERY_INFO: m.QueryInfoRequest,
    Command.SET_INFO: m.SetInfoRequest,
    Command.CHANGE_NOTIFY: m.NotifyRequest,
}
EXCLUSIVE, SHARED, UNLOCK, AT_ONCE = 2, 1, 4, 0x10
NOW = EXCLUSIVE | AT_ONCE
ANY = Rule(name="any", disposition=Disposition.EXACT, evidence="none: it says nothing of its exchanges")


def asks(
    command: Command, status: int | None = 0, handle: int = 1, user: int = 0, **fields: object
) -> Exchange:
    request = MESSAGES[command](**fields)
    return Exchange(
        0, 0, 1, command, 0, 0, 0, user=user, handle=handle, path="d/f", request=request, status=status
    )


def locks(*elements: tuple[int, int, int], status: int = 0, handle: int = 1, user: int = 0) -> Exchange:
    return asks(Command.LOCK, status, handle, user, locks=tuple(LockElement(*one) for one in elements))


@pytest.mark.parametrize(
    "exchange",
    [
        *(asks(Command.CREATE, disposition=disposition, options=0x40) for disposition in (1, 2, 3, 4, 5)),
        asks(Command.CREATE, disposition=1, options=0x1),
        asks(Command.CREATE, disposition=2, options=0x1),
        asks(Command.CREATE, Status.SHARING_VIOLATION, disposition=1, share_access=0),
        asks(Command.CLOSE),
        asks(Command.READ, offset=0, length=1),
        asks(Command.WRITE, offset=0, length=1),
        asks(Command.QUERY_DIRECTORY, level=38, pattern="*"),
        asks(Command.QUERY_DIRECTORY, level=2),
        *(asks(Command.QUERY_INFO, info_type=kind, level=5) for kind in (1, 2, 3)),
        *(asks(Command.SET_INFO, info_type=1, level=level) for level in (4, 10, 11, 15, 20)),
        asks(Command.SET_INFO, info_type=3, level=0),
        asks(Command.CHANGE_NOTIFY, filter=3),
        asks(Command.IOCTL, function=0x900C0),
        *(locks((5, 10, flags)) for flags in (EXCLUSIVE, SHARED, NOW, SHARED | AT_ONCE, UNLOCK)),
        locks(((1 << 63) - 1, 1, NOW)),
        locks((5, 10, NOW), status=Status.LOCK_NOT_GRANTED),
    ],
    ids=lambda exchange: f"{Command(exchange.command).name} {exchange.request}",
)
def test_what_some_call_sends_has_a_counterpart(exchange: Exchange) -> None:
    assert Counterparts().missing(exchange, ANY) == ""


@pytest.mark.parametrize(
    ("exchange", "why"),
    [
        (asks(Command.CREATE, disposition=0), "supersedes"),
        (asks(Command.CREATE, disposition=3, options=0x1), "mkdir"),
        (asks(Command.READ, offset=5, length=0), "nothing"),
        (asks(Command.QUERY_DIRECTORY, level=37, pattern="*"), "class 37"),
        (asks(Command.QUERY_DIRECTORY, level=38, pattern="*.txt"), "pattern"),
        (asks(Command.SET_INFO, info_type=1, level=19), "class 19"),
        (asks(Command.SET_INFO, info_type=1, level=4, attributes=0), "changes none"),
        (asks(Command.SET_INFO, info_type=1, level=13, delete=True), "DELETE_ON_CLOSE"),
        (asks(Command.SET_INFO, info_type=1, level=13, delete=False), "takes back"),
        (asks(Command.SET_INFO, info_type=2, level=6), "whole file system"),
        (locks((5, 10, NOW), (20, 10, NOW)), "one range"),
        (locks(), "one range"),
        (locks((5, 10, UNLOCK | AT_ONCE)), "flags"),
        (locks((5, 0, NOW)), "empty"),
        (locks((1 << 63, 1, NOW)), "2^63"),
        (locks((5, 10, UNLOCK), status=Status.RANGE_NOT_LOCKED), "holds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_no_call_sends_has_none_and_says_why(exchange: Exchange, why: str) -> None:
    assert why in Counterparts().missing(exchange, ANY)


def test_a_directory_is_removed_by_set_info_while_it_is_open() -> None:
    counterparts = Counterparts()
    removal = asks(Command.SET_INFO, info_type=1, level=13, delete=True)
    made = asks(Command.CREATE, disposition=2, options=0x1)
    assert [counterparts.missing(one, ANY) for one in (made, removal)] == ["", ""]
    counterparts.missing(asks(Command.CLOSE), ANY)
    assert "DELETE_ON_CLOSE" in counterparts.missing(removal, ANY)


def test_a_key_for_a_copy_of_a_directory_is_asked_for_by_nobody() -> None:
    counterparts = Counterparts()
    key = {"function": 0x140078}
    assert not counterparts.missing(asks(Command.IOCTL, handle=1, **key), ANY)
    assert not counterparts.missing(asks(Command.CREATE, handle=1, disposition=1, options=0x1), ANY)
    assert "directory" in counterparts.missing(asks(Command.IOCTL, handle=1, **key), ANY)
    assert not counterparts.missing(asks(Command.IOCTL, handle=1, function=0x144064), ANY)
    assert not counterparts.missing(asks(Command.IOCTL, handle=2, **key), ANY)
    counterparts.missing(asks(Command.CLOSE, handle=1), ANY)
    assert not counterparts.missing(asks(Command.IOCTL, handle=1, **key), ANY)


def test_a_lock_is_refused_by_the_client_where_another_handle_of_its_mount_has_it() -> None:
    refused = Status.LOCK_NOT_GRANTED
    meets = {"handle": 2, "status": refused}

    def after(*before: Exchange, then: Exchange) -> str:
        counterparts = Counterparts()
        for exchange in before:
            counterparts.missing(exchange, ANY)
        return counterparts.missing(then, ANY)

    held = locks((0, 10, NOW))
    assert "refuses" in after(held, then=locks((9, 1, NOW), **meets))
    assert "refuses" in after(held, then=locks((9, 1, SHARED | AT_ONCE), **meets))
    assert not after(held, then=locks((10, 1, NOW), **meets))
    assert not after(held, then=locks((9, 1, NOW), status=refused))  # its own handle's: the server is asked
    assert not after(held, then=locks((9, 1, NOW), user=1, **meets))
    assert not after(held, locks((0, 10, UNLOCK)), then=locks((9, 1, NOW), **meets))
    assert not after(held, asks(Command.CLOSE), then=locks((9, 1, NOW), **meets))
    shared = locks((0, 10, SHARED))
    assert not after(shared, then=locks((9, 1, SHARED | AT_ONCE), **meets))


def test_with_an_open_that_is_refused_the_client_sends_only_what_its_compounds_hold() -> None:
    rule = rule_named("rest-of-failed-compound", Path("coverage"))
    stat = asks(Command.QUERY_INFO, info_type=1, level=18)
    other = asks(Command.QUERY_INFO, info_type=1, level=6)
    read = asks(Command.READ, offset=0, length=60)
    missing = [Counterparts().missing(one, rule) for one in (asks(Command.CLOSE), stat, other, read)]
    assert [bool(reason) for reason in missing] == [False, False, True, True]


def test_a_rule_says_of_all_its_exchanges_why_nobody_sends_them_again() -> None:
    said = {rule.name: rule.no_counterpart for rule in RULES if isinstance(rule.no_counterpart, str)}
    named = {name for name, reason in said.items() if reason}
    assert named >= {"on-refused-open", "open-by-id", "unknown-command", "cut"}
    for name in named:
        rule = rule_named(name, Path("coverage"))
        assert Counterparts().missing(asks(Command.CLOSE), rule) == said[name]


def test_on_a_handle_that_is_gone_the_client_sends_what_it_was_seen_to_send() -> None:
    rule = rule_named("handle-gone", Path("coverage"))
    sent = (
        asks(Command.SET_INFO, info_type=1, level=20),
        asks(Command.QUERY_INFO),
        asks(Command.IOCTL, function=0x144064),
    )
    never = asks(Command.READ, offset=0, length=60), asks(Command.CLOSE)
    missing = [Counterparts().missing(one, rule) for one in (*sent, *never)]
    assert [bool(reason) for reason in missing] == [False, False, False, True, True]


def test_a_control_code_has_a_counterpart_where_somebody_sends_it() -> None:
    by_rule = {0x144064: "control", 0x900A8: "other-ioctl", 0x90027: "other-ioctl"}
    missing = [
        Counterparts().missing(asks(Command.IOCTL, function=code), rule_named(name, Path("coverage")))
        for code, name in by_rule.items()
    ]
    assert [bool(reason) for reason in missing] == [False, False, True]


def test_the_score_leaves_them_out_and_the_raw_recall_does_not(tmp_path: Path) -> None:
    wire = Wire()
    ann = wire.client("ann")
    handle = ann.opens("d", attributes=0x10)
    handle.lists("*", level=37)
    handle.closes()
    reference, candidate = (_side(wire.trace(), tmp_path / name) for name in ("one", "other"))
    whole = list(candidate.exchanges)
    candidate.exchanges = [one for one in whole if one.command != Command.QUERY_DIRECTORY]
    compared = compare(reference, candidate)
    scanned = sum(one.command == Command.QUERY_DIRECTORY for one in whole)
    assert scanned >= 1
    assert (compared.posix.recall, compared.posix.reference) == (1.0, len(whole) - scanned)
    assert compared.wire.recall == (len(whole) - scanned) / len(whole)
    assert [(command, count) for command, _, count in compared.lacking] == [("QUERY_DIRECTORY", scanned)]


def _side(trace: Trace, folder: Path) -> Side:
    folder.mkdir()
    lift(trace, folder)
    return Side(folder.name, trace.info, list(trace.exchanges), read_dispositions(folder))
