"""Where both sides' paths lie: beneath which folder, and on which share, where a capture does not name it.

Where all shares have names, the folder alone is to be found. Where some have none (`shares.py`), the one that
has may be a folder of the other side or its root, and what has no name may tell the folder or not: of these
ways the one is taken by which both sides have most in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from smbench.fidelity.paths import Folders, common_folders, without
from smbench.fidelity.rows import Rows
from smbench.fidelity.shares import NAMED, Request, Unnamed, find
from smbench.fidelity.sides import Side

_NAMED = 3
"""Shares without a name that a note names."""


@dataclass(frozen=True, slots=True)
class SettledShare:
    """A share without a name, and where its paths were compared."""

    name: str
    """The made-up one."""
    exchanges: int
    beneath: str | None
    """The folder of the compared paths, "" for their root; None: nothing says which share it is, and it kept
    its made-up name."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Of both sides, the reference's first."""

    folders: Folders
    texts: tuple[list[str], list[str]]
    """By spelling: the path that is compared."""
    shares: tuple[list[SettledShare], list[SettledShare]] = field(default_factory=lambda: ([], []))


def settle(ours: Rows, theirs: Rows, sides: tuple[Side, Side]) -> Settled:
    """Where the paths of `ours`, the reference's, and `theirs` lie. Spellings of shares without a name are
    given the folder of the share that they are."""
    known = sides[1].folder is not None
    if not any(_some_unnamed(rows) or rows.only_share for rows in (ours, theirs)):
        # What the paths still lie beneath: nothing, where the candidate's folder is known.
        folders = Folders() if known else common_folders(_paths(ours), _paths(theirs))
        return Settled(folders, (_texts(ours, "", folders.reference), _texts(theirs, "", folders.candidate)))
    best: _Way | None = None
    for way in _ways(ours, theirs, sides, known):
        if best is None or way.common > best.common:
            best = way
    assert best is not None
    for half in best.halves:
        half.spell()
    mine, its = best.halves
    return Settled(best.folders, (mine.texts, its.texts), (mine.shares(), its.shares()))


def notes(side: str, shares: Sequence[SettledShare], only_share: str) -> list[str]:
    """Which share was taken for which, in words. `side`: its name; `only_share`: its one named share."""
    together: dict[str | None, list[SettledShare]] = {}
    for one in shares:
        # Under the name that the other side has too there is nothing to tell.
        if one.beneath is None or one.beneath != one.name.casefold():
            together.setdefault(one.beneath, []).append(one)
    said = []
    for beneath, found in together.items():
        names = ", ".join(one.name for one in found[:_NAMED]) + (", …" if len(found) > _NAMED else "")
        many = f"{len(found):,} shares" if len(found) > 1 else "a share"
        if beneath is None:
            what = "under that name: nothing in common says which share it is"
        elif beneath:
            what = f"as those beneath {beneath}"
        else:
            what = f"as those of {only_share or 'the share of the other side'}"
        said.append(
            f"the {side}'s {sum(one.exchanges for one in found):,} exchanges on {many} whose connection is "
            f"not in its capture ({names}) are compared {what}"
        )
    return said


def _some_unnamed(rows: Rows) -> bool:
    return any(tree != NAMED for tree in rows.trees)


def _texts(rows: Rows, root: str, folder: str) -> list[str]:
    """By spelling: the path within `folder`, the one named share being the folder `root`."""
    return [
        without(_joined(root, path) if tree == NAMED else path, folder)
        for path, tree in zip(rows.spellings, rows.trees, strict=True)
    ]


class _Half:
    """One side in one way to take it: its one named share is the folder `root`, all of it is in `folder`."""

    def __init__(self, rows: Rows, side: Side, root: str, folder: str) -> None:
        self._rows, self._root = rows, root
        self.texts = _texts(rows, root, folder)
        self._below = list(self.texts)
        self._found: dict[int, str | None] = {}
        self.named: Counter[Request] = Counter()
        self.unnamed: dict[int, Unnamed] = {}
        folded = [text.casefold() for text in self.texts]
        words, counts = np.unique(np.stack((rows["key"], rows["path"])), axis=1, return_counts=True)
        for key, path, count in zip(*words.tolist(), counts.tolist(), strict=True):
            tree = rows.trees[path]
            sent = self.named
            if tree != NAMED:
                sent = self.unnamed.setdefault(tree, Unnamed(side.info.trees[tree].share)).sent
            sent[key, folded[path]] += count

    def put(self, other: Mapping[Request, int]) -> None:
        """Put what is on shares without a name where it is on the other side."""
        self._found = find(self.unnamed, other, self._root if self._rows.only_share else None)
        for at, tree in enumerate(self._rows.trees):
            if tree != NAMED:
                self.texts[at] = _joined(self._folder(tree), self._below[at])

    def all(self) -> Counter[Request]:
        """How often each request was sent, as it lies now."""
        whole = Counter(self.named)
        for tree, share in self.unnamed.items():
            for (key, path), count in share.sent.items():
                whole[key, _joined(self._folder(tree), path).casefold()] += count
        return whole

    def spell(self) -> None:
        """Give the spellings of shares without a name their folder."""
        for at, tree in enumerate(self._rows.trees):
            if tree != NAMED:
                self._rows.spellings[at] = _joined(self._folder(tree), self._rows.spellings[at])

    def shares(self) -> list[SettledShare]:
        """By made-up name and place, the most exchanges first."""
        counted: Counter[tuple[str, str | None]] = Counter()
        for tree, share in self.unnamed.items():
            counted[share.name, self._found[tree]] += share.sent.total()
        return [SettledShare(name, count, beneath) for (name, beneath), count in counted.most_common()]

    def _folder(self, tree: int) -> str:
        found = self._found.get(tree)
        return self.unnamed[tree].name if found is None and tree in self.unnamed else found or ""


@dataclass(slots=True)
class _Way:
    """One way to take both sides."""

    folders: Folders
    halves: tuple[_Half, _Half]
    common: int


def _ways(ours: Rows, theirs: Rows, sides: tuple[Side, Side], known: bool) -> Iterator[_Way]:
    """All of them, the simplest first."""
    roots, its_roots = (list(dict.fromkeys(("", rows.only_share))) for rows in (ours, theirs))
    seen = set()
    for one, other, with_unnamed in product(roots, its_roots, (False, True)):
        paths = _paths(ours, one, with_unnamed), _paths(theirs, other, with_unnamed)
        folders = Folders() if known else common_folders(*paths)
        if (one, other, folders) in seen:
            continue
        seen.add((one, other, folders))
        mine = _Half(ours, sides[0], one, folders.reference)
        its = _Half(theirs, sides[1], other, folders.candidate)
        its.put(mine.all())
        mine.put(its.all())
        yield _Way(folders, (mine, its), (mine.all() & its.all()).total())


def _paths(rows: Rows, root: str = "", with_unnamed: bool = True) -> dict[str, int]:
    """How many exchanges each path has."""
    numbers, counts = np.unique(rows["path"], return_counts=True)
    found: Counter[str] = Counter()
    for at, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        named = rows.trees[at] == NAMED
        if named or with_unnamed:
            found[_joined(root, rows.spellings[at]) if named else rows.spellings[at]] += count
    return dict(found)


def _joined(folder: str, path: str) -> str:
    """`path` in `folder`; what lies outside of all that is compared, as its leading `/` says, stays there."""
    return path if not folder or path.startswith("/") else f"{folder}/{path}".rstrip("/")
