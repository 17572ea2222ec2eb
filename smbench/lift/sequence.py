"""From what the rules took to operations: in order of arrival, numbered, each in its lane.

Rules decide late about patterns, so what they took waits here until nothing older can come.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import repeat

from smbench.lift.coverage import fate
from smbench.lift.rule import Taken, refused
from smbench.trace.model import Exchange
from smbench.workload.calls import Call, Close, Lock, Notify
from smbench.workload.lanes import FOREVER_NS, Lanes
from smbench.workload.model import Disposition, Operation

CoverageRow = tuple[int, str, str, str, int]
"""Exchange, disposition, rule, reason, and the first operation that stands for it (-1: none)."""


class Sequence:
    """Orders what was taken; gives operations to `operation`, and what became of every exchange to
    `coverage`, both in order. The last user stands for exchanges whose user is unknown. Memory is what
    waits, and the lanes of each user."""

    def __init__(
        self, users: int, operation: Callable[[Operation], None], coverage: Callable[[CoverageRow], None]
    ) -> None:
        self.lanes = [Lanes() for _ in range(users)]
        self.operations_by_user = [0] * users
        self.kinds: Counter[str] = Counter()
        self.count = 0
        self.client_calls = 0
        self._operation = operation
        self._coverage = coverage
        self._heap: list[tuple[int, int, int, Taken]] = []
        self._pushed = 0
        self._expected: deque[int] = deque()
        self._decided: dict[int, CoverageRow] = {}

    def expect(self, exchange: int) -> None:
        """An exchange that will be decided about; in the order of the trace."""
        self._expected.append(exchange)

    def add(self, taken: Taken) -> None:
        self._pushed += 1
        heappush(self._heap, (taken.at.index, taken.beside, self._pushed, taken))

    def release(self, before: int) -> None:
        """Let go all that belongs before exchange number `before`: nothing older will be added."""
        heap = self._heap
        while heap and heap[0][0] < before:
            self._emit(heappop(heap)[3])
        expected, decided = self._expected, self._decided
        while expected and expected[0] in decided:
            self._coverage(decided.pop(expected.popleft()))

    def finish(self) -> int:
        """Let go all; returns how many exchanges no rule took (a flaw of the rules: 0)."""
        self.release(1 << 62)
        return len(self._expected) + len(self._decided)

    def _emit(self, taken: Taken) -> None:
        first = -1
        if taken.calls:
            first = self.count
            self._operations(taken)
        disposition, reason = fate(taken)
        for exchange in taken.exchanges:
            decided = (exchange.index, disposition.value, taken.rule.name, reason, first)
            self._decided[exchange.index] = decided

    def _operations(self, taken: Taken) -> None:
        exchanges, at = taken.exchanges, taken.at
        user = at.user if at.user >= 0 else len(self.lanes) - 1
        arrival = at.time_ns
        service = _service_ns(exchanges)
        expected = _expected(exchanges)
        numbers = tuple(exchange.index for exchange in exchanges)
        chain = at.compound if at.compound is not None else -1 - at.index
        by_client = taken.rule.disposition is Disposition.CLIENT
        lanes = self.lanes[user]
        for call, received in zip(taken.calls, taken.amounts or repeat(None), strict=False):
            if service >= 0:
                end = arrival + service
            else:
                end = FOREVER_NS if exchanges and isinstance(call, Notify | Lock) else arrival
            handle = getattr(call, "handle", -1)
            if isinstance(call, Notify):
                lane = lanes.assign_watch(arrival, end, handle)
            else:
                lane = lanes.assign(arrival, end, handle, _ends(call, expected), chain)
            self._operation(
                Operation(
                    self.count,
                    user,
                    lane,
                    arrival,
                    service,
                    expected,
                    numbers,
                    taken.rule.name,
                    taken.path,
                    call,
                    received,
                    by_client,
                )
            )
            self.count += 1
            if by_client:
                self.client_calls += 1
            else:
                self.kinds[type(call).__name__] += 1
                self.operations_by_user[user] += 1


def _ends(call: Call, expected: int | None) -> bool:
    """Whether nothing on the call's handle can follow."""
    return isinstance(call, Close) or (
        type(call).__name__ == "Open" and expected is not None and refused(expected)
    )


def _service_ns(exchanges: tuple[Exchange, ...]) -> int:
    """From the first request to the last answer; -1 where one is missing."""
    if not exchanges:
        return -1
    answers = [exchange.response_ns for exchange in exchanges]
    known = [answer for answer in answers if answer is not None]
    return max(known) - exchanges[0].time_ns if len(known) == len(answers) else -1


def _expected(exchanges: tuple[Exchange, ...]) -> int | None:
    """The status that the caller saw: the first error, else the first status; None where one is missing."""
    for exchange in exchanges:
        if refused(exchange.status):
            return exchange.status
    return exchanges[0].status if exchanges else None
