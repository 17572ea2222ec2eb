"""Workloads told call by call, without a capture: for planning, running and measuring."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from helpers.stored import info_of

from smbench.plan import Plan
from smbench.smb2 import constants
from smbench.smb2.ntstatus import Status
from smbench.trace.model import TraceInfo, User
from smbench.workload.calls import Call, Close, Create, Open, Read, Write
from smbench.workload.model import Break, Operation, Workload, WorkloadInfo

READ, WRITE = constants.GENERIC_READ, constants.GENERIC_WRITE
OPEN, CREATE, OPEN_IF = constants.OPEN, constants.CREATE, constants.OPEN_IF
SHARING_VIOLATION = Status.SHARING_VIOLATION


@dataclass(slots=True)
class Load:
    """Operations in order of arrival; each comes `step_ns` after the one before and takes half of it,
    so that it is answered before the next is asked, unless it is said otherwise."""

    users: list[str] = field(default_factory=lambda: ["alice", "bob"])
    step_ns: int = 1000
    operations: list[Operation] = field(default_factory=list)
    now_ns: int = 0
    paths: dict[int, str] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)

    def add(
        self, user: int, call: Call, lane: int = 0, takes_ns: int | None = None, expected: int | None = 0,
        at_ns: int | None = None, received: int | None = None,
    ) -> int:  # fmt: skip
        """Add one call; its number comes back."""
        if at_ns is not None:
            self.now_ns = at_ns
        path = getattr(call, "path", None)
        if path is None:
            path = self.paths.get(getattr(call, "handle", -1), "")
        elif isinstance(call, Open):
            self.paths[call.handle] = path
        takes_ns = self.step_ns // 2 if takes_ns is None else takes_ns
        number = len(self.operations)
        self.operations.append(
            Operation(
                number, user, lane, self.now_ns, takes_ns, expected, (number,), "told", path, call, received
            )
        )
        self.now_ns += self.step_ns
        return number

    def opens(
        self, user: int, handle: int, path: str, disposition: int = OPEN, share: int = 7,
        access: int = READ | WRITE, lane: int = 0, options: int = 0, **told: int | None,
    ) -> int:  # fmt: skip
        return self.add(
            user, Open(handle, path, Create(access, share, disposition, options, 0)), lane, **told
        )

    def reads(self, user: int, handle: int, offset: int = 0, length: int = 4096, lane: int = 0,
              **told: int | None) -> int:  # fmt: skip
        return self.add(user, Read(handle, offset, length), lane, **told)

    def writes(self, user: int, handle: int, offset: int = 0, length: int = 4096, lane: int = 0,
               **told: int | None) -> int:  # fmt: skip
        return self.add(user, Write(handle, offset, length), lane, **told)

    def closes(self, user: int, handle: int, lane: int = 0, **told: int | None) -> int:
        return self.add(user, Close(handle), lane, **told)

    @property
    def workload(self) -> Workload:
        info = WorkloadInfo(TraceInfo(users=[User(name, "10.0.0.1") for name in self.users]))
        return Workload(info_of(self.operations, info), self.operations, [], self.breaks)


def stored_edges(plan: Plan) -> list[tuple[int, int]]:
    """The waits of a plan as (the last row that has to be completed, the row that waits)."""
    waits = plan.waits
    before = plan.row[plan.lane_start[waits.lane] + waits.count - 1]
    return list(zip(before.tolist(), plan.row[waits.place].tolist(), strict=True))


def stored_brief_edges(plan: Plan) -> list[tuple[int, int]]:
    """What is waited for briefly, and what waits, by row."""
    brief = plan.brief
    before = plan.row[plan.lane_start[brief.lane] + brief.count - 1]
    return list(zip(before.tolist(), plan.row[brief.place].tolist(), strict=True))


def all_before(plan: Plan) -> list[set[int]]:
    """By row: every row that lane order and waits put before it."""
    direct: list[list[int]] = [[] for _ in range(plan.operations)]
    for lane in range(plan.lanes):
        rows = plan.row[plan.lane_start[lane] : plan.lane_start[lane + 1]].tolist()
        for earlier, later in itertools.pairwise(rows):
            direct[later].append(earlier)
    for earlier, later in stored_edges(plan):
        direct[later].append(earlier)
    before: list[set[int]] = []
    for row in range(plan.operations):  # edges run from earlier to later rows
        before.append(set().union(*({earlier} | before[earlier] for earlier in direct[row])))
    return before
