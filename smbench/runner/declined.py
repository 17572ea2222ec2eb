"""Operations that an executor does not carry out as single ones, because here they would be done.

A capture saw them refused for another's share access (SHARING_VIOLATION), which an executor without
`keeps_share_access` cannot ask for. What would destroy something is left out: a removal, a rename, an open
that empties the file or deletes it. The file stays, as in the capture, for whoever uses it. An open that does
no more than open is carried out; its mismatch says why (`Executor.own_doing`).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.executors.base import NEVER, Executor
from smbench.smb2.constants import DELETE_ON_CLOSE, EMPTYING
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Open, RemoveDirectory, Rename, Unlink
from smbench.workload.store import StoredOperations

REASON = (
    f"{NEVER}the capture saw it refused for another's share access, which this client cannot ask for: here "
    "it would be done"
)
_COLUMNS = ("kind", "expected", "disposition", "options", "path", "target")
_DESTROYS = frozenset(kind.__name__ for kind in (Unlink, RemoveDirectory, Rename))


def columns_of(operations: StoredOperations, executor: type[Executor] | None) -> list[str]:
    """What tells of it, as far as the file has it; names are read only where there is such a refusal."""
    if executor is None or executor.keeps_share_access or not _may_be_refused(operations):
        return ["kind", "expected"]
    with operations.opened() as file:
        return [name for name in _COLUMNS if name in file.columns]


def _may_be_refused(operations: StoredOperations) -> bool:
    """Whether what the file claims admits such a status."""
    with operations.opened() as file:
        told = file.claims().get("expected")
    return told is not None and (told.bounds is None or told.bounds[1] >= Status.SHARING_VIOLATION)


def declined(executor: type[Executor] | None, batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Which rows of a workload's batch, with `columns_of` it, the executor does not carry out so."""
    found = np.zeros(batch.num_rows, bool)
    if executor is None or executor.keeps_share_access:
        return found
    refused = batch.column("expected").to_numpy() == int(Status.SHARING_VIOLATION)
    for row in np.flatnonzero(refused).tolist():
        [told] = batch.slice(row, 1).to_pylist()
        found[row] = _destroys(told["kind"], told)
    return found


def _destroys(kind: str, told: dict[str, object]) -> bool:
    if kind == Rename.__name__:
        # Into itself a directory is renamed nowhere, whatever is shared.
        return not str(told["target"]).startswith(f"{told['path']}/")
    if kind != Open.__name__:
        return kind in _DESTROYS
    options = told.get("options")
    deletes = isinstance(options, int) and bool(options & DELETE_ON_CLOSE)
    return deletes or told.get("disposition") in EMPTYING
