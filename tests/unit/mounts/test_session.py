"""Opening a target without a kernel: directories, identities, and what is refused before anything is made."""

import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from helpers.privileged import InProcess

from smbench import identity
from smbench.errors import SetupError, UsageError
from smbench.identity import Identity, this_user
from smbench.mounts import cifs, session
from smbench.mounts.accounts import Account
from smbench.mounts.identity import worker_identity
from smbench.mounts.opened import UserMount
from smbench.mounts.options import Option
from smbench.mounts.session import open_target
from smbench.mounts.target import DirectoryTarget, ShareTarget
from smbench.privileged import client
from smbench.run.surroundings import Mount, StreamsMount
from smbench.secret import secret

ALICE = UserMount("alice", Account("a", secret("x")))


def test_a_directory_is_every_users_root(tmp_path: Path) -> None:
    with open_target(DirectoryTarget(tmp_path), [UserMount("a"), UserMount("b")]) as mounted:
        assert mounted.roots == [tmp_path, tmp_path]
        assert [one.user for one in mounted.mounts] == ["a", "b"]
        assert mounted.mounts[0].filesystem


def test_a_share_needs_an_account_for_every_user() -> None:
    with (
        pytest.raises(UsageError, match="--users"),
        open_target(ShareTarget("s", "x"), [ALICE, UserMount("bob")]),
    ):
        pass


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SUDO_UID": "1234567", "SUDO_GID": "1234"}, Identity(1234567, 1234, "1234567")),
        ({"SUDO_UID": "0", "SUDO_GID": "0"}, "nobody"),
        ({"SUDO_UID": "x", "SUDO_GID": ""}, "nobody"),
        ({}, "nobody"),
    ],
)
def test_workers_on_a_share_are_who_called_sudo_or_nobody(
    as_root: None, environment: dict[str, str], expected: Identity | str
) -> None:
    found = worker_identity(ShareTarget("s", "x"), environment)
    assert found is not None
    assert expected in (found, found.name)
    assert found.uid != 0


def test_workers_in_a_user_namespace(as_root: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They stay its root where the folder is its own, and else are refused."""
    for name, text in (("uid_map", "0 1000 1"), ("gid_map", "0 1000 1"), ("setgroups", "deny")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(identity, "_OF_THIS_PROCESS", tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result((0o40755, 0, 0, 1, 0, 0, 0, 0, 0, 0)))
    assert worker_identity(DirectoryTarget(tmp_path)) is None
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result((0o40755, 0, 0, 1, 7, 0, 0, 0, 0, 0)))
    with pytest.raises(SetupError, match=f"{tmp_path} are made as its owner.*user namespace"):
        worker_identity(DirectoryTarget(tmp_path))


def test_workers_on_a_directory_are_its_owner(as_root: None, tmp_path: Path) -> None:
    found = worker_identity(DirectoryTarget(tmp_path))
    assert found is not None
    assert (found.uid, found.gid) == (tmp_path.stat().st_uid, tmp_path.stat().st_gid)


def test_an_ordinary_user_stays_itself_and_cannot_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert worker_identity(ShareTarget("s", "x")) == this_user()
    with pytest.raises(SetupError, match="sudo"):
        cifs.require_client()


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"program": False, "kernel": True}, "apt-get install cifs-utils"),
        ({"program": True, "kernel": False}, "modprobe cifs"),
    ],
)
def test_without_mount_cifs_or_the_kernels_client(
    helper: InProcess, monkeypatch: pytest.MonkeyPatch, found: dict[str, bool], says: str
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: name if name == "apt-get" else None)
    helper.instead["client"] = lambda: found
    with pytest.raises(SetupError, match=says):
        cifs.require_client()


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(SetupError, match=rf"no connection to 127\.0\.0\.1 port {port}"):
        cifs.require_server(ShareTarget("127.0.0.1", "x", port=port))


@pytest.mark.parametrize(
    ("error", "says"), [(TimeoutError(), "does not answer within"), (socket.gaierror(), "cannot be resolved")]
)
def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch, error: OSError, says: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(SetupError, match=says):
        cifs.require_server(ShareTarget("srv", "x"))


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """Of a machine with a client and a server."""
    runtime = tmp_path / "runtime"
    one = InProcess(runtime, client=lambda: {"program": True, "kernel": True})
    monkeypatch.setattr(client, "_started", one)
    for module in ("session", "state"):
        monkeypatch.setattr(f"smbench.mounts.{module}.RUNTIME_FOLDER", runtime)
    monkeypatch.setattr(cifs, "require_server", lambda _: None)
    yield one
    one.close()


def test_a_second_mount_belongs_to_its_user(helper: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind all first ones, so that these are as they would be without it."""
    seen: dict[str, str] = {}

    def mount(
        password: int, *, name: str, account: Sequence[str], options: Sequence[str], **_: object
    ) -> dict[str, object]:
        assert Path(f"/proc/self/fd/{password}").read_text() == "x"
        assert os.fstat(password).st_mode & 0o777 == 0o600
        seen[name] = f"{account[0]} {options[-1]}"
        return {"status": 0, "said": "", "log": ""}

    def verified(
        target: ShareTarget, mounts: Sequence[tuple[str, Account, object, Path]], leads_to: None
    ) -> list[Mount]:
        assert all(root.is_dir() for _, _, _, root in mounts)
        return [Mount(user=user, root=str(root)) for user, _, _, root in mounts]

    helper.instead["mount"] = mount
    monkeypatch.setattr(session, "_verify", verified)
    one, two = (Account(name, secret("x")) for name in ("one", "two"))
    users = [
        UserMount("a", one, (Option("soft", None, ""),)),
        UserMount("b", two, (Option("soft", None, ""),), (Option("hard", None, ""),)),
    ]
    heard: list[tuple[int, int]] = []
    with open_target(
        ShareTarget("s", "x"), users, None, lambda done, of: heard.append((done, of))
    ) as mounted:
        assert list(seen.items()) == [
            ("user01", "one soft"),
            ("user02", "two soft"),
            ("user02-streams", "two hard"),
        ]
        assert mounted.streams == [None, mounted.roots[1].with_name("user02-streams")]
        assert [one.user for one in mounted.mounts] == ["a", "b"]
        assert mounted.mounts[0].streams is None
        assert mounted.mounts[1].streams == StreamsMount(root=str(mounted.streams[1]))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert list(helper.runtime.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SetupError])
def test_an_end_in_the_middle_of_mounting_leaves_nothing(
    helper: InProcess, error: type[BaseException]
) -> None:
    seen: list[str] = []

    def mount(_: int, *, run: str, name: str, **__: object) -> dict[str, object]:
        assert (helper.runtime / f"{run}.json").exists(), "it stands before a mount is tried"
        assert (helper.runtime / run / name).is_dir()
        seen.append(name)
        if len(seen) == 2:
            raise error
        return {"status": 0, "said": "", "log": ""}

    helper.instead["mount"] = mount
    with pytest.raises(error), open_target(ShareTarget("s", "x"), [ALICE, ALICE, ALICE]):
        pass
    assert len(seen) == 2
    assert list(helper.runtime.iterdir()) == []
