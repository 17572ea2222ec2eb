"""The tables that the library keeps of its requests: they wait for credits and live through breaks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from smbprotocol.header import SMB2HeaderResponse

from smbench.smb2.constants import UNSOLICITED_MESSAGE_ID


class Inbox:
    """Stands in the table of outstanding requests for what no request asked for."""

    session_id = 0
    async_id = None

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        self._deliver = deliver
        self.message = SMB2HeaderResponse()
        self.response_event = threading.Event()
        self.response_event_lock = threading.Lock()

    @property
    def response(self) -> None:
        return None

    @response.setter
    def response(self, header: Any) -> None:
        self._deliver(header["data"].get_value())


class RequestTable(dict[int, Any]):
    """The outstanding requests by message id; the id of notifications is always there."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    def __missing__(self, message_id: int) -> Any:
        if message_id == UNSOLICITED_MESSAGE_ID:
            return self._inbox
        raise KeyError(message_id)

    def values(self) -> Any:
        """A copy: the receiving thread goes through them in its end, while lanes may still add some."""
        return list(super().values())


class CreditWindow(dict[str, int]):
    """The library's sequence window, that wakes who waits when it grows. Its lock is the library's."""

    def __init__(self, window: dict[str, int], lock: Any) -> None:
        super().__init__(window)
        self.changed = threading.Condition(lock)
        self.promised = 0
        """Credits of requests that are about to be sent."""
        self.waits = 0

    def __setitem__(self, key: str, value: int) -> None:
        super().__setitem__(key, value)
        if key == "high":
            self.changed.notify_all()

    @property
    def free(self) -> int:
        return self["high"] - self["low"] - self.promised

    @contextmanager
    def spend(self, cost: int, keep: int, alive: Callable[[], bool]) -> Iterator[int]:
        """Hold `cost` credits while a request is sent, once there are so many and `keep` more; yields how
        many are free then."""
        with self.changed:
            if self.free < cost + keep:
                self.waits += 1
                while self.free < cost + keep and alive():
                    self.changed.wait(1.0)
            self.promised += cost
            free = self.free
        try:
            yield free
        finally:
            with self.changed:
                self.promised -= cost
                self.changed.notify_all()
