"""A workload run on the memory executor: what came of every operation, beside what the capture had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smbench.executors.base import ExecutorContext, Handler
from smbench.executors.memory.executor import MemoryExecutor, MemoryServer
from smbench.smb2 import ntstatus
from smbench.workload.calls import Call, Close, Lock, Notify, Open
from smbench.workload.model import Operation, Workload


@dataclass(frozen=True, slots=True)
class Outcome:
    """`got` is None where the operation was left out, for it would wait for another one."""

    operation: Operation
    got: int | None

    @property
    def matches(self) -> bool:
        return self.got is None or ntstatus.matches(self.operation.expected, self.got, self.operation.call)

    @property
    def signature(self) -> tuple[str, str, str]:
        """The kind, and both outcomes by name."""
        expected = "" if self.operation.expected is None else ntstatus.name(self.operation.expected)
        got = "" if self.got is None else ntstatus.outcome_name(self.got)
        return type(self.operation.call).__name__, expected, got


def replay(workload: Workload, name: str) -> Iterator[Outcome]:
    """Prepare the inferred namespace, then do all operations one after the other, in the order in which
    the captured server was done with them."""
    root = Path("/oracle") / name
    MemoryServer.at(root).prepare(workload.namespace)
    executors: dict[int, MemoryExecutor] = {}
    handlers: dict[tuple[int, type[Call]], Handler] = {}
    try:
        for operation in sorted(workload.operations, key=_done):
            user, call = operation.user, operation.call
            if user not in executors:
                executors[user] = MemoryExecutor(ExecutorContext(root, user))
                handlers.update({(user, kind): does for kind, does in executors[user].handlers().items()})
            does = handlers.get((user, type(call)))
            if does is None or _would_wait(operation):
                yield Outcome(operation, None)
                continue
            got = does(call)
            if isinstance(call, Open) and got >= 0 and ntstatus.is_error(operation.expected or 0):
                handlers[user, Close](Close(call.handle))  # nothing in the capture will
            yield Outcome(operation, got)
    finally:
        for executor in executors.values():
            executor.close()
        MemoryServer.forget(root)


def _would_wait(operation: Operation) -> bool:
    """Whether it may wait for another one: a notification for a change, a lock for who holds it."""
    call = operation.call
    return isinstance(call, Notify) or (isinstance(call, Lock) and call.wait and operation.expected != 0)


def _done(operation: Operation) -> tuple[int, int]:
    return operation.arrival_ns + max(operation.service_ns, 0), operation.index
