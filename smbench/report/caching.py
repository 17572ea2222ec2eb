"""Which oplocks and leases clients asked for, which they got, and which were broken: of stored exchanges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from smbench.fidelity.tally import lease_name, state_name
from smbench.report.figures import tally
from smbench.smb2.constants import NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED
from smbench.trace.model import Command
from smbench.trace.store import read_exchanges

_COLUMNS = (
    "command", "notification", "status", "request.oplock", "request.lease_state", "request.flags",
    "response.oplock", "response.lease_state",
)  # fmt: skip
_BATCH = 1 << 16
_Counts = dict[tuple[int | None, int | None], int]


def caching(exchanges: Path) -> dict[str, Any]:
    """`requested` and `granted` count CREATEs by level or state; `breaks` the notifications by what to go to,
    and the acknowledgements."""
    requested: _Counts = {}
    granted: _Counts = {}
    to: _Counts = {}
    required = acknowledged = 0
    with read_exchanges(exchanges).opened() as file:
        for batch in file.batches(_COLUMNS, _BATCH):
            create = pc.equal(batch.column("command"), int(Command.CREATE))
            _count(requested, batch.column("request"), create)
            answered = pc.and_(create, pc.is_valid(batch.column("response").field("oplock")))
            _count(granted, batch.column("response"), answered)
            broken = pc.equal(batch.column("command"), int(Command.OPLOCK_BREAK))
            if not pc.any(broken).as_py():
                continue
            said = pc.and_(broken, batch.column("notification"))
            _count(to, batch.column("request"), said)
            flags = pc.fill_null(batch.column("request").field("flags"), 0)
            asks = pc.not_equal(
                pc.bit_wise_and(flags, pa.scalar(NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED, flags.type)), 0
            )
            required += pc.sum(pc.and_(said, asks)).as_py() or 0
            acknowledged += pc.sum(pc.and_not(broken, batch.column("notification"))).as_py() or 0
    breaks = {
        (lease_name(oplock, None) if state is None else state_name(state)): count
        for (oplock, state), count in to.items()
    }
    return {
        "requested": tally([lease_name(*pair) for pair in requested], [*requested.values()]),
        "granted": tally([lease_name(*pair) for pair in granted], [*granted.values()]),
        "breaks": {
            "notified": sum(breaks.values()),
            "to": tally([*breaks], [*breaks.values()]),
            "lease_acknowledgements_required": required,
            "acknowledged": acknowledged,
        },
    }


def _count(counts: _Counts, side: pa.StructArray, rows: pa.Array) -> None:
    """Count the pairs of oplock level and lease state of the chosen rows."""
    table = pa.table({name: side.field(name).filter(rows) for name in ("oplock", "lease_state")})
    found = table.group_by(["oplock", "lease_state"], use_threads=False).aggregate([([], "count_all")])
    for row in found.to_pylist():
        pair = row["oplock"], row["lease_state"]
        counts[pair] = counts.get(pair, 0) + row["count_all"]
