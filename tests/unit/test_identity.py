"""Whom root gives up its rights for, by what sudo says and by what the user namespace has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smbench import identity
from smbench.errors import SetupError
from smbench.identity import Identity, acting_as, ordinary_user, sudo_caller

ALL = "         0          0 4294967295\n"
ONLY_ROOT = "         0       1000          1\n"
MORE = "         0       1000          1\n         1     100000      65536\n"


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """This process as root, with /proc/self in a folder: as outside of every user namespace."""
    pytest.importorskip("pwd", reason="users have numbers on POSIX")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(identity, "_OF_THIS_PROCESS", tmp_path)
    for name, text in (("uid_map", ALL), ("gid_map", ALL), ("setgroups", "allow\n")):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("uid", "gid", "ids"),
    [
        ("1000", "1001", (1000, 1001)),
        ("1000", "0", (1000, 0)),
        ("4294967294", "4294967294", (4294967294, 4294967294)),
        ("0", "0", None),  # root called sudo
        ("4294967295", "1000", None),  # (uid_t) -1: setuid(2) would leave root as it is
        ("1000", "4294967295", None),
        ("4294967296", "1000", None),
        ("1000", "4294967296", None),
        ("9" * 5000, "1000", None),
        ("1000", "9" * 5000, None),
        ("-1", "1000", None),
        ("1000", "-1", None),
        ("1000.0", "1000", None),
        (" 1000", "1000", None),
        ("+1000", "1000", None),
        ("1_000", "1000", None),
        ("\u0661\u0660", "1000", None),
        ("\u00b2", "1000", None),
        ("alice", "1000", None),
        ("1000", "users", None),
        ("1000", "", None),
        ("", "1000", None),
        ("1000", None, None),
        (None, "1000", None),
        (None, None, None),
    ],
)
@pytest.mark.usefixtures("namespace")
def test_an_id_that_no_user_can_have_is_nobody(
    uid: str | None, gid: str | None, ids: tuple[int, int] | None
) -> None:
    given = {name: value for name, value in (("SUDO_UID", uid), ("SUDO_GID", gid)) if value is not None}
    caller, user = sudo_caller(given), ordinary_user(given)
    assert user is not None
    if ids is None:
        assert caller is None
        assert user == ordinary_user({})
        assert user.name == "nobody"
    else:
        assert caller == user
        assert (user.uid, user.gid) == ids


def test_a_caller_whom_the_namespace_has_not_is_nobody(namespace: Path) -> None:
    for name in ("uid_map", "gid_map"):
        (namespace / name).write_text(MORE)
    user = ordinary_user({"SUDO_UID": "65536", "SUDO_GID": "65536"})
    assert user is not None
    assert (user.uid, user.gid) == (65536, 65536)
    beyond = ordinary_user({"SUDO_UID": "65537", "SUDO_GID": "65536"})
    assert beyond is not None
    assert beyond.name == "nobody"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("uid_map", ONLY_ROOT, "has no such user"),
        ("gid_map", ONLY_ROOT, "has no such group"),
        ("setgroups", "deny\n", "forbids to give up groups"),
    ],
)
def test_a_namespace_in_which_root_cannot_become_nobody(
    namespace: Path, name: str, text: str, why: str
) -> None:
    (namespace / name).write_text(text)
    with pytest.raises(SetupError, match=f"cannot become nobody.*{why}.*ordinary user"):
        ordinary_user({})


def test_a_system_without_namespaces(namespace: Path) -> None:
    for file in namespace.iterdir():
        file.unlink()
    user = ordinary_user({})
    assert user is not None
    assert user.name == "nobody"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_root_acts_as_somebody_else_for_a_while(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    before = os.geteuid(), os.getegid(), os.getgroups()
    with acting_as(Identity(65534, 65533, "nobody")):
        meanwhile = os.geteuid(), os.getegid(), os.getgroups()
        with pytest.raises(PermissionError):
            secret.read_text()
    assert meanwhile == (65534, 65533, [])
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
    with acting_as(None):
        assert secret.read_text() == "x"
