"""Windows' half of the mounts, as far as it is pure or pywin32 can be stood in for."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smbench.errors import SetupError, UsageError
from smbench.mounts.accounts import Account
from smbench.mounts.facts import CaptureFacts
from smbench.mounts.opened import UserMount
from smbench.mounts.target import DirectoryTarget, ShareTarget
from smbench.mounts.windows import connections as windows_connections
from smbench.mounts.windows import logon as windows_logon
from smbench.mounts.windows import mounting as windows
from smbench.mounts.windows.caches import AFTERWARDS, SETTINGS, check_caches, commands
from smbench.secret import secret
from smbench.trace.model import TraceInfo

ALICE, BOB = Account("alice", secret("a-pw"), "LAB"), Account("bob", secret("b-pw"))


class PyWin32Error(Exception):
    def __init__(self, winerror: int, strerror: str) -> None:
        super().__init__(winerror, strerror)
        self.winerror, self.strerror = winerror, strerror


class Token:
    def __init__(self, told: list[Any]) -> None:
        self.told = told

    def Close(self) -> None:  # noqa: N802
        self.told.append("closed")


class Windows:
    """win32security and win32wnet: tells what it was asked, refuses what it is told to."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.refuses: Exception | None = None

    def LogonUser(self, name: str, domain: str, password: str, kind: int, provider: int) -> Token:  # noqa: N802
        if self.refuses:
            raise self.refuses
        self.told.append(("logon", name, domain, password, kind, provider))
        return Token(self.told)

    def ImpersonateLoggedOnUser(self, token: Token) -> None:  # noqa: N802
        self.told.append(("acts", threading.current_thread().name))

    def RevertToSelf(self) -> None:  # noqa: N802
        self.told.append("reverted")

    class NETRESOURCE:
        dwType = 0  # noqa: N815
        lpRemoteName = ""  # noqa: N815

    def WNetAddConnection2(self, resource: Any, password: str, user: str, flags: int) -> None:  # noqa: N802
        if self.refuses:
            raise self.refuses
        self.told.append(("connected", resource.lpRemoteName, password, user, flags))

    def WNetCancelConnection2(self, name: str, flags: int, force: bool) -> None:  # noqa: N802
        self.told.append(("disconnected", name))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[Windows]:
    found = Windows()
    monkeypatch.setattr(windows_logon, "pywin32", lambda _: found)
    monkeypatch.setattr(windows_connections, "pywin32", lambda _: found)
    yield found
    windows_logon.close_all()


def test_a_user_has_one_logon_for_all_its_threads(system: Windows) -> None:
    logon = windows_logon.logon_of(0, ALICE)

    def act() -> None:
        with logon.entered():
            system.told.append("works")

    thread = threading.Thread(target=act, name="lane 2")
    act()
    thread.start()
    thread.join()
    new_credentials, winnt50 = 9, 3
    assert system.told == [
        ("logon", "alice", "LAB", "a-pw", new_credentials, winnt50),
        ("acts", "MainThread"), "works", "reverted",
        ("acts", "lane 2"), "works", "reverted",
    ]  # fmt: skip
    windows_logon.close_all()
    assert system.told[-1] == "closed"


def test_two_users_of_one_account_have_a_logon_each(system: Windows) -> None:
    for user in (0, 1):
        with windows_logon.logon_of(user, ALICE).entered():
            pass
    assert sum(told[0] == "logon" for told in system.told) == 2


def test_a_logon_goes_to_a_worker_and_its_password_into_no_message(system: Windows) -> None:
    logon = windows_logon.logon_of(3, BOB)
    assert pickle.loads(pickle.dumps(logon)) == logon
    assert "b-pw" not in repr(logon)


def test_a_refused_logon_is_a_sentence(system: Windows) -> None:
    system.refuses = PyWin32Error(1312, "A specified logon session does not exist.")
    with (
        pytest.raises(SetupError, match=r"logon for bob: A specified logon session does not exist\.$"),
        windows_logon.logon_of(0, BOB).entered(),
    ):
        pass
    with pytest.raises(SetupError, match="kerberos"):
        windows_logon.logon_of(0, Account("carol", kerberos=True))


def test_connections_end_with_their_block(system: Windows) -> None:
    with windows_connections.connections(r"\\srv\share", [ALICE, ALICE]):
        assert system.told == [("connected", r"\\srv\share", "a-pw", "LAB\\alice", 4)]
    assert system.told[1:] == [("disconnected", r"\\srv\share")]


@pytest.mark.parametrize(
    ("code", "words"), [(1219, "logon=impersonate"), (1326, "password"), (59, "error 59")]
)
def test_a_refused_connection_is_a_sentence(system: Windows, code: int, words: str) -> None:
    system.refuses = PyWin32Error(code, "As Windows says it")
    with (
        pytest.raises(SetupError, match=words),
        windows_connections.connections(r"\\srv\share", [ALICE]),
    ):
        pass
    assert system.told == []


def test_how_an_account_is_used_is_an_option() -> None:
    def derive(*given: str) -> list[str]:
        options = windows.derive_options("wire", TraceInfo(), CaptureFacts(), given=given)
        return [str(option) for option in options]

    assert derive() == ["logon=impersonate"]
    assert derive("logon=connection") == ["logon=connection"]
    for wrong in ("logon=other", "cache=none"):
        with pytest.raises(UsageError, match="logon=impersonate"):
            derive(wrong)


def test_a_directory_needs_nothing(tmp_path: Path) -> None:
    with windows.open_target(DirectoryTarget(tmp_path), [UserMount("a"), UserMount("b")]) as mounted:
        assert mounted.roots == [tmp_path] * 2
        assert mounted.acting == []
        assert [mount.user for mount in mounted.mounts] == ["a", "b"]


def test_a_share_that_cannot_be_reached_is_a_sentence(system: Windows) -> None:
    users = [UserMount("CORP\\a", ALICE)]
    with (
        pytest.raises(SetupError, match=r"cannot reach .*server.*share.* for CORP\\a as LAB\\alice"),
        windows.open_target(ShareTarget("server", "share"), users),
    ):
        pass
    assert system.told[-2:] == ["reverted", "closed"], "and nothing stays"


def test_only_port_445() -> None:
    with (
        pytest.raises(UsageError, match="445"),
        windows.open_target(ShareTarget("server", "share", port=4455), []),
    ):
        pass


@pytest.mark.parametrize(
    ("target", "expected"),
    [(ShareTarget("s", "x"), "\\\\s\\x\\"), (ShareTarget("s", "x", "a/b"), r"\\s\x\a\b")],
)
def test_unc_paths(target: ShareTarget, expected: str) -> None:
    assert str(windows.unc_path(target)).replace("/", "\\") == expected


def test_caches_that_windows_keeps_by_itself_hide_things() -> None:
    findings = check_caches({})
    assert [(found.name, found.value, found.is_default, found.ok) for found in findings] == [
        ("FileInfoCacheLifetime", 10, True, False),
        ("DirectoryCacheLifetime", 10, True, False),
        ("FileNotFoundCacheLifetime", 5, True, False),
    ]
    mended = commands(findings)
    assert mended[-1] == AFTERWARDS
    assert mended[0] == (
        r'reg add "HKLM\SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters" '
        "/v FileInfoCacheLifetime /t REG_DWORD /d 0 /f"
    )


def test_caches_that_are_off_are_well_and_wrong_for_applications() -> None:
    off = dict.fromkeys([setting.name for setting in SETTINGS], 0)
    assert commands(check_caches(off)) == []
    back = commands(check_caches(off, "application"))
    assert [command.split()[1] for command in back[:-1]] == ["delete"] * 3
    assert commands(check_caches({}, "application")) == []
