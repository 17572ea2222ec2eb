"""Whether the server still answers anybody: a dead one is given up, so that the run ends by itself.

Nothing is looked at but the log and what is in flight, and the log only when no answer was seen for so long
as may be: in a run that goes well once in that time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.arrays import blocks
from smbench.measure.oplog import COMPLETED, ISSUED, OUTCOME
from smbench.run.series import WAITING
from smbench.runner.call_file import KINDS
from smbench.runner.heartbeat import Heartbeats
from smbench.smb2.ntstatus import CONNECTION_ERRORS, NOT_OPEN, outcome_name
from smbench.units import format_ns
from smbench.workload.calls import Close

_LOOK_EVERY = 60
"""So often in the time that is allowed it is looked again, where nothing is answered."""
_LEAST_NS = 100_000_000
_NO_ANSWER = np.array(sorted(CONNECTION_ERRORS | NOT_OPEN), np.int64)
_NO_CONNECTION = np.array(sorted(CONNECTION_ERRORS), np.int64)
_CLOSE = KINDS.index(Close)
_WAITING = np.array([kind.__name__ in WAITING for kind in KINDS])

Places = slice | NDArray[np.int64]
Kinds = Callable[[Places], NDArray[np.int8]]


@dataclass(slots=True)
class GiveUp:
    """Looks for an answer, from the start of a run on. `kinds`: the number of each place's call in KINDS."""

    records: NDArray[Any]
    """As `OperationLog.records`."""
    beats: Heartbeats
    kinds: Kinds
    lasts_ns: int
    """So long nobody may be answered; 0: for ever."""
    why: str = ""
    """The sentence, once it was given up."""
    _answered_ns: int = field(default=0, init=False)
    _due_ns: int = field(default=0, init=False)

    def look(self, start_ns: int, now: int) -> bool:
        """Whether the server is to be given up; both are readings of the clock."""
        if not self.lasts_ns or not start_ns or now < max(self._due_ns, start_ns + self.lasts_ns):
            return False
        self._answered_ns = max(self._answered_ns, start_ns, self._last_answer_ns())
        self._due_ns = self._answered_ns + self.lasts_ns
        if now < self._due_ns:
            return False
        self._due_ns = now + max(self.lasts_ns // _LOOK_EVERY, _LEAST_NS)
        self.why = self._sentence(now)
        return bool(self.why)

    def _last_answer_ns(self) -> int:
        """When a server last answered. A Close says nothing: clients end it without one."""
        last_ns = self._answered_ns
        for block in blocks(len(self.records)):
            log = self.records[block]
            rows = np.flatnonzero((log[:, COMPLETED] > last_ns) & ~np.isin(log[:, OUTCOME], _NO_ANSWER))
            rows = rows[self.kinds(block.start + rows) != _CLOSE]
            last_ns = max(last_ns, int(log[rows, COMPLETED].max(initial=0)))
        return last_ns

    def _sentence(self, now: int) -> str:
        begin_ns, end_ns, last = now, 0, 0
        for block in blocks(len(self.records)):
            log = self.records[block]
            log = log[(log[:, COMPLETED] > self._answered_ns) & np.isin(log[:, OUTCOME], _NO_CONNECTION)]
            if len(log):
                begin_ns = min(begin_ns, int(log[:, ISSUED].min()))
                if (at := int(log[:, COMPLETED].max())) > end_ns:
                    end_ns, last = at, int(log[log[:, COMPLETED].argmax(), OUTCOME])
        out = [one.issued_ns for one in self.beats.in_flight(slice(None), self.records, now)
               if not _WAITING[self.kinds(np.array([one.place]))[0]]]  # fmt: skip
        if out:
            begin_ns, end_ns = min(begin_ns, *out), now
        lasted_ns = end_ns - max(begin_ns, self._answered_ns)
        if lasted_ns < self.lasts_ns:
            return ""
        if out:
            return f"the server was given up: no call was answered for {format_ns(lasted_ns)} (--give-up)"
        return (
            f"the server was given up: for {format_ns(lasted_ns)} every call failed with a connection error, "
            f"the last with {outcome_name(last)} (--give-up)"
        )
