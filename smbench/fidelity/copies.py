"""Which copy of its workload a run is compared by: a run of clones and loops has the workload several times.

The capture has it once, so that one copy is compared with it: clone 1 of loop 1, unless another is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from smbench.clones import clone_folder
from smbench.errors import UsageError
from smbench.plan.amplify import clone_names
from smbench.run.model import Run
from smbench.trace.model import TraceInfo

_ISOLATED = "isolated"


@dataclass(frozen=True, slots=True)
class Copy:
    """One clone in one loop; both count from 1. `isolated`: the clone's files are in a folder of its own."""

    clone: int = 1
    clones: int = 1
    loop: int = 1
    loops: int = 1
    isolated: bool = False

    @property
    def copies(self) -> int:
        """How often the run has the workload."""
        return self.clones * self.loops

    @property
    def folder(self) -> str:
        """The clone's folder beneath the run's target, "" for none."""
        return clone_folder(self.clone) if self.isolated else ""

    def users(self, users: int) -> range:
        """The clone's own of the run's users."""
        each = users // self.clones
        return range((self.clone - 1) * each, self.clone * each)

    def captured(self, name: str) -> str:
        """The captured user's name, of a name that the run has given to a user of this clone."""
        suffix = clone_names([""], self.clones)[self.clone - 1]
        return name.removesuffix(suffix)

    def rows(self, table: pa.Table) -> pa.Table:
        """Of a run's operations those of this copy, in the workload's order."""
        for column, count, number in (("clone", self.clones, self.clone), ("loop", self.loops, self.loop)):
            if count > 1:
                table = table.filter(pc.equal(table.column(column), number))
        return table

    def connections(self, info: TraceInfo, users: Sequence[int]) -> frozenset[int] | None:
        """The connections of the copy's users on the wire; None where all belong to it, or nobody knows."""
        if self.clones == 1 or not users:
            return None
        sessions = (session for session in info.sessions if session.user in users)
        return frozenset(connection for session in sessions for connection in session.connections)

    def notes(self) -> list[str]:
        """What was chosen, in words, where there was a choice."""
        return [
            f"of its {count} {word}s number {number} is compared (--{word} N for another)"
            for word, count, number in (("clone", self.clones, self.clone), ("loop", self.loops, self.loop))
            if count > 1
        ]


def copy_of(run: Run, clone: int | None = None, loop: int | None = None) -> Copy:
    """The copy of a run that is asked for. UsageError where it has none such. Loops are those that began."""
    clones, loops = run.configuration.clones, run.loops_begun
    for word, asked, count in (("clone", clone, clones), ("loop", loop, loops)):
        if asked is not None and asked > count:
            has = f"{count:,} {word}s" if count > 1 else f"only one {word}"
            if word == "loop" and count < run.configuration.loops:
                has += f" that began, of {run.configuration.loops:,}"
            raise UsageError(f"{run.name} has {has}: --{word} {asked} is none of its own")
    isolated = clones > 1 and run.configuration.namespace == _ISOLATED
    return Copy(clone or 1, clones, loop or 1, loops, isolated)
