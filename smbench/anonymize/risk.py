"""How many files of a copy somebody finds again who has the tree that was captured.

Such a one tells paths apart by what is kept of them, of what is below them and above, and by which names are
the same: a pseudonym is the same wherever its name is. What stays alike is found by colour refinement
(Weisfeiler and Leman 1968), of paths and of words at once: each takes a new colour by the colours of those
that it hangs together with, until no colour falls apart any more.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from smbench.anonymize.extensions import EXTENSIONS

_WORDS = re.compile(r"[^\W_]+")
_MADE_UP = re.compile(r"unknown(-[0-9a-f]+)?")
"""What the decoder calls what the capture never named: no tree has it."""


@dataclass(frozen=True, slots=True)
class Risk:
    """Paths of a copy, and those of them that are like no other."""

    paths: int
    unique: int

    @property
    def share(self) -> float:
        return self.unique / self.paths if self.paths else 0.0


class _Tree:
    """Paths with all above them, by numbers, and the words that they are made of."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.number: dict[str, int] = {"": 0}
        self.parent = [0]
        self.words: list[tuple[int, ...]] = [()]
        self.shapes = [""]
        self.word_lengths: list[int] = []
        self._word_number: dict[str, int] = {}
        for path in paths:
            self._add(path)

    def _add(self, path: str) -> None:
        missing = []
        while path not in self.number:
            missing.append(path)
            path = path.rpartition("/")[0]
        for each in reversed(missing):
            above, _, name = each.rpartition("/")
            self.number[each] = len(self.parent)
            self.parent.append(self.number[above])
            self.shapes.append(shape(name))
            words = [] if _MADE_UP.fullmatch(name) else _WORDS.findall(name)
            self.words.append(tuple(self._word(word) for word in words if word not in EXTENSIONS))

    def _word(self, word: str) -> int:
        known = self._word_number.setdefault(word, len(self.word_lengths))
        if known == len(self.word_lengths):
            self.word_lengths.append(len(word))
        return known


def risk_of(
    paths: Sequence[str], kept: Sequence[Hashable], sizes: Sequence[int] = (), exact: Sequence[bool] = ()
) -> Risk:
    """The risk of a copy with these paths, of each of which that is kept. `sizes` are the captured ones,
    where `kept` has classes, and `exact` says of which paths they stand in the copy all the same: such a size
    tells a path from those that it is else like where none of them had it."""
    tree = _Tree(paths)
    told: list[Hashable] = [None] * len(tree.parent)
    for path, label in zip(paths, kept, strict=True):
        told[tree.number[path]] = label
    had = {tree.number[path]: size for path, size in zip(paths, sizes, strict=False)}
    known = {
        tree.number[path]: had[tree.number[path]]
        for path, is_exact in zip(paths, exact, strict=False)
        if is_exact
    }
    colours = _refined(tree, told)
    while alone := _told_by_size(colours, known, had):
        told = [(label, node if node in alone else None) for node, label in enumerate(told)]
        colours = _refined(tree, told)
    alike = Counter(colours)
    return Risk(len(paths), sum(alike[colours[tree.number[path]]] == 1 for path in paths))


def _told_by_size(colours: list[int], known: dict[int, int], had: dict[int, int]) -> set[int]:
    """The paths that are told from others of their colour by a size that no other of it had."""
    alike = Counter(colours)
    of_size = Counter((colours[node], size) for node, size in had.items())
    return {
        node for node, size in known.items()
        if alike[colours[node]] > 1 and of_size[colours[node], size] == 1
    }  # fmt: skip


def _refined(tree: _Tree, told: list[Hashable]) -> list[int]:
    """The colour of each path."""
    colours = _numbered(zip(told, tree.shapes, strict=True))
    words, known = list(tree.word_lengths), 0
    while (found := len({*colours}) + len({*words})) > known:
        known = found
        below: dict[int, list[int]] = defaultdict(list)
        used: dict[int, list[int]] = defaultdict(list)
        for node, parent in enumerate(tree.parent):
            if node:
                below[parent].append(colours[node])
            for word in tree.words[node]:
                used[word].append(colours[node])
        colours = _numbered(
            (
                colours[node], colours[tree.parent[node]], tuple(sorted(below.get(node, ()))),
                tuple(words[word] for word in tree.words[node]),
            )
            for node in range(len(colours))
        )  # fmt: skip
        words = _numbered((words[word], tuple(sorted(used[word]))) for word in range(len(words)))
    return colours


def _numbered(values: Iterable[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(value, len(numbers)) for value in values]


def shape(name: str) -> str:
    """What a pseudonym keeps of a name: how long its words are, what stands between them, an extension."""
    return _WORDS.sub(lambda word: word[0] if word[0] in EXTENSIONS else f"{len(word[0])}", name)
