"""Breaks of oplocks and leases: taken from the receiving thread, acknowledged by a thread of their own.

An acknowledgement goes over the connection by which the break came, or nowhere.

A client must acknowledge what the server waits for, and nothing else ([MS-SMB2] 3.2.5.19): a lease break
with ACK_REQUIRED; an oplock break unless level II goes to none, which servers refuse to have acknowledged.
Nothing is cached here, so an acknowledgement needs nothing written back before it.

A client that keeps a file open for its cache alone answers a break by its CLOSE. Where the capture had that,
the break is kept until then: whoever waits at the server is alone with the file afterwards.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import Any

from smbench.executors.base import KeptBreak
from smbench.executors.library.connection import Answer
from smbench.executors.library.messages import (
    Break,
    Message,
    break_of,
    lease_acknowledgement,
    oplock_acknowledgement,
)
from smbench.smb2.constants import OPLOCK_LEVEL_II
from smbench.smb2.ntstatus import Status
from smbench.smb2.ntstatus import name as status_name

_EVENTS_KEPT = 1000
_OVERDUE_S = 0.25
"""So long a close waits at most for the break that it answers, once that is under way."""
_COUNTED = (
    "oplock", "lease", "acknowledged", "oplock_acknowledged", "lease_acknowledged", "answered_by_close",
    "unknown",
)  # fmt: skip


@dataclass(slots=True)
class _Kept:
    """A break that waits for the close of its open."""

    until_ns: int
    acknowledgement: Message
    send: Answer
    event: dict[str, Any]


class Breaks:
    """The breaks of one user."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[int, bytes, Answer] | None] = SimpleQueue()
        self._oplocks: dict[bytes, int] = {}
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._events: list[dict[str, Any]] = []
        self._cpu_ns = 0
        self._expected: Mapping[int, KeptBreak] = {}
        self._latest: dict[bytes, int] = {}
        """By file id or lease key, the handle that was opened last; where breaks are to be kept."""
        self._broken: dict[int, int] = {}
        """By open handle, how often since it was opened."""
        self._kept: dict[int, _Kept] = {}
        self._arrivals: dict[int, threading.Event] = {}
        """By open handle: set when there is something to keep."""
        self._thread = threading.Thread(target=self._acknowledge_all, name="breaks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def receive(self, body: bytes, send: Answer) -> None:
        """A notification has come; `send` takes its acknowledgement. Called in the receiving thread."""
        self._queue.put((time.monotonic_ns(), body, send))

    def expect(self, kept: Mapping[int, KeptBreak]) -> None:
        """As `Executor.expect_breaks`; before any open."""
        self._expected = kept

    @property
    def are_kept(self) -> bool:
        """Whether some are to be, so that it has to be told what is opened and closed."""
        return bool(self._expected)

    def opened(self, handle: int, key: bytes) -> None:
        """A handle was opened, whose breaks will bear that file id or lease key."""
        self._latest[key] = handle
        self._broken[handle] = 0
        if handle in self._expected:
            self._arrivals[handle] = threading.Event()

    def await_kept(self, handle: int) -> None:
        """Return when the break that the handle's close answers has come, or is long overdue."""
        if (arrival := self._arrivals.get(handle)) is not None:
            arrival.wait(_OVERDUE_S)

    def closing(self, handle: int) -> None:
        """A handle is about to be closed, which answers the break that is kept for it."""
        self._broken.pop(handle, None)
        self._arrivals.pop(handle, None)
        if (kept := self._kept.pop(handle, None)) is not None:
            self._counts["answered_by_close"] += 1
            self._record(kept.event)

    def granted(self, file_id: bytes, level: int) -> None:
        """An open has an oplock of that level (1 II, 8 exclusive, 9 batch)."""
        self._oplocks[file_id] = level

    def closed(self, file_id: bytes) -> None:
        """An open is gone, and its oplock with it."""
        self._oplocks.pop(file_id, None)

    def forget(self) -> None:
        """The connection was lost, and every oplock with it."""
        self._oplocks.clear()
        self._kept.clear()
        self._latest.clear()
        for arrival in list(self._arrivals.values()):
            arrival.set()

    def stop(self) -> None:
        """End the thread, after what has come already."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(2)

    def statistics(self) -> dict[str, Any]:
        """Counts, the first thousand breaks that were dealt with, and the thread's CPU time."""
        return {
            **{key: self._counts[key] for key in _COUNTED},
            "acknowledgement_statuses": dict(self._statuses),
            "acknowledger_cpu_ns": self._cpu_ns,
            "events": sorted(self._events, key=itemgetter("time_ns")),
        }

    def _acknowledge_all(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=self._patience_s())
            except Empty:
                self._acknowledge_overdue(time.monotonic_ns())
                continue
            if item is None:
                self._acknowledge_overdue()
                return
            self._handle(*item)
            self._cpu_ns = time.thread_time_ns()

    def _patience_s(self) -> float | None:
        """Until the first of those that are kept is overdue."""
        until_ns = min((kept.until_ns for kept in list(self._kept.values())), default=None)
        return None if until_ns is None else max(until_ns - time.monotonic_ns(), 0) / 1e9

    def _acknowledge_overdue(self, now_ns: int | None = None) -> None:
        """Those that were kept long enough, or all."""
        for handle, kept in list(self._kept.items()):
            if (now_ns is None or kept.until_ns <= now_ns) and self._kept.pop(handle, None) is not None:
                self._acknowledge(kept.acknowledgement, kept.send, kept.event)

    def _handle(self, received_ns: int, body: bytes, send: Answer) -> None:
        notice = break_of(body)
        if notice is None:
            self._counts["unknown"] += 1
            return
        self._counts["lease" if notice.lease else "oplock"] += 1
        before = notice.current if notice.lease else self._oplocks.get(notice.key)
        answer = self._answer(notice)
        event: dict[str, Any] = {
            "time_ns": received_ns, "lease": notice.lease, "from": before, "to": notice.new,
            "acknowledged_ns": None,
        }  # fmt: skip
        handle, kept = self._keep(notice)
        if answer is None:
            self._record(event)
        elif kept is not None:
            self._kept[handle] = _Kept(received_ns + kept.within_ns, answer, send, event)
            if (arrival := self._arrivals.get(handle)) is not None:
                arrival.set()
        else:
            self._acknowledge(answer, send, event)

    def _keep(self, notice: Break) -> tuple[int, KeptBreak | None]:
        """The handle that a break is of, and whether and how long its close is to be awaited."""
        handle = self._latest.get(notice.key, -1)
        before, expected = self._broken.get(handle), self._expected.get(handle)
        if before is None:
            return handle, None
        self._broken[handle] = before + 1
        return handle, expected if expected is not None and expected.before == before else None

    def _acknowledge(self, answer: Message, send: Answer, event: dict[str, Any]) -> None:
        reply = send(answer)
        if reply.status != Status.CONNECTION_DISCONNECTED:
            event["acknowledged_ns"] = time.monotonic_ns() - event["time_ns"]
            self._counts["acknowledged"] += 1
            self._counts[f"{'lease' if event['lease'] else 'oplock'}_acknowledged"] += 1
        self._statuses[status_name(reply.status)] += 1
        self._record(event)

    def _record(self, event: dict[str, Any]) -> None:
        if len(self._events) < _EVENTS_KEPT:
            self._events.append(event)

    def _answer(self, notice: Break) -> Message | None:
        if notice.lease:
            return lease_acknowledgement(notice.key, notice.new) if notice.required else None
        level = self._oplocks.get(notice.key)
        if level is not None:
            self._oplocks[notice.key] = notice.new
        if level == OPLOCK_LEVEL_II:
            return None
        return oplock_acknowledgement(notice.key, notice.new)
