"""Which profile a client is taken for."""

from __future__ import annotations

import pytest

from smbench.clients.choice import nearest_to
from smbench.clients.profile import shipped

KNOWN = dict(shipped())


@pytest.mark.parametrize(
    ("kernel", "hides", "name"),
    [
        ("6.1.176", False, "linux-6.1"),
        ("6.1.0-39-amd64", False, "linux-6.1"),
        ("6.6.30", False, "linux-6.1"),
        ("6.8.0-45-generic", False, "linux-6.12"),
        ("6.12.95+deb13-amd64", False, "linux-6.12"),
        ("5.15.0", False, "linux-6.1"),
        ("7.2.7", True, "linux-7.2"),
        ("6.12.113", True, "linux-7.2"),  # what it does goes before its version
        ("7.2.7", False, "linux-6.12"),
        ("7.2.7", None, "linux-7.2"),
        ("unheard of", None, "linux-6.1"),
    ],
)
def test_the_nearest_kernel_of_those_that_do_as_it_does(kernel: str, hides: bool | None, name: str) -> None:
    choice = nearest_to(kernel, hides, KNOWN)
    assert choice is not None
    assert choice.name == name
    assert choice.why.endswith(f"its kernel {KNOWN[name].kernel} is the nearest to {kernel}")


def test_none_ships_that_does_as_it_does() -> None:
    assert nearest_to("7.2.7", True, {"linux-6.1": KNOWN["linux-6.1"]}) is None
    assert nearest_to("7.2.7", None, {}) is None
