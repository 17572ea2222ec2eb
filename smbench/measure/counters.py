"""What a client counted of itself, at one moment and between two: the same for every operating system."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

# How it stands, not how often something happened: the later value is told, not the difference.
_GAUGES = {"sessions", "shares", "open_files", "open_on_server"}


@dataclass(frozen=True, slots=True)
class TreeCounters:
    """One tree connect. `connection` is the kernel's number, as run.json's mounts have it."""

    share: str
    connection: int | None
    counters: Mapping[str, int]
    """`Creates.total`, `Creates.failed`, …, `OplockBreaks.sent`, `SMBs`, `bytes_read`, `bytes_written`."""
    commands: Mapping[str, tuple[int, int]]
    """Number and total time (jiffies) by command, of the whole connection; empty without STATS2."""


@dataclass(frozen=True, slots=True)
class ClientCounters:
    """All of the client at one moment."""

    client: Mapping[str, int] = field(default_factory=dict)
    jiffies_per_s: int = 0
    trees: tuple[TreeCounters, ...] = ()


def diff(
    before: ClientCounters | None,
    after: ClientCounters | None,
    connections: Collection[int] | None = None,
) -> dict[str, Any]:
    """What happened in between, for client_stats.json; {} where there is no CIFS client. Pure.

    `connections` limits the trees to those of this run's mounts. Trees that vanished (unmounted, with
    their counts) are told by number; those that came count from zero.
    """
    if before is None or after is None:
        return {}
    earlier = {_key(number, tree): tree for number, tree in enumerate(before.trees)}
    later = {_key(number, tree): tree for number, tree in enumerate(after.trees)}
    trees = []
    totals: dict[str, int] = {}
    for key, tree in later.items():
        if connections is not None and tree.connection not in connections:
            continue
        was = earlier.get(key)
        counters = _changes(was.counters if was else {}, tree.counters)
        for name, value in counters.items():
            totals[name] = totals.get(name, 0) + value
        trees.append(
            {
                "share": tree.share,
                "connection": tree.connection,
                "counters": counters,
                "commands": _command_changes(was, tree, after.jiffies_per_s),
            }
        )
    return {
        "client": _changes(before.client, after.client),
        "totals": totals,
        "lease_break_acknowledgements": totals.get("OplockBreaks.sent", 0),
        "trees": trees,
        "vanished_trees": len(earlier.keys() - later.keys()),
    }


def _key(number: int, tree: TreeCounters) -> tuple[object, str]:
    """A connection keeps its number when it reconnects, its session and tree do not."""
    return (f"position {number}" if tree.connection is None else tree.connection, tree.share)


def _changes(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Differences; a counter that went back was reset (`echo 0 > Stats`) and counts from zero."""
    return {
        name: value if name in _GAUGES or value < before.get(name, 0) else value - before.get(name, 0)
        for name, value in after.items()
    }


def _command_changes(
    was: TreeCounters | None, tree: TreeCounters, jiffies_per_s: int
) -> dict[str, dict[str, float]]:
    earlier = was.commands if was else {}
    changes = {}
    for name, (number, jiffies) in tree.commands.items():
        number_before, jiffies_before = earlier.get(name, (0, 0))
        if number < number_before:
            number_before = jiffies_before = 0
        if number > number_before and jiffies_per_s:
            total_ms = (jiffies - jiffies_before) * 1000 / jiffies_per_s
            changes[name] = {"number": number - number_before, "total_ms": total_ms}
    return changes
