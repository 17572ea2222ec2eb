"""Shares without a name: where a capture lacks the connection to a share, its content says which one it is.

The name that such a share was given (`unknown-…`) is made up: on the other side it is another, or none. So it
is no share among the others. What was sent on it is compared with the other side below each folder that
stands at the top there (a share's, where it has several; else the share's root is the top), and goes where it
has most requests in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from smbench.lift.names import Names
from smbench.trace.model import Tree

NAMED = -1
"""In place of a tree's number: its share has a name."""
MADE_UP = "unknown-"
"""How a name begins that no capture has."""
Request = tuple[int, str]
"""The number of a key, and a path regardless of case."""


def is_made_up(tree: Tree) -> bool:
    """Whether a share's name is not from the capture."""
    return tree.share.startswith(MADE_UP)


class Shares:
    """Places the paths of one side's shares: of those with a name as the lift does, as if there were no
    others; of those without one below the share. A side that worked on one share alone, `own`, is placed as
    if it had no other."""

    def __init__(self, trees: Sequence[Tree], own: str = "") -> None:
        self._made_up = [is_made_up(tree) for tree in trees]
        named = {
            tree.share.casefold(): tree.share for tree in trees if not (is_made_up(tree) or tree.is_pipe)
        }
        if own.casefold() in named:
            named = {own.casefold(): own}
        self._names = Names(trees, list(named.values())) if named else Names([])
        self.only = next(iter(named.values())) if any(self._made_up) and len(named) == 1 else ""
        """The one share with a name, where there are others without: the lift makes a folder of it."""

    def place(self, tree: int, path: str) -> str:
        """Beneath the target's root; of a share without a name, beneath that share's."""
        return self._names.place(tree, path)

    def unnamed(self, tree: int) -> int:
        """The tree's number, if its share has no name; else NAMED."""
        return tree if 0 <= tree < len(self._made_up) and self._made_up[tree] else NAMED


@dataclass(slots=True)
class Unnamed:
    """The requests on one share without a name: how often each was sent, with its path below the share."""

    name: str
    """The made-up one."""
    sent: Counter[Request] = field(default_factory=Counter)


def find(
    shares: Mapping[int, Unnamed], other: Mapping[Request, int], home: str | None
) -> dict[int, str | None]:
    """For each share without a name the folder of the other side's paths that it is, "" for their root; None
    where nothing says so.

    `other`: what the other side sent; `home`: where the only share with a name is, if there is just one. Of
    folders that have as much in common the share's own made-up name goes first (two captures of one wire, or
    a replay, have it), then the root.
    """
    wanted = {request for share in shares.values() for request in share.sent}
    below: dict[Request, list[tuple[str, int]]] = {}
    tops = set()
    for (key, path), count in other.items():
        top, _, rest = path.partition("/")
        tops.add(top)
        # What lies outside the folder that is compared has no top: its path begins with the separator.
        for folder, inside in [("", path)] + [(top, rest)] * (top != ""):
            if (key, inside) in wanted:
                below.setdefault((key, inside), []).append((folder, count))
    found: dict[int, str | None] = {}
    for tree, share in shares.items():
        own = share.name.casefold()
        deep, root = _votes(share.sent, below)
        best = _best(deep, own) or _best(root, own)
        # The root of a share is much like any folder.
        if best and (deep or len(best) == 1 or best[0] in (own, "")):
            found[tree] = best[0]
        else:
            found[tree] = own if own in tops else home
    return found


def _votes(
    sent: Mapping[Request, int], below: Mapping[Request, Iterable[tuple[str, int]]]
) -> tuple[Counter[str], Counter[str]]:
    """What a share has in common with each folder: of its files and folders, and of its root."""
    deep: Counter[str] = Counter()
    root: Counter[str] = Counter()
    for request, count in sent.items():
        votes = deep if request[1] else root
        for folder, its in below.get(request, ()):
            votes[folder] += min(count, its)
    return deep, root


def _best(votes: Mapping[str, int], own: str) -> list[str]:
    """The folders with the most, in the order in which they are preferred."""
    most = max(votes.values(), default=0)
    best = [folder for folder, count in votes.items() if count == most]
    return sorted(best, key=lambda folder: (folder != own, folder != "", folder))
