"""Encrypted replays from the lab's guest (tests/kernel/sealed_inside.py), held against what they replayed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.command import run
from helpers.guest import Guest

from smbench.capture.formats import may_be_sealed
from smbench.run.store import OPENED_WIRE, WIRE

INSIDE = Path(__file__).parents[1] / "kernel/sealed_inside.py"
CLEAR = "clear"
CIPHERS = {"AES-128-CCM": "0x0001", "AES-128-GCM": "0x0002", "AES-256-CCM": "0x0003", "AES-256-GCM": "0x0004"}
"""By its name in smb.conf, its number ([MS-SMB2] 2.2.3.1.2)."""
NOT_OFFERED = {("posix", "AES-256-CCM")}
"""The client of Linux 6.1 knows three (build_encrypt_ctxt in fs/smb/client/smb2pdu.c)."""
EXECUTORS = ("posix", "library")
_STORY_S = 400
"""For ten mounts on a machine that does other things beside."""
ALIKE = 0.01
"""Timers and order of two runs differ a little."""


@dataclass(frozen=True)
class Held:
    """One replay beside what it replayed."""

    executor: str
    cipher: str
    run: Path
    recall: float
    precision: float
    exchanges: int

    def __str__(self) -> str:
        return (
            f"{self.executor:8} {self.cipher:12} recall {self.recall:.4f}  precision {self.precision:.4f}  "
            f"of {self.exchanges} exchanges"
        )


class Sealed:
    """All replays of one guest; its folder is `out`."""

    def __init__(self, out: Path, accounts: int, ciphers: list[str], deadline_s: int) -> None:
        self.out, self.accounts, self.ciphers = out, accounts, ciphers
        self.workload = out / "sealed.workload"
        environment = {"SEALED_ACCOUNTS": str(accounts), "SEALED_CIPHERS": " ".join(ciphers)}
        self._guest = Guest(
            INSIDE, out, users=accounts, deadline_s=deadline_s, environment=environment, story_s=_STORY_S
        )

    def held(self) -> Iterator[Held]:
        """Each replay, those in the clear first. AssertionError where one is missing, or not what it should
        be."""
        self._guest.tell("test_replays")
        for executor in EXECUTORS:
            for cipher in (CLEAR, *self.ciphers):
                if (executor, cipher) not in NOT_OFFERED:
                    yield self._held(executor, cipher)

    def _held(self, executor: str, cipher: str) -> Held:
        made = self.out / f"{executor}-{cipher}.run"
        sealed = cipher != CLEAR
        assert may_be_sealed(made / WIRE) == (made / OPENED_WIRE).is_dir() == sealed
        if sealed:
            assert _negotiated(made / WIRE) == {CIPHERS[cipher]}
        compared = run("compare", self.workload, made, "--json")
        assert compared.status == 0, compared.err
        document = json.loads(compared.out)
        wire = document["candidates"][0]["wire"]
        return Held(executor, cipher, made, wire["recall"], wire["precision"], wire["reference"])

    def users(self, folder: Path, **wrong: str) -> Path:
        """A users.toml with the lab's accounts; `wrong`: other passwords of some, and of strangers."""
        names = [f"user{number:02}" for number in range(1, self.accounts + 1)]
        passwords = {name: f"lab-{name}" for name in names} | wrong
        for name, password in passwords.items():
            (folder / name).write_text(password)
            (folder / name).chmod(0o600)
        path = folder / "users.toml"
        path.write_text(
            "".join(f'[[user]]\nname = "{name}"\npassword_file = "{name}"\n' for name in passwords)
        )
        return path


def wrong_in(held: list[Held]) -> list[str]:
    """Where an encrypted replay is not as its like in the clear."""
    clear = {one.executor: one for one in held if one.cipher == CLEAR}
    return [
        f"{one}, and in the clear {clear[one.executor]}"
        for one in held
        if one.exchanges != clear[one.executor].exchanges
        or abs(one.recall - clear[one.executor].recall) > ALIKE
        or abs(one.precision - clear[one.executor].precision) > ALIKE
    ]


def _negotiated(wire: Path) -> set[str]:
    asked = ["-Y", "smb2.cmd == 0 && smb2.flags.response == 1", "-T", "fields"]
    told = subprocess.run(
        ["tshark", "-n", "-r", wire, *asked, "-e", "smb2.negotiate_context.cipher_id"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(told.stdout.split())
