"""A subject recorded or read, replayed by the kernel's client and by the library; each replay made a row."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.fidelity import Application, Lab, operations_of, own_cpu_ns, password_of, service_of

from bench.fidelity.row import KERNEL, LIBRARY, Row, row_of, worst
from bench.fidelity.service_times import Times
from bench.fidelity.subjects import NOTHING, why_not
from smbench.workload.store import StoredOperations, read


class NotReplayableError(Exception):
    """Nobody can replay this capture, and why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for of all replays."""

    size: int
    """Files of an application's tree."""
    runs: int
    """Of subjects whose clients broke each other's leases."""
    speed: float
    deadline_s: int
    """Of one replay."""
    close_gaps_s: float
    """How long a stretch of a capture without an operation may last."""
    library: bool
    again: bool
    """Whether the replay's own capture is replayed too."""


class Replaying:
    """The rows of one subject after the other; `lab` keeps what is made on the way."""

    def __init__(self, lab: Lab, asked: Asked) -> None:
        self._lab = lab
        self._asked = asked
        self.times: list[Times] = []
        """Service times, of applications that the library replayed too."""

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self._lab.out

    def application(self, application: Application) -> Iterator[Row]:
        """It is recorded on mounts with the client's defaults, and replayed."""
        name = application.name
        workload = self._lab.application(name, self._asked.size)
        yield self._replays(name, workload, KERNEL)
        if self._asked.again:
            own = self._lab.own_capture(self._run(name, KERNEL), self._lab.out / f"{name}-again.workload")
            yield self._replays(f"{name}-again", own, KERNEL)
        if self._asked.library:
            yield self._replays(name, workload, LIBRARY)
            kernel, library = self._run(name, KERNEL), self._run(name, LIBRARY)
            self.times.append(Times(name, service_of(kernel), service_of(library), own_cpu_ns(library)))

    def capture(self, capture: Path) -> Iterator[Row]:
        """It is read, and replayed; its users by whatever accounts the lab has. NotReplayableError says why
        not."""
        name = capture.name
        workload = self._lab.out / f"{name}.workload"
        with _keys(capture) as keys:
            try:
                self._lab.ingest(capture, workload, *keys)
            except RuntimeError as error:
                if why := why_not(str(error)):
                    raise NotReplayableError(why) from error
                raise
        if not operations_of(workload):
            raise NotReplayableError(NOTHING)
        yield self._replays(name, workload, KERNEL)
        if self._asked.library:
            yield self._replays(name, workload, LIBRARY)

    def _run(self, name: str, by: str) -> Path:
        return self._lab.out / f"{name}-{by}.run"

    def _replays(self, name: str, workload: Path, by: str) -> Row:
        """Of several runs the worst; what nobody contended for runs once."""
        rows = [self._replay(name, workload, by)]
        while rows[0].breaks[0] and len(rows) < self._asked.runs:
            rows.append(self._replay(name, workload, by))
        return worst(rows)

    def _replay(self, name: str, workload: Path, by: str) -> Row:
        asked = self._asked
        run = self._lab.replay(
            f"{name}-{by}", workload,
            "--speed", f"{asked.speed:g}",
            "--close-gaps", f"{asked.close_gaps_s:g}",
            "--deadline", f"{asked.deadline_s}",
            *(("--executor", "library") if by == LIBRARY else ()),
        )  # fmt: skip
        operations = read(workload).operations
        assert isinstance(operations, StoredOperations)
        every = dataclasses.replace(operations, client_calls=True)
        with self._lab.compared(workload, run) as (compared, held):
            return row_of(name, by, compared, held, every.table(["operation", "service_ns"]))


@contextmanager
def _keys(capture: Path) -> Iterator[list[str]]:
    """What ingest is told of a capture's password, where the index beside it has one."""
    password = password_of(capture)
    if password is None:
        yield []
        return
    # In the guest's own folder, which vanishes with it.
    secret = Path("/tmp", f"{capture.stem}.password")
    secret.write_text(password)
    try:
        yield ["--nt-password-file", str(secret)]
    finally:
        secret.unlink()
