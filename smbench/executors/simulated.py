"""An instrument for tests: a server that does nothing but take known times, by a timetable.

What a run on it should have taken can be computed, so that it tells how well the harness keeps to its
plan (scripts/prove-instrument). The timetable, for all clones, is `simulated.json` in the target's directory:

    {"service_ns": {"Read": 5000000}, "other_ns": 2000000, "byte_ns": 10, "freezes_ns": [[from, until], …]}

`service_ns` by kind of call (`other_ns`: of all others; 100 µs without a timetable), `byte_ns` more for
each byte that is moved, and spans in which the server answers nobody, as readings of the run's clock
(CLOCK_MONOTONIC). Calls do not wait for each other: the server has as many hands as there are lanes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import msgspec

from smbench.errors import UsageError
from smbench.executors.base import Executor, ExecutorContext, Handler
from smbench.stored import Count, read_document
from smbench.workload.calls import CALLS, Call, Read, Write

TIMETABLE = "simulated.json"
_OTHER_NS = 100_000
_REMEDY = (
    'write it as {"service_ns": {"Read": 5000000}, "other_ns": 2000000, "byte_ns": 10, "freezes_ns": []}'
)


class Timetable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the server takes: the file, key by key."""

    service_ns: dict[str, Count] = {}
    other_ns: Count = _OTHER_NS
    byte_ns: Count = 0
    freezes_ns: list[tuple[Count, Count]] = []

    @classmethod
    def of(cls, directory: Path) -> Timetable:
        """That of a target. UsageError where it cannot be read."""
        path = directory / TIMETABLE
        try:
            timetable = read_document(path, cls, _REMEDY)
        except FileNotFoundError:
            return cls()
        if unknown := timetable.service_ns.keys() - CALLS.keys():
            raise UsageError(f"{path} has times of {', '.join(sorted(unknown))}, which is no call: {_REMEDY}")
        return timetable

    def takes_ns(self, call: Call) -> int:
        """The service time of a call while the server is not frozen."""
        moved = call.length if isinstance(call, Read | Write) else 0
        return self.service_ns.get(type(call).__name__, self.other_ns) + self.byte_ns * moved

    def answered_ns(self, issued_ns: int, takes_ns: int) -> int:
        """When a call that is issued then is answered."""
        answered_ns = issued_ns + takes_ns
        for begin, end in self.freezes_ns:
            if issued_ns < end and answered_ns > begin:
                answered_ns += end - max(begin, issued_ns)
        return answered_ns


class SimulatedExecutor(Executor):
    """Waits as long as the timetable says, then answers 0; outcomes mean nothing and are not compared."""

    name: ClassVar[str] = "simulated"
    compares: ClassVar[bool] = False
    touches_files: ClassVar[bool] = False
    keeps_names: ClassVar[bool] = False

    def __init__(self, context: ExecutorContext) -> None:
        self._timetable = Timetable.of(context.root)

    @classmethod
    def check_target(cls, target: Path) -> Sequence[str]:
        Timetable.of(target)
        if (target / TIMETABLE).is_file():
            return ()
        return (f"{target} has no {TIMETABLE}: each simulated call takes {_OTHER_NS / 1000:g} µs",)

    def handlers(self) -> Mapping[type[Call], Handler]:
        return dict.fromkeys(CALLS.values(), self._serve)

    def _serve(self, call: Call) -> int:
        now_ns = time.monotonic_ns()
        due_ns = self._timetable.answered_ns(now_ns, self._timetable.takes_ns(call))
        while now_ns < due_ns:
            time.sleep((due_ns - now_ns) / 1e9)
            now_ns = time.monotonic_ns()
        return 0

    def close(self) -> None:
        """Nothing is open."""
