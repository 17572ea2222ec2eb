"""tshark's home: who may read it, and that keys stand in no file of it."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from smbench.capture import home
from smbench.capture.home import private_home
from smbench.errors import SetupError

SECRET = "Pw_alice1"


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if not path.is_symlink())


@pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")
def test_keys_are_in_memory_behind_a_link_that_only_who_inherits_them_can_follow() -> None:
    with private_home({"tap.lua": "x"}, {"ntlmssp.nt_password": SECRET}, {"keytab": b"\5\2key"}) as made:
        named = {path.name for path in made.folder.iterdir()}
        assert named == {"keytab", "owner.json", "preferences", "tap.lua"}
        assert SECRET.encode() not in on_disk(made.folder)
        assert b"key" not in on_disk(made.folder)
        assert f"ntlmssp.nt_password: {SECRET}\n" in (made.folder / "preferences").read_text()
        assert (made.folder / "keytab").read_bytes() == b"\5\2key"
        assert len(made.descriptors) == 2
        for descriptor in made.descriptors:
            found = os.fstat(descriptor)
            assert (found.st_nlink, found.st_mode & 0o777) == (0, 0o600)
            assert not os.get_inheritable(descriptor)
            with pytest.raises(OSError, match="Operation not permitted"):
                os.write(descriptor, b"x")
    assert not made.folder.exists()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(made.descriptors[0])


def test_settings_without_keys_are_files() -> None:
    with private_home({"tap.lua": "x"}, {}, {}) as made:
        assert made.descriptors == ()
        assert b"nameres.network_name: FALSE\n" in on_disk(made.folder)
        assert made.folder.stat().st_mode & 0o777 == 0o700


def test_without_files_in_memory_they_are_private_and_gone_with_the_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.ENOSYS, "no such call")

    monkeypatch.setattr(os, "memfd_create", refused, raising=False)
    with private_home({}, {"ntlmssp.nt_password": SECRET}, {}) as made:
        assert made.descriptors == ()
        assert (made.folder / "preferences").stat().st_mode & 0o777 == 0o600
        assert SECRET.encode() in on_disk(made.folder)
    assert not made.folder.exists()


def opened() -> set[str]:
    """The descriptors of this process."""
    place = Path("/proc/self/fd")
    return {path.name for path in place.iterdir()} if place.is_dir() else set()


def test_nothing_stays_open_where_there_is_no_place_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = opened()
    monkeypatch.setattr(home, "_write", refused)
    with (
        pytest.raises(SetupError, match="no room left on the disk"),
        private_home({"a": "x"}, {"ntlmssp.nt_password": SECRET}, {}),
    ):
        pass
    assert opened() == before
