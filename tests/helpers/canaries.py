"""Words that may stand in no process and no file: looked for as root, everywhere that one can look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_PIECE = 1 << 22
_NOT_MEMORY = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


def in_process(pid: int, words: Sequence[str]) -> dict[str, set[str]]:
    """The words that a process has, by where: its arguments, its environment, its memory. Nothing of one that
    has ended meanwhile."""
    found: dict[str, set[str]] = {}
    try:
        for name in ("cmdline", "environ"):
            content = Path(f"/proc/{pid}/{name}").read_bytes()
            found[name] = {word for word in words if word.encode() in content}
        found["memory"] = _in_memory(pid, words)
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return found


def _in_memory(pid: int, words: Sequence[str]) -> set[str]:
    pattern = re.compile(b"|".join(re.escape(word.encode()) for word in words))
    longest = max(map(len, words))
    found: set[str] = set()
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            place, rights, *_ = line.split()
            if not rights.startswith("r") or line.endswith(_NOT_MEMORY):
                continue
            at, end = (int(word, 16) for word in place.split("-"))
            while at < end:
                try:
                    memory.seek(at)
                    part = memory.read(min(_PIECE + longest, end - at))
                except OSError:
                    break  # a device, or a page that was never there
                found.update(word.decode() for word in pattern.findall(part))
                at += _PIECE
    return found


def in_files(
    folders: Iterable[Path], words: Sequence[str], since_s: float, but: Iterable[Path] = ()
) -> set[Path]:
    """The ordinary files beneath these folders, written since then, that have a word in them."""
    left_out = {path.resolve() for path in but}
    found = set()
    for folder in folders:
        for path in folder.rglob("*") if folder.is_dir() else ():
            if path.is_symlink() or not path.is_file() or path.stat().st_mtime < since_s:
                continue
            if path.resolve() not in left_out and any(word.encode() in path.read_bytes() for word in words):
                found.add(path)
    return found
