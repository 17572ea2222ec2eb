"""Names: paths within a share as paths relative to the target.

A path from a capture is hostile data: nothing here resolves or repairs `..` or odd characters, because
executors resolve every path beneath their target. Only what a file of the workload cannot hold (a lone
surrogate) is replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from smbench.smb2.constants import SHARE_TYPE_DISK, SHARE_TYPE_PIPE
from smbench.trace.model import Tree

LATEST_NS = (1 << 63) - 1
DEEPEST = 128
"""Components of a path beyond which no file system has it."""


class Names:
    """Places paths of the shares of one trace below one target, each in one spelling.

    With one disk share its root is the target's root; with several, the share's name becomes the top
    folder of every path. Shares are case-insensitive, and a target need not be: the first spelling of
    a path, by whoever named it, is its spelling for good. Memory follows the number of paths.
    """

    def __init__(self, trees: Sequence[Tree], shares: Sequence[str] = ()) -> None:
        self._types = [
            SHARE_TYPE_PIPE if tree.is_pipe else tree.share_type or SHARE_TYPE_DISK for tree in trees
        ]
        self._known = [tree.share_type is not None for tree in trees]
        wanted = {share.lower() for share in shares}
        tops: dict[str, str] = {}
        for tree in trees:
            folded = tree.share.lower()
            if not tree.is_pipe and (not wanted or folded in wanted):
                tops.setdefault(folded, clean(tree.share).replace("/", "_") + "/")
        several = len(tops) > 1
        self._tops = [tops.get(tree.share.lower(), "") if several else "" for tree in trees]
        self._spelled: dict[str, str] = {}

    def share_type(self, tree: int) -> int:
        """1 disk, 2 pipe, 3 printer; 1 where it is unknown."""
        return self._types[tree] if 0 <= tree < len(self._types) else SHARE_TYPE_DISK

    def is_unknown(self, tree: int) -> bool:
        """Whether the capture never saw the tree connected."""
        return not 0 <= tree < len(self._known) or not self._known[tree]

    def place(self, tree: int, path: str) -> str:
        """`path` (with `/` between components) below the target's root."""
        top = self._tops[tree] if 0 <= tree < len(self._tops) else ""
        return self.spell((top + clean(path)).strip("/"))

    def spell_in(self, where: str, name: str) -> str:
        """The one spelling of a name that a listing of `where` (`""`, or with a `/` at its end) showed."""
        return self.spell(where + clean(name)).rpartition("/")[2]

    def spell(self, path: str) -> str:
        """The one spelling of a placed path."""
        path = _without_type(path)
        found = self._spelled.get(path.lower())
        if found is not None or path.count("/") >= DEEPEST:
            return found or path
        parent, slash, name = path.rpartition("/")
        missing = [name]
        while slash and (found := self._spelled.get(parent.lower())) is None:
            parent, slash, name = parent.rpartition("/")
            missing.append(name)
        for name in reversed(missing):
            found = name if found is None else f"{found}/{name}"
            self._spelled[found.lower()] = found
        return found or path


def _without_type(path: str) -> str:
    """`f:s:$DATA` → `f:s` ([MS-FSCC] 2.1.4): a stream's type is no part of its name."""
    if path[-6:].upper() != ":$DATA" or path[-7:-6] == ":" or path.rpartition("/")[2].count(":") < 2:
        return path
    return path[:-6]


def without_default_stream(path: str) -> str:
    """`f::$DATA` → `f`: the unnamed stream is the file, though no directory has one."""
    return path[:-7] if path[-7:].upper() == "::$DATA" else path


def snapshot_folder(moment_ns: int) -> str:
    """The folder that stands for a previous version: `@GMT-…`, as [MS-SMB2] 2.2.13.2.7 spells it in paths."""
    try:
        moment = datetime.fromtimestamp(moment_ns // 10**9, UTC)
    except (OverflowError, ValueError, OSError):
        return f"@GMT-{moment_ns}"
    return moment.strftime("@GMT-%Y.%m.%d-%H.%M.%S")


def clean(name: str) -> str:
    """The name as UTF-8 can hold it: lone surrogates, which NTFS allows, become `?`."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode(errors="replace").decode()
    return name
