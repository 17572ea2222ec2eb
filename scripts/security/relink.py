"""The attack on an anonymised copy of somebody who has the tree that was captured: which path is which file.

It shares no code with `smbench.anonymize.risk`, whose figure it is held against: it goes down both trees at
once, and pairs two paths where nothing else fits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

_HOUR_NS = 3_600_000_000_000
_LENGTHS = (12, 24, 48, 96, 192)
_OTHER_EXTENSION = 5
_TIMES = ("created_ns", "accessed_ns", "written_ns")


@dataclass(slots=True, eq=False)
class Node:
    """A path of a tree."""

    path: str
    row: dict[str, Any]
    below: list[Node] = field(default_factory=list)
    key: int = -1
    """The same for paths that may be each other's but for sizes, with all below them."""


class Attack:
    """On one copy. `extensions`: what it keeps, as documented; `start_ns`: when the capture began, which is
    None where the copy has times as they were."""

    def __init__(self, extensions: frozenset[str], start_ns: int | None, copy_start_ns: int) -> None:
        self._extensions = extensions
        self._start_ns = start_ns
        self._copy_start_ns = copy_start_ns
        self._keys: dict[Hashable, int] = {}
        self._fits: dict[tuple[int, int], bool] = {}

    def pairs(self, true: Sequence[dict[str, Any]], copy: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Which path of the tree a path of the copy is, where nothing else can be. Rows have what
        namespace.parquet has, and `end`: how far the operations wrote it."""
        trees = [_tree(true), _tree(copy)]
        for tree, ours in zip(trees, (True, False), strict=True):
            self._set_keys(tree, ours)
        found: dict[str, str] = {}
        waiting = [(trees[1], trees[0])]
        while waiting:
            here, there = waiting.pop()
            found[here.path] = there.path
            waiting.extend(self._forced(here.below, there.below))
        return found

    def _forced(self, copies: list[Node], trues: list[Node]) -> Iterator[tuple[Node, Node]]:
        for some, others in _groups(copies, trues):
            fitting = {one: {other for other in others if self._fit(one, other)} for one in some}
            while sole := [(one, *fits) for one, fits in fitting.items() if len(fits) == 1]:
                one, other = sole[0]
                del fitting[one]
                for fits in fitting.values():
                    fits.discard(other)
                yield one, other

    def _fit(self, one: Node, other: Node) -> bool:
        """Whether a path of the copy may be that one of the tree."""
        known = self._fits.get((id(one), id(other)))
        if known is None:
            known = _same_size(one.row.get("size"), other.row.get("size")) and all(
                _can_be_paired([[self._fit(a, b) for b in others] for a in some])
                for some, others in _groups(one.below, other.below)
            )
            self._fits[id(one), id(other)] = known
        return known

    def _set_keys(self, root: Node, ours: bool) -> None:
        order = [root]
        for node in order:
            order.extend(node.below)
        for node in reversed(order):
            told = (
                self._name(node.path.rpartition("/")[2], ours), self._row(node.row, ours),
                tuple(sorted(child.key for child in node.below)),
            )  # fmt: skip
            node.key = self._keys.setdefault(told, len(self._keys))

    def _row(self, row: dict[str, Any], ours: bool) -> Hashable:
        plain = [repr(row.get(name)) for name in ("kind", "present", "attributes", "ea_lengths", "end")]
        return (*plain, *(self._time(row.get(name), ours) for name in _TIMES))

    def _time(self, at_ns: int | None, ours: bool) -> Hashable:
        if at_ns is None or self._start_ns is None:
            return at_ns
        distance = at_ns - (self._start_ns if ours else self._copy_start_ns)
        hours = 1
        while hours * _HOUR_NS < abs(distance) and hours < 1 << 20:
            hours *= 2
        return hours if distance >= 0 else -hours

    def _name(self, name: str, ours: bool) -> str:
        """What a name and its pseudonym have in common, by the documentation."""
        return "".join(
            part if at % 2 else self._run(part, ours)
            for at, part in enumerate(re.split(r'([\x00-\x1f:*?<>"|]+)', name))
        )

    def _run(self, run: str, ours: bool) -> str:
        match = re.fullmatch(r"(~\$|~|\.+)?(.*?)([. ]*)", run, re.DOTALL)
        assert match is not None
        before, middle, after = match[1] or "", match[2], match[3]
        if re.fullmatch(r"unknown(-[0-9a-f]+)?|@GMT-[\d.-]+|IPC\$|\$[A-Z_]+", middle, re.IGNORECASE):
            return before + re.sub(r"\d", "0", middle).upper() + after
        stem, dot, extension = middle.rpartition(".")
        if not stem or not extension.isalnum() or len(extension) > 8:
            stem, dot, extension = middle, "", ""
        length = len(stem) if not ours else next((n for n in _LENGTHS if len(stem) <= n), len(stem))
        end = extension.lower() if extension.lower() in self._extensions else "?" * _OTHER_EXTENSION
        return f"{before}{length if middle else ''}{dot}{end if dot else ''}{after}"


def _tree(rows: Iterable[dict[str, Any]]) -> Node:
    nodes = {"": Node("", {})}

    def node_of(path: str) -> Node:
        if path not in nodes:
            nodes[path] = Node(path, {})
            node_of(path.rpartition("/")[0]).below.append(nodes[path])
        return nodes[path]

    for row in rows:
        node_of(row["path"]).row = row
    return nodes[""]


def _groups(copies: list[Node], trues: list[Node]) -> Iterator[tuple[list[Node], list[Node]]]:
    by_key: dict[int, tuple[list[Node], list[Node]]] = defaultdict(lambda: ([], []))
    for at, nodes in enumerate((copies, trues)):
        for node in nodes:
            by_key[node.key][at].append(node)
    yield from by_key.values()


def _same_size(copied: int | None, true: int | None) -> bool:
    if copied == true or not copied or not true:
        return copied == true
    return copied == max(4096, 1 << (true - 1).bit_length())


def _can_be_paired(fits: list[list[bool]]) -> bool:
    """Whether each row can have a column of its own (augmenting paths; Kuhn 1955)."""
    owner: dict[int, int] = {}

    def placed(row: int, tried: set[int]) -> bool:
        for column, fit in enumerate(fits[row]):
            if fit and column not in tried:
                tried.add(column)
                if column not in owner or placed(owner[column], tried):
                    owner[column] = row
                    return True
        return False

    return all(placed(row, set()) for row in range(len(fits)))
