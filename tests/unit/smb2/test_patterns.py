"""Search patterns match as [MS-FSA] 2.1.4.4 says."""

from __future__ import annotations

import pytest

from smbench.smb2.patterns import compiled, has_wildcard

CASES = [
    ("*", "anything.txt", True),
    ("", "anything", True),
    ("*.txt", "a.txt", True),
    ("*.txt", "a.TXT", True),
    ("*.txt", "atxt", False),
    ("a?c", "abc", True),
    ("a?c", "ac", False),
    ("a[b]", "a[b]", True),
    ("a[b]", "ab", False),
    ("<.txt", "a.b.txt", True),
    ("<.txt", "a.b.doc", False),
    (">>>", "ab", True),
    (">>>", "abcd", False),
    ('a"b', "a.b", True),
    ('a"', "a", True),
    ("plain", "PLAIN", True),
    ("plain", "plainer", False),
]


@pytest.mark.parametrize(("pattern", "name", "matches"), CASES)
def test_matches(pattern: str, name: str, matches: bool) -> None:
    assert bool(compiled(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize(
    ("pattern", "wild"), [("*", True), ("", True), ("a?", True), ('a"', True), ("a", False), ("a[b]", False)]
)
def test_has_wildcard(pattern: str, wild: bool) -> None:
    assert has_wildcard(pattern) is wild
