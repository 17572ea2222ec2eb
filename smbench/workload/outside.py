"""A workload with what somebody outside its capture did, as the operations of one more user."""

from __future__ import annotations

from dataclasses import replace

from smbench.trace.model import User
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations

OUTSIDE_NAME = "outside"
"""Of the user, and what an account may stand for in users.toml."""


def with_outside(workload: Workload) -> Workload:
    """The same workload, with one more user, the last, who does what somebody outside did; a workload that
    has nothing of the kind as it is."""
    info, outside = workload.info, workload.info.outside
    if not outside.operations:
        return workload
    operations, users = workload.operations, info.trace.users
    assert isinstance(operations, StoredOperations)
    return replace(
        workload,
        operations=replace(operations, outside=len(users)),
        info=replace(
            info,
            trace=replace(info.trace, users=[*users, User(_free_name(users), "")]),
            lanes=[*info.lanes, 1],
            operations_by_user=[*info.operations_by_user, outside.operations],
        ),
    )


def outside_user(workload: Workload) -> int | None:
    """The number of the user who stands for somebody outside; None where there is none."""
    operations = workload.operations
    return operations.outside if isinstance(operations, StoredOperations) else None


def _free_name(users: list[User]) -> str:
    """As a second client of an account is told from the first: an account may be called so."""
    taken = {user.name.casefold() for user in users}
    names = (OUTSIDE_NAME, *(f"{OUTSIDE_NAME}#{number}" for number in range(2, len(users) + 3)))
    return next(name for name in names if name not in taken)
