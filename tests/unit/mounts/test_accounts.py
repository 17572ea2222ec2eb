"""users.toml, and who stands for whom."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.mounts.accounts import Account, deal, load_accounts, unmatched
from smbench.secret import secret


def written(folder: Path, text: str) -> Path:
    path = folder / "users.toml"
    path.write_text(text)
    secret = folder / "a.pw"
    secret.write_text("p,a ss\n")
    secret.chmod(0o600)
    return path


def test_every_form_of_account_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(
        tmp_path,
        """
        [[user]]
        name = "alice"
        password_file = "a.pw"
        captured = 'CORP\\asmith'
        [[user]]
        name = 'LAB\\bob'
        password_env = "BOB"
        [[user]]
        name = "carol"
        kerberos = true
        domain = "LAB"
        """,
    )
    monkeypatch.setenv("BOB", "hidden")
    loaded = load_accounts(path)
    told = [replace(account, password=None) for account in loaded.accounts]
    assert told == [
        Account("alice", captured="CORP\\asmith"),
        Account("bob", domain="LAB"),
        Account("carol", domain="LAB", kerberos=True),
    ]
    passwords = [account.password for account in loaded.accounts]
    assert [one and one.text() for one in passwords] == ["p,a ss", "hidden", None]
    assert loaded.warnings == ()
    assert "hidden" not in repr(loaded)
    assert "BOB" not in os.environ
    again = load_accounts(path).accounts[1].password
    assert again is not None
    assert again.text() == "hidden", "what was taken out of the environment is remembered"


def test_a_password_file_that_others_can_read_draws_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path, '[[user]]\nname="a"\npassword_file="a.pw"')
    (tmp_path / "a.pw").chmod(0o644)
    assert "chmod 600" in load_accounts(path).warnings[0]


TWICE = '[[user]]\nname="a"\nkerberos=true\ncaptured="X"\n[[user]]\nname="b"\nkerberos=true\ncaptured="x"'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no account"),
        ("user = 3", "names no account"),
        ("[[user]\n", "is no TOML"),
        ('[[user]]\npassword_file="a.pw"', "has no name"),
        ('[[user]]\nname="a,b"\npassword_file="a.pw"', "has no name that can be used"),
        ('[[user]]\nname="a"', "it has none"),
        ('[[user]]\nname="a"\nkerberos=true\npassword_file="a.pw"', "password_file and kerberos"),
        ('[[user]]\nname="a"\npassword_file="b.pw"', r"a\): cannot read its password file"),
        ('[[user]]\nname="a"\npassword_file="b\\u0000"', "cannot read .* null"),
        ('[[user]]\nname="a"\npassword_file="/dev/zero"', "no ordinary file: a password file holds one"),
        ('[[user]]\nname="a"\npassword_env="NOT_SET"', "NOT_SET that should hold its password is not set"),
        ('[[user]]\nname="a"\npassword="x"', "unknown key 'password'"),
        ('[[user]]\nname="a"\nkerberos="yes"', "true or false"),
        ('[[user]]\nname="a"\ndomain=3\nkerberos=true', "domain must be a text"),
        ('x=1\n[[user]]\nname="a"\nkerberos=true', "'x' outside"),
        (TWICE, "two accounts"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_why(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        load_accounts(written(tmp_path, text))
    assert str(tmp_path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_accounts(tmp_path / "none.toml")


ALICE = Account("alice", secret("x"), captured="CORP\\asmith")
BOB = Account("bob", secret("x"), captured="jones")
FREE = [Account("f1", secret("x")), Account("f2", secret("x"))]


@pytest.mark.parametrize(
    ("captured", "accounts", "dealt"),
    [
        (["corp\\ASMITH", "X"], [ALICE, *FREE], ["alice", "f1"]),
        (["CORP\\asmith", "CORP\\asmith#2"], [ALICE, *FREE], ["alice", "alice"]),
        (["CORP\\jones", "jones#3"], [BOB, *FREE], ["bob", "bob"]),
        (["a", "b", "c"], [ALICE, *FREE], ["f1", "f2", "f1"]),
        (["a", "b", "CORP\\asmith"], [ALICE], ["alice", "alice", "alice"]),
    ],
)
def test_named_first_and_the_rest_dealt_round(
    captured: list[str], accounts: list[Account], dealt: list[str]
) -> None:
    assert [account.name for account in deal(captured, accounts)] == dealt


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 7))
def test_dealing_is_even(captured: list[str], count: int) -> None:
    accounts = [Account(f"u{number}") for number in range(count)]
    names = [account.name for account in deal(captured, accounts)]
    shares = [names.count(account.name) for account in accounts]
    assert sum(shares) == len(captured)
    assert max(shares) - min(shares) <= 1


def test_a_captured_name_that_nobody_has_is_told() -> None:
    assert unmatched(["CORP\\asmith#2"], [ALICE, BOB, *FREE]) == ["jones"]


def test_who_is_outside_has_an_account_of_its_own_or_the_first_users() -> None:
    one, two, own = Account("u1"), Account("u2"), Account("svc", captured="outside")
    users = ["alice", "bob", "outside"]
    assert deal(users, [one, two], "outside") == [one, two, one]
    assert deal(users * 2, [one, two], "outside") == [one, two, one, one, two, one]
    assert deal(users, [one, own, two], "outside") == [one, two, own]
