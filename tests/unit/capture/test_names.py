"""Names that tshark finds for connections that are read without it."""

from __future__ import annotations

from collections.abc import Callable

from smbench.capture.facts import Facts, SessionFacts
from smbench.capture.names import Named, found, name_exchanges, name_sessions
from smbench.capture.pairing import Pairing
from smbench.capture.pdus import Identity, Pdu, Stream
from smbench.trace.messages import SessionSetupRequest

SETUP = 1
ALICE = Identity("alice", "LAB", "PC1")


def lines(header: Callable[..., bytes], *messages: tuple[int, bool, int, bytes]) -> list[bytes]:
    """As the tap writes them: (message id, response, session, columns of the identity)."""
    told = [b"C\t0\t10.0.0.7\t50000\t10.255.255.254\t445"]
    for frame, (number, response, session, who) in enumerate(messages, 1):
        data = header(SETUP, number, response=response, session=session).hex().encode()
        told.append(b"P\t%d\t%d.5\t0\t1\t%s%s" % (frame, frame, data, who))
    return [*told, b"Z\t9\t0"]


WHO = b"\talice\tLAB\tPC1\t\t"
NOBODY = b"\t\t\t\t\t"


def test_a_name_is_that_of_the_session_which_the_setup_begins(header: Callable[..., bytes]) -> None:
    told = lines(header, (1, False, 0, NOBODY), (1, True, 77, b""), (2, False, 77, WHO), (2, True, 77, b""))
    (named,) = found(told, lambda frame: (0, frame), {"10.0.0.7": 5})
    assert named == Named(5, 2, 77, 3_500_000_000, ALICE)
    assert list(found(told, lambda frame: (0, frame), {"10.0.0.8": 5})) == []


def test_a_setup_of_one_leg_has_its_session_from_the_answer(header: Callable[..., bytes]) -> None:
    (named,) = found(
        lines(header, (1, False, 0, WHO), (1, True, 77, b"")), lambda frame: (0, frame), {"10.0.0.7": 5}
    )
    assert (named.session_id, named.identity) == (77, ALICE)
    (unanswered,) = found(lines(header, (1, False, 0, WHO)), lambda frame: (0, frame), {"10.0.0.7": 5})
    assert (unanswered.session_id, unanswered.identity) == (0, ALICE)


def test_sessions_and_requests_have_their_names(
    header: Callable[..., bytes], pdu: Callable[..., Pdu]
) -> None:
    facts = Facts()
    facts.connect(5, Stream(b"", "10.0.0.1", 50_000, "10.0.0.2", 445), True, 0)
    facts.sessions[5, 77] = [SessionFacts(5, 77, 1000, 1000), SessionFacts(5, 77, 9000, 9000)]
    names = [Named(5, 2, 77, 2000, ALICE)]
    name_sessions([facts], names)
    assert [session.account for session in facts.sessions[5, 77]] == ["alice", None]
    pairing = Pairing(5)
    for number in (1, 2):
        assert not pairing.message(pdu(number, header(SETUP, number)))
    named = {p.exchange.message_id: p.exchange.request for p in name_exchanges(pairing.unanswered(), names)}
    assert isinstance(named[1], SessionSetupRequest)
    assert isinstance(named[2], SessionSetupRequest)
    assert (named[1].account, named[2].account, named[2].workstation) == (None, "alice", "PC1")
