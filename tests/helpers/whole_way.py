"""The whole way to a workload, of a capture or of a trace, and every row of what is written read again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smbench.capture.decode import decode
from smbench.errors import SmbenchError
from smbench.lift.lift import lift
from smbench.report.inspection import inspection
from smbench.trace.model import Exchange, Trace, TraceInfo
from smbench.trace.store import EXCHANGES_FILE, read_exchanges, write_exchanges
from smbench.workload.store import StoredOperations, read


def of_capture(capture: Path, into: Path) -> str:
    """What became of a capture, in a word."""
    try:
        return _of_trace(decode([capture], into), into)
    except SmbenchError as error:
        return "refused in more than one line" if "\n" in str(error) else "refused in one sentence"


def of_exchanges(info: TraceInfo, exchanges: Sequence[Exchange], into: Path, stored: bool) -> str:
    """What became of a trace, in a word; `stored`: written and read first, else as it is. Nobody may refuse
    it."""
    if stored:
        write_exchanges(into / EXCHANGES_FILE, exchanges)
        return _of_trace(Trace(info, read_exchanges(into / EXCHANGES_FILE, info)), into)
    return _of_trace(Trace(info, exchanges), into)


def _of_trace(trace: Trace, into: Path) -> str:
    decoded = sum(1 for _ in trace.exchanges)
    lift(trace, into)
    workload = read(into)
    document, info = inspection(workload), workload.info
    assert isinstance(workload.operations, StoredOperations)
    rows = sum(1 for _ in workload.operations), sum(info.operations.values())
    places = [entry.path for entry in workload.namespace]
    list(workload.breaks)
    sums = (
        sum(document["coverage"].values()),
        sum(document["commands"].values()),
        sum(row.count for row in info.coverage),
        decoded,
    )
    if set(sums) != {document["exchanges"]}:
        return f"coverage does not sum: {sums}"
    if rows[0] != rows[1] or len(places) != len(set(places)):
        return f"{rows[0]} operations of {rows[1]}, {len(places)} places of {len(set(places))}"
    return "ingested"
