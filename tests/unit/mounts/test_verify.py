"""What the kernel says of its mounts, on samples taken from Linux 6.1 (names kept, nothing cut)."""

from pathlib import Path

import pytest

from smbench.errors import SetupError
from smbench.mounts.debugdata import parse_debug_data
from smbench.mounts.mountinfo import MountEntry, mount_of, parse_mountinfo
from smbench.mounts.options import Option
from smbench.mounts.verify import MountFacts, TreeId, describe, differences
from smbench.run.surroundings import Mount

# Three mounts: plain, SMB 3.0 signed, encrypted over two channels; the newest comes first.
DEBUG_DATA = (Path(__file__).parent / "DebugData-6.1.txt").read_text()
# As newer kernels print the head of a connection.
NEWER = """Servers:
1) ConnectionId: 0x2a Hostname: files.lab
ClientGUID: 0AD65E35-6BA5-4C46-9F5C-1F2B2D3A4B5C
Number of credits: 8190,1,1 Dialect 0x311 posix nosharesock
Server capabilities: 0x300067

\tSessions:
\t1) Address: 10.0.0.5 Uses: 1 Capability: 0x300067\tSession Status: 1
\tSecurity type: RawNTLMSSP  SessionId: 0x10000001 encrypted(gcm-aes-128) signed

\tShares:
\t1) \\\\files.lab\\data Mounts: 1 DevInfo: 0x20020 Attributes: 0xc706ff
\ttid: 0x5\tOptimal sector size: 0x200
"""
MOUNTINFO = r"""20 23 0:26 / /mnt/a rw,relatime - cifs //127.0.0.1/share rw,vers=3.1.1,rsize=65536,soft
21 23 0:27 / /mnt/with\040blank rw shared:1 master:2 - cifs //s/a\040b rw,actimeo=1
22 23 8:1 / / rw - ext4 /dev/sda1 rw
nonsense
23 22 0:28 / /mnt rw - tmpfs tmpfs rw
"""


def test_connections_are_read_with_what_belongs_to_them() -> None:
    encrypted, signed, plain = parse_debug_data(DEBUG_DATA)
    assert [c.dialect for c in (plain, signed, encrypted)] == [0x311, 0x300, 0x311]
    assert all(c.nosharesock and c.host == "127.0.0.1" and c.credits for c in (plain, signed, encrypted))
    assert [c.signed for c in (plain, signed, encrypted)] == [False, True, False]
    assert [c.sessions[0].encrypted for c in (plain, signed, encrypted)] == [False, False, True]
    assert [c.sessions[0].channels for c in (plain, signed, encrypted)] == [1, 1, 2]
    assert plain.sessions[0].session_id == 0x9D69E17
    assert [(t.share, t.tree_id) for t in plain.sessions[0].trees] == [(r"\\127.0.0.1\share", 0x8A9EA0F6)]


def test_a_newer_kernels_words_are_understood() -> None:
    (connection,) = parse_debug_data(NEWER)
    assert (connection.connection_id, connection.host, connection.credits) == (0x2A, "files.lab", 8190)
    assert connection.nosharesock
    (session,) = connection.sessions
    assert (session.session_id, session.signed) == (0x10000001, True)
    assert session.encrypted
    assert session.trees[0].share == r"\\files.lab\data"


@pytest.mark.parametrize(
    "text", ["", "Servers:\n\t[NONE]\n", "1) entry for an old kernel\n", NEWER[:90], NEWER[:300]]
)
def test_less_text_gives_less_and_no_error(text: str) -> None:
    assert len(parse_debug_data(text)) <= 1


def test_every_cut_of_the_sample_is_read() -> None:
    for length in range(0, len(DEBUG_DATA), 37):
        assert len(parse_debug_data(DEBUG_DATA[:length])) <= 3


def test_mountinfo_is_read_with_its_escapes() -> None:
    entries = parse_mountinfo(MOUNTINFO)
    assert [str(entry.path) for entry in entries] == ["/mnt/a", "/mnt/with blank", "/", "/mnt"]
    assert entries[0].options["rsize"] == "65536"
    assert entries[0].options["soft"] is None
    assert (entries[1].source, entries[1].is_cifs, entries[2].is_cifs) == ("//s/a b", True, False)


@pytest.mark.parametrize(
    ("path", "on"), [("/mnt/a/x", "/mnt/a"), ("/mnt/a", "/mnt/a"), ("/mnt/abc", "/mnt"), ("/etc", "/")]
)
def test_a_path_lies_on_the_nearest_mount(path: str, on: str) -> None:
    entry = mount_of(Path(path), parse_mountinfo(MOUNTINFO))
    assert entry is not None
    assert str(entry.path) == on


def entry(**options: str | None) -> MountEntry:
    return MountEntry(Path("/run/x"), "cifs", "//127.0.0.1/share", options)


def facts(user: str, session: int | None) -> MountFacts:
    tree = None if session is None else TreeId(1, session)
    return MountFacts(user, user, (), entry(), tree)


SESSIONS = [c.sessions[0].session_id for c in parse_debug_data(DEBUG_DATA)]


def test_each_user_is_found_on_a_connection_of_its_own() -> None:
    mounts = [facts(f"u{number}", session) for number, session in enumerate(SESSIONS)]
    described = describe(mounts, parse_debug_data(DEBUG_DATA))
    connections = [one.connection for one in described if one.connection is not None]
    assert [connection.dialect for connection in connections] == ["3.1.1", "3.0", "3.1.1"]
    assert [connection.encrypted for connection in connections] == [True, False, False]
    assert len({connection.id for connection in connections}) == 3


def test_two_users_on_one_connection_are_refused() -> None:
    mounts = [facts("alice", SESSIONS[0]), facts("bob", SESSIONS[0])]
    with pytest.raises(SetupError, match=r"alice and bob share one connection.*nosharesock"):
        describe(mounts, parse_debug_data(DEBUG_DATA))


def test_where_the_kernel_tells_no_ids_there_must_be_enough_connections() -> None:
    connections = parse_debug_data(DEBUG_DATA)
    assert describe([facts(f"u{n}", None) for n in range(3)], connections)[0].connection is None
    with pytest.raises(SetupError, match="only 3 of 4 users"):
        describe([facts(f"u{n}", None) for n in range(4)], connections)


@pytest.mark.parametrize(
    ("asked", "effective", "says"),
    [
        (Option("rsize", "8388608", ""), {"rsize": "4194304"}, "4194304 is what the server allows"),
        (Option("rsize", "65536", ""), {"rsize": "4194304"}, None),
        (Option("file_mode", "0600", ""), {"file_mode": "600"}, None),
        (Option("cache", "none", ""), {"cache": "strict"}, "cache=strict in effect"),
        (Option("sign", None, ""), {}, "sign asked, not in effect"),
        (Option("nosharesock", None, ""), {}, None),
    ],
)  # fmt: skip
def test_what_did_not_take_effect_is_told(
    asked: Option, effective: dict[str, str | None], says: str | None
) -> None:
    found = differences([asked], entry(**effective))
    assert bool(found) is (says is not None)
    assert says is None or says in found[0]


def test_what_is_in_flight_is_counted_but_for_echoes() -> None:
    assert [one.in_flight for one in parse_debug_data(DEBUG_DATA)] == [0, 0, 0]
    requests = [f"\tState: 2 com: {command} pid: 1242 cbdata: 0000 mid 321\n" for command in (9, 13)]
    text = DEBUG_DATA.replace("MIDs: \n", "MIDs: \n" + "".join(requests), 1)
    assert [one.in_flight for one in parse_debug_data(text)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("share", "leads_to", "shown"),
    [
        ("//srv/share", None, "//srv/share"),
        ("//fs1/data", "//fs1/data", "//fs1/data"),
        ("//srv/dfs/link", "//fs1/data", "//srv/dfs/link → //fs1/data"),
        (None, None, None),
    ],
)
def test_a_mount_shows_where_dfs_leads_from_it(
    share: str | None, leads_to: str | None, shown: str | None
) -> None:
    assert Mount(user="a", root="/mnt", share=share, leads_to=leads_to).led == shown


def test_a_tree_in_dfs_and_the_servers_address_are_told() -> None:
    (first, *_) = parse_debug_data(DEBUG_DATA)
    assert first.sessions[0].address == "127.0.0.1"
    assert not any(tree.dfs for tree in first.sessions[0].trees)
    text = DEBUG_DATA.replace(
        "Share Capabilities: None Aligned, Partition Aligned,",
        "Share Capabilities: DFS, Aligned, Partition Aligned,",
    )
    assert [tree.dfs for tree in parse_debug_data(text)[0].sessions[0].trees] == [True]
