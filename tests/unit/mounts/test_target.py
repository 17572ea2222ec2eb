"""Targets as people write them."""

from pathlib import Path

import pytest

from smbench.errors import UsageError
from smbench.mounts.target import DirectoryTarget, ShareTarget, parse_target

SHARES = [
    ("//srv/share", ShareTarget("srv", "share")),
    ("//srv/share/", ShareTarget("srv", "share")),
    ("//srv/share/a/b c", ShareTarget("srv", "share", "a/b c")),
    (r"\\srv\share\a\b", ShareTarget("srv", "share", "a/b")),
    ("//10.0.0.5:4450/share$", ShareTarget("10.0.0.5", "share$", port=4450)),
    ("//[::1]/share", ShareTarget("::1", "share")),
    ("//[fe80::1%eth0]:446/s/t", ShareTarget("fe80::1%eth0", "s", "t", 446)),
    ("//2001:db8::7/share", ShareTarget("2001:db8::7", "share")),
]


@pytest.mark.parametrize(("text", "target"), SHARES)
def test_a_share_is_read(text: str, target: ShareTarget) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("target", [target for _, target in SHARES])
def test_a_share_reads_back_as_it_is_shown(target: ShareTarget) -> None:
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("//srv", "names no share"),
        ("//srv/", "names no share"),
        ("///share", "names no share"),
        ("//srv/sh,are", "'sh,are'"),
        ("//srv/share/../other", "'..'"),
        ("//srv/share/a:b", "'a:b'"),
        ("//srv:0/share", "no server"),
        ("//srv:99999/share", "no server"),
        ("//a b/share", "no server"),
        ("", "does not exist"),
        ("/no/such/directory", "does not exist"),
    ],
)
def test_what_is_no_target_says_why(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_target(text)


def test_a_directory_is_itself_and_a_file_is_none(tmp_path: Path) -> None:
    assert parse_target(str(tmp_path)) == DirectoryTarget(tmp_path.resolve())
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is not a directory"):
        parse_target(str(tmp_path / "file"))
