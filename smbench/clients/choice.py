"""Which client profile a mount's client is taken for: by what it counts of a few calls, and its kernel.

Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from smbench.clients.profile import ClientProfile
from smbench.clients.telling import Told, otherwise

_VERSIONS = 20


class How(StrEnum):
    """How a profile was chosen."""

    GIVEN = "given"
    CONFIRMED = "confirmed"
    """A few calls on the first mount did what it says."""
    CALIBRATED = "calibrated"
    """None did: it was made of this client before the run."""
    NEAREST = "nearest"
    """Nothing told, or none fits and none could be made."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A profile, what it is called, how it was chosen and why."""

    name: str
    profile: ClientProfile
    how: How
    why: str
    unlike: Sequence[str] = ()
    """The calls that were tried, and did something else than it says."""


def choose(told: Told | None, kernel: str, known: Mapping[str, ClientProfile]) -> Choice | None:
    """Of known profiles the one that a client fits best: unlike it in the fewest of the calls that were
    tried (None: nothing told), and of those the one of the nearest kernel. None where none is known."""
    if not known:
        return None
    age = _age(kernel)
    unlike = {name: otherwise(one, told) for name, one in known.items()}
    # Of one kernel with several servers, the first by name.
    name = min(known, key=lambda name: (len(unlike[name]), abs(_age(known[name].kernel) - age), name))
    nearest = f"its kernel {known[name].kernel} is the nearest to {kernel}"
    if told is None:
        return Choice(name, known[name], How.NEAREST, f"no call told anything; {nearest}")
    tried = len(told.counts)
    if unlike[name]:
        why = f"it is like this client in {tried - len(unlike[name])} of {tried} calls that were tried"
        return Choice(name, known[name], How.NEAREST, why, tuple(unlike[name]))
    why = f"this client did as it says in {tried} calls that were tried; {nearest}"
    return Choice(name, known[name], How.CONFIRMED, why)


def given(name: str, profile: ClientProfile, told: Told | None) -> Choice:
    """A profile that somebody insists on."""
    unlike = otherwise(profile, told)
    if told is None:
        why = "it was given; no call told whether this client does as it says"
    elif unlike:
        why = f"it was given, though this client did otherwise in {len(unlike)} of {len(told.counts)} calls"
    else:
        why = f"it was given, and this client did as it says in {len(told.counts)} calls that were tried"
    return Choice(name, profile, How.GIVEN, why, tuple(unlike))


def _age(kernel: str) -> int:
    """A number that grows by one with every version of Linux: after 4.20 came 5.0, after 5.19 6.0."""
    found = re.match(r"(\d+)\.(\d+)", kernel)
    return int(found[1]) * _VERSIONS + int(found[2]) if found else 0
