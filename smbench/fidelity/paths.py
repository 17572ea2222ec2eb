"""One side's files may lie beneath a folder of the share: the folder that both sides' paths share no more.

A path that lies outside the folder keeps its name with a `/` before it, so that it meets no path within.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smbench.smb2.paths import HIDDEN_NAME

_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Folders:
    """The folder that is taken off each side's paths; "" for none."""

    reference: str = ""
    candidate: str = ""


_HIDDEN = re.compile(rf"({re.escape(HIDDEN_NAME)})[0-9a-f]+\Z")


def alike(path: str) -> str:
    """What two paths have in common that mean the same file: case means nothing, nor does the number of what
    a client has hidden, which it counts over all its mounts."""
    return _HIDDEN.sub(r"\1", path.casefold())


def without(path: str, folder: str) -> str:
    """`path` relative to `folder`, regardless of case."""
    if not folder:
        return path
    if path.casefold() == folder.casefold():
        return ""
    if path[: len(folder) + 1].casefold() == folder.casefold() + "/":
        return path[len(folder) + 1 :]
    return "/" + path


def common_folders(reference: Mapping[str, int], candidate: Mapping[str, int]) -> Folders:
    """The folders without which most exchanges' paths are the same on both sides. Of equals, the least.

    Both map paths to their exchanges. A folder comes into question when most of its side's paths are in it.
    """
    choices = [Folders()]
    choices += [Folders(candidate=folder) for folder in _trunk(candidate)]
    choices += [Folders(reference=folder) for folder in _trunk(reference)]
    best = max(range(len(choices)), key=lambda at: (_common(reference, candidate, choices[at]), -at))
    return choices[best]


def _common(reference: Mapping[str, int], candidate: Mapping[str, int], folders: Folders) -> int:
    here = _counted(reference, folders.reference)
    there = _counted(candidate, folders.candidate)
    # The root alone makes no two trees alike: a folder that holds nothing in common would do as well.
    return sum(min(count, there[path]) for path, count in here.items() if path)


def _counted(paths: Mapping[str, int], folder: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for path, count in paths.items():
        counted[without(path, folder).casefold()] += count
    return counted


def _trunk(paths: Mapping[str, int]) -> list[str]:
    """From the root on: the folder that most of the paths are in, the one in it, and so on."""
    trunk: list[str] = []
    inside = [(path.split("/"), count) for path, count in paths.items() if path]
    for depth in range(_DEEPEST):
        below: Counter[str] = Counter()
        for parts, count in inside:
            if len(parts) > depth:
                below[parts[depth]] += count
        if not below:
            break
        name, most = below.most_common(1)[0]
        if most * 2 <= sum(count for _, count in inside):
            break
        inside = [(parts, count) for parts, count in inside if len(parts) > depth and parts[depth] == name]
        trunk.append("/".join([*trunk[-1:], name]))
    return trunk


def counts(paths: Iterable[str]) -> dict[str, int]:
    """How often each path stands there."""
    return dict(Counter(paths))
