"""Mount options from the profile, the capture and the user."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.identity import Identity
from smbench.mounts.accounts import Account
from smbench.mounts.facts import CaptureFacts, gather_facts
from smbench.mounts.options import (
    Option,
    account_options,
    derive_options,
    keeps_directories,
    merge,
    override,
    stream_options,
    to_argument,
)
from smbench.mounts.target import ShareTarget
from smbench.secret import secret
from smbench.trace.model import Connection, Session, TraceInfo
from smbench.workload.calls import (
    Call,
    Close,
    Create,
    Flush,
    List,
    Lock,
    Open,
    PunchHole,
    Read,
    SetTimes,
    ShiftRange,
    Truncate,
    Write,
)
from smbench.workload.model import Kind, NamespaceEntry, Operation


def captured(dialect: int = 0x311, **facts: object) -> TraceInfo:
    return TraceInfo(connections=[Connection("c", 1, "s", 445, dialect=dialect, **facts)])  # type: ignore[arg-type]


def names(options: tuple[Option, ...]) -> set[str]:
    return {str(option) for option in options}


WIRE = {"cache=none", "actimeo=3600", "closetimeo=0", "nosparse", "nodfs", "nohandlecache"}


def test_the_wire_profile_adds_nothing_to_the_wire() -> None:
    options = names(derive_options("wire", captured(), CaptureFacts()))
    assert options >= WIRE | {"nosharesock", "iocharset=utf8", "noperm", "vers=3.1.1", "serverino"}
    assert not any(option.startswith(("rsize", "wsize", "nostrictsync", "nolease")) for option in options)


def test_the_application_profile_leaves_the_client_its_ways() -> None:
    options = names(derive_options("application", captured(), CaptureFacts(flushes=False)))
    assert options >= {"nosharesock", "iocharset=utf8", "noperm", "cache=strict"}
    assert not options & (WIRE | {"nostrictsync"})


@pytest.mark.parametrize(
    ("facts", "there", "not_there"),
    [
        (CaptureFacts(streams=True), {"serverino"}, {"noserverino", "nomapposix"}),
        (CaptureFacts(mapped_characters=True), {"nomapposix", "serverino"}, set()),
        (CaptureFacts(mapped_characters=True, reserved_characters=True), {"serverino"}, {"nomapposix"}),
        (CaptureFacts(lists_without_ids=True), {"noserverino"}, {"serverino", "nomapposix"}),
        (CaptureFacts(lists_without_ids=True, streams=True), {"noserverino", "nomapposix"}, {"serverino"}),
        (CaptureFacts(case_variants=True), {"nocase"}, set()),
        (CaptureFacts(asked_for_caching=False), {"nolease"}, set()),
        (CaptureFacts(flushes=False), {"nostrictsync"}, set()),
        (CaptureFacts(keeps_directories=True), {"cache=none"}, {"nohandlecache", "nolease"}),
        (CaptureFacts(sparse=True), {"cache=none"}, {"nosparse"}),
        (CaptureFacts(largest_read=1_000_000, largest_write=100), {"rsize=1003520", "wsize=65536"}, set()),
    ],
)
def test_facts_of_the_capture_change_the_wire_mount(
    facts: CaptureFacts, there: set[str], not_there: set[str]
) -> None:
    options = names(derive_options("wire", captured(), facts))
    assert there <= options
    assert not not_there & options


@pytest.mark.parametrize(
    ("dialect", "option"),
    [
        (0x202, "vers=2.0"),
        (0x210, "vers=2.1"),
        (0x300, "vers=3.0"),
        (0x302, "vers=3.0.2"),
        (0x311, "vers=3.1.1"),
    ],
)
def test_the_dialect_is_the_captured_one(dialect: int, option: str) -> None:
    assert option in names(derive_options("wire", captured(dialect), CaptureFacts()))


def test_signing_encryption_and_channels_follow_the_capture() -> None:
    signed = names(derive_options("wire", captured(signing_required=True), CaptureFacts()))
    assert "sign" in signed
    info = captured(signing_required=True)
    info.sessions = [Session(1, connections=[0], encrypted=True, user=0)]
    info.connections.append(Connection("c", 2, "s", 445, dialect=0x311))
    assert names(derive_options("wire", info, CaptureFacts())) >= {"seal"}
    info.sessions[0].connections = [0, 1]
    assert names(derive_options("wire", info, CaptureFacts())) >= {"multichannel", "max_channels=2"}


def test_each_user_gets_the_dialect_of_its_own_connection() -> None:
    info = TraceInfo(
        connections=[
            Connection("a", 1, "s", 445, dialect=0x210),
            Connection("b", 1, "s", 445, dialect=0x311),
        ],
        sessions=[Session(1, connections=[0], user=0), Session(2, connections=[1], user=1)],
    )
    for user, option in ((0, "vers=2.1"), (1, "vers=3.1.1")):
        assert option in names(derive_options("wire", info, CaptureFacts(), user=user))


def test_streams_have_a_mount_of_their_own_like_the_other_but_for_what_reaches_them() -> None:
    options = derive_options("wire", captured(), CaptureFacts(streams=True, mapped_characters=True))
    streams = stream_options(options)
    assert streams is not None
    assert names(streams) - names(options) == {"noserverino"}
    assert names(options) - names(streams) == {"serverino"}
    assert names(streams) >= {"nomapposix", "nosharesock", "cache=none"}
    plain = derive_options("wire", captured(), CaptureFacts(streams=True))
    assert names(stream_options(plain) or ()) - names(plain) == {"noserverino", "nomapposix"}


@pytest.mark.parametrize(
    ("given", "second"),
    [
        (["noserverino", "nomapposix"], False),
        (["mapposix"], False),
        (["serverino"], False),
        (["nomapposix"], True),
        (["cache=strict"], True),
    ],
)
def test_given_options_say_whether_streams_have_a_mount_of_their_own(given: list[str], second: bool) -> None:
    options = derive_options("wire", captured(), CaptureFacts(streams=True), given=given)
    assert (stream_options(options) is not None) is second


ANYTHING = st.builds(
    CaptureFacts,
    st.integers(0, 1 << 24),
    st.integers(0, 1 << 24),
    *[st.booleans()] * 7,
)


@given(ANYTHING, st.booleans(), st.booleans(), st.sampled_from([0x202, 0x311]))
def test_nothing_of_a_capture_is_in_the_application_profile(
    facts: CaptureFacts, signed: bool, encrypted: bool, dialect: int
) -> None:
    info = captured(dialect, signing_required=signed, max_read=65536, max_write=65536)
    info.sessions = [Session(1, connections=[0, 0], encrypted=encrypted, user=0)]
    assert derive_options("application", info, facts, user=0) == derive_options(
        "application", TraceInfo(), CaptureFacts()
    )


@pytest.mark.parametrize(
    ("given", "there", "gone"),
    [
        ("cache=loose", "cache=loose", "cache=none"),
        ("noserverino", "noserverino", "serverino"),
        ("dfs", "dfs", "nodfs"),
        ("handlecache", "handlecache", "nohandlecache"),
        ("vers=3.0", "vers=3.0", "vers=3.1.1"),
        ("echo_interval=5", "echo_interval=5", "echo_interval"),
    ],
)
def test_the_users_options_win(given: str, there: str, gone: str) -> None:
    options = derive_options("wire", captured(), CaptureFacts(), given=[given])
    assert there in names(options)
    assert gone not in names(options)
    assert next(option.reason for option in options if str(option) == there) == "given"


@pytest.mark.parametrize(
    "given", ["password=x", "credentials=/x", "username=a", "a,b", "x=", "=x", "a=b,c", "a b"]
)
def test_options_that_cannot_be_given(given: str) -> None:
    with pytest.raises(UsageError, match="mount option"):
        derive_options("wire", captured(), CaptureFacts(), given=[given])


def test_a_profile_that_is_none() -> None:
    with pytest.raises(UsageError, match="'fast'"):
        derive_options("fast", captured(), CaptureFacts())


def test_account_and_target_add_theirs_and_never_the_password() -> None:
    account = Account("alice", secret("hunter2"), "LAB")
    own = account_options(account, ShareTarget("s", "x", port=4450), Identity(65534, 65533, "nobody"))
    text = to_argument(merge(own, derive_options("wire", captured(), CaptureFacts(), given=["sec=ntlmsspi"])))
    assert {"sec=ntlmsspi", "port=4450", "uid=65534", "gid=65533", "file_mode=0600"} <= set(text.split(","))
    assert {"nosuid", "nodev", "noexec"} <= set(text.split(","))
    assert "hunter2" not in text
    assert "alice" not in text
    kerberos = account_options(Account("bob", kerberos=True), ShareTarget("s", "x"), Identity(7, 7, "u"))
    assert names(kerberos) >= {"sec=krb5", "cruid=7"}


@given(
    st.lists(
        st.sampled_from(["serverino", "noserverino", "nodfs", "dfs", "cache=none", "cache=strict", "sign"])
    )
)
def test_overriding_is_idempotent_and_keeps_no_rivals(given: list[str]) -> None:
    once = override((), given)
    assert override(once, [str(option) for option in once]) == once
    kept = [option.name for option in once]
    assert len(kept) == len(set(kept))
    assert not {"serverino", "noserverino"} <= set(kept)


def operation(call: Call, path: str = "f", user: int = 0) -> Operation:
    return Operation(0, user, 0, 0, 0, 0, (), "test", path, call)


def opens(path: str, oplock: int = 0, lease_state: int = 0, user: int = 0) -> Operation:
    return operation(Open(1, path, Create(0, 7, 1, 0, 0, oplock, lease_state)), path, user)


def facts_of(operations: list[Operation], namespace: list[NamespaceEntry]) -> CaptureFacts:
    (facts,) = gather_facts(operations, namespace, 1)
    return facts


def test_facts_are_gathered_from_what_was_done() -> None:
    facts = facts_of(
        [opens("a/b:stream"), operation(Read(1, 0, 70000)), operation(Write(1, 0, 9)), operation(Flush(1))],
        [NamespaceEntry("a", Kind.DIRECTORY)],
    )
    assert facts == CaptureFacts(70000, 9, asked_for_caching=False, streams=True, flushes=True)
    assert not facts_of([opens("x", oplock=9)], []).flushes


@pytest.mark.parametrize(
    ("call", "sparse"),
    [
        (Truncate(1, 9), False),
        (Truncate(1, 9, sparse=True), True),
        (PunchHole(1, 0, 9), False),
        (PunchHole(1, 0, 9, sparse=True), True),
        (ShiftRange(1, 0, 9), False),
        (ShiftRange(1, 0, 9, insert=True), True),  # newer clients mark the file then, or refuse
    ],
)
def test_whether_files_were_marked_sparse_is_gathered(call: Call, sparse: bool) -> None:
    assert facts_of([opens("f"), operation(call), operation(Write(1, 0, 9))], []).sparse is sparse


@pytest.mark.parametrize(
    ("oplock", "lease_state", "asks"), [(0, 0, False), (0xFF, 0, False), (0xFF, 7, True), (9, 0, True)]
)
def test_caching_is_asked_for_by_oplock_or_lease(oplock: int, lease_state: int, asks: bool) -> None:
    assert facts_of([opens("x", oplock, lease_state)], []).asked_for_caching is asks


def test_more_locks_without_a_lease_than_opens_with_one_forbid_leases() -> None:
    def locked(handle: int) -> Operation:
        return operation(Lock(handle, 0, 1, exclusive=True, wait=False))

    cached, closed = opens("x", oplock=9), operation(Close(1))
    assert facts_of([cached, locked(2)], []).asked_for_caching is False
    assert facts_of([cached, locked(1), locked(1)], []).asked_for_caching is True
    assert facts_of([cached, closed, locked(1)], []).asked_for_caching is False
    assert facts_of([cached, closed, cached, locked(2)], []).asked_for_caching is True


def test_case_variants_are_those_of_one_file() -> None:
    assert facts_of([opens("A"), opens("a")], []).case_variants
    two = [NamespaceEntry("A", Kind.FILE), NamespaceEntry("a", Kind.FILE)]
    assert not facts_of([opens("A"), opens("a")], two).case_variants
    assert facts_of([opens("x\uf022y")], []).mapped_characters
    assert facts_of([opens("x?y")], []).reserved_characters


@pytest.mark.parametrize(
    ("levels", "without"),
    [([38, 38, 2], False), ([37], False), ([2], True), ([1, 2, 38], True), ([2, 38], False), ([], False)],
)
def test_listings_tell_how_a_client_of_linux_was_mounted(levels: list[int], without: bool) -> None:
    lists = [operation(List(1, "*", level, restart=True)) for level in levels]
    assert facts_of(lists, []).lists_without_ids is without


def test_a_client_that_asked_for_no_inode_numbers_needs_no_second_mount() -> None:
    facts = CaptureFacts(lists_without_ids=True, streams=True)
    assert stream_options(derive_options("wire", captured(), facts)) is None
    only_lists = derive_options("wire", captured(), CaptureFacts(lists_without_ids=True))
    assert names(stream_options(only_lists) or ()) - names(only_lists) == {"nomapposix"}


def test_what_one_user_does_says_nothing_of_another() -> None:
    alice = [
        opens("f:s", user=0),
        opens("x\uf022y", user=0),
        opens("A", user=0),
        opens("a", user=0),
        operation(Read(1, 0, 9), user=0),
        operation(Flush(1), user=0),
    ]
    bob = [opens("f", oplock=9, user=1), operation(Write(1, 0, 7), user=1), operation(Close(1), user=1)]
    facts = gather_facts([*alice, *bob], [NamespaceEntry("f:s", Kind.STREAM)], 3)
    assert facts == [
        CaptureFacts(9, 0, asked_for_caching=False, streams=True, mapped_characters=True, case_variants=True),
        CaptureFacts(0, 7, asked_for_caching=True, flushes=False),
        CaptureFacts(flushes=False),
    ]


@pytest.mark.parametrize(
    ("call", "flushed"),
    [
        (Truncate(1, 5, times=(1, 1, 1, 1)), True),
        (Truncate(1, 5, flushed=True), True),
        (Truncate(1, 5), False),
        (SetTimes(1, None, 5, 5, flushed=True), True),
        (SetTimes(1, None, 5, 5), False),
        (Flush(1), True),
    ],
)
@pytest.mark.parametrize("by_client", [True, False])
def test_a_flush_counts_whatever_it_came_with(call: Call, flushed: bool, by_client: bool) -> None:
    assert facts_of([replace(operation(call), by_client=by_client)], []).flushes is flushed


def test_a_mount_keeps_directories_unless_it_is_told_not_to() -> None:
    assert keeps_directories(derive_options("wire", captured(), CaptureFacts(keeps_directories=True)))
    assert not keeps_directories(derive_options("wire", captured(), CaptureFacts()))
    assert keeps_directories(derive_options("wire", captured(), CaptureFacts(), given=["handlecache"]))
    assert not keeps_directories(())  # a directory, which is not mounted
