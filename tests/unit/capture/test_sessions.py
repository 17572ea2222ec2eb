"""Who is who where the beginning of a session is not in the capture."""

from __future__ import annotations

import pytest

from smbench.capture.facts import Facts, SessionFacts
from smbench.capture.pdus import Stream
from smbench.capture.sessions import Directory, directory

SERVER = "10.0.0.9"
GUIDS = {"a": "a" * 32, "b": "b" * 32}


def known(*channels: tuple[str, str | None, SessionFacts]) -> Directory:
    """Of connections, each (client address, ClientGuid, what a session does on it)."""
    facts = Facts()
    for number, (client, guid, session) in enumerate(channels):
        facts.connect(number, Stream(b"", client, 50_000 + number, SERVER, 445), True, session.first_ns)
        facts.connections[number].client_guid = guid
        session.connection = number
        facts.sessions[number, session.session_id] = [session]
    return directory([facts])


def alice(left: bool = False) -> SessionFacts:
    made = SessionFacts(0, 7, 0, 1000, fresh=True, established=True, used=True, left=left)
    made.account, made.domain = "alice", "LAB"
    return made


def later(first_ns: int = 2000, account: str | None = None) -> SessionFacts:
    """What carries the same session id, and is not seen to begin."""
    made = SessionFacts(0, 7, first_ns, first_ns + 1000, established=account is not None, used=True)
    made.account = account
    return made


OTHERS = [
    ("another account", ("10.0.0.1", None, later(account="bob"))),
    ("another client, as its ClientGuid says", ("10.0.0.1", GUIDS["b"], later(500))),
    ("another address, later", ("10.0.0.2", None, later())),
]
SAME = [
    ("another address at the same time", ("10.0.0.2", None, later(500))),
    ("the same address later", ("10.0.0.1", None, later())),
    ("the same ClientGuid at another address later", ("10.0.0.2", GUIDS["a"], later())),
    ("the same account, spelled in another way", ("10.0.0.1", None, later(account="ALICE"))),
]


@pytest.mark.parametrize(("name", "channel"), OTHERS, ids=[name for name, _ in OTHERS])
def test_an_id_that_was_given_again_is_another_session(
    name: str, channel: tuple[str, str | None, SessionFacts]
) -> None:
    made = known(("10.0.0.1", GUIDS["a"], alice()), channel)
    assert [session.user for session in made.sessions] == [0, 1], name


@pytest.mark.parametrize(("name", "channel"), SAME, ids=[name for name, _ in SAME])
def test_another_channel_is_the_same_session(
    name: str, channel: tuple[str, str | None, SessionFacts]
) -> None:
    made = known(("10.0.0.1", GUIDS["a"], alice()), channel)
    assert [session.connections for session in made.sessions] == [[0, 1]], name


def test_behind_a_logoff_an_id_is_another_session() -> None:
    made = known(("10.0.0.1", None, alice(left=True)), ("10.0.0.1", None, later()))
    assert [(session.user, session.account) for session in made.sessions] == [(0, "alice"), (1, None)]
