"""The executor `library` against a real smbd, in the lab: stories of the guest (library_inside.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from helpers.guest import LAB, ROOT, Guest, stories_of

from smbench.capture.decode import DecodeOptions, decode
from smbench.lift.lift import lift
from smbench.trace.messages import CreateRequest
from smbench.trace.model import Command, Exchange, Trace
from smbench.workload.calls import Open
from smbench.workload.model import Operation
from smbench.workload.store import read, with_client_calls

INSIDE = Path(__file__).with_name("library_inside.py")
CAPTURE = ROOT / "tests/captures/three-users.pcap"

pytestmark = LAB


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def original(out: Path) -> Trace:
    trace = decode([CAPTURE], out, DecodeOptions(jobs=1))
    lift(trace, out / "workload")
    return trace


@pytest.fixture(scope="module")
def guest(out: Path, original: Trace) -> Guest:
    return Guest(INSIDE, out)


@pytest.mark.parametrize("story", stories_of(INSIDE))
def test_in_the_lab(guest: Guest, story: str) -> None:
    guest.tell(story)


def asked(exchanges: Iterable[Exchange]) -> Counter[Any]:
    """What was asked for by the CREATEs, in all that the workload keeps; other commands by number."""
    found: Counter[Any] = Counter()
    for exchange in exchanges:
        request = exchange.request
        if exchange.path is None or exchange.command not in range(Command.CREATE, Command.SET_INFO + 1):
            continue
        parameters: tuple[Any, ...] = ()
        if isinstance(request, CreateRequest):
            parameters = (
                request.access, request.share_access, request.disposition, request.options,
                request.attributes, request.oplock, request.lease_key, request.lease_state, request.contexts,
            )  # fmt: skip
        found[exchange.command, *parameters] += 1
    return found


def answerable(trace: Trace, operations: Iterable[Operation]) -> list[Exchange]:
    """The exchanges that the operations stand for."""
    exchanges = list(trace.exchanges)
    return [exchanges[index] for operation in operations for index in operation.exchanges]


def operations_in(workload: Path) -> list[Operation]:
    """All that the captured clients sent, asked for or not."""
    return list(with_client_calls(read(workload)).operations)


@pytest.fixture(scope="module")
def replayed(guest: Guest, out: Path, tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return decode([out / "wire.pcap"], tmp_path_factory.mktemp("wire"), DecodeOptions(jobs=1))


def test_the_wire_shows_what_the_capture_had(original: Trace, replayed: Trace, out: Path) -> None:
    operations = operations_in(out / "workload")
    assert len(operations) > 100
    assert asked(replayed.exchanges) == asked(answerable(original, operations))


def test_as_many_breaks_come_and_are_acknowledged(original: Trace, replayed: Trace) -> None:
    found = [
        Counter(
            (exchange.notification, exchange.status)
            for exchange in trace.exchanges
            if exchange.command == Command.OPLOCK_BREAK
        )
        for trace in (original, replayed)
    ]
    assert found[0].total()
    assert found[1] == found[0]


def test_brief_calls_are_the_capture_s_compounds(original: Trace, replayed: Trace, out: Path) -> None:
    """What was sent along with an open that lasts is an operation, and a message, of its own."""
    commands = [exchange.command for exchange in original.exchanges]
    before = Counter(
        tuple(commands[index] for index in operation.exchanges)
        for operation in operations_in(out / "workload")
        if getattr(operation.call, "compound", False) and not isinstance(operation.call, Open)
    )
    parts: dict[int, list[int]] = {}
    for exchange in replayed.exchanges:
        if exchange.compound is not None:
            parts.setdefault(exchange.compound, []).append(exchange.command)
    assert before
    assert Counter(map(tuple, parts.values())) == before
