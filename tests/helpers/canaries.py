"""Words that may stand in no process and no file: looked for as root, everywhere that one can look."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

Word = str | bytes
_PIECE = 1 << 22
_NOT_MEMORY = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


def in_process(pid: int, words: Sequence[Word]) -> dict[str, set[Word]]:
    """The words that a process has, by where: its arguments, its environment, its memory. Nothing of one that
    has ended meanwhile."""
    found: dict[str, set[Word]] = {}
    try:
        for name in ("cmdline", "environ"):
            content = Path(f"/proc/{pid}/{name}").read_bytes()
            found[name] = {word for word in words if _raw(word) in content}
        found["memory"] = _in_memory(pid, words)
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return found


def in_memory_files(words: Sequence[Word]) -> dict[int, set[Word]]:
    """The words in files in memory (memfd_create(2)) that processes have open, by process."""
    found: dict[int, set[Word]] = {}
    for process in psutil.pids():
        with suppress(OSError):  # it may end meanwhile
            for link in Path(f"/proc/{process}/fd").iterdir():
                with suppress(OSError):
                    content = link.read_bytes() if "memfd:" in str(link.readlink()) else b""
                    if held := {word for word in words if _raw(word) in content}:
                        found.setdefault(process, set()).update(held)
    return found


def _raw(word: Word) -> bytes:
    return word if isinstance(word, bytes) else word.encode()


def _in_memory(pid: int, words: Sequence[Word]) -> set[Word]:
    by_content = {_raw(word): word for word in words}
    longest = max(map(len, by_content))
    found: set[Word] = set()
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
                # One by one: an expression of words that begin differently takes ten times as long.
                found.update(word for content, word in by_content.items() if content in part)
                at += _PIECE
    return found


def in_files(
    folders: Iterable[Path], words: Sequence[Word], since_s: float, but: Iterable[Path] = ()
) -> set[Path]:
    """The ordinary files beneath these folders, written since then, that have a word in them."""
    left_out = {path.resolve() for path in but}
    found = set()
    places = (
        Path(place, name) for folder in folders for place, _, names in os.walk(folder) for name in names
    )
    for path in places:
        with suppress(FileNotFoundError):  # runs put their files elsewhere meanwhile
            if path.is_symlink() or not path.is_file() or path.stat().st_mtime < since_s:
                continue
            if path.resolve() not in left_out and any(_raw(word) in path.read_bytes() for word in words):
                found.add(path)
    return found
