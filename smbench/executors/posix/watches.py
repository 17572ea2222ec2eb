"""The watches of one user: of an open directory one, from its first notification to its close."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from threading import Lock

from smbench.executors.base import Armed
from smbench.executors.posix.client import Client, Watch
from smbench.executors.posix.files import OpenFile
from smbench.executors.posix.turns import CANCELLED
from smbench.executors.posix.waiters import Waiters
from smbench.workload.calls import Notify


class Watches:
    """Waits for changes; `end` and `interrupt` end them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = Lock()
        self._watches: dict[int, tuple[OpenFile, Watch]] = {}
        """By the file's identity: a handle may be another file's by then."""
        self._expected: Mapping[int, int] = {}
        self._waiting = 0
        self._waiters = Waiters()

    def expect(self, counts: Mapping[int, int], most: int) -> None:
        """As `Executor.expect_notifications`."""
        self._expected = counts
        if counts:
            with suppress(OSError):  # the first notification tries again, and tells
                self._client.prepare_to_watch(self._waiters, most)

    def wait(self, file: OpenFile, call: Notify, armed: Armed) -> int:
        """Handler of Notify: 0 at the first change, CANCELLED where `end` or `interrupt` came before."""
        with self._lock:
            if file.closed:
                return CANCELLED
            if id(file) not in self._watches:
                watch = self._client.watch(
                    file.fd, call.filter, self._expected.get(call.handle, 0), self._waiters
                )
                self._watches[id(file)] = file, watch
                file.watched = True
            watch = self._watches[id(file)][1]
            self._waiting += 1
        try:
            return watch.wait(call.filter, call.watch_tree, armed)
        finally:
            with self._lock:
                self._waiting -= 1

    def waiting(self) -> int:
        return self._waiting

    def end(self, file: OpenFile) -> None:
        """The file is closed: who waits on it waits no longer."""
        with self._lock:
            file.closed = True
            known = self._watches.pop(id(file), None)
        if known is not None:
            known[1].end()

    def interrupt(self) -> None:
        """End all of them."""
        with self._lock:
            watches = [watch for _, watch in self._watches.values()]
        for watch in watches:
            watch.cancel()

    def close(self) -> None:
        """End all of them, and what they need."""
        for file, _ in list(self._watches.values()):
            self.end(file)
        self._waiters.close()
