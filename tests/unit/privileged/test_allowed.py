"""Which mount options a user may give: a list of what is known, and a reason for what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.privileged.allowed import ALLOWED, checked

KNOWN = {name: value for group in ALLOWED.values() for name, value in group.items()}


@pytest.mark.parametrize(
    ("given_one", "known"),
    [
        ("cache=none", ("cache", "none")),
        ("vers=3.1.1", ("vers", "3.1.1")),
        ("actimeo=3600", ("actimeo", "3600")),
        ("snapshot=@GMT-2026.11.30-10.00.00", ("snapshot", "@GMT-2026.11.30-10.00.00")),
        ("seal", ("seal", None)),
        ("nodfs", ("nodfs", None)),
    ],
)
def test_what_says_how_the_client_talks_is_taken(given_one: str, known: tuple[str, str | None]) -> None:
    assert checked(given_one) == known


@pytest.mark.parametrize(
    ("given_one", "why"),
    [
        ("suid", "neither run here"),
        ("dev", "neither run here"),
        ("exec", "neither run here"),
        ("SUID", "neither run here"),
        ("uid=0", "who the workers are"),
        ("cruid=0", "who the workers are"),
        ("file_mode=04777", "who the workers are"),
        ("multiuser", "who the workers are"),
        ("unc=//other/share", "the target says"),
        ("source=//other/share", "the target says"),
        ("ip=198.51.100.1", "the target says"),
        ("prefixpath=../..", "the target says"),
        ("remount", "nothing is done to others"),
        ("bind", "nothing is done to others"),
        ("password=x", "users.toml"),
        ("PassWord=x", "users.toml"),
        ("Credentials=/etc/shadow", "users.toml"),
        ("guest", "users.toml"),
        ("user=root", "users.toml"),
        ("pass2=x", "none of those that may be"),
        ("cifs_credentials=/etc/shadow", "none of those that may be"),
        ("context=system_u:object_r:bin_t:s0", "cannot be read|none of those"),
        ("Cache=none", "it is written cache"),
        ("cache=fast", "cache takes strict, none, loose, ro, singleclient"),
        ("cache", "cache takes strict"),
        ("seal=yes", "seal takes no value"),
        ("rsize=1M", "rsize takes a number"),
        ("vers=1.0", "vers takes 2.0, 2.1"),
        ("sec=none", "sec takes ntlmssp"),
        ("cache=none\n", "cannot be read"),
        ("cache=none,suid", "cannot be read"),
        ("cache=none\\,suid", "cannot be read"),
        ("rsize=\u0661", "rsize takes a number"),
        ("ﬁle_mode=0777", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_all_else_is_refused_with_its_reason(given_one: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        checked(given_one)


@given(st.text(max_size=40))
def test_nothing_that_is_not_known_comes_through(text: str) -> None:
    try:
        name, value = checked(text)
    except UsageError:
        return
    assert name in KNOWN
    assert text == (name if value is None else f"{name}={value}")


@given(st.sampled_from(sorted(KNOWN)), st.text(max_size=20) | st.none())
def test_a_value_never_brings_another_option(name: str, value: str | None) -> None:
    try:
        checked(name if value is None else f"{name}={value}")
    except UsageError:
        return
    assert not re.search(r"[,\s\\=\x00]", value or "")
