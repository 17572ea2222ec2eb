"""The operation log: one record an operation in a preallocated file that all processes map.

What a worker has recorded is there when it is killed, because the file's pages are the record. A record
is three 64-bit words at the operation's place in the plan: issued and completed (readings of the
clock; 0: never) and the outcome (`smbench.executors.base`). `completed` is written last.
"""

from __future__ import annotations

import errno
from pathlib import Path
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from smbench.errors import SetupError
from smbench.measure.shared import share

RECORD_COLUMNS = ISSUED, OUTCOME, COMPLETED = range(3)
"""Columns of `OperationLog.records`."""
RECORD_BYTES = 24

RECORD = Struct("=qqq")
"""`RECORD.pack_into(log.buffer, place * RECORD_BYTES, issued, outcome, completed)` makes a record."""


class OperationLog:
    """The log of a run of `operations` operations in the file `path`, made when it is not there."""

    def __init__(self, path: Path, operations: int) -> None:
        self._path = path
        size = max(operations, 1) * RECORD_BYTES
        try:
            self.buffer = share(path, size)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT):
                raise
            raise SetupError(
                f"no room for the operation log: {operations:,} operations need {size:,} bytes "
                f"in {path.parent}; set TMPDIR to a folder with room"
            ) from None
        self.operations = operations

    def __reduce__(self) -> tuple[type[OperationLog], tuple[Path, int]]:
        """A worker that was spawned opens it again."""
        return OperationLog, (self._path, self.operations)

    @property
    def records(self) -> NDArray[np.int64]:
        """All records as an array of (operations, 3), which shows what workers write."""
        return np.frombuffer(self.buffer, np.int64).reshape(-1, 3)[: self.operations]
