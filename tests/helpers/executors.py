"""Executors that misbehave on purpose; `use` makes them known to the registry for one test."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import signal
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from smbench.errors import SetupError
from smbench.executors import registry
from smbench.executors.base import Executor, ExecutorContext, Handler, UserLostError
from smbench.executors.null import NullExecutor
from smbench.executors.registry import BuiltIn
from smbench.measure.clock import now_ns
from smbench.workload.calls import CALLS, Call, Close, Flush, Notify, Open, Read, SetAllocation


def use(monkeypatch: pytest.MonkeyPatch, *executors: type[Executor]) -> None:
    for executor in executors:
        monkeypatch.setitem(registry.BUILT_IN, executor.name, BuiltIn(__name__, executor.__name__))


def lacking(*kinds: type[Call]) -> type[Executor]:
    """An executor as it stands in a plan, which carries these out not."""

    class Lacking(NullExecutor):
        compares = True
        unsupported = dict.fromkeys(kinds, "never: by design")

    return Lacking


class Anything:
    """Stands for an executor where only its table of handlers is read, and for all that it is made of."""

    def __getattr__(self, _name: str) -> Any:
        return self

    def __call__(self, *_: Any) -> Any:
        return self


def table(kind: type[Executor]) -> Mapping[type[Call], Handler]:
    """The handlers of an executor that is not made, for it could not run here."""
    stand_in: Any = Anything()
    return kind.handlers(stand_in)


class Quiet(Executor):
    """Answers 0; subclasses change what happens in between."""

    name = "quiet"
    unsupported: ClassVar[Mapping[type[Call], str]] = {SetAllocation: "never: there is nothing to allocate"}

    def __init__(self, context: ExecutorContext) -> None:
        self.dice = random.Random(context.user)

    def handlers(self) -> Mapping[type[Call], Handler]:
        return {kind: self.answer for kind in CALLS.values() if kind not in self.unsupported}

    def answer(self, call: Call) -> int:
        return 0

    def close(self) -> None:
        pass


class Jittery(Quiet):
    """Takes up to 2 ms, at random."""

    name = "jittery"

    def answer(self, call: Call) -> int:
        time.sleep(self.dice.random() * 0.002)
        return 0


class Slow(Quiet):
    """Takes 20 ms."""

    name = "slow"

    def answer(self, call: Call) -> int:
        time.sleep(0.02)
        return 0


class Failing(Quiet):
    """Reads by their offset: an even one takes 10 ms, an odd one is refused at once."""

    name = "failing"

    def answer(self, call: Call) -> int:
        if isinstance(call, Read) and call.offset % 2:
            return -errno.EIO
        if isinstance(call, Read):
            time.sleep(0.01)
            return call.length
        return 0


class Spinning(Quiet):
    """Keeps its processor for 2 ms."""

    name = "spinning"

    def answer(self, call: Call) -> int:
        until = time.process_time_ns() + 2_000_000
        while time.process_time_ns() < until:
            pass
        return 0


class Lasting(Quiet):
    """Tells when it was closed (now_ns)."""

    name = "lasting"
    closed_ns = 0

    def close(self) -> None:
        self.closed_ns = now_ns()

    def statistics(self) -> Mapping[str, Any]:
        return {"closed_ns": self.closed_ns}


class Hanging(Quiet):
    """A Notify never comes back, whatever signals arrive; other calls do."""

    name = "hanging"

    def answer(self, call: Call) -> int:
        if isinstance(call, Notify):
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            ctypes.CDLL(None).sleep(600)
        return 0


class Dying(Quiet):
    """A Flush kills its own process."""

    name = "dying"

    def answer(self, call: Call) -> int:
        if isinstance(call, Flush):
            os.kill(os.getpid(), signal.SIGKILL)
        return 0


class Losing(Quiet):
    """A Flush finds its user lost, and so do all calls after it."""

    name = "losing"
    lost = False

    def answer(self, call: Call) -> int:
        self.lost = self.lost or isinstance(call, Flush)
        if self.lost:
            raise UserLostError("no connection within 60 s")
        return 0


class Raising(Quiet):
    """A Flush raises what no handler should."""

    name = "raising"

    def answer(self, call: Call) -> int:
        if isinstance(call, Flush):
            raise ZeroDivisionError("by design")
        return 0


class Unwilling(Quiet):
    """Cannot start."""

    name = "unwilling"

    def __init__(self, context: ExecutorContext) -> None:
        raise SetupError("no server anywhere")


class Nobody(Quiet):
    """Tells by its outcome which user it runs as."""

    name = "nobody"

    def answer(self, call: Call) -> int:
        return os.getuid() * 100_000 + os.getgid()


class Holding(Quiet):
    """Opens and closes handles, and counts."""

    name = "holding"

    def __init__(self, context: ExecutorContext) -> None:
        super().__init__(context)
        self.held: set[int] = set()
        self.most = self.opens = 0
        self.unknown: list[int] = []

    def answer(self, call: Call) -> int:
        if isinstance(call, Open):
            self.opens += 1
            self.held.add(call.handle)
            self.most = max(self.most, len(self.held))
        elif isinstance(call, Close):
            if call.handle not in self.held:
                self.unknown.append(call.handle)
            self.held.discard(call.handle)
        return 0

    def statistics(self) -> Mapping[str, Any]:
        return {"opens": self.opens, "most": self.most, "left": sorted(self.held), "unknown": self.unknown}


class Uneven(Quiet):
    """A user's calls take as long as its own dice say, most of them next to nothing."""

    name = "uneven"

    def __init__(self, context: ExecutorContext) -> None:
        self.dice = random.Random(f"{context.seed} {context.user}")
        self.most_s = self.dice.choice([0, 0, 0.0002, 0.001])

    def answer(self, call: Call) -> int:
        time.sleep(self.dice.random() * self.most_s)
        return 0


class Backwards(Quiet):
    """The first user's calls are answered only when the second one has begun a call of its own."""

    name = "backwards"

    def __init__(self, context: ExecutorContext) -> None:
        self.begun = context.root / "begun"
        self.first = context.user == 0

    def answer(self, call: Call) -> int:
        if not self.first:
            self.begun.touch()
        patience_s = 10.0
        while self.first and not self.begun.exists() and patience_s > 0:
            time.sleep(0.001)
            patience_s -= 0.001
        return 0


class Unreachable(Quiet):
    """A server that goes away: every Open succeeds, and all else fails with a connection error, in 10 ms."""

    name = "unreachable"

    def answer(self, call: Call) -> int:
        time.sleep(0.01)
        return 0 if isinstance(call, Open) else -errno.EHOSTDOWN
