"""Which of the profiles that ship a client is taken for: by what it does where that tells, and its kernel."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smbench.clients.profile import ClientProfile, shipped
from smbench.clients.strategies import habits_of
from smbench.clients.telling import hides_what_is_open
from smbench.identity import Identity, acting_as

_VERSIONS = 20
_WHICH = {
    None: "nothing could be tried on the share;",
    True: "of those whose client renames what is open and to be removed, as this one does,",
    False: "of those whose client removes what is open, as this one does,",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A profile, what it is called, and why it was taken."""

    name: str
    profile: ClientProfile
    why: str


def choose(root: Path, identity: Identity | None) -> Choice | None:
    """The profile for the client of the mount at `root`; None where none ships that does as it does. Makes a
    few calls there, as `identity`, in a folder that is gone afterwards."""
    with acting_as(identity):
        hides = hides_what_is_open(root)
    return nearest_to(platform.release(), hides, dict(shipped()))


def nearest_to(kernel: str, hides: bool | None, known: Mapping[str, ClientProfile]) -> Choice | None:
    """Of those that hide what is open as the client does (None: it did not tell), the one of the nearest
    kernel. Pure."""
    fit = {
        name: one for name, one in known.items() if hides in (None, habits_of(one.calls).hides_what_is_open)
    }
    if not fit:
        return None
    age = _age(kernel)
    # Of one kernel with several servers, the first by name.
    name = min(fit, key=lambda name: (abs(_age(fit[name].kernel) - age), name))
    one = fit[name]
    return Choice(name, one, f"{_WHICH[hides]} its kernel {one.kernel} is the nearest to {kernel}")


def _age(kernel: str) -> int:
    """A number that grows by one with every version of Linux: after 4.20 came 5.0, after 5.19 6.0."""
    found = re.match(r"(\d+)\.(\d+)", kernel)
    return int(found[1]) * _VERSIONS + int(found[2]) if found else 0
