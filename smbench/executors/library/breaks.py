"""Breaks of oplocks and leases: taken from the receiving thread, acknowledged by a thread of their own.

An acknowledgement goes over the connection by which the break came, or nowhere.

A client must acknowledge what the server waits for, and nothing else ([MS-SMB2] 3.2.5.19): a lease break
with ACK_REQUIRED; an oplock break unless level II goes to none, which servers refuse to have acknowledged.
Nothing is cached here, so an acknowledgement needs nothing written back before it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from queue import SimpleQueue
from typing import Any

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
_COUNTED = ("oplock", "lease", "acknowledged", "oplock_acknowledged", "lease_acknowledged", "unknown")


class Breaks:
    """The breaks of one user."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[int, bytes, Answer] | None] = SimpleQueue()
        self._oplocks: dict[bytes, int] = {}
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._events: list[dict[str, Any]] = []
        self._cpu_ns = 0
        self._thread = threading.Thread(target=self._acknowledge_all, name="breaks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def receive(self, body: bytes, send: Answer) -> None:
        """A notification has come; `send` takes its acknowledgement. Called in the receiving thread."""
        self._queue.put((time.monotonic_ns(), body, send))

    def granted(self, file_id: bytes, level: int) -> None:
        """An open has an oplock of that level (1 II, 8 exclusive, 9 batch)."""
        self._oplocks[file_id] = level

    def closed(self, file_id: bytes) -> None:
        """An open is gone, and its oplock with it."""
        self._oplocks.pop(file_id, None)

    def forget(self) -> None:
        """The connection was lost, and every oplock with it."""
        self._oplocks.clear()

    def stop(self) -> None:
        """End the thread, after what has come already."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(2)

    def statistics(self) -> dict[str, Any]:
        """Counts, the first thousand breaks in order, and the thread's CPU time."""
        return {
            **{key: self._counts[key] for key in _COUNTED},
            "acknowledgement_statuses": dict(self._statuses),
            "acknowledger_cpu_ns": self._cpu_ns,
            "events": self._events,
        }

    def _acknowledge_all(self) -> None:
        while (item := self._queue.get()) is not None:
            self._handle(*item)
            self._cpu_ns = time.thread_time_ns()

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
        if answer is not None:
            reply = send(answer)
            if reply.status != Status.CONNECTION_DISCONNECTED:
                event["acknowledged_ns"] = time.monotonic_ns() - received_ns
                self._counts["acknowledged"] += 1
                self._counts[f"{'lease' if notice.lease else 'oplock'}_acknowledged"] += 1
            self._statuses[status_name(reply.status)] += 1
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
