"""Pseudonyms: what stays of a name, what goes, and that the same key gives the same again."""

from __future__ import annotations

import ipaddress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.anonymize.columns import KEPT, POLICY
from smbench.anonymize.pseudonyms import LENGTHS, Pseudonyms
from smbench.trace.store import SCHEMA
from smbench.workload.store import BREAKS_SCHEMA, COVERAGE_SCHEMA, NAMESPACE_SCHEMA, OPERATIONS_SCHEMA

NAMES = Pseudonyms(b"k" * 16, frozenset({"named pipe: there is no file", "on an open that is not replayed"}))


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("ledger.csv", r"[a-z2-7]{12}\.csv"),
        ("LEDGER.CSV", r"[a-z2-7]{12}\.csv"),
        ("a", r"[a-z2-7]{12}"),
        ("a quite long name.accdb", r"[a-z2-7]{24}\.accdb"),
        ("john.smith", r"[a-z2-7]{12}\.[a-z2-7]{12}"),
        ("john.doe", r"[a-z2-7]{12}\.[a-z2-7]{12}"),
        ("scan.007", r"[a-z2-7]{12}\.[a-z2-7]{12}"),
        ("20240131", r"[a-z2-7]{12}"),
        ("version 1.extraordinary", r"[a-z2-7]{24}"),
        ("archive.tar.gz", r"[a-z2-7]{12}\.gz"),
        (".bashrc", r"\.[a-z2-7]{12}"),
        ("~$ledger.docx", r"~\$[a-z2-7]{12}\.docx"),
        ("trailing. ", r"[a-z2-7]{12}\. "),
        ("file:Zone.Identifier:$data", r"[a-z2-7]{12}:[a-z2-7]{24}:\$DATA"),
        ("file::$DATA", r"[a-z2-7]{12}::\$DATA"),
        ("*", r"\*"),
        ("*.docx", r"\*\.docx"),
        ("<.txt", r"<\.txt"),
        ("ledg*.c?v", r"[a-z2-7]{12}\*\.c\?[a-z2-7]{12}"),
        ("..", r"\.\."),
        ("@GMT-2024.01.31-12.00.00", r"@GMT-19[7-9]\d\.[01]\d\.[0-3]\d-[012]\d\.\d\d\.\d\d"),
        ("@GMT-5", r"@GMT-\d+000000000"),
        ("unknown-17", r"unknown-17"),
        ("ipc$", r"ipc\$"),
        ("x" * 250, r"[a-z2-7]{250}"),
        ("x" * 251 + ".qqq", r"[a-z2-7]{242}\.[a-z2-7]{12}"),
        ("\ud800 lone", r"[a-z2-7]{12}"),
    ],
)
def test_a_component_keeps_its_meaning_and_nothing_of_its_name(name: str, like: str) -> None:
    import re

    assert re.fullmatch(like, NAMES.component(name)), NAMES.component(name)


def test_paths_keep_their_structure_whatever_separates_it() -> None:
    made = NAMES.path("office/2024/ledger.csv")
    assert made.split("/")[2] == NAMES.component("LEDGER.csv")
    assert NAMES.path("\\office\\2024\\..\\ledger.csv").split("\\") == [
        "", *made.split("/")[:2], "..", made.split("/")[2]
    ]  # fmt: skip
    assert NAMES.path("") == ""
    assert NAMES.path(":stream:$DATA") == ":" + NAMES.component("stream") + ":$DATA"


def test_names_are_the_same_as_to_a_server() -> None:
    """Which lowers each character by itself: a sigma at the end of a word is another letter."""
    assert NAMES.component("ΟΔΟΣ.TXT") == NAMES.component("οδοσ.txt") != NAMES.component("οδος.txt")


def test_a_path_that_is_asked_for_names_its_server_first() -> None:
    server, share = NAMES.host("ws01.corp.lab"), NAMES.component("c$")
    assert NAMES.asked_name(r"\ws01.corp.lab\C$") == rf"\{server}\{share}"
    assert NAMES.asked_name(r"office\a.txt") == NAMES.path(r"office\a.txt")


def test_patterns_with_a_part_of_a_name_are_told() -> None:
    names = Pseudonyms(b"k" * 16)
    for pattern in ("*", "*.docx", "<.txt", "ledger.docx", "?", "*.*", "a.b"):
        names.pattern(pattern)
    assert names.partial_patterns == set()
    for pattern in ("report*", "report*.docx", "*port", "a.tx*", "r?port"):
        names.pattern(pattern)
    assert names.partial_patterns == {"report*", "report*.docx", "*port", "a.tx*", "r?port"}


def test_equal_keys_agree_and_others_do_not() -> None:
    assert Pseudonyms(b"k" * 16).component("ledger") == NAMES.component("ledger")
    assert Pseudonyms(b"l" * 16).component("ledger") != NAMES.component("ledger")


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_names_that_differ_stay_different(one: str, other: str) -> None:
    same = NAMES.plain(one) == NAMES.plain(other)
    assert same == (one.lower() == other.lower())
    assert len(NAMES.plain(one)) in LENGTHS


@given(st.sets(st.integers(0, 2**32 - 1), max_size=50))
def test_no_two_addresses_become_one(addresses: set[int]) -> None:
    made = {NAMES.host(str(ipaddress.IPv4Address(address))) for address in addresses}
    assert len(made) == len(addresses)
    assert all(ipaddress.IPv4Address(address) for address in made)


def test_hosts_users_and_shares() -> None:
    assert ipaddress.IPv6Address(NAMES.host("2001:db8::1")).is_private
    assert NAMES.user("CORP\\asmith#2") == f"{NAMES.plain('corp')}\\{NAMES.plain('asmith')}#2"
    assert NAMES.user("unknown-3") == "unknown-3"
    server, share = NAMES.share_path("\\\\10.0.0.1\\Projects").removeprefix("\\\\").split("\\")
    assert (server, share) == (NAMES.host("10.0.0.1"), NAMES.component("projects"))


def test_identifiers_keep_their_form() -> None:
    made = NAMES.identifier("0123456789abcdef0123456789abcdef")
    assert len(made) == 32
    assert int(made, 16) != 0x0123456789ABCDEF0123456789ABCDEF
    assert NAMES.identifier("f" * 32) == "f" * 32
    assert NAMES.identifier("01234567-89ab").index("-") == 8
    assert NAMES.context("RqLs,DH2Q").split(",") == ["RqLs", "DH2Q"]
    assert NAMES.context("0a1b2c") != "0a1b2c"


def test_listings_keep_what_stands_beside_names() -> None:
    assert NAMES.change("4 office\\old.txt") == "4 " + NAMES.path("office\\old.txt")
    assert NAMES.stream(":secret:$DATA 12") == f":{NAMES.component('secret')}:$DATA 0"


def test_reasons_keep_this_programs_words_only() -> None:
    said = "on an open that is not replayed: named pipe: there is no file: srvsvc"
    assert NAMES.reason(said) == said.replace("srvsvc", NAMES.component("srvsvc"))
    assert NAMES.reason("named pipe: there is no file: FSCTL 0x0011C017").endswith(": FSCTL 0x0011C017")
    assert "20240131" not in NAMES.reason("named pipe: there is no file: 20240131")
    pipes = Pseudonyms(b"k" * 16, frozenset({"named pipe", "open"}), frozenset({"named pipe"}))
    for name in ("open", "FileSalaryInformation", "0xBEEF", "class 7", "AAPL"):
        assert pipes.reason(f"named pipe: {name}") == f"named pipe: {pipes.path(name)}"
    assert pipes.reason("named pipe: of unknown name") == "named pipe: of unknown name"
    assert "unheard" not in NAMES.reason("an unheard thing: of old")


def strings(name: str, kind: pa.DataType) -> list[str]:
    """The names of all columns of strings below this one."""
    if pa.types.is_struct(kind):
        return [found for field in kind for found in strings(field.name, field.type)]
    if pa.types.is_list(kind):
        element = kind.value_type
        return [name] if pa.types.is_string(element) else strings(name, element)
    return [name] if pa.types.is_string(kind) or pa.types.is_dictionary(kind) else []


def test_every_column_of_strings_is_judged() -> None:
    for schema in (SCHEMA, OPERATIONS_SCHEMA, NAMESPACE_SCHEMA, BREAKS_SCHEMA, COVERAGE_SCHEMA):
        for field in schema:
            for name in strings(field.name, field.type):
                assert (name in KEPT) != (name in POLICY), name
