"""What the reader of a result should know of the library's clients. Pure.

Connections that were lost, and what was done then; what a dialect lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from smbench.executors.base import Reported
from smbench.executors.library.files import CLAIMED, CLOSED_BY_LOSS, LOCKS_LOST, OPENED_AGAIN, REFUSED
from smbench.executors.library.opens import DURABLE_V2_AS_V1, LEASE_AS_OPLOCK, LEASE_V2_AS_V1
from smbench.executors.library.ranges import ANSWERS_CUT, IN_PIECES

REPEATED, ANSWERS_LOST = "calls_repeated", "answers_lost"

_AFTER_A_LOSS = {
    CLAIMED: "durable handles claimed",
    OPENED_AGAIN: "files opened again by name",
    REFUSED: "reopenings refused",
    CLOSED_BY_LOSS: "handles closed by the loss",
    LOCKS_LOST: "locks not had again",
    REPEATED: "calls repeated whose answer was lost",
    ANSWERS_LOST: "calls whose outcome nobody knows",
}
_OF_A_DIALECT = {
    LEASE_AS_OPLOCK: "there are no leases ({} opens asked for the nearest oplock)",
    LEASE_V2_AS_V1: "leases have no parent and no epoch ({} opens asked for version 1)",
    DURABLE_V2_AS_V1: "durable handles have no guid ({} opens asked for version 1)",
    IN_PIECES: "a READ or WRITE moves 64 KiB at most ({} calls went in pieces)",
    ANSWERS_CUT: "an answer is shorter than what was asked for in the capture ({} times)",
}
_NAMED = 3


def report_of(users: Mapping[str, Any]) -> Reported:
    """Of the statistics of all users by name, as `LibraryExecutor.statistics` has them."""
    breaks: Counter[str] = Counter()
    for one in users.values():
        breaks.update({name: one["breaks"][f"{name}_acknowledged"] for name in ("lease", "oplock")})
    made_again = sum(one["connection"]["made_again"] for one in users.values())
    counters = {f"{name}_breaks_acknowledged": breaks[name] for name in ("lease", "oplock")}
    if made_again:
        counters["connections_made_again"] = made_again
    return Reported(counters, [*_losses(users), *_dialects(users)] if users else [])


def _losses(users: Mapping[str, Any]) -> list[str]:
    lost = {name: one for name, one in users.items() if one["connection"]["made_again"]}
    if not lost:
        return []
    times_ns = [took for one in lost.values() for took in one["connection"]["made_again_ns"]]
    counts = _sum(lost.values())
    done = ", ".join(f"{counts[what]:,} {said}" for what, said in _AFTER_A_LOSS.items() if counts[what])
    return [
        f"the connection of {_named(list(lost))} was lost and made again ({_times(len(times_ns))}, within "
        f"{max(times_ns) / 1e9:.3g} s at most): {done or 'nothing was open'}"
    ]


def _dialects(users: Mapping[str, Any]) -> list[str]:
    by_dialects: dict[tuple[str, str | None], dict[str, Any]] = {}
    for name, one in users.items():
        connection = one["connection"]
        key = connection["dialect"], connection["asked_dialect"]
        by_dialects.setdefault(key, {})[name] = one
    sentences = []
    for (dialect, asked), group in by_dialects.items():
        counts = _sum(group.values())
        lacks = [said.format(f"{counts[what]:,}") for what, said in _OF_A_DIALECT.items() if counts[what]]
        if lacks or asked not in (None, dialect):
            other = "" if asked in (None, dialect) else f" in the place of {asked}"
            missing = "; ".join(lacks) or "nothing was missing"
            sentences.append(f"{_named(list(group))} spoke SMB {dialect}{other}: {missing}")
    return sentences


def _sum(users: Any) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in users:
        total.update(one["beyond"])
    return total


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _named(users: Sequence[str]) -> str:
    return ", ".join(users[:_NAMED]) + (f" and {len(users) - _NAMED:,} more" if len(users) > _NAMED else "")
