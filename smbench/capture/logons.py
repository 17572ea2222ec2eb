"""Accounts whose passwords are known: the keytab of them, and what became of their sessions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from smbench.capture import nt_keytab
from smbench.capture.confinement import QUICK_S, surroundings
from smbench.errors import SetupError
from smbench.secret import Secret, place_of
from smbench.trace.model import Session

_NAMED = 8


@dataclass(frozen=True, slots=True)
class Logon:
    """An account, as sessions name it, and its password."""

    account: str
    password: Secret

    def __str__(self) -> str:
        return self.account


def write_keytab(descriptor: int, logons: Sequence[Logon], given: bytes | None = None) -> None:
    """Write to an open file what a keytab `given` holds, if there is one, and behind it the accounts' keys.
    SetupError where the program that makes them does not work."""
    os.write(descriptor, given or nt_keytab.HEADER)
    places = [place_of(logon.password) for logon in logons]
    files = {place[0] for place in places if place is not None}
    if len(files) != 1 or None in places:  # no files in memory here, or no accounts
        for logon in logons:
            os.write(descriptor, nt_keytab.entry(logon.account, logon.password.text()))
        return
    (passwords,) = files
    asked = [(logon.account, *place[1:]) for logon, place in zip(logons, places, strict=True) if place]
    numbers = (os.getpid(), passwords, descriptor)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", nt_keytab.__file__, *map(str, numbers)],
            input=json.dumps(asked), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            pass_fds=(passwords, descriptor), timeout=QUICK_S, check=False, **surroundings(Path(os.sep)),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise SetupError(f"cannot make keys of passwords: {error}") from None
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise SetupError(f"cannot make keys of passwords: {why}")


def unfit(logons: Sequence[Logon], captures: Iterable[Iterable[Session]]) -> list[str]:
    """Which accounts fit no session of the captures, and which have encrypted ones that their password does
    not open; in sentences."""
    of: dict[str, list[Session]] = {}
    for sessions in captures:
        for session in sessions:
            of.setdefault((session.account or "").casefold(), []).append(session)
    said, strangers = [], []
    for logon in dict.fromkeys(logons):
        own = of.get(logon.account.casefold(), [])
        closed = [session for session in own if not session.decrypted]
        if not own:
            strangers.append(logon.account)
        elif closed and all(session.mechanism == "krb5" for session in closed):
            said.append(
                f"{logon} logged on by Kerberos, which no password of its opens: give the server's --keytab"
            )
        elif closed:
            those = f"{len(closed):,} of its {sum(session.encrypted for session in own):,} encrypted sessions"
            said.append(f"the password of {logon} does not fit: {those} stay closed; check it")
    if strangers:
        more = f" and {len(strangers) - _NAMED:,} more" if len(strangers) > _NAMED else ""
        said.append(f"no session is of {', '.join(strangers[:_NAMED])}{more}: check their names")
    return said
