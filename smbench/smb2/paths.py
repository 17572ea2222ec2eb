"""Names as SMB2 sends them → paths within a share. Pure, and the same for all who compare them."""

from __future__ import annotations

HIDDEN_NAME = ".__smbfile_silly"
"""How the names begin, before a number, that a client of Linux (7.2) gives to what is removed while open."""


def share_path(name: str, dfs: bool = False) -> str:
    """`dir\\\\file` → `dir/file`: `/` between components, none at the ends; `""` is the share's root.

    A DFS path names server and share before the file ([MS-SMB2] 3.3.5.9); they are taken off.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    return "/".join(parts[2:] if dfs else parts)


def renamed(path: str, old: str, new: str) -> str | None:
    """What `path` is called after `old` became `new`: it, its stream, or something beneath; else None."""
    if path == old:
        return new
    if path.startswith((old + "/", old + ":")):
        return new + path[len(old) :]
    return None


def rename_target(path: str, target: str, dfs: bool = False) -> str:
    """The path that a rename of `path` to `target` gives; a target `:name:$DATA` renames a stream."""
    if target.startswith(":"):
        return path.partition(":")[0] + target
    return share_path(target, dfs)
