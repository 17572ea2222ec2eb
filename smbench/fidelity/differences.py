"""What is missing and what is extra, each with where it comes from: a lift rule, an operation, a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from smbench.fidelity.matching import Matching
from smbench.fidelity.parameters import describe
from smbench.fidelity.placing import Placed
from smbench.fidelity.rows import NONE, Rows, Vocabulary
from smbench.fidelity.sides import CallFound, Side
from smbench.fidelity.users import UserPair
from smbench.outputs import output_file
from smbench.smb2.ntstatus import name as status_name
from smbench.trace.grade import SEALED
from smbench.trace.model import command_name
from smbench.workload.model import Disposition

Numbers = NDArray[np.int64]
MISSING, EXTRA = "missing", "extra"
_BATCH = 1 << 14


@dataclass(frozen=True, slots=True)
class Difference:
    """One exchange that only one side has."""

    side: str
    """`missing`: of the reference; `extra`: of the candidate."""
    exchange: int
    frame: int
    time_ns: int
    """Since its trace's start."""
    user: str
    path: str
    command: str
    parameters: str
    status: str
    rule: str
    reason: str
    """Why, as far as anything says: what the lift says of it, and the operation or call it belongs to."""
    call: str


_TYPES = {"exchange": pa.int64(), "frame": pa.int64(), "time_ns": pa.int64()}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in Difference.__dataclass_fields__])


class Differences:
    """The missing and the extra of a comparison, made when they are asked for."""

    def __init__(
        self,
        reference: Side,
        candidate: Side,
        rows: tuple[Rows, Rows],
        placed: tuple[Placed, Placed],
        matching: Matching,
        vocabulary: Vocabulary,
        users: Sequence[UserPair],
    ) -> None:
        self._sides = reference, candidate
        sealed = [side.info.grade.get(SEALED, 0) for side in self._sides]
        self._sealed = [f", where {count:,} sessions stay encrypted" if count else "" for count in sealed]
        self._rows = rows
        self._keys = vocabulary.keys.values
        self._at = (
            np.flatnonzero(matching.of_reference == NONE).tolist(),
            np.flatnonzero(matching.of_candidate == NONE).tolist(),
        )
        self._kinds = _kinds(rows, placed, users)
        size = 1 + max(int(kinds.max(initial=-1)) for kinds in self._kinds)
        self._counts = [np.bincount(kinds, minlength=size) for kinds in self._kinds]
        self._reasons: dict[str, list[tuple[str, str, str, int]]] = {}
        self._unpaired = [
            set(range(len(rows[0].users))) - {pair.reference for pair in users},
            set(range(len(rows[1].users))) - {pair.candidate for pair in users},
        ]

    def __len__(self) -> int:
        return len(self._at[0]) + len(self._at[1])

    @property
    def missing(self) -> int:
        return len(self._at[0])

    @property
    def extra(self) -> int:
        return len(self._at[1])

    def all(self, side: str) -> Iterator[Difference]:
        """Those of one side, in the order of their trace."""
        which = 0 if side == MISSING else 1
        make = self._missing if side == MISSING else self._extra
        return map(make, self._at[which])

    def reasons(self, side: str) -> list[tuple[str, str, str, int]]:
        """Command, rule, reason, how many: most first."""
        if side not in self._reasons:
            self._reasons[side] = self._counted(0 if side == MISSING else 1)
        return self._reasons[side]

    def _counted(self, which: int) -> list[tuple[str, str, str, int]]:
        rows, kinds = self._rows[which], self._sides[which].dispositions.kinds
        commands, kind = rows["command"].tolist(), rows["disposition"].tolist()
        counted = Counter(
            (commands[at], kinds[kind[at]].rule.name, self._reason(which, at, self._call(which, at)))
            for at in self._at[which]
        )
        return [
            (command_name(command), rule, reason, n) for (command, rule, reason), n in counted.most_common()
        ]

    def write(self, path: Path) -> None:
        """All of them as Parquet, with the columns of `Difference`."""
        with output_file(path) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            for side in (MISSING, EXTRA):
                batch: list[dict[str, Any]] = []
                for found in self.all(side):
                    batch.append({name: getattr(found, name) for name in SCHEMA.names})
                    if len(batch) == _BATCH:
                        writer.write_batch(pa.RecordBatch.from_pylist(batch, SCHEMA))
                        batch = []
                writer.write_batch(pa.RecordBatch.from_pylist(batch, SCHEMA))

    def _missing(self, at: int) -> Difference:
        return self._difference(MISSING, 0, at, self._call(0, at))

    def _extra(self, at: int) -> Difference:
        return self._difference(EXTRA, 1, at, self._call(1, at))

    def _call(self, which: int, at: int) -> CallFound | None:
        """The operation that a missing exchange was lifted to; the call that an extra one was sent by."""
        side, rows = self._sides[which], self._rows[which]
        if which == 0:
            operation = int(side.dispositions.operation[int(rows["index"][at])])
            return side.operation_of(operation) if operation >= 0 else None
        if side.calls is None:
            return None
        sent_ns = int(rows["time_ns"][at]) + side.info.start_epoch_ns
        return side.calls(int(rows["user"][at]), rows.spellings[int(rows["path"][at])], sent_ns)

    def _difference(self, side: str, which: int, at: int, call: CallFound | None) -> Difference:
        rows = self._rows[which]

        def value(column: str) -> int:
            return int(rows[column][at])

        lifted = self._sides[which].dispositions.kinds[value("disposition")]
        target = value("target")
        parameters = describe(self._keys[value("key")])
        return Difference(
            side,
            value("index"),
            value("frame"),
            value("time_ns"),
            rows.users[value("user")],
            rows.spellings[value("path")],
            command_name(value("command")),
            parameters if target == NONE else f"{parameters} target={rows.spellings[target]}",
            "unanswered" if value("status") == NONE else status_name(value("status")),
            lifted.rule.name,
            self._reason(which, at, call),
            "" if call is None else str(call),
        )

    def _reason(self, which: int, at: int, call: CallFound | None) -> str:
        rows, side = self._rows[which], self._sides[which]
        lifted = side.dispositions.kinds[int(rows["disposition"][at])]
        if int(rows["user"][at]) in self._unpaired[which]:
            return "its user has no counterpart on the other side" + self._sealed[1 - which]
        if which == 1:
            if call is None:
                return self._beside(1, at, "the reference")
            return f"sent by {call.kind}" if call.running else f"sent after {call.kind} had returned"
        if not self._sides[1].replay:
            return self._beside(0, at, "the candidate")
        if lifted.disposition == Disposition.UNSUPPORTED:
            return f"not replayed: {lifted.reason}"
        if lifted.disposition == Disposition.CLIENT:
            return f"left to the client: {lifted.reason}"
        if call is None:
            return "no operation stands for it"
        if ended := self._sides[1].ended(call.operation):
            return f"{call.kind}: {ended}"
        if lifted.disposition == Disposition.APPROXIMATE:
            return f"replayed otherwise: {lifted.reason}"
        return f"{call.kind} did not send it like this"

    def _beside(self, which: int, at: int, other: str) -> str:
        """What the other side has of such requests."""
        kind = self._kinds[which][at]
        mine, its = self._counts[which][kind], self._counts[1 - which][kind]
        if not its:
            return f"{other} has no such request"
        return f"{other} has {'fewer of them' if its < mine else 'them in another order'}"


def _kinds(
    rows: tuple[Rows, Rows], placed: tuple[Placed, Placed], users: Sequence[UserPair]
) -> list[Numbers]:
    """By row of either side: the number of its user, path and request together."""
    as_reference = {pair.candidate: pair.reference for pair in users}
    # Whoever the candidate alone has is below 0.
    theirs = [as_reference.get(user, -1 - user) for user in range(len(rows[1].users))]
    whose = np.concatenate((rows[0]["user"], np.array(theirs, np.int64)[rows[1]["user"]]))
    words = (np.concatenate([getattr(at, name) for at in placed]) for name in ("path", "request"))
    kinds = np.unique(np.stack((whose, *words)), axis=1, return_inverse=True)[1].reshape(-1)
    return np.split(kinds, [len(rows[0])])
