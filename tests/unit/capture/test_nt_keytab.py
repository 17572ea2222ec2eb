"""MD4 by its own standard, and a keytab's entry byte by byte."""

from __future__ import annotations

import pytest

from smbench.capture.nt_keytab import HEADER, entry, md4


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"a", "bde52cb31de33e46245e05fbdbd6fb24"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
        (b"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        (
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "043f8582f241db351ce627e153e7f0e4",
        ),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
    ids=["empty", "a", "abc", "words", "letters", "more than a block's room", "two blocks"],
)
def test_md4_as_its_standard_has_it(message: bytes, digest: str) -> None:
    """RFC 1320, appendix A.5."""
    assert md4(message).hex() == digest


def test_the_hash_of_a_password_is_that_of_its_utf_16() -> None:
    """[MS-NLMP] 4.2.2.1.2 has it of `Password`."""
    assert entry("User", "Password").endswith(bytes.fromhex("a4f49c406510bdcab6824ee7c30fd852"))


def test_an_entry_says_how_long_it_is_whose_and_of_which_kind() -> None:
    made = entry("zoë", "pässwörd €𝄞")
    assert HEADER == b"\5\2"
    assert int.from_bytes(made[:4], "big") == len(made) - 4
    assert made[4:6] == b"\0\1"
    assert made[6:].startswith(b"\0\7SMBENCH\0\4zo\xc3\xab\0\0\0\1")
    assert made[-20:-16] == b"\0\x17\0\x10"
