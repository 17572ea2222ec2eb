"""How many files of a copy somebody finds again who has the tree that was captured.

Such a one looks for the place of each path in the tree: two paths are told apart by what is kept of them, of
what is below them and of what is above. What is left alike are the orbits of the tree's automorphisms, found
by canonical forms (Aho, Hopcroft, Ullman 1974, 3.2) from the leaves up and from the root down.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from smbench.anonymize.extensions import EXTENSIONS

_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Risk:
    """Paths of a copy, and those of them that are like no other."""

    paths: int
    unique: int

    @property
    def share(self) -> float:
        return self.unique / self.paths if self.paths else 0.0


def risk_of(paths: Iterable[str], kept: Iterable[Hashable]) -> Risk:
    """The risk of a copy with these paths, of each of which that is kept."""
    labels = dict(zip(paths, kept, strict=True))
    nodes = {""}
    for path in labels:
        while path not in nodes:
            nodes.add(path)
            path = path.rpartition("/")[0]
    forms = _forms(nodes, labels)
    numbers: dict[Hashable, int] = {}
    place: dict[str, int] = {}
    for path in sorted(nodes, key=_depth):
        parent = place[path.rpartition("/")[0]] if path else -1
        place[path] = numbers.setdefault((parent, forms[path]), len(numbers))
    alike = Counter(place.values())
    return Risk(len(labels), sum(alike[place[path]] == 1 for path in labels))


def _forms(nodes: Iterable[str], labels: dict[str, Hashable]) -> dict[str, int]:
    """A number for each node, the same for those that are the same with all that is below them."""
    numbers: dict[Hashable, int] = {}
    below: dict[str, list[int]] = defaultdict(list)
    forms: dict[str, int] = {}
    for path in sorted(nodes, key=_depth, reverse=True):
        parent, _, name = path.rpartition("/")
        key = (shape(name), labels.get(path), tuple(sorted(below.pop(path, ()))))
        forms[path] = numbers.setdefault(key, len(numbers))
        if path:
            below[parent].append(forms[path])
    return forms


def shape(name: str) -> str:
    """What a pseudonym keeps of a name: how long its words are, what stands between them, an extension."""
    return _WORDS.sub(lambda word: word[0] if word[0] in EXTENSIONS else f"{len(word[0])}", name)


def _depth(path: str) -> int:
    return path.count("/") + 1 if path else 0
