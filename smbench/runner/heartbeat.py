"""Heartbeats of the workers, and what their lanes have in flight: shared memory that the parent reads.

Words are 64 bits. A block a process: its last beat, how many standstills it had, and the first of them
(begin, end). Then a line a lane: when the call was issued that was out at the last beat, and its place in
the plan, one more than that, so that 0 is none. Only the process itself writes what is its own.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.measure.oplog import COMPLETED
from smbench.measure.shared import share
from smbench.measure.standstill import STANDSTILL_NS, Gap, Pulse
from smbench.runner.flight import Flight

PERIOD_NS = 250_000_000
"""Between two beats of a worker …"""
_PERIOD_A_PROCESS_NS = 1_000_000
"""… or so long for each of them, where they are many: a beat costs some 40 µs of a processor …"""
_LONGEST_PERIOD_NS = 2_000_000_000
"""… but not longer: within a period a standstill of as long may pass unseen."""
_GAPS_KEPT = 15
_BEAT, _COUNT, _FIRST_GAP = range(3)
_BLOCK = 32
"""Words of a process."""
_ISSUED, _PLACE = range(2)
_LINE = 2
"""Words of a lane."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """A call that was out."""

    lane: int
    place: int
    """In the plan."""
    issued_ns: int
    """Reading of the clock."""
    until_ns: int
    """Reading of the clock when it was still out."""


class Heartbeats:
    """Those of a run, in the file `path`, made when it is not there."""

    def __init__(self, path: Path, processes: int, lanes: int, memory: mmap | None = None) -> None:
        """`memory`: what there is of them, to be read alone. ValueError where that is too short."""
        self._made_of = path, processes, lanes
        self._processes = processes
        self._first_lane = processes * _BLOCK
        size = (self._first_lane + max(lanes, 1) * _LINE) * 8
        self._map = share(path, size) if memory is None else memory
        if len(self._map) < size:
            raise ValueError(f"{path} is cut off")
        self._words = memoryview(self._map).cast("q")
        self._lanes: NDArray[np.int64] = np.frombuffer(self._map, np.int64)[self._first_lane :].reshape(
            -1, _LINE
        )
        self.period_ns = min(max(PERIOD_NS, processes * _PERIOD_A_PROCESS_NS), _LONGEST_PERIOD_NS)

    def __reduce__(self) -> tuple[type[Heartbeats], tuple[Path, int, int]]:
        """A worker that was spawned opens it again."""
        return Heartbeats, self._made_of

    # What a worker writes

    def beat(self, process: int, at_ns: int, gap: Gap | None) -> None:
        """The process lives, after a standstill where there was one."""
        block = process * _BLOCK
        if gap is not None:
            count = self._words[block + _COUNT]
            if count < _GAPS_KEPT:
                place = block + _FIRST_GAP + 2 * count
                self._words[place], self._words[place + 1] = gap.begin_ns, gap.end_ns
            self._words[block + _COUNT] = count + 1
        self._words[block + _BEAT] = at_ns

    def fly(self, lane: int, place: int, issued_ns: int) -> None:
        """A lane has a call out."""
        at = self._first_lane + lane * _LINE
        self._words[at + _ISSUED], self._words[at + _PLACE] = issued_ns, place + 1

    # What the parent reads

    def gaps(self) -> Iterator[Gap]:
        """The first standstills of every process."""
        for process in range(self._processes):
            block = process * _BLOCK
            for number in range(min(self._words[block + _COUNT], _GAPS_KEPT)):
                at = block + _FIRST_GAP + 2 * number
                yield Gap(process, self._words[at], self._words[at + 1])

    def still(self, processes: Iterable[int], at_ns: int) -> list[Gap]:
        """Those of the processes that stand still now, each since its last beat."""
        beats = ((process, self._words[process * _BLOCK + _BEAT]) for process in processes)
        most_ns = self.period_ns + STANDSTILL_NS
        return [Gap(process, beat, at_ns) for process, beat in beats if beat and at_ns - beat > most_ns]

    def in_flight(self, lanes: slice | range, records: NDArray[Any], at_ns: int) -> list[InFlight]:
        """What these lanes have out, as of their last beats; `records` as `OperationLog.records`."""
        numbers = np.arange(len(self._lanes))[lanes.start : lanes.stop]
        if not len(records):
            return []
        issued, place = self._lanes[numbers, _ISSUED], self._lanes[numbers, _PLACE] - 1
        known = (place >= 0) & (place < len(records))
        out = known & (records[np.where(known, place, 0), COMPLETED] == 0)
        told = zip(numbers[out].tolist(), place[out].tolist(), issued[out].tolist(), strict=True)
        return [InFlight(lane, at, when, at_ns) for lane, at, when in told]


class Heartbeat:
    """A worker's own: a thread that sleeps, beats, and tells what the worker's lanes have out."""

    def __init__(self, beats: Heartbeats, process: int, flights: Mapping[int, Flight], log: mmap) -> None:
        """`flights` by the lane's number. RuntimeError where no thread can start."""
        self._beats, self._process, self._flights, self._log = beats, process, flights, log
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Beat once more, and end."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        if sys.platform != "win32":
            # The main thread is to hear what ends the worker: its call is to be interrupted.
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        pulse = Pulse(self._process, self._beats.period_ns)
        self._beats.beat(self._process, pulse.last_ns, None)
        over = False
        while not over:
            over = self._over.wait(self._beats.period_ns / 1e9)
            gap = pulse.beat()
            self._beats.beat(self._process, pulse.last_ns, gap)
            for lane, flight in self._flights.items():
                if (out := flight.under_way(self._log)) is not None:
                    self._beats.fly(lane, *out)
