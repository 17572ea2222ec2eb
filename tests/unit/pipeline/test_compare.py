"""A side of which only what is encrypted is left is no side of a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.sides import side_of
from helpers.story import Wire

from smbench.errors import UsageError
from smbench.fidelity.comparison import compare
from smbench.fidelity.sides import Side
from smbench.pipeline.compare import _refuse_sealed


def told(folder: Path, *names: str) -> Side:
    wire = Wire()
    client = wire.client("alice")
    for name in names:
        client.opens(name).closes()
    return side_of(wire, folder)


@pytest.mark.parametrize("which", [0, 1], ids=["reference", "candidate"])
def test_it_is_refused_with_the_keys_that_are_wanted(which: int, tmp_path: Path) -> None:
    both = [told(tmp_path / name, *(() if at == which else ("a", "b"))) for at, name in enumerate("rc")]
    closed = both[which].info
    _refuse_sealed(compare(both[0], both[1]))  # nothing was sent, and nothing is encrypted
    closed.grade |= {"undecrypted": 1, "sealed_messages": 30}
    closed.sessions[0].decrypted = False
    with pytest.raises(
        UsageError, match=rf"nothing of {'rc'[which]} can be compared, and there is no recall: 1 of 1"
    ):
        _refuse_sealed(compare(both[0], both[1]))


def test_what_is_left_in_the_clear_is_compared(tmp_path: Path) -> None:
    reference, candidate = (told(tmp_path / name, "a") for name in "rc")
    candidate.info.grade |= {"undecrypted": 1, "sealed_messages": 30}
    compared = compare(reference, candidate)
    _refuse_sealed(compared)
    assert compared.wire.recall == 1
