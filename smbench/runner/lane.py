"""One lane: issue its operations one after the other, each at its time and after what it waits for.

Per operation: one dispatch, two clock reads, one record; what is in flight follows from the records
(`runner.flight`). Calls are made in chunks ahead, and a lane that sleeps uses the time to make its next
chunk. A lane is stopped by emptying the list that it iterates, so that the loop itself need not ask.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from typing import NamedTuple

from smbench.executors.base import Armed, Handler, Notifier, UserLostError
from smbench.measure.clock import now_ns
from smbench.measure.oplog import RECORD, RECORD_BYTES, OperationLog
from smbench.plan.model import Pace, Plan
from smbench.runner.board import Board
from smbench.runner.call_file import LaneCalls, calls_of, declined_rows
from smbench.runner.flight import Flight
from smbench.runner.refused import Item, closing, refused_opens, with_own_handles
from smbench.runner.segments import Segment, Segments
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import Call, Notify

_CHUNK_FAST = 2048
_CHUNK_PACED = 256
"""Making a call takes about 1 µs: between two chunks a paced lane is late by less than 0.3 ms."""
_WORTHWHILE_SLEEP_NS = 2_000_000
_DEFECT = outcome_of(Status.UNSUCCESSFUL)
"""Outcome of a call whose handler raised, which no executor should let happen."""
_LOST = outcome_of(Status.CONNECTION_DISCONNECTED)
"""Outcome of the call that found its user lost."""


class _Chunk(NamedTuple):
    items: list[Item]
    end: int
    """Position after the last; skipped operations have no item."""
    refused: frozenset[int] = frozenset()
    """Where in the log (bytes) are the records of opens that the capture saw refused."""


class Issuing(NamedTuple):
    """What all lanes of a job issue from, wait on and write to."""

    plan: Plan
    segments: Segments
    calls: LaneCalls
    log: OperationLog
    board: Board


class Lane:
    """One lane of a plan in a worker. `handlers` has no entry for calls that are to be skipped;
    `close` closes what the capture saw refused (None: leave it open), `complain` is told of a handler
    that raised. `notifier` and `await_break` are the executor's; the former's handler takes the place of the
    one for Notify."""

    def __init__(
        self, number: int, issuing: Issuing, handlers: Mapping[type[Call], Handler],
        complain: Callable[[str], None], close: Handler | None = None, notifier: Notifier | None = None,
        await_break: Callable[[Call], None] | None = None,
    ) -> None:  # fmt: skip
        self.number = number
        self._plan = plan = issuing.plan
        self._segments = issuing.segments
        self._handlers = dict(handlers)
        if notifier is not None and Notify in handlers:
            armed = Armed(self._is_armed, lambda: bool(self._arming), lambda: self._posting)
            self._handlers[Notify] = notifier(armed)
        self._arming = 0
        self._posting = False
        self._log = issuing.log
        self._board = issuing.board
        self._complain = complain
        self._close = close
        self._await_break = await_break
        self._times = plan.think_ns if plan.intended_ns is None else plan.intended_ns
        self._issue = {
            Pace.ORIGINAL: self._issue_original, Pace.THINK: self._issue_think, Pace.FAST: self._issue_fast
        }[plan.pace]  # fmt: skip
        self._last_ns = 0
        self._chunks = self._make_chunks(issuing.calls)
        self._next: _Chunk | None = None
        self._running: list[Item] = []
        self._stopping = False
        self.waiting = False
        """It waits for another lane just now."""
        self.flight = Flight()
        self.lost = ""
        """Why it ended before its last operation: its user was lost."""

    def prepare(self) -> None:
        """Make the next chunk now, if it is not made."""
        if self._next is None:
            self._next = next(self._chunks, _Chunk([], -1))

    def stop(self) -> None:
        """End after the present operation; for a signal handler or another thread."""
        self._stopping = True
        if self._running:
            self.flight.items = list(self._running)  # the call that is out stays known
            self._running.clear()

    def run(self, start_ns: int) -> None:
        """Issue all operations; `start_ns` is the start of the run."""
        if self._plan.pace is not Pace.ORIGINAL:  # there the first operation has its own time
            self._board.sleep_until(start_ns)
        self._last_ns = self.flight.since_ns = start_ns
        position = 0
        while (chunk := self._take()).end > position:
            items = chunk.items
            for segment in self._segments.of(self.number, position, chunk.end):
                self._await(segment, start_ns, position)
                if segment.end == chunk.end:
                    self._running = items
                else:
                    cut = bisect_left(items, self._record_of(segment.end), key=_record)
                    self._running, items = items[:cut], items[cut:]
                if self._stopping:
                    break
                position = segment.end
                self._arming, self._posting = segment.end if segment.arms else 0, segment.post
                if segment.arms:
                    self._running = list(map(self._announced, self._running))
                self._hold(segment)
                self.flight.items = self._running
                self._issue(self._each(self._running, chunk.refused), start_ns)
                self.flight.items = ()
                self._is_armed()
                if segment.post and not self._stopping:
                    self._board.post(self.number, segment.end)
            if self._stopping:
                break
            position = chunk.end

    def _await(self, segment: Segment, start_ns: int, position: int) -> None:
        for lane, count in segment.waits:
            self.waiting = True
            if not self._board.await_count(lane, count):
                self._stopping = True
            self.waiting = False
        if segment.brief:
            place = int(self._plan.lane_start[self.number]) + position
            since_ns = start_ns if self._plan.pace is Pace.ORIGINAL else self._last_ns
            due_ns = since_ns + (0 if self._times is None else int(self._times[place]))
            for lane, count, answered in segment.brief:
                self._board.await_briefly(lane, count, answered, due_ns)
        if segment.waits or segment.brief:
            self.flight.since_ns = now_ns()

    def _hold(self, segment: Segment) -> None:
        """What a client does in answer to a break, it does when that has come, and no sooner than it did."""
        if segment.brief and self._await_break is not None and self._running:
            self._await_break(self._running[0][1])
        if segment.lag_ns and not self._stopping:
            self.flight.since_ns = self._board.sleep_until(now_ns() + segment.lag_ns)

    def _announced(self, item: Item) -> Item:
        """What is to be told of as soon as it is under way; a notification tells it itself."""
        handler, own, at, time_ns = item
        if isinstance(own, Notify):
            return item

        def announced(call: Call) -> int:
            self._is_armed()
            return handler(call)

        return announced, own, at, time_ns

    def _is_armed(self) -> None:
        """The notification under way is armed, or is over without; or another operation is under way."""
        if self._arming:
            self._board.arm(self.number, self._arming)
            self._arming = 0

    def _each(self, items: list[Item], refused: frozenset[int]) -> Iterator[Item]:
        if not refused or self._close is None:
            return iter(items)
        return closing(items, refused, self._close, self._log, self._complain)

    def _issue_fast(self, items: Iterator[Item], _start_ns: int) -> None:
        clock, record, buffer = now_ns, RECORD.pack_into, self._log.buffer
        while True:
            try:
                for handler, call, at, _ in items:
                    issued = clock()
                    outcome = handler(call)
                    completed = clock()
                    record(buffer, at, issued, outcome, completed)
                return
            except Exception as error:
                record(buffer, at, issued, self._outcome_of(error, call), clock())
                if self.lost:
                    return

    def _issue_original(self, items: Iterator[Item], start_ns: int) -> None:
        clock, record, buffer = now_ns, RECORD.pack_into, self._log.buffer
        while True:
            try:
                for handler, call, at, intended_ns in items:
                    due_ns = start_ns + intended_ns
                    issued = clock()
                    if issued < due_ns:
                        if not self._sleep(issued, due_ns):
                            return
                        issued = clock()
                    outcome = handler(call)
                    completed = clock()
                    record(buffer, at, issued, outcome, completed)
                return
            except Exception as error:
                record(buffer, at, issued, self._outcome_of(error, call), clock())
                if self.lost:
                    return

    def _issue_think(self, items: Iterator[Item], _start_ns: int) -> None:
        clock, record, buffer = now_ns, RECORD.pack_into, self._log.buffer
        while True:
            try:
                for handler, call, at, think_ns in items:
                    due_ns = self._last_ns + think_ns
                    issued = clock()
                    if issued < due_ns:
                        if not self._sleep(issued, due_ns):
                            return
                        issued = clock()
                    outcome = handler(call)
                    self._last_ns = completed = clock()
                    record(buffer, at, issued, outcome, completed)
                return
            except Exception as error:
                self._last_ns = clock()
                record(buffer, at, issued, self._outcome_of(error, call), self._last_ns)
                if self.lost:
                    return

    def _outcome_of(self, error: Exception, call: Call) -> int:
        """What a handler that raised ended with; a lane whose user is lost ends with this operation."""
        if isinstance(error, UserLostError):
            self.lost = str(error)
            self._stopping = True
            return _LOST
        self._complain(f"{call!r} raised {error!r}")
        return _DEFECT

    def _sleep(self, now: int, due_ns: int) -> bool:
        """Sleep until then; False where the run is stopped before."""
        if due_ns - now > _WORTHWHILE_SLEEP_NS:
            self.prepare()
        self.flight.asleep = True
        self.flight.since_ns = self._board.sleep_until(due_ns)
        if self._board.stopping:
            self._stopping = True
        self.flight.asleep = self._stopping
        return not self._stopping

    def _take(self) -> _Chunk:
        self.prepare()
        chunk, self._next = self._next, None
        assert chunk is not None
        return chunk

    def _record_of(self, position: int) -> int:
        return (int(self._plan.lane_start[self.number]) + position) * RECORD_BYTES

    def _make_chunks(self, calls: LaneCalls) -> Iterator[_Chunk]:
        handlers, times = self._handlers, self._times
        rows = _CHUNK_FAST if times is None else _CHUNK_PACED
        first = int(self._plan.lane_start[self.number])
        place = first
        for batch in calls.of_lane(self.number):
            for start in range(0, batch.num_rows, rows):
                piece = batch.slice(start, rows)
                made, opens = calls_of(piece), refused_opens(piece)
                with_own_handles(made, opens, place)
                end = place + len(made)
                records = range(place * RECORD_BYTES, end * RECORD_BYTES, RECORD_BYTES)
                due: Iterable[int] = repeat(0) if times is None else times[place:end].tolist()
                of_kind = map(handlers.get, map(type, made))
                items = list(zip(of_kind, made, records, due, strict=False))
                left_out = declined_rows(piece)
                if left_out or not handlers.keys() >= set(map(type, made)):
                    items = [
                        item for row, item in enumerate(items) if item[0] is not None and row not in left_out
                    ]
                refused = frozenset(records[row] for row in opens)
                place = end
                yield _Chunk(items, place - first, refused)  # type: ignore[arg-type]


def _record(item: Item) -> int:
    return item[2]
