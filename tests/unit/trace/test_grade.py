"""What a capture lacks is said above its limit, with its share and what follows from it."""

from __future__ import annotations

import re

import pytest

from smbench.trace.grade import BY_NAME, GRADES, Use, called, keys_wanted, missing_share, sealed, warnings
from smbench.trace.model import Session, TraceInfo


def info(exchanges: int = 1000, sessions: int = 4, **grade: int) -> TraceInfo:
    return TraceInfo(exchanges=exchanges, sessions=[Session(at) for at in range(sessions)], grade=grade)


def test_one_lost_packet_is_said_on_either_side_and_of_a_run() -> None:
    lost = info(237, tcp_gaps=1)
    (candidate,) = warnings(lost, Use.CANDIDATE)
    assert candidate == (
        "gaps in the TCP streams (lost packets): 1 beside 237 exchanges (0.43 %); what was in them counts as "
        "missing, and the names and shares that it told are not known; recall and precision may be too low"
    )
    (reference,) = warnings(lost, Use.REFERENCE)
    assert "where the candidate has it, it counts as extra" in reference
    assert reference.endswith("; recall and precision may be too low")
    (replay,) = warnings(lost, Use.REPLAY)
    assert replay.endswith("what was in them is not replayed")


@pytest.mark.parametrize("name", ["orphan_responses", "unanswered"])
def test_at_its_limit_a_count_is_not_said_and_above_it_is(name: str) -> None:
    """One of a hundred, exactly: 7 of 700 is no more than that, as binary fractions would have it."""
    for exchanges in (100, 700, 2900, 5700, 10_000_000):
        at = exchanges // 100
        assert warnings(info(exchanges, **{name: at}), Use.CANDIDATE) == []
        assert len(warnings(info(exchanges, **{name: at + 1}), Use.CANDIDATE)) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown_handles", "files whose open is not in the capture"),
        ("unknown_names", "opens whose name is not in the capture"),
        ("unknown_trees", "shares whose connection is not in the capture"),
    ],
)
def test_a_name_that_is_made_up_is_always_said(name: str, words: str) -> None:
    for use in Use:
        (said,) = warnings(info(10_000_000, **{name: 1}), use)
        assert said.startswith(f"{words}: 1 beside 10,000,000 exchanges (0.01 %); ")
        assert said.endswith("recall and precision may be too low") == (use is not Use.REPLAY)


def test_what_is_more_than_the_exchanges_is_no_share_of_them() -> None:
    (said,) = warnings(info(3, tcp_gaps=4), Use.CANDIDATE)
    assert said.startswith("gaps in the TCP streams (lost packets): 4 beside 3 exchanges; ")
    (said,) = warnings(info(4, tcp_gaps=4), Use.CANDIDATE)
    assert said.startswith("gaps in the TCP streams (lost packets): 4 beside 4 exchanges (100.00 %); ")
    assert missing_share({"tcp_gaps": 4}, 3) == 1


def test_sessions_are_counted_among_sessions() -> None:
    (said,) = warnings(info(undecrypted=1), Use.REPLAY)
    assert said.startswith("encrypted sessions without a key: 1 of 4 sessions (25.00 %); ")
    assert missing_share({"undecrypted": 3}, 10) == 0


def closed(account: str | None = None, mechanism: str | None = None) -> Session:
    return Session(1, account=account, mechanism=mechanism, encrypted=True, decrypted=False)


def test_what_stays_encrypted_comes_first_and_says_which_keys_would_open_it() -> None:
    found = info(undecrypted=1, tcp_gaps=1, sealed_messages=1234)
    found.sessions[0] = closed("alice", "ntlmssp")
    first, second = warnings(found, Use.CANDIDATE)
    wanted = "give --users (or --nt-password-file) with the passwords of alice"
    assert first.endswith(f"; no key opens 1,234 messages: {wanted}")
    assert second.startswith("gaps in the TCP streams")
    assert sealed(found) == f"1 of 4 sessions stay encrypted; no key opens 1,234 messages: {wanted}"
    assert sealed(info()) is None


@pytest.mark.parametrize(
    ("sessions", "wanted"),
    [
        (
            [closed("a", "ntlmssp"), closed("a", "ntlmssp"), closed("b")],
            "--users .* with the passwords of a, b",
        ),
        ([closed(None, "ntlmssp")], "--users .* with the passwords of its accounts"),
        ([closed("a", "krb5")], r"--keytab with the server's key \(Kerberos\)"),
        ([closed()], r"--session-key-file \(the capture lacks how they began\)"),
        (
            [closed("a", "ntlmssp"), closed("b", "krb5"), closed()],
            "--users .* of a and --keytab .* and --session",
        ),
        ([closed(f"u{number}", "ntlmssp") for number in range(10)], "of u0, .*u7 and 2 others"),
    ],
    ids=["passwords", "no names", "kerberos", "no beginning", "all of them", "many"],
)
def test_the_keys_wanted_follow_from_how_a_session_began(sessions: list[Session], wanted: str) -> None:
    assert re.fullmatch(f"give .*{wanted}.*", keys_wanted(sessions))
    assert "Session(" not in keys_wanted(sessions)


def test_what_only_tells_is_never_said_and_a_whole_capture_is_silent() -> None:
    assert warnings(info(retransmissions=900, smb1_frames=900), Use.REFERENCE) == []
    assert warnings(info(**dict.fromkeys(BY_NAME, 0)), Use.REFERENCE) == []
    assert warnings(TraceInfo(), Use.REFERENCE) == []


def test_a_capture_without_an_exchange_says_what_it_lacks_without_a_share() -> None:
    (said,) = warnings(info(0, tcp_gaps=3), Use.REPLAY)
    assert said.startswith("gaps in the TCP streams (lost packets): 3 beside 0 exchanges; ")


def test_the_table() -> None:
    assert len(BY_NAME) == len(GRADES)
    for grade in GRADES:
        assert grade.means.keys() in (set(), set(Use))
        assert called(grade.name) == grade.called
    assert called("new_count") == "new_count"
