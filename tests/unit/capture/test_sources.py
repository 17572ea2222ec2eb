"""Several captures as one: side by side, one after the other, twice the same."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from helpers.command import THREE_USERS
from helpers.mutate import PCAP_HEADER, records
from helpers.recovery import content

from smbench.capture import sources
from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.sources import AllPackets, examine
from smbench.trace.model import Trace

DATA = THREE_USERS.read_bytes()
PACKETS = list(records(DATA))


def written(folder: Path, *groups: list[bytes]) -> list[Path]:
    made = []
    for number, packets in enumerate(groups):
        made.append(folder / f"{number}.pcap")
        made[-1].write_bytes(DATA[:PCAP_HEADER] + b"".join(packets))
    return made


def essence(trace: Trace) -> list[tuple[object, ...]]:
    return [
        (*content(e), e.time_ns, e.response_ns, e.status, e.user, e.handle, e.path) for e in trace.exchanges
    ]


def from_server(packet: bytes) -> bool:
    return packet[16 + 14 + 20 :][:2] == (445).to_bytes(2, "big")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return decode([THREE_USERS], tmp_path_factory.mktemp("whole"))


def test_one_file_a_direction_is_the_same_as_both_in_one(whole: Trace, tmp_path: Path) -> None:
    there = [packet for packet in PACKETS if not from_server(packet)]
    back = [packet for packet in PACKETS if from_server(packet)]
    for order in (written(tmp_path, there, back), written(tmp_path, back, there)):
        trace = decode(order, tmp_path)
        assert essence(trace) == essence(whole)
        assert trace.info.grade == whole.info.grade


def test_the_same_capture_twice_is_the_same_as_once(whole: Trace, tmp_path: Path) -> None:
    trace = decode(written(tmp_path, PACKETS, PACKETS), tmp_path)
    assert essence(trace) == essence(whole)
    assert trace.info.grade == whole.info.grade


def test_captures_that_overlap_count_once(whole: Trace, tmp_path: Path) -> None:
    trace = decode(written(tmp_path, PACKETS[:400], PACKETS[250:]), tmp_path)
    assert essence(trace) == essence(whole)


def test_packets_spread_over_files_at_random_are_in_time(whole: Trace, tmp_path: Path) -> None:
    chance = random.Random(5)
    groups: list[list[bytes]] = [[], [], []]
    for packet in PACKETS:
        groups[chance.randrange(3)].append(packet)
    assert essence(decode(written(tmp_path, *groups), tmp_path)) == essence(whole)


def test_a_source_is_open_only_while_its_turn_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = written(tmp_path, *(PACKETS[at : at + 40] for at in range(0, len(PACKETS), 40)))
    opened, most = Counter[str](), 0

    class Watched(sources.Packets):
        def __iter__(self):
            nonlocal most
            name = self._source.path.name
            opened[name] += 1
            most = max(most, opened.total())
            yield from super().__iter__()
            opened[name] -= 1

    found = examine(paths)
    first = [sources.first_time_ns(one) for one in found]
    monkeypatch.setattr(sources, "first_time_ns", lambda source: first[source.number])
    monkeypatch.setattr(sources, "Packets", Watched)
    heard: list[int] = []
    packets = AllPackets(found[::-1], heard.append)
    times = [record.time_ns for _, _, _, record in packets]
    assert len(times) == len(PACKETS)
    assert most <= 2
    assert packets.cut_short == 0
    assert heard == sorted(heard)
    assert heard[-1] == sum(path.stat().st_size for path in paths)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_how_many_read_makes_no_other_trace(
    jobs: int, whole: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smbench.capture.reading._WORTH_SHARING", 0)
    # All connections begin at once: nothing but their ends tells which is first.
    flat = [bytes(8) + packet[8:] for packet in PACKETS]
    one = decode(written(tmp_path, flat), tmp_path)
    several = decode(written(tmp_path, flat), tmp_path, DecodeOptions(jobs=jobs))
    assert several.info == one.info
    assert essence(several) == essence(one)
    assert len(one.info.connections) == len(whole.info.connections)
