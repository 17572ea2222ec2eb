"""What mount.cifs is given to read."""

from __future__ import annotations

import os
from pathlib import Path

from smbench.privileged.runs import _credentials


def test_credentials_are_in_memory_and_private(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p,a ss\n")
    with (
        (tmp_path / "password").open("rb") as password,
        _credentials(["alice", "LAB"], [password.fileno()]) as descriptor,
    ):
        path = Path(f"/proc/self/fd/{descriptor}")
        assert path.read_text() == "username=alice\ndomain=LAB\npassword=p,a ss\n"
        status = os.fstat(descriptor)
        assert (status.st_mode & 0o777, status.st_nlink) == (0o600, 0)
    assert not path.exists()


def test_with_kerberos_there_is_no_password() -> None:
    with _credentials(["alice", ""], []) as descriptor:
        assert Path(f"/proc/self/fd/{descriptor}").read_text() == "username=alice\n"
