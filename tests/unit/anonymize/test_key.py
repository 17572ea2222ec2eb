"""The secret of pseudonyms cannot be guessed, and nobody else reads it."""

from __future__ import annotations

import base64
import os
import secrets
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.anonymize.key import _weak, key_of
from smbench.errors import SetupError, UsageError


def test_a_key_that_is_not_there_is_made(tmp_path: Path) -> None:
    key, made = key_of(tmp_path / "key")
    assert made
    assert key_of(tmp_path / "key") == (key, False)
    assert len(bytes.fromhex(key.decode())) == 32
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "only 0 different"),
        (b"correct horse", "made of words"),
        (b"passwordpassword123456", "made of words"),
        (b"0123456789abcdef0123456789abcdeg", "made of words"),
        (b"Kx9+dkQ0pLs/vb2E", "96 bits"),
        (bytes(range(200, 210)), "80 bits"),
        (b"a" * 64, "only 1 different"),
        (b"0123456789abcdef", "64 bits"),
        (b"0123456789abcdef" * 4, "repeats itself"),
        (bytes(range(7)) * 9, "only 7 different"),
        (b"x" * 5000, "more than 4,096 bytes"),
    ],
)
def test_what_can_be_guessed_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UsageError, match=why):
        key_of(tmp_path / "key")


@given(st.binary(min_size=32, max_size=32), st.integers(min_value=0, max_value=2))
def test_what_was_made_at_random_is_taken(seed: bytes, form: int) -> None:
    """As others make keys: bytes, hexadecimal, base64."""
    key = bytes(a ^ b for a, b in zip(seed, secrets.token_bytes(32), strict=True))
    assert not _weak((key, key.hex().encode(), base64.b64encode(key))[form])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes and files")
def test_a_key_is_a_file_of_nobody_elses(tmp_path: Path) -> None:
    key_of(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(UsageError, match=r"can be read by others \(mode 0640\): chmod 600"):
        key_of(tmp_path / "key")
    os.mkfifo(tmp_path / "fifo")
    for strange in (tmp_path / "fifo", Path("/dev/urandom"), tmp_path):
        with pytest.raises(UsageError, match="no ordinary file"):
            key_of(strange)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size there")
def test_half_a_key_is_not_left(tmp_path: Path) -> None:
    """Where nothing can be written any more, as on a full disk."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(SetupError, match="cannot write the key file"):
            key_of(tmp_path / "key")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not (tmp_path / "key").exists()
