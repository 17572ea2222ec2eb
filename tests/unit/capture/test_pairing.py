"""Requests and responses of one connection become exchanges."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.capture.pairing import Paired, Pairing
from smbench.capture.pdus import Identity, Pdu
from smbench.smb2.constants import UNSOLICITED_MESSAGE_ID as UNSOLICITED
from smbench.trace.messages import Break, Message, ReadRequest, ReadResponse, SessionSetupRequest

Make = Callable[..., bytes]
AsPdu = Callable[..., Pdu]
NEGOTIATE, SETUP, TREE, CREATE, READ, CANCEL, NOTIFY, BREAK = 0, 1, 3, 5, 8, 12, 15, 18
FILE = bytes(range(16))
READ_REQUEST = struct.pack("<HBBIQ16sI", 49, 0, 0, 4096, 8192, FILE, 1) + bytes(13)


def feed(pairing: Pairing, *pdus: Pdu) -> list[Paired]:
    return [paired for pdu in pdus for paired in pairing.message(pdu)]


def test_a_response_ends_its_request(header: Make, pdu: AsPdu) -> None:
    answer = struct.pack("<HBBII", 17, 80, 0, 4096, 0)
    (done,) = feed(
        Pairing(0),
        pdu(1, header(READ, 4) + READ_REQUEST),
        pdu(2, header(READ, 4, response=True) + answer),
    )
    exchange = done.exchange
    assert (exchange.frame, exchange.response_frame, exchange.duration_ns, exchange.status) == (1, 2, 1000, 0)
    assert exchange.request == ReadRequest(FILE.hex(), 8192, 4096, 1)
    assert exchange.response == ReadResponse(4096)


def test_pending_is_an_interim_answer(header: Make, pdu: AsPdu) -> None:
    (done,) = feed(
        Pairing(0),
        pdu(1, header(NOTIFY, 4)),
        pdu(2, header(NOTIFY, 4, response=True, status=0x103, async_id=9)),
        pdu(3, header(NOTIFY, 4, response=True, status=0xC0000120, async_id=9)),
    )
    exchange = done.exchange
    assert (exchange.pending_ns, exchange.response_ns, exchange.async_id) == (2000, 3000, 9)
    assert (exchange.credits_granted, exchange.response) == (2, Message())


def test_a_cancel_is_an_exchange_of_its_own_and_ends_nothing(header: Make, pdu: AsPdu) -> None:
    cancel, cancelled = feed(
        Pairing(0),
        pdu(1, header(NOTIFY, 4)),
        pdu(2, header(CANCEL, 4, async_id=9)),
        pdu(3, header(NOTIFY, 4, response=True, status=0xC0000120, async_id=9)),
    )
    assert (cancel.exchange.command, cancel.exchange.response_ns) == (CANCEL, None)
    assert (cancelled.exchange.command, cancelled.exchange.response_ns) == (NOTIFY, 3000)


def test_a_response_without_its_request_is_counted_and_no_exchange(header: Make, pdu: AsPdu) -> None:
    pairing = Pairing(0)
    assert feed(pairing, pdu(1, header(READ, 4, response=True))) == []
    assert feed(pairing, pdu(2, header(READ, 5)), pdu(3, header(CREATE, 5, response=True))) == []
    assert [paired.exchange.frame for paired in pairing.unanswered()] == [2]
    assert pairing.counts == {"orphan_responses": 2, "unanswered": 1}


def test_an_answer_that_was_recorded_first_waits_for_its_request(header: Make, pdu: AsPdu) -> None:
    pairing = Pairing(0)
    pending = pdu(1, header(NOTIFY, 4, response=True, status=0x103, async_id=9), 3000)
    final = pdu(2, header(NOTIFY, 4, response=True, status=0xC0000120, async_id=9), 4000)
    (done,) = feed(pairing, pending, final, pdu(3, header(NOTIFY, 4), 2000))
    exchange = done.exchange
    assert (exchange.frame, exchange.time_ns, exchange.pending_ns, exchange.response_ns) == (
        3,
        2000,
        3000,
        4000,
    )
    assert exchange.status == 0xC0000120
    assert list(pairing.unanswered()) == []
    assert pairing.counts == {"orphan_responses": 0, "unanswered": 0}


def test_no_answer_is_ahead_of_its_request_in_time(header: Make, pdu: AsPdu) -> None:
    (done,) = feed(Pairing(0), pdu(1, header(READ, 4, response=True), 1000), pdu(2, header(READ, 4), 2500))
    assert (done.exchange.time_ns, done.exchange.response_ns, done.exchange.response_frame) == (2500, 2500, 1)


def test_an_answer_of_another_time_or_command_is_an_orphan_all_the_same(header: Make, pdu: AsPdu) -> None:
    pairing = Pairing(0)
    assert (
        feed(pairing, pdu(1, header(READ, 4, response=True), 0), pdu(2, header(READ, 4), 1_000_000_001)) == []
    )
    assert feed(pairing, pdu(3, header(READ, 5, response=True)), pdu(4, header(CREATE, 5))) == []
    assert pairing.counts == {"orphan_responses": 2}


def test_answers_wait_in_bounded_memory(header: Make, pdu: AsPdu) -> None:
    pairing = Pairing(0)
    assert feed(pairing, *(pdu(n, header(READ, n, response=True), 0) for n in range(3000))) == []
    assert pairing.counts["orphan_responses"] == 3000 - 1024
    assert [done.exchange.message_id for done in feed(pairing, pdu(9000, header(READ, 2999), 0))] == [2999]


def test_a_break_that_nobody_asked_for_is_a_notification(header: Make, pdu: AsPdu) -> None:
    body = struct.pack("<HBBI16s", 24, 1, 0, 0, FILE)
    (done,) = feed(Pairing(0), pdu(1, header(BREAK, UNSOLICITED, response=True, session=0) + body))
    assert done.exchange.notification
    assert done.exchange.request == Break(FILE.hex(), 1)


def test_a_lease_break_says_from_where_to_where(header: Make, pdu: AsPdu) -> None:
    body = struct.pack("<HHI16sII12x", 44, 2, 1, FILE, 7, 3)
    (done,) = feed(Pairing(0), pdu(1, header(BREAK, UNSOLICITED, response=True, session=0) + body))
    assert done.exchange.request == Break(
        lease_key=FILE.hex(), current_state=7, lease_state=3, flags=1, lease_epoch=2
    )


def test_a_copy_of_an_open_request_is_a_retransmission(header: Make, pdu: AsPdu) -> None:
    pairing = Pairing(0)
    copy, done = feed(
        pairing,
        pdu(1, header(READ, 4)),
        pdu(2, header(READ, 4)),
        pdu(3, header(READ, 4, response=True)),
    )
    assert (copy.exchange.frame, copy.exchange.retransmission, done.exchange.frame) == (2, True, 1)
    assert pairing.counts == {"retransmissions": 1}


def test_compounds_are_told_apart_within_a_frame(header: Make, pdu: AsPdu) -> None:
    pairing = Pairing(0)
    feed(
        pairing,
        pdu(1, header(CREATE, 1, following=120)),
        pdu(1, header(READ, 2, flags=4)),
        pdu(1, header(READ, 3)),
        pdu(1, header(CREATE, 4, following=120)),
        pdu(1, header(READ, 5, flags=4)),
        pdu(2, header(READ, 6)),
    )
    found = [(p.chain, p.exchange.compound_position, p.exchange.related) for p in pairing.unanswered()]
    assert found == [(0, 0, False), (0, 1, True), (-1, 0, False), (1, 0, False), (1, 1, True), (-1, 0, False)]


def test_the_session_of_a_setup_is_the_one_that_was_given(header: Make, pdu: AsPdu) -> None:
    who = Identity("alice", "LAB", "PC1")
    (done,) = feed(
        Pairing(0),
        pdu(1, header(SETUP, 1, session=0), identity=who),
        pdu(2, header(SETUP, 1, response=True, session=77)),
    )
    assert (done.session_id, done.given) == (77, True)
    assert isinstance(done.exchange.request, SessionSetupRequest)
    assert done.exchange.request.account == "alice"


MESSAGES = st.tuples(
    st.integers(0, 20),
    st.sampled_from([0, 1, 2, 3, UNSOLICITED]),
    st.booleans(),
    st.sampled_from([0, 0x103, 0xC0000022]),
    st.sampled_from([None, 5]),
    st.binary(max_size=100),
)


@given(st.lists(MESSAGES, max_size=40))
def test_every_request_counts_once_whatever_comes(header: Make, pdu: AsPdu, messages: list[tuple]) -> None:
    pairing, requests, responses, interim = Pairing(0), 0, 0, 0
    done: list[Any] = []
    for frame, (command, number, response, status, async_id, body) in enumerate(messages):
        data = header(command, number, response=response, status=status, async_id=async_id) + body
        requests += not response or number == UNSOLICITED
        responses += response and number != UNSOLICITED
        before = len(done)
        done += feed(pairing, pdu(frame, data))
        interim += len(done) == before and response and bool(status == 0x103 and async_id)
    done += pairing.unanswered()
    assert len(done) == requests
    assert len({(p.frame, p.position) for p in done}) == requests
    answered = sum(p.exchange.response_ns is not None for p in done)
    assert answered + pairing.counts["orphan_responses"] <= responses
    assert responses - answered - pairing.counts["orphan_responses"] <= interim


def test_a_connection_that_begins_again_leaves_what_was_open(header: Make, pdu: AsPdu) -> None:
    """Where the capture lost the end of one and the beginning of the next: nothing is open at a NEGOTIATE."""
    pairing = Pairing(0)
    open_read, open_create, negotiate, read = feed(
        pairing,
        pdu(1, header(READ, 4)),
        pdu(2, header(CREATE, 5)),
        pdu(3, header(NEGOTIATE, 0)),
        pdu(4, header(NEGOTIATE, 0, response=True)),
        pdu(5, header(READ, 4)),
        pdu(6, header(READ, 4, response=True)),
    )
    assert [p.exchange.frame for p in (open_read, open_create, negotiate, read)] == [1, 2, 3, 5]
    assert [p.exchange.response_frame for p in (open_read, open_create)] == [None, None]
    assert (read.exchange.response_frame, read.exchange.retransmission) == (6, False)
    assert pairing.counts == {"unanswered": 2}


def test_another_request_with_an_open_id_is_no_retransmission(header: Make, pdu: AsPdu) -> None:
    pairing = Pairing(0)
    first, second = feed(
        pairing,
        pdu(1, header(READ, 4) + bytes(49)),
        pdu(2, header(READ, 4) + b"\1" * 49),
        pdu(3, header(READ, 4, response=True)),
    )
    assert (first.exchange.frame, first.exchange.response_frame) == (1, None)
    assert (second.exchange.frame, second.exchange.response_frame) == (2, 3)
    assert pairing.counts == {"unanswered": 1}


def test_an_answer_long_before_an_open_request_is_not_its_own(header: Make, pdu: AsPdu) -> None:
    pairing = Pairing(0)
    second = 1_000_000_000
    (done,) = feed(
        pairing,
        pdu(1, header(READ, 4), time_ns=9 * second),
        pdu(2, header(READ, 4, response=True), time_ns=7 * second),
        pdu(3, header(READ, 4, response=True), time_ns=9 * second + 5),
    )
    assert done.exchange.response_frame == 3
    list(pairing.unanswered())
    assert +pairing.counts == {"orphan_responses": 1}


def test_of_one_direction_alone_memory_has_an_end(
    header: Make, pdu: AsPdu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smbench.capture.pairing._MOST_OPEN", 10)
    requests = Pairing(0)
    done = feed(requests, *(pdu(n, header(READ, n)) for n in range(100)))
    assert [p.exchange.message_id for p in done] == list(range(90))
    assert len(list(requests.unanswered())) == 10
    assert requests.counts["unanswered"] == 100

    monkeypatch.setattr("smbench.capture.pairing._MOST_EARLY_BYTES", 10_000)
    answers = Pairing(0)
    assert feed(answers, *(pdu(n, header(READ, n, response=True) + bytes(936)) for n in range(100))) == []
    assert answers.counts["orphan_responses"] == 90
    (paired,) = feed(answers, pdu(200, header(READ, 95), time_ns=95_000))
    assert paired.exchange.response_frame == 95
