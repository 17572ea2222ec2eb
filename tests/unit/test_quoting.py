"""What somebody gave is shown as it is."""

from __future__ import annotations

import pytest

from smbench.quoting import quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "'a b'"),
        ("DOM\\alice", "'DOM\\alice'"),
        ("\\\\srv\\share\\", "'\\\\srv\\share\\'"),
        ("it's", '"it\'s"'),
        ('"it\'s"', "'\"it's\"'"),
        ("übung", "'übung'"),
        ("two\nlines\x1b[0m", "'two\\nlines\\x1b[0m'"),
        ("\udcff", "'\\udcff'"),
        ("", "''"),
    ],
)
def test_in_quotes_on_one_line(text: str, shown: str) -> None:
    assert quoted(text) == shown
