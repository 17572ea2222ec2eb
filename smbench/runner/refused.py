"""Opens that the capture saw refused and that succeed here: closed at once, as no call of the capture will.

What stayed open would be a file that the captured client never held: it breaks leases, and refuses others
what they were granted. The mismatch stands in the result. The close is no operation and has no time: it
is made between an operation's record and the next one's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.executors.base import Handler, UserLostError
from smbench.measure.oplog import OUTCOME, RECORD, OperationLog
from smbench.smb2.ntstatus import FIRST_WARNING
from smbench.workload.calls import Call, Close, Open

REFUSED = "refused"
"""A column beside the parameters of calls: an Open whose response was a failure."""

Item = tuple[Handler, Call, int, int]
"""A handler, its call, where in the log the record goes (bytes), what is known of its time (ns).

That is when it is due since the start (pace `original`), or how long after the lane's last answer
(`think`); 0 in `fast`."""


def fails(expected: NDArray[np.signedinteger[Any]]) -> NDArray[np.bool_]:
    """Where the capture had a failure; not where it has no answer."""
    return np.asarray(expected >= FIRST_WARNING)


def refused_opens(batch: pa.RecordBatch) -> list[int]:
    """Which rows of (a slice of) a lane's record batch are such opens."""
    marks = batch.column(REFUSED).to_numpy(zero_copy_only=False)
    return [int(row) for row in np.flatnonzero(marks)]


def with_own_handles(calls: list[Call], rows: Iterable[int], first_place: int) -> None:
    """Number the handles of these opens, which the capture does not: below 0, each once in the plan."""
    for row in rows:
        call = calls[row]
        assert isinstance(call, Open)
        calls[row] = replace(call, handle=-2 - first_place - row)


def closing(
    items: Iterable[Item], refused: Collection[int], close: Handler, log: OperationLog,
    complain: Callable[[str], None],
) -> Iterator[Item]:  # fmt: skip
    """The items one by one; when the next is asked for, what the last one opened is closed, where its
    record's place is in `refused`. `complain` is told of a handler that raised."""
    for item in items:
        yield item
        _, call, at, _ = item
        if at in refused and isinstance(call, Open) and RECORD.unpack_from(log.buffer, at)[OUTCOME] >= 0:
            try:
                close(Close(call.handle))
            except UserLostError:
                pass  # the lane's next operation finds it out, and has a record for it
            except Exception as error:
                complain(f"closing {call!r} raised {error!r}")
