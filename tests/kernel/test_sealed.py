"""Encrypted wires of real mounts in the lab: a small part of what `scripts/prove-security sealed` does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from helpers.command import run
from helpers.guest import needs_kernel
from helpers.sealed import CLEAR, EXECUTORS, NOT_OFFERED, Held, Sealed, wrong_in

from smbench.run.store import OPENED_WIRE, WIRE

CIPHER = "AES-128-GCM"
OF_THE_LIBRARY = "AES-256-CCM"
"""That the kernel's client does not offer: a target which no mount reaches, and the library does."""
_GUEST_S = 900
pytestmark = [pytest.mark.lab, needs_kernel, pytest.mark.timeout(_GUEST_S + 120)]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    return Sealed(tmp_path_factory.mktemp("lab"), 3, [CIPHER, OF_THE_LIBRARY], _GUEST_S)


@pytest.fixture(scope="module")
def held(sealed: Sealed) -> dict[tuple[str, str], Held]:
    return {(one.executor, one.cipher): one for one in sealed.held()}


@pytest.fixture
def closed(held: dict[tuple[str, str], Held], tmp_path: Path) -> Path:
    """A run that has not opened its wire."""
    made = tmp_path / "closed.run"
    shutil.copytree(held["posix", CIPHER].run, made)
    shutil.rmtree(made / OPENED_WIRE)
    return made


def test_an_encrypted_replay_compares_as_one_in_the_clear(held: dict[tuple[str, str], Held]) -> None:
    ciphers = (CLEAR, CIPHER, OF_THE_LIBRARY)
    assert held.keys() == {(executor, cipher) for executor in EXECUTORS for cipher in ciphers} - NOT_OFFERED
    assert wrong_in([*held.values()]) == []
    assert all(one.recall > 0.95 and one.exchanges > 30 for one in held.values())


def test_a_wire_that_stays_encrypted_is_refused_and_accounts_open_it(
    sealed: Sealed, held: dict[tuple[str, str], Held], closed: Path, tmp_path: Path
) -> None:
    refused = run("compare", sealed.workload, closed, "--no-page")
    assert refused.status == 2
    assert "is encrypted" in refused.err
    assert "give --users (or --nt-password-file) with the passwords of user01" in refused.err
    assert refused.out == ""
    users = sealed.users(tmp_path)
    opened = run("compare", sealed.workload, closed, "--users", users, "--json")
    wire = json.loads(opened.out)["candidates"][0]["wire"]
    assert (wire["recall"], wire["precision"]) == (
        held["posix", CIPHER].recall,
        held["posix", CIPHER].precision,
    )
    ingested = run("ingest", closed / WIRE, "--users", users, "-o", tmp_path / "w.workload", "--json")
    document = json.loads(ingested.out)
    assert (document["sealed"], document["grade"]["undecrypted"]) == (None, 0)


def test_a_password_that_does_not_fit_is_told_and_what_stays_closed_comes_first(
    sealed: Sealed, closed: Path, tmp_path: Path
) -> None:
    users = sealed.users(tmp_path, user02="wrong", stranger="lab-user01")
    told = run("compare", sealed.workload, closed, "--users", users, "--no-page")
    assert told.status == 0, told.err
    assert "the password of user02 does not fit: 1 of its 1 encrypted sessions stay closed" in told.err
    assert "no session is of stranger: check their names" in told.err
    first = " ".join(told.out.split("reference ")[0].split())
    assert "encrypted sessions without a key: 1 of 3 sessions" in first
    assert "with the passwords of user02" in first
