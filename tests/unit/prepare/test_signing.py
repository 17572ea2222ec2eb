"""The key that signs what prepare notes: made once, the caller's alone, never another's."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from smbench.errors import SetupError, UsageError
from smbench.prepare import signing
from smbench.prepare.signing import Signature, caller_key

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no modes")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of mine" / "state"))
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "of mine" / "state" / "smbench" / "prepare.key"


def test_it_is_made_once_and_kept(place: Path) -> None:
    key = caller_key()
    assert len(key) == 32
    assert caller_key() == key == place.read_bytes()
    assert [path.name for path in place.parent.iterdir()] == ["prepare.key"]
    place.unlink()
    assert caller_key() != key


@posix
def test_nobody_else_may_read_it(place: Path) -> None:
    previous = os.umask(0)
    try:
        caller_key()
    finally:
        os.umask(previous)
    assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    place.chmod(0o640)
    with pytest.raises(
        UsageError, match=r"is not yours alone \(it needs to be yours, mode 0600\): remove it"
    ):
        caller_key()


@posix
@pytest.mark.parametrize("what", ["a link", "a FIFO", "a folder", "short", "long", "a device"])
def test_something_else_of_its_name_is_no_key(place: Path, tmp_path: Path, what: str) -> None:
    place.parent.mkdir(parents=True)
    (tmp_path / "other").write_bytes(b"x" * 32)
    if what == "a link":
        place.symlink_to(tmp_path / "other")
    elif what == "a device":
        place.symlink_to("/dev/zero")
    elif what == "a FIFO":
        os.mkfifo(place, 0o600)
    elif what == "a folder":
        place.mkdir(mode=0o700)
    else:
        place.write_bytes(b"x" * (31 if what == "short" else 33))
        place.chmod(0o600)
    with pytest.raises(UsageError, match=r"prepare\.key.*remove it, and by hand what was prepared with it"):
        caller_key()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root has others' files")
def test_a_key_that_somebody_else_made_is_none(place: Path) -> None:
    caller_key()
    os.chown(place, 54321, 54321)
    with pytest.raises(UsageError, match="not yours alone"):
        caller_key()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root is called by sudo")
def test_by_sudo_it_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    with tempfile.TemporaryDirectory(prefix="home-of-a-test-") as name:
        os.chown(name, 54321, 54321)
        account = pwd.struct_passwd(("alice", "x", 54321, 54321, "", name, ""))
        monkeypatch.setattr(pwd, "getpwuid", {54321: account}.__getitem__)
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.setenv("SUDO_UID", "54321")
        monkeypatch.setenv("SUDO_GID", "54321")
        caller_key()
        place = Path(name) / ".local" / "state" / "smbench" / "prepare.key"
        assert (place.stat().st_uid, place.stat().st_mode & 0o777) == (54321, 0o600)
        assert os.geteuid() == 0


@pytest.mark.parametrize("value", ["", "relative/place"])
def test_without_a_place_of_its_own_it_is_in_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", value)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    caller_key()
    assert (tmp_path / ".local" / "state" / "smbench" / "prepare.key").is_file()


def test_a_place_where_nothing_can_be_made_is_told(place: Path, tmp_path: Path) -> None:
    (tmp_path / "of mine").write_text("a file")
    with pytest.raises((SetupError, UsageError), match=r"prepare\.key"):
        caller_key()


def test_a_signature_is_of_the_key_and_of_all_that_was_told() -> None:
    one, same, other, less = (
        Signature(b"k" * 32),
        Signature(b"k" * 32),
        Signature(b"l" * 32),
        Signature(b"k" * 32),
    )
    for signature, parts in ((one, (b"ab", b"c")), (same, (b"abc",)), (other, (b"abc",)), (less, (b"ab",))):
        for part in parts:
            signature.update(part)
    assert one.fits(str(same))
    assert not one.fits(str(other))
    assert not one.fits(str(less))
    assert not one.fits("")
    assert not one.fits("ä\ud800".encode("utf-8", "surrogatepass").decode("latin-1"))


@posix
def test_an_account_without_a_home_keeps_it_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(signing, "_home", lambda: tmp_path / "nonexistent")
    monkeypatch.setattr(signing, "_OF_HOMELESS", tmp_path)
    key = caller_key()
    folder = tmp_path / f"smbench-{os.getuid()}"
    assert (folder / "prepare.key").read_bytes() == key
    (folder / "prepare.key").unlink()
    folder.chmod(0o777)  # as of somebody who was there first
    with pytest.raises(UsageError, match="is not yours alone"):
        caller_key()
