"""Client profiles: stored, read again, compared; those that ship."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from smbench.clients.profile import ClientProfile, nearest, read, shipped, to_toml, unlike
from smbench.clients.trials import TRIALS
from smbench.errors import UsageError

ONE = ClientProfile(
    kernel="6.1.176",
    module="2.40",
    server='a "server"\n\\ of ours – SMB 3.1.1',
    options="vers=3.1.1",
    calls={"open": ["CREATE"], "stat": [], 'rename "what" is open': ["CREATE+CLOSE", "(ENOTSUP)"]},
)


def changed(**calls: list[str]) -> ClientProfile:
    return msgspec.structs.replace(ONE, calls={**ONE.calls, **calls})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(to_toml(ONE), encoding="utf-8")
    assert read(tmp_path / "one.toml") == ONE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[", "is no TOML"),
        ("schema = 1", "is no client profile (Object missing required field `kernel`)"),
        (to_toml(ONE) + "[more]\n", "unknown field `more`"),
        (to_toml(ONE).replace("schema = 1", "schema = 2"), "of schema 2, not 1"),
        (to_toml(ONE).replace('["CREATE"]', "5"), "is no client profile (Expected `array`"),
    ],
)
def test_what_is_no_profile_is_one_sentence(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "one.toml").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read(tmp_path / "one.toml")
    assert says in str(error.value)
    assert str(error.value).endswith("make one by smbench-mount calibrate")


def test_profiles_are_unlike_in_calls_that_both_know() -> None:
    assert unlike(ONE, ONE) == []
    assert unlike(changed(stat=["CREATE"], more=["FLUSH"]), ONE) == ["stat"]


def test_the_nearest_is_unlike_in_the_fewest_calls_and_then_of_the_same_kernel() -> None:
    far, near = changed(open=[], stat=["CREATE"]), changed(stat=["CREATE"])
    assert nearest(ONE, {"far": far, "near": near}) == "near"
    other = msgspec.structs.replace(near, kernel="7.2.7")
    assert nearest(ONE, {"a": other, "b": near}) == "b"
    assert nearest(ONE, {}) is None


def test_those_that_ship_are_of_every_trial_and_differ() -> None:
    known = dict(shipped())
    assert set(known) == {"linux-6.1", "linux-6.12", "linux-6.12-samba-4.22", "linux-7.2"}
    for name, profile in known.items():
        assert list(profile.calls) == list(TRIALS), f"{name}: scripts/make-client-profiles makes it anew"
        assert nearest(profile, known) == name
        assert all(not unlike(profile, profile) and unlike(profile, known[n]) for n in known if n != name)


@dataclass(frozen=True)
class Known:
    """What is known of a client from elsewhere (smbench/docs/cifs-client.md, §7)."""

    hides: bool
    times_by_name: bool


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("linux-6.1", Known(hides=False, times_by_name=False)),
        ("linux-6.12", Known(hides=False, times_by_name=True)),
        ("linux-6.12-samba-4.22", Known(hides=False, times_by_name=True)),
        ("linux-7.2", Known(hides=True, times_by_name=True)),
    ],
)
def test_those_that_ship_say_what_is_known(name: str, known: Known) -> None:
    calls = dict(shipped())[name].calls
    assert any("SET_INFO Rename" in message for message in calls["unlink what is open"]) is known.hides
    assert ("CREATE+SET_INFO Basic+CLOSE" in calls["futimens"]) is known.times_by_name
