"""What is counted of a side beside the matching: leases, breaks, credits, compounds, bytes.

A tally sees every exchange of the side once, in order. Breaks and acknowledgements count although no
replay is answerable for them: what the client does by itself is reported, not scored.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from smbench.smb2.constants import (
    LEASE_HANDLE_CACHING,
    LEASE_READ_CACHING,
    LEASE_WRITE_CACHING,
    OPLOCK_LEVEL_BATCH,
    OPLOCK_LEVEL_EXCLUSIVE,
    OPLOCK_LEVEL_II,
    OPLOCK_LEVEL_LEASE,
    OPLOCK_LEVEL_NONE,
)
from smbench.trace.messages import (
    Break,
    CreateRequest,
    CreateResponse,
    ReadResponse,
    WriteRequest,
    WriteResponse,
)
from smbench.trace.model import Command, Exchange, command_name

_OPLOCKS = {
    OPLOCK_LEVEL_NONE: "none",
    OPLOCK_LEVEL_II: "level II",
    OPLOCK_LEVEL_EXCLUSIVE: "exclusive",
    OPLOCK_LEVEL_BATCH: "batch",
}
_LETTERS = ((LEASE_READ_CACHING, "R"), (LEASE_WRITE_CACHING, "W"), (LEASE_HANDLE_CACHING, "H"))
_LONGEST = 8
"""Commands of a compound's shape that are spelled out."""


def lease_name(oplock: int | None, state: int | None) -> str:
    """`RWH`, `batch`, `none`, …: an oplock level, or a lease's state ([MS-SMB2] 2.2.13, 2.2.13.2.8)."""
    if oplock == OPLOCK_LEVEL_LEASE:
        return state_name(state)
    return "unknown" if oplock is None else _OPLOCKS.get(oplock, f"level {oplock}")


def state_name(state: int | None) -> str:
    """A lease state by its letters, `none` for no caching."""
    if state is None:
        return "unknown"
    return "lease " + ("".join(letter for bit, letter in _LETTERS if state & bit) or "none")


@dataclass(slots=True)
class Tally:
    """Counts of one side."""

    requested: Counter[str] = field(default_factory=Counter)
    granted: Counter[str] = field(default_factory=Counter)
    breaks: Counter[str] = field(default_factory=Counter)
    """Break notifications by what to go to."""
    acknowledged: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    credits: Counter[str] = field(default_factory=Counter)
    """Sums over all exchanges: charged, requested, granted; `largest_charge`."""
    unanswered: int = 0
    _chains: dict[int, list[int]] = field(default_factory=dict)

    def add(self, exchange: Exchange, answerable: bool) -> None:
        """Count one exchange."""
        if exchange.command == Command.OPLOCK_BREAK:
            self._add_break(exchange)
        if not answerable:
            return
        self.credits["charged"] += max(1, exchange.credit_charge)
        self.credits["requested"] += exchange.credits_requested
        self.credits["granted"] += exchange.credits_granted
        self.credits["largest_charge"] = max(self.credits["largest_charge"], exchange.credit_charge)
        if exchange.compound is not None:
            self._chains.setdefault(exchange.compound, []).append(exchange.command)
        self.unanswered += exchange.response_ns is None
        request, response = exchange.request, exchange.response
        if isinstance(request, CreateRequest):
            self.requested[lease_name(request.oplock, request.lease_state)] += 1
        if isinstance(response, CreateResponse):
            self.granted[lease_name(response.oplock, response.lease_state)] += 1
        elif isinstance(response, ReadResponse):
            self.read_bytes += response.count or 0
        elif isinstance(response, WriteResponse):
            asked = request.length if isinstance(request, WriteRequest) else None
            self.written_bytes += (asked if response.count is None else response.count) or 0

    def _add_break(self, exchange: Exchange) -> None:
        said = exchange.request
        if not exchange.notification:
            self.acknowledged += 1
        elif isinstance(said, Break):
            to = lease_name(said.oplock, None) if said.lease_key is None else state_name(said.lease_state)
            self.breaks[f"to {to}"] += 1

    @property
    def compounds(self) -> Counter[str]:
        """Compound chains by their commands."""
        return Counter(_shape(chain) for chain in self._chains.values())

    @property
    def compounded(self) -> int:
        """Exchanges that came in a compound."""
        return sum(len(chain) for chain in self._chains.values())


def _shape(chain: list[int]) -> str:
    spelled = "+".join(command_name(command) for command in chain[:_LONGEST])
    return spelled + (f"+{len(chain) - _LONGEST} more" if len(chain) > _LONGEST else "")
