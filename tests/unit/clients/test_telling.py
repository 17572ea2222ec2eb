"""A few calls, and what the client counted of them, tell clients apart."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from smbench.clients.profile import shipped
from smbench.clients.strategies import habits_of
from smbench.clients.telling import TELLING, Told, counted, otherwise, tell
from smbench.clients.trials import TRIALS

KNOWN = dict(shipped())


@pytest.mark.parametrize(
    ("sent", "counts"),
    [
        ([], {}),
        (["FLUSH", "SET_INFO EndOfFile", "SET_INFO Basic"], {"FLUSH": 1, "SET_INFO": 2}),
        (["CREATE+SET_INFO Basic+CLOSE"], {"CREATE": 1, "SET_INFO": 1, "CLOSE": 1}),
        (
            ["(CREATE+QUERY_INFO All+CLOSE) = OBJECT_NAME_NOT_FOUND", "(ENOENT)"],
            {"CREATE": 1, "QUERY_INFO": 1, "CLOSE": 1},
        ),
        (["CREATE+QUERY_INFO FullEa = NO_EAS_ON_FILE+CLOSE"], {"CREATE": 1, "QUERY_INFO": 1, "CLOSE": 1}),
        (["(CREATE+CLOSE) = ACCESS_DENIED"], {"CREATE": 1, "CLOSE": 1}),
        (["READ = END_OF_FILE", "OPLOCK_BREAK by the server", "OPLOCK_BREAK"], {"READ": 1}),
    ],
)  # fmt: skip
def test_commands_are_counted_in_messages_in_words(sent: list[str], counts: dict[str, int]) -> None:
    assert counted(sent) == counts


def test_every_message_of_the_profiles_is_understood() -> None:
    """Each word that is a command is counted; what is in brackets is an error."""
    for profile in KNOWN.values():
        for sent in profile.calls.values():
            for message in sent:
                breaks = message.startswith("OPLOCK_BREAK")
                error = message.startswith("(E") and "+" not in message
                assert bool(counted([message])) is not (breaks or error), message


def test_what_tells_is_what_the_known_ones_differ_in() -> None:
    for name in TELLING:
        assert name in TRIALS
        assert len({frozenset(counted(one.calls[name]).items()) for one in KNOWN.values()}) > 1, name


def test_each_known_client_is_like_those_of_its_habits_alone() -> None:
    for profile in KNOWN.values():
        told = Told({trial: counted(profile.calls[trial]) for trial in TELLING})
        alike = [other for other, one in KNOWN.items() if not otherwise(one, told)]
        assert alike == [
            other for other, one in KNOWN.items() if habits_of(one.calls) == habits_of(profile.calls)
        ]


def test_what_a_profile_does_not_know_is_not_otherwise() -> None:
    profile = msgspec.structs.replace(KNOWN["linux-6.1"], calls={"stat": []})
    assert otherwise(profile, Told({"stat": {"CREATE": 1}, "futimens": {"FLUSH": 1}})) == ["stat"]
    assert otherwise(profile, None) == []


def test_what_the_mount_forbids_is_not_otherwise() -> None:
    """nostrictsync sends no FLUSH; what else is sent still tells."""
    profile = KNOWN["linux-6.1"]
    counts = {trial: counted(profile.calls[trial]) for trial in TELLING}
    for one in counts.values():
        del one["FLUSH"]
    assert "futimens" in otherwise(profile, Told(counts))
    assert otherwise(profile, Told(counts, unsent=("FLUSH",))) == []
    assert "futimens" in otherwise(KNOWN["linux-6.12"], Told(counts, unsent=("FLUSH",)))


def test_trials_are_made_between_two_readings(tmp_path: Path) -> None:
    """On files of the system itself; a counter that goes up at each reading stands for the client's."""
    readings: Counter[str] = Counter({"SMBs": 1})

    def read() -> Counter[str]:
        readings["Flushes.total"] += 1
        readings["Creates.failed"] += 1
        return readings.copy()

    told = tell(tmp_path, None, read, ["stat", "futimens"])
    assert told == Told({"stat": {"FLUSH": 1}, "futimens": {"FLUSH": 1}})
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_told_where_nothing_is_counted_or_made(tmp_path: Path) -> None:
    assert tell(tmp_path, None, dict) is None
    assert tell(tmp_path / "not there", None, lambda: {"SMBs": 1}) is None
