"""A run's own wire, opened by its accounts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.command import PROJECT, THREE_USERS

from smbench.errors import UsageError
from smbench.mounts.accounts import Account
from smbench.mounts.target import parse_target
from smbench.pipeline.progress import SILENT
from smbench.pipeline.wire import RunWire, refuse_without_wire
from smbench.run.store import OPENED_WIRE, WIRE
from smbench.run.surroundings import Wire
from smbench.secret import secret
from smbench.workload.store import read

GCM = PROJECT.parent / "shared/captures/smbclient_311_encrypted_gcm.pcap"
"""Of alice's session, whose password is Pw_alice1."""
needs_captures = pytest.mark.skipif(
    not GCM.is_file(), reason="the public captures are not beside the project"
)


class Captured:
    """A capture that has ended."""

    def describe(self) -> Wire:
        return Wire(file=WIRE, interface="lo")


def opened(folder: Path, capture: Path, *passwords: str) -> str:
    """What the run says to be encrypted still."""
    shutil.copyfile(capture, folder / WIRE)
    wire = RunWire(folder / WIRE, 445, Captured())  # type: ignore[arg-type]
    accounts = [Account(f"user{at}", secret(word)) for at, word in enumerate(passwords)]
    wire.open([None, Account("ticket", kerberos=True), *accounts], SILENT)
    described = wire.describe()
    assert described is not None
    return described.sealed


@needs_captures
def test_what_the_accounts_open_is_kept(tmp_path: Path) -> None:
    assert opened(tmp_path, GCM, "wrong", "Pw_alice1") == ""
    trace = read(tmp_path / OPENED_WIRE).info.trace
    assert trace.captures == [WIRE]
    assert trace.commands["CREATE"] == 7


@needs_captures
@pytest.mark.parametrize("passwords", [("wrong",), ()], ids=["other accounts", "none"])
def test_what_they_do_not_open_is_told_and_no_error(passwords: tuple[str, ...], tmp_path: Path) -> None:
    said = opened(tmp_path, GCM, *passwords)
    assert said.startswith(f"all SMB traffic in {WIRE} is encrypted (")
    assert not (tmp_path / OPENED_WIRE).exists()


def test_what_is_in_the_clear_stays_as_it_is(tmp_path: Path) -> None:
    assert opened(tmp_path, THREE_USERS, "x") == ""
    assert [path.name for path in tmp_path.iterdir()] == [WIRE]


def test_of_a_run_without_a_wire_there_is_nothing(tmp_path: Path) -> None:
    wire = RunWire(tmp_path / WIRE)
    wire.mark()
    wire.open([], SILENT)
    assert wire.describe() is None
    with pytest.raises(UsageError, match="is a directory: give //server/share"):
        refuse_without_wire(parse_target(str(tmp_path)))
