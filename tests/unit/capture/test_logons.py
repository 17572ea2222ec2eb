"""The keytab of accounts, made from where their passwords stand, and what is told of accounts."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from smbench.capture import nt_keytab
from smbench.capture.logons import Logon, unfit, write_keytab
from smbench.errors import SetupError
from smbench.secret import secret
from smbench.trace.model import Session

ACCOUNTS = {"alice": "Pw_alice1", "bób": "pässwörd €𝄞", "empty": ""}
GIVEN = nt_keytab.HEADER + nt_keytab.entry("given", "other")


def written(*accounts: Logon, given: bytes | None = None) -> bytes:
    with tempfile.TemporaryFile() as file:
        write_keytab(file.fileno(), accounts, given)
        return os.pread(file.fileno(), 1 << 16, 0)


@pytest.mark.parametrize("given", [None, GIVEN], ids=["alone", "behind a keytab"])
def test_every_account_has_its_entry(given: bytes | None) -> None:
    entries = [nt_keytab.entry(name, password) for name, password in ACCOUNTS.items()]
    made = written(*(Logon(name, secret(password)) for name, password in ACCOUNTS.items()), given=given)
    assert made == (given or nt_keytab.HEADER) + b"".join(entries)


def test_without_accounts_a_keytab_stays_as_it_is() -> None:
    assert written(given=GIVEN) == GIVEN


@pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")
def test_a_program_that_does_not_work_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit('it is broken')\n")
    monkeypatch.setattr(nt_keytab, "__file__", str(tmp_path / "broken.py"))
    with pytest.raises(SetupError, match="cannot make keys of passwords: it is broken") as told:
        written(Logon("alice", secret("canary")))
    assert "canary" not in str(told.value)


def session(
    account: str, *, encrypted: bool = True, opened: bool = False, mechanism: str = "ntlmssp"
) -> Session:
    return Session(1, account=account, encrypted=encrypted, decrypted=opened, mechanism=mechanism)


def test_accounts_that_fit_are_not_told_and_others_are_by_name() -> None:
    accounts = [Logon(name, secret("x")) for name in ("fits", "WRONG", "ticket", "clear", "one", "two")]
    captures = [
        [session("Fits", opened=True), session("wrong"), session("ticket", mechanism="krb5")],
        [session("wrong", opened=True), session("clear", encrypted=False, opened=True)],
    ]
    assert unfit(accounts, captures) == [
        "the password of WRONG does not fit: 1 of its 2 encrypted sessions stay closed; check it",
        "ticket logged on by Kerberos, which no password of its opens: give the server's --keytab",
        "no session is of one, two: check their names",
    ]


def test_of_many_strangers_the_first_are_named() -> None:
    accounts = [Logon(f"user{number:04}", secret("x")) for number in range(1200)]
    (said,) = unfit(accounts, [[]])
    assert said.startswith("no session is of user0000, user0001, ")
    assert said.endswith("user0007 and 1,192 more: check their names")
