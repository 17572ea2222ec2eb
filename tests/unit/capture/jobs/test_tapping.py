"""A tshark that stops before the end: where it was, and what is kept of what it read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.command import THREE_USERS

from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.reading import Decoder
from smbench.capture.tshark import find_tshark
from smbench.errors import SetupError
from smbench.trace.model import Trace

BY_TSHARK = DecodeOptions(decoder=Decoder.TSHARK)
KEEP_GOING = replace(BY_TSHARK, keep_going=True)
FRAMES = 504


@pytest.fixture
def crashes_at(stand_in: Callable[..., None]) -> Callable[[int], None]:
    """In tshark's place one that crashes at a frame of the shipped capture: it reads those before, and what
    it has not handed over yet, the end, is lost."""
    found = find_tshark()

    def make(frame: int) -> None:
        stand_in(
            f"""
{found.path} -c {frame - 1} "$@" | grep -av "^Z"
kill -SEGV $$""",
            f"TShark {found.version} with Lua",
        )

    return make


def decoded(tmp_path: Path, options: DecodeOptions) -> tuple[Trace, list[str]]:
    said: list[str] = []
    return decode([THREE_USERS], tmp_path, options, warn=said.append), said


def test_a_crash_is_said_with_the_frame(crashes_at: Callable[[int], None], tmp_path: Path) -> None:
    crashes_at(400)
    with pytest.raises(SetupError, match=r"crashed \(signal 11, SIGSEGV\)") as caught:
        decode([THREE_USERS], tmp_path, BY_TSHARK)
    assert f"while it read frame 400 of {THREE_USERS}; another version may not" in str(caught.value)
    assert str(caught.value).endswith(
        "--keep-going keeps what was decoded before, and counts the rest as lost"
    )


def test_what_was_decoded_before_is_kept_when_asked(
    crashes_at: Callable[[int], None], tmp_path: Path
) -> None:
    whole, said = decoded(tmp_path, BY_TSHARK)
    before = [exchange.frame for exchange in whole.exchanges if exchange.frame < 400]
    assert said == []
    crashes_at(400)
    part, said = decoded(tmp_path, KEEP_GOING)
    assert [exchange.frame for exchange in part.exchanges] == before
    (sentence,) = said
    assert f"while it read frame 400 of {THREE_USERS};" in sentence
    assert part.info.grade["undecoded_frames"] == FRAMES - 399


def test_nothing_before_the_crash_is_no_trace(crashes_at: Callable[[int], None], tmp_path: Path) -> None:
    crashes_at(2)
    with pytest.raises(
        SetupError, match=r"crashed .* while it read frame 2 of .*; nothing was decoded before"
    ):
        decode([THREE_USERS], tmp_path, KEEP_GOING)


def test_one_that_crashes_once_is_asked_again(
    stand_in: Callable[..., None], open_to_all: Path, tmp_path: Path
) -> None:
    found = find_tshark()
    stand_in(
        f"""
[ -e {open_to_all}/once ] && exec {found.path} "$@"
touch {open_to_all}/once
kill -SEGV $$""",
        f"TShark {found.version} with Lua",
    )
    trace, said = decoded(tmp_path, BY_TSHARK)
    assert (trace.info.exchanges, said) == (310, [])
    assert "undecoded_frames" not in trace.info.grade


@pytest.mark.parametrize(
    ("script", "options", "says"),
    [
        ("exec sleep 1000", {"decoder_patience_s": 2.0},
         "has shown nothing, read nothing and used no CPU for 2 s, and was ended, while it read"),
        ("exec >&-; exec sleep 1000", {"decoder_patience_s": 2.0}, "used no CPU for 2 s"),
        ("while :; do :; done", {"decoder_cpu_s": 1.0}, "used more than the 1 s of CPU that it may take"),
        ("exec tr '\\0' x </dev/zero", {}, "printed a line of more than 64 MiB"),
        ("echo rubbish; exec sleep 1000", {}, "printed a line that cannot be read: 'rubbish'"),
    ],
)  # fmt: skip
def test_one_that_gets_nowhere_or_takes_too_much_is_ended_and_named(
    script: str, options: dict[str, Any], says: str, stand_in: Callable[..., None], tmp_path: Path
) -> None:
    stand_in(script)
    with pytest.raises(SetupError, match=says) as caught:
        decode([THREE_USERS], tmp_path, replace(BY_TSHARK, **options))
    assert "\n" not in str(caught.value)


def test_one_that_eats_memory_is_ended_by_its_limit(stand_in: Callable[..., None], tmp_path: Path) -> None:
    stand_in("""exec awk 'BEGIN { x = "0123456789abcdef"; while (1) x = x x }' """)
    with pytest.raises(SetupError, match=r"no more memory \(it may take 1 GiB\).*raise --decoder-memory"):
        decode([THREE_USERS], tmp_path, replace(BY_TSHARK, decoder_memory_bytes=1))


def test_one_that_crashes_when_all_is_read_has_read_all(
    stand_in: Callable[..., None], tmp_path: Path
) -> None:
    found = find_tshark()
    stand_in(f'{found.path} "$@"\nkill -SEGV $$', f"TShark {found.version} with Lua")
    trace, said = decoded(tmp_path, BY_TSHARK)
    assert (trace.info.exchanges, said, trace.info.grade.get("cut_short")) == (310, [], None)


def test_what_was_decoded_before_it_hung_is_kept_too(stand_in: Callable[..., None], tmp_path: Path) -> None:
    found = find_tshark()
    stand_in(f'{found.path} -c 399 "$@" | grep -av "^Z"\nexec sleep 1000', f"TShark {found.version} with Lua")
    trace, said = decoded(tmp_path, replace(KEEP_GOING, decoder_patience_s=3.0))
    (sentence,) = said
    assert "used no CPU for 3 s, and was ended, while it read what follows frame 39" in sentence
    assert max(exchange.frame for exchange in trace.exchanges) < 400
    assert trace.info.exchanges > 100
    assert trace.info.grade["undecoded_frames"] > FRAMES - 400
