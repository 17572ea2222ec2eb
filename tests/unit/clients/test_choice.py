"""Which profile a client is taken for."""

from __future__ import annotations

import pytest

from smbench.clients.choice import Choice, How, choose, given
from smbench.clients.profile import shipped
from smbench.clients.telling import TELLING, Told, counted

KNOWN = dict(shipped())


def told_by(name: str, **other: dict[str, int]) -> Told:
    return Told({**{trial: counted(KNOWN[name].calls[trial]) for trial in TELLING}, **other})


@pytest.mark.parametrize(
    ("kernel", "does_as", "name"),
    [
        ("6.1.176", "linux-6.1", "linux-6.1"),
        ("6.1.0-39-amd64", "linux-6.12", "linux-6.12"),  # what it does goes before its version
        ("7.2.7", "linux-7.2", "linux-7.2"),
        ("6.12.113", "linux-6.12-samba-4.22", "linux-6.12"),  # the same client, on another server
    ],
)
def test_the_one_that_does_as_the_client_does(kernel: str, does_as: str, name: str) -> None:
    choice = choose(told_by(does_as), kernel, KNOWN)
    assert choice is not None
    assert (choice.name, choice.how, choice.unlike) == (name, How.CONFIRMED, ())
    assert choice.profile is KNOWN[name]
    assert choice.why.startswith(f"this client did as it says in {len(TELLING)} calls")


def test_a_client_that_none_fits_is_taken_for_the_nearest_and_that_is_said() -> None:
    choice = choose(told_by("linux-6.1", futimens={"CREATE": 9}), "6.1.176", KNOWN)
    assert choice is not None
    assert (choice.name, choice.how, choice.unlike) == ("linux-6.1", How.NEAREST, ("futimens",))
    tried = len(TELLING)
    assert choice.why == f"it is like this client in {tried - 1} of {tried} calls that were tried"


@pytest.mark.parametrize(
    ("kernel", "name"),
    [
        ("6.1.176", "linux-6.1"),
        ("6.8.0-45-generic", "linux-6.12"),
        ("5.15.0", "linux-6.1"),
        ("7.0.1", "linux-7.2"),
        ("unheard of", "linux-6.1"),
    ],
)
def test_where_nothing_told_the_nearest_kernel_is_taken(kernel: str, name: str) -> None:
    choice = choose(None, kernel, KNOWN)
    assert choice is not None
    assert (choice.name, choice.how) == (name, How.NEAREST)
    assert choice.why == (
        f"no call told anything; its kernel {KNOWN[name].kernel} is the nearest to {kernel}"
    )


def test_none_is_known() -> None:
    assert choose(told_by("linux-6.1"), "6.1.176", {}) is None


@pytest.mark.parametrize(
    ("told", "unlike", "why"),
    [
        (None, False, "no call told whether this client does as it says"),
        (told_by("linux-6.1"), False, f"this client did as it says in {len(TELLING)} calls"),
        (told_by("linux-7.2"), True, "though this client did otherwise in 8 of 8 calls"),
    ],
)
def test_what_is_given_is_taken_and_said_to_be_wrong(told: Told | None, unlike: bool, why: str) -> None:
    choice = given("mine.toml", KNOWN["linux-6.1"], told)
    assert isinstance(choice, Choice)
    assert (choice.name, choice.how, bool(choice.unlike)) == ("mine.toml", How.GIVEN, unlike)
    assert why in choice.why
