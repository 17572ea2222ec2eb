"""Encrypted wires in the lab: recall and precision as in the clear, by accounts, cipher and executor."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers.sealed import CIPHERS, Sealed, wrong_in

from security.row import Row

_GUEST_S = 3_600


def rows(short: bool) -> Iterator[Row]:
    """A row for three accounts and one for ten; each replay as a note."""
    for accounts in (3,) if short else (3, 10):
        row = Row(f"replays of {accounts} accounts", 0)
        with tempfile.TemporaryDirectory(prefix="prove-security-") as out:
            sealed = Sealed(Path(out), accounts, [*CIPHERS][: 1 if short else None], _GUEST_S)
            held = []
            try:
                for one in sealed.held():
                    held.append(one)
                    row.notes.append(str(one))
            except AssertionError as error:
                row.wrong.append(str(error)[-600:])
            row.cases = len(held)
            row.wrong += wrong_in(held)
        yield row
