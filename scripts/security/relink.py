"""The attack on an anonymised copy of somebody who has the tree that was captured: which path is which file.

It is held against what `smbench.anonymize.risk` says, and made of what is documented: both trees are coloured
together (colour refinement, by words that are the same too), paths of a colour that each tree has once are a
pair, and what is a pair has a colour of its own in the next round. A size of the copy that is no class is the
file's own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

_HOUR_NS = 3_600_000_000_000
_LENGTHS = (12, 24, 48, 96, 192)
_OTHER_EXTENSION = "?"
_TIMES = ("created_ns", "accessed_ns", "written_ns")
Words = tuple[Hashable, ...]


@dataclass(slots=True, eq=False)
class Node:
    """A path of one of the two trees."""

    path: str
    ours: bool
    above: Node | None
    row: dict[str, Any] = field(default_factory=dict)
    words: Words = ()
    colour: int = 0


class Attack:
    """On one copy. `extensions`: what it keeps, as documented; `start_ns`: when the capture began, which is
    None where the copy has times as they were; `classes`: whether sizes may be classes."""

    def __init__(
        self, extensions: frozenset[str], start_ns: int | None, copy_start_ns: int, classes: bool
    ) -> None:
        self._extensions = extensions
        self._classes = classes
        self._start_ns = start_ns
        self._copy_start_ns = copy_start_ns

    def pairs(self, true: Sequence[dict[str, Any]], copy: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Which path of the tree a path of the copy is, where nothing else can be. Rows have what
        namespace.parquet has, and `end`: how far the operations wrote it."""
        nodes = [*_tree(true, True), *_tree(copy, False)]
        exact = {node.row.get("size") for node in nodes if not node.ours} - {None, 0}
        for node in nodes:
            shape, words = self._name(node.path.rpartition("/")[2], node.ours)
            # The same word is one of the tree, or one of the copy.
            node.words = tuple((node.ours, word) for word in words)
            size = node.row.get("size")
            told = _class(size) if self._classes else size
            node.colour = hash((shape, self._row(node.row, node.ours), told))
        found: dict[str, str] = {}
        while True:
            _refine(nodes)
            fresh = _pairs(nodes, exact, found)
            if not fresh:
                return found
            for number, (ours, other) in enumerate(fresh, len(found)):
                found[other.path] = ours.path
                ours.colour = other.colour = hash(("a pair", number))

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

    def _name(self, name: str, ours: bool) -> tuple[str, list[str]]:
        """What a name and its pseudonym have in common, by the documentation; and the words in it."""
        shapes, words = [], []
        for at, part in enumerate(re.split(r'([\x00-\x1f:*?<>"|]+)', name)):
            shape, more = (part, []) if at % 2 else self._run(part, ours)
            shapes.append(shape)
            words += more
        return "".join(shapes), words

    def _run(self, run: str, ours: bool) -> tuple[str, list[str]]:
        match = re.fullmatch(r"(~\$|~|\.+)?(.*?)([. ]*)", run, re.DOTALL)
        assert match is not None
        before, middle, after = match[1] or "", match[2], match[3]
        if re.fullmatch(r"unknown(-[0-9a-f]+)?|@GMT-[\d.-]+|IPC\$|\$[A-Z_]+", middle, re.IGNORECASE):
            return before + re.sub(r"\d", "0", middle).upper() + after, []
        stem, dot, extension = middle.rpartition(".")
        if not stem or not extension.isalnum() or len(extension) > (8 if ours else _LENGTHS[0]):
            stem, dot, extension = middle, "", ""
        length = len(stem) if not ours else next((n for n in _LENGTHS if len(stem) <= n), len(stem))
        extension, words = extension.lower(), [stem.lower()] if stem else []
        if dot and extension not in self._extensions:
            words.append("." + extension)
            extension = _OTHER_EXTENSION
        return f"{before}{length if middle else ''}{dot}{extension}{after}", words


def _tree(rows: Iterable[dict[str, Any]], ours: bool) -> list[Node]:
    nodes = {"": Node("", ours, None)}

    def node_of(path: str) -> Node:
        if path not in nodes:
            nodes[path] = Node(path, ours, node_of(path.rpartition("/")[0]))
        return nodes[path]

    for row in rows:
        node_of(row["path"]).row = row
    return [*nodes.values()]


def _refine(nodes: list[Node]) -> None:
    colour_of: dict[Hashable, int] = {}
    known = 0
    while (found := len({node.colour for node in nodes}) + len({*colour_of.values()})) > known:
        known = found
        below: dict[int, list[int]] = defaultdict(list)
        users: dict[Hashable, list[int]] = defaultdict(list)
        for node in nodes:
            if node.above is not None:
                below[id(node.above)].append(node.colour)
            for word in node.words:
                users[word].append(node.colour)
        colour_of = {word: hash((colour_of.get(word), *sorted(colours))) for word, colours in users.items()}
        fresh = [
            hash((
                node.colour, node.above.colour if node.above else None, *sorted(below[id(node)]),
                *(colour_of[word] for word in node.words),
            ))
            for node in nodes
        ]  # fmt: skip
        for node, colour in zip(nodes, fresh, strict=True):
            node.colour = colour


def _pairs(nodes: list[Node], exact: set[Any], known: dict[str, str]) -> list[tuple[Node, Node]]:
    """Ours and the copy's that can only be each other: by their colour, or by their size as well."""
    paired = {*known.values()}
    by_colour: dict[int, tuple[list[Node], list[Node]]] = defaultdict(lambda: ([], []))
    for node in nodes:
        if node.path not in (paired if node.ours else known):
            by_colour[node.colour][not node.ours].append(node)
    found = []
    for ours, others in by_colour.values():
        if len(ours) == len(others) == 1:
            found.append((ours[0], others[0]))
            continue
        for size in {node.row.get("size") for node in others} & exact:
            same = [[node for node in some if node.row.get("size") == size] for some in (ours, others)]
            sole = len(same[0]) == len(same[1]) == 1
            if sole and (size != _class(size) or not _of_class(ours, size)):
                found.append((same[0][0], same[1][0]))
    return found


def _of_class(nodes: list[Node], size: int | None) -> bool:
    """Whether the class may stand for the size of another."""
    return any(node.row.get("size") != size and _class(node.row.get("size")) == size for node in nodes)


def _class(size: int | None) -> int | None:
    if not size or size > 1 << 40:
        return size
    return max(4096, 1 << (size - 1).bit_length())
