"""Sessions, users, trees, handles and paths, told as stories of exchanges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from smbench.capture.facts import Facts
from smbench.capture.naming import Naming, Spelling
from smbench.capture.pairing import Paired
from smbench.capture.pdus import Stream
from smbench.capture.sessions import Directory, directory
from smbench.smb2.constants import RELATED_FILE_ID
from smbench.trace import messages as m
from smbench.trace.model import Command, Exchange

RELATED = RELATED_FILE_ID.hex()
STEP = 1_000_000


@dataclass
class Wire:
    """Exchanges as pairing makes them, one after the other; `run` names them."""

    facts: Facts = field(default_factory=Facts)
    said: list[Paired] = field(default_factory=list)
    people: Directory | None = None
    naming: Naming | None = None
    chain: int = -1

    def connection(self, number: int, client: str = "10.0.0.1", guid: str | None = None) -> Wire:
        ends = Stream(b"", client, 40000 + number, "10.0.0.9", 445)
        self.facts.connect(number, ends, True, len(self.said) * STEP)
        request = m.NegotiateRequest(client_guid=guid or f"guid{number}")
        return self.say(number, Command.NEGOTIATE, request, m.NegotiateResponse(dialect=0x311), session=0)

    def logs_on(
        self, number: int, session: int, account: str | None = "alice", status: int = 0,
        binding: bool = False, previous: int = 0,
    ) -> Wire:  # fmt: skip
        more = m.SessionSetupRequest(mechanism="ntlmssp", binding=binding)
        who = m.SessionSetupRequest(
            account=account, domain="LAB", mechanism="ntlmssp", binding=binding, previous_session_id=previous
        )
        processing: dict[str, Any] = {"session": session, "given": not binding, "status": 0xC0000016}
        self.say(number, Command.SESSION_SETUP, more, m.SessionSetupResponse(), **processing)
        answer = m.SessionSetupResponse(0)
        return self.say(number, Command.SESSION_SETUP, who, answer, session=session, status=status)

    def mounts(self, number: int, session: int, tree: int = 3, share: str = "\\\\srv\\public") -> Wire:
        return self.say(number, Command.TREE_CONNECT, m.TreeConnectRequest(share), m.TreeConnectResponse(1),
                        session=session, tree=tree)  # fmt: skip

    def opens(self, number: int, session: int, name: str, file_id: str | None, **more: Any) -> Wire:
        keys = {key: more.pop(key) for key in ("lease_key", "durable_file_id", "options") if key in more}
        granted = (
            m.CreateResponse(file_id=file_id, lease_key=keys.get("lease_key")) if file_id else m.Message()
        )
        status = 0 if file_id else 0xC0000034
        return self.say(number, Command.CREATE, m.CreateRequest(name=name, **keys), granted, session=session,
                        status=status, **more)  # fmt: skip

    def reads(self, number: int, session: int, file_id: str, **more: Any) -> Wire:
        request = m.ReadRequest(file_id=file_id)
        return self.say(number, Command.READ, request, m.ReadResponse(1), session=session, **more)

    def closes(self, number: int, session: int, file_id: str) -> Wire:
        return self.say(number, Command.CLOSE, m.CloseRequest(file_id), m.CloseResponse(), session=session)

    def renames(self, number: int, session: int, file_id: str, target: str) -> Wire:
        request = m.SetInfoRequest(file_id=file_id, info_type=1, level=10, target=target)
        return self.say(number, Command.SET_INFO, request, m.Message(), session=session)

    def say(
        self, number: int, command: int, request: m.Message, response: m.Message | None, session: int,
        tree: int | None = 3, status: int = 0, given: bool = False, related: bool = False, dfs: bool = False,
        notification: bool = False, frame: int | None = None, took: int = 1,
    ) -> Wire:  # fmt: skip
        place = len(self.said)
        exchange = Exchange(-1, 0, frame or place, command, place * STEP, number, place)
        exchange.response_ns, exchange.status = place * STEP + took, status
        exchange.request, exchange.response = request, response
        exchange.related, exchange.dfs, exchange.notification = related, dfs, notification
        chain = 0 if frame else -1
        paired = Paired(place * STEP, 0, frame or place, place, number, exchange, chain, session, tree, given)
        self.said.append(paired)
        self.facts.exchange(paired)
        return self

    def logs_off(self, number: int, session: int) -> Wire:
        return self.say(number, Command.LOGOFF, m.Message(), m.Message(), session=session)

    def run(self) -> list[Exchange]:
        self.people = directory([self.facts])
        self.naming = Naming(self.people)
        return list(self.naming.name(self.said))

    def users(self) -> list[tuple[str, list[int]]]:
        self.run()
        assert self.people is not None
        return [(user.name, user.sessions) for user in self.people.users]


def client(session: int = 7) -> Wire:
    return Wire().connection(0).logs_on(0, session).mounts(0, session)


def last(wire: Wire, count: int) -> list[tuple[int | None, str | None]]:
    return [(exchange.handle, exchange.path) for exchange in wire.run()[-count:]]


def test_requests_find_the_open_that_their_file_id_means() -> None:
    wire = client().opens(0, 7, "d\\a", "f1").opens(0, 7, "b", "f2").reads(0, 7, "f1").reads(0, 7, "f2")
    assert last(wire, 4) == [(0, "d/a"), (1, "b"), (0, "d/a"), (1, "b")]


def test_a_failed_open_has_a_handle_too() -> None:
    assert last(client().opens(0, 7, "nope", None).opens(0, 7, "a", "f1"), 2) == [(0, "nope"), (1, "a")]


def test_a_file_id_may_come_again_after_a_close_and_late_requests_still_find_theirs() -> None:
    wire = client().opens(0, 7, "a", "f1").closes(0, 7, "f1").reads(0, 7, "f1").opens(0, 7, "b", "f1")
    assert last(wire.reads(0, 7, "f1"), 5) == [(0, "a"), (0, "a"), (0, "a"), (1, "b"), (1, "b")]
    assert wire.naming is not None
    assert not wire.naming.counts


def test_a_related_compound_inherits_session_tree_and_handle() -> None:
    wire = client().opens(0, 7, "a", "f1", frame=50)
    wire.reads(0, 2**64 - 1, RELATED, related=True, tree=0xFFFFFFFF, frame=50)
    wire.reads(0, 7, RELATED, related=True, frame=50)
    *_, create, first, second = wire.run()
    assert {(e.session, e.tree, e.handle, e.path, e.compound) for e in (create, first, second)} == {
        (0, 0, 0, "a", 0)
    }


def test_an_unrelated_request_with_no_file_has_no_handle() -> None:
    assert last(client().reads(0, 7, RELATED), 1) == [(None, None)]


def test_a_file_that_was_opened_before_the_capture_gets_a_name_of_its_own() -> None:
    wire = client().reads(0, 7, "old").reads(0, 7, "old").opens(0, 7, "a", "f1")
    assert last(wire, 3) == [(0, "unknown-0"), (0, "unknown-0"), (1, "a")]
    assert wire.naming is not None
    assert wire.naming.counts == {"unknown_handles": 1}


def test_a_tree_and_a_session_from_before_the_capture_are_unknown() -> None:
    wire = Wire().connection(0).reads(0, 9, "old", tree=5)
    assert wire.run()[-1].tree == 0
    assert wire.naming is not None
    assert wire.naming.trees[0].share == "unknown-5"
    assert wire.users() == [("unknown-1", [0])]


def test_a_rename_renames_open_handles_beneath_and_streams() -> None:
    wire = (
        client()
        .opens(0, 7, "d", "dir")
        .opens(0, 7, "D\\a", "f1")
        .opens(0, 7, "d\\a:s", "f2")
        .opens(0, 7, "de", "f3")
    )
    wire.renames(0, 7, "dir", "e").reads(0, 7, "f1").reads(0, 7, "f2").reads(0, 7, "f3").reads(0, 7, "dir")
    assert last(wire, 5) == [(0, "d"), (1, "e/a"), (2, "e/a:s"), (3, "de"), (0, "e")]


def test_one_spelling_for_each_path() -> None:
    wire = (
        client()
        .opens(0, 7, "Dir\\File.txt", "f1")
        .opens(0, 7, "DIR\\FILE.TXT", "f2")
        .opens(0, 7, "dir\\new", "f3")
    )
    assert [path for _, path in last(wire, 3)] == ["Dir/File.txt", "Dir/File.txt", "Dir/new"]


def test_a_dfs_path_loses_server_and_share() -> None:
    assert last(client().opens(0, 7, "srv\\public\\d\\a", "f1", dfs=True), 1) == [(0, "d/a")]


def test_an_open_by_file_number_has_no_name() -> None:
    assert last(client().opens(0, 7, "\x01\x02\x03\x04", "f1", options=0x2000), 1) == [(0, "unknown-0")]


def test_a_durable_reconnect_goes_on_with_its_handle() -> None:
    wire = client().opens(0, 7, "a", "f1").connection(1, guid="guid0").logs_on(1, 8).mounts(1, 8)
    wire.opens(1, 8, "a", "f1b", durable_file_id="f1").reads(1, 8, "f1b")
    assert last(wire, 2) == [(0, "a"), (0, "a")]


def test_a_lease_break_belongs_to_the_handle_that_holds_the_lease() -> None:
    wire = client().opens(0, 7, "a", "f1", lease_key="k1")
    wire.say(0, Command.OPLOCK_BREAK, m.Break(lease_key="k1"), None, session=0, tree=0, notification=True)
    exchange = wire.run()[-1]
    assert (exchange.handle, exchange.path, exchange.session, exchange.tree, exchange.user) == (
        0,
        "a",
        0,
        0,
        0,
    )


def test_an_oplock_break_finds_its_file_without_a_session() -> None:
    wire = client().opens(0, 7, "a", "f1")
    wire.say(0, Command.OPLOCK_BREAK, m.Break(file_id="f1"), None, session=0, tree=0, notification=True)
    assert last(wire, 1) == [(0, "a")]


def test_channels_of_one_session_are_one_user_and_share_handles() -> None:
    wire = (
        client()
        .opens(0, 7, "a", "f1")
        .connection(1, guid="guid0")
        .logs_on(1, 7, binding=True)
        .reads(1, 7, "f1")
    )
    assert last(wire, 1) == [(0, "a")]
    assert wire.users() == [("LAB\\alice", [0])]


def test_sessions_that_follow_one_another_are_one_user() -> None:
    wire = client().opens(0, 7, "a", "f1").connection(1).logs_on(1, 8).mounts(1, 8)
    assert wire.users() == [("LAB\\alice", [0, 1])]


def test_sessions_that_overlap_with_other_client_guids_are_two_users() -> None:
    wire = client().connection(1).logs_on(1, 8).mounts(1, 8).opens(0, 7, "a", "f1")
    assert wire.users() == [("LAB\\alice", [0]), ("LAB\\alice#2", [1])]


@pytest.mark.parametrize("took", [1, STEP, 26 * STEP])
def test_when_an_answer_came_changes_no_user(took: int) -> None:
    wire = client().opens(0, 7, "a", "f1", took=took).connection(1).logs_on(1, 8).mounts(1, 8)
    assert wire.users() == [("LAB\\alice", [0, 1])]


def test_what_is_sent_behind_a_logoff_is_no_sign_of_life() -> None:
    wire = client().opens(0, 7, "a", "f1").logs_off(0, 7).connection(1).logs_on(1, 8).reads(0, 7, "f1")
    assert wire.mounts(1, 8).users() == [("LAB\\alice", [0, 1])]


def test_who_only_takes_leave_is_not_there_any_more() -> None:
    wire = client().opens(0, 7, "a", "f1").connection(1).logs_on(1, 8).logs_off(0, 7).mounts(1, 8)
    assert wire.users() == [("LAB\\alice", [0, 1])]


def test_a_session_in_anothers_place_is_of_the_same_user_whatever_else_goes_on() -> None:
    wire = client().connection(1).logs_on(1, 8).mounts(1, 8).opens(0, 7, "a", "f1")
    wire.connection(2).logs_on(2, 9, previous=8).mounts(2, 9).opens(1, 8, "b", "f2").opens(0, 7, "c", "f3")
    assert wire.users() == [("LAB\\alice", [0]), ("LAB\\alice#2", [1, 2])]


def test_the_same_account_elsewhere_is_another_user() -> None:
    wire = client().connection(1, client="10.0.0.2").logs_on(1, 8).mounts(1, 8)
    assert wire.users() == [("LAB\\alice", [0]), ("LAB\\alice#2", [1])]


def test_a_refused_logon_makes_no_user() -> None:
    wire = client().connection(1).logs_on(1, 8, account="mallory", status=0xC000006D)
    assert wire.users() == [("LAB\\alice", [0])]


def test_a_session_id_that_is_given_again_is_a_new_session() -> None:
    wire = client().opens(0, 7, "a", "f1").connection(1).logs_on(1, 7, account="bob").mounts(1, 7)
    wire.reads(1, 7, "f9")
    assert wire.run()[-1].session == 1
    assert wire.users() == [("LAB\\alice", [0]), ("LAB\\bob", [1])]


@pytest.mark.parametrize("response", [None, m.Message()])
def test_a_tree_connect_that_failed_makes_no_tree(response: m.Message | None) -> None:
    wire = Wire().connection(0).logs_on(0, 7)
    wire.say(
        0, Command.TREE_CONNECT, m.TreeConnectRequest("\\\\srv\\x"), response, session=7, status=0xC00000CC
    )
    assert wire.run()[-1].tree == -1
    assert wire.naming is not None
    assert wire.naming.trees == []


def test_a_path_is_spelled_as_it_was_first_component_by_component() -> None:
    spell = Spelling()
    told = ["Users/Alice", "USERS/bob", "users/ALICE/Notes", "Users/alice/notes", "ALICE", ""]
    assert [spell(path) for path in told] == [
        "Users/Alice", "Users/bob", "Users/Alice/Notes", "Users/Alice/Notes", "ALICE", "",
    ]  # fmt: skip


def test_a_path_of_as_many_components_as_a_name_can_have_is_spelled_too() -> None:
    spell = Spelling()
    deepest = "/".join("a" * 16_384)
    assert spell(deepest) == deepest
    assert spell(deepest.upper()) == deepest
    assert spell(deepest + "/B") == deepest + "/B"
