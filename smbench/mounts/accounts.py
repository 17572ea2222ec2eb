"""users.toml: the accounts that stand for the captured users, and which stands for whom.

The file's form is the contract of the command line (replay, "Accounts").
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from smbench.errors import SetupError, UsageError
from smbench.quoting import quoted
from smbench.secret import Secret, secret_in, secret_of
from smbench.stored import open_stored, read_toml

_KEYS = {"name", "password_file", "password_env", "kerberos", "domain", "captured"}
_SECRETS = ("password_file", "password_env", "kerberos")
# mount.cifs hands name and domain to the kernel in a list that commas divide (only in the password
# does it double them), and reads its credentials line by line.
_UNFIT_NAME = re.compile(r"[,\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class Account:
    """One account on the target. `password` is None with Kerberos."""

    name: str
    password: Secret | None = None
    domain: str | None = None
    kerberos: bool = False
    captured: str | None = None
    """The captured user that it stands for, as `DOMAIN\\account` or `account`."""

    def __str__(self) -> str:
        return f"{self.domain}\\{self.name}" if self.domain else self.name


@dataclass(frozen=True, slots=True)
class Accounts:
    """What users.toml says, in its order, and what its reader should be warned of."""

    accounts: tuple[Account, ...]
    warnings: tuple[str, ...] = ()


def load_accounts(path: Path) -> Accounts:
    """Read users.toml. Relative password files are relative to it; a password that stands in the environment
    is taken out of it, once for all times that this process reads the file.

    Raises UsageError, one sentence, for whatever cannot be used.
    """
    document = read_toml(path, "the accounts in", "it holds a [[user]] table for each account")
    entries = document.get("user")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(
            f"{path} names no account: it holds a [[user]] table for each, with name and password_file."
        )
    if strange := sorted(set(document) - {"user"}):
        raise UsageError(
            f"{path} has {quoted(strange[0])} outside of any [[user]] table, which means nothing; remove it."
        )
    warnings: list[str] = []
    reader = _Reader(path, warnings)
    accounts = tuple(reader.account(number, entry) for number, entry in enumerate(entries, 1))
    _refuse_twice(path, [account.captured for account in accounts if account.captured])
    return Accounts(accounts, tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    warnings: list[str]

    def account(self, number: int, entry: dict[str, Any]) -> Account:
        name = entry.get("name")
        who = f"{self.path}: account {number}" + (f" ({name})" if isinstance(name, str) else "")
        if not isinstance(name, str) or not name or _UNFIT_NAME.search(name):
            raise UsageError(
                f"{who} has no name that can be used: a text without commas or control characters."
            )
        if strange := sorted(set(entry) - _KEYS):
            raise UsageError(
                f"{who} has the unknown key {quoted(strange[0])}; known are {', '.join(sorted(_KEYS))}."
            )
        for key in ("password_file", "password_env", "domain", "captured"):
            if not isinstance(entry.get(key, ""), str):
                raise UsageError(f"{who}: {key} must be a text.")
        if not isinstance(entry.get("kerberos", False), bool):
            raise UsageError(f"{who}: kerberos must be true or false.")
        domain = entry.get("domain")
        if domain is None and "\\" in name:
            domain, name = name.split("\\", 1)
        if domain is not None and _UNFIT_NAME.search(domain):
            raise UsageError(
                f"{who} has a domain with a comma or a control character, which a mount cannot take."
            )
        given = [key for key in _SECRETS if entry.get(key)]
        if len(given) != 1:
            has = "none" if not given else " and ".join(given)
            raise UsageError(
                f"{who} needs one of password_file, password_env or kerberos = true; it has {has}."
            )
        kerberos = given == ["kerberos"]
        password = None if kerberos else self.password(who, given[0], entry[given[0]])
        return Account(name, password, domain or None, kerberos, entry.get("captured") or None)

    def password(self, who: str, key: str, value: str) -> Secret:
        if key == "password_file":
            return self.password_file(who, self.path.parent / value)
        if value not in _OF_VARIABLES:
            try:
                _OF_VARIABLES[value] = secret_of(value)
            except (KeyError, ValueError) as error:
                why = "is not set" if isinstance(error, KeyError) else str(error)
                raise UsageError(
                    f"{who}: the environment variable {value} that should hold its password {why}."
                ) from None
        return _OF_VARIABLES[value]

    def password_file(self, who: str, path: Path) -> Secret:
        try:
            with open_stored(path, "a password file holds one line", given=True) as file:
                mode = os.fstat(file.fileno()).st_mode
                found = secret_in(file.fileno())
        except OSError as error:
            raise UsageError(f"{who}: cannot read its password file {path}: {error.strerror}.") from error
        except (UsageError, SetupError) as error:
            raise type(error)(f"{who}: {error}") from None
        except ValueError as error:
            raise UsageError(f"{who}: its password file {path} {error}.") from None
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            self.warnings.append(f"the password file {path} can be read by others: chmod 600 {path}")
        return found


_OF_VARIABLES: dict[str, Secret] = {}


def _refuse_twice(path: Path, captured: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in captured:
        if name.casefold() in seen:
            raise UsageError(f"{path}: two accounts stand for the captured user {name}; remove one.")
        seen.add(name.casefold())


def deal(
    captured_users: Sequence[str], accounts: Sequence[Account], outside: str | None = None
) -> list[Account]:
    """The account of each captured user: those named in `captured` first, the rest dealt round.

    The rest is dealt from the accounts that stand for nobody in particular, or from all where each
    stands for someone. The user `outside` was not captured: it has the account that stands for it, or else
    the first captured user's. Pure; `accounts` must not be empty.
    """
    named = {account.captured.casefold(): account for account in accounts if account.captured}
    free = cycle([account for account in accounts if not account.captured] or list(accounts))
    dealt: list[Account] = []
    for user in captured_users:
        match = next((named[alias] for alias in _aliases(user) if alias in named), None)
        if match is None and user == outside and dealt:
            match = dealt[0]
        dealt.append(match or next(free))
    return dealt


def unmatched(captured_users: Sequence[str], accounts: Sequence[Account]) -> list[str]:
    """The values of `captured` that no user of the capture answers to: most likely misspelt."""
    known = {alias for user in captured_users for alias in _aliases(user)}
    return [
        account.captured
        for account in accounts
        if account.captured and account.captured.casefold() not in known
    ]


def _aliases(user: str) -> list[str]:
    """What a captured user may be called, the most exact first: `DOM\\a#2`, `DOM\\a`, `a`."""
    whole = user.casefold()
    client = re.sub(r"#\d+\Z", "", whole)
    return [whole, client, client.rsplit("\\", 1)[-1]]
