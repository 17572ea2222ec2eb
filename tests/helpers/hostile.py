"""What an enemy gives and does: names from captures, links in a target, exchanges while somebody works
there."""

from __future__ import annotations

import os
import random
import signal
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from smbench.renaming import exchange
from smbench.workload.model import Kind, NamespaceEntry

ENEMY = 100_321
"""The user id, and group id, of who owns targets and attacks."""

_COMPONENTS = (
    "..", ".", "", "...", "-rf", "--", "~", "~root", "$HOME", "`id`", "*", "?", " ", "a ", "a.", "con",
    "NUL.txt", "\\", "..\\x", "c:\\x", "\\\\s\\t", "a\\..\\b", "C:", ":", "a:b", ":$DATA", "a\nb", "\r\n",
    "\x1b[2J", "\x1b]0;x\x07", "\u202egnp.exe", "\u2066x", "\ufeff", "\0", "a\0b", "n" * 255, "n" * 256,
    "ä" * 127, "ä" * 128, "\ud800", "\udcff", "x\udfffy", "clone-0001", ".smbench-prepared.jsonl",
    ".SMBENCH-Prepared.jsonl", ".smbench-prepared.jsonl.new", ".smbench-trials-x", ".\u017fmbench-x",
    "manifest.json", "=1+1", "<b>", "%n%s", "/", "/etc", "etc/passwd", "proc/self/root",
    *map(chr, (*range(1, 32), 127)),
)  # fmt: skip
_PLAIN = ("a", "b", "dir", "sub", "top")


def names(count: int, seed: int = 0) -> list[str]:
    """So many different paths, the components themselves first, and always the same."""
    chance = random.Random(seed)
    found = dict.fromkeys(_COMPONENTS)
    while len(found) < count:
        parts = [
            chance.choice(_COMPONENTS if chance.random() < 0.6 else _PLAIN)
            for _ in range(chance.randint(1, 5))
        ]
        found["/".join(parts) + (str(chance.randint(0, 99)) if chance.random() < 0.3 else "")] = None
    return list(found)[:count]


def namespace(paths: Sequence[str], seed: int = 0) -> list[NamespaceEntry]:
    """Entries of every kind with these paths."""
    chance = random.Random(seed)
    return [
        NamespaceEntry(
            path, chance.choice((Kind.FILE, Kind.FILE, Kind.DIRECTORY, Kind.STREAM)), chance.random() < 0.9,
            chance.choice((0, 1, 5_000)), True, attributes=chance.choice((None, 0x1, 0x20)),
        )
        for path in paths
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a file shows that somebody touched it."""

    inode: int
    mode: int
    owner: tuple[int, int]
    links: int
    size: int
    changed_ns: tuple[int, int]
    """The times of writing and of change."""
    content: bytes
    attributes: tuple[str, ...]


def snapshot(folder: Path) -> dict[str, Seen]:
    """All in a folder, and the folder itself."""
    return {str(path.relative_to(folder)): _seen(path) for path in (folder, *sorted(folder.rglob("*")))}


def _seen(path: Path) -> Seen:
    status = path.lstat()
    plain = stat.S_ISREG(status.st_mode)
    return Seen(
        status.st_ino, status.st_mode, (status.st_uid, status.st_gid), status.st_nlink, status.st_size,
        (status.st_mtime_ns, status.st_ctime_ns), _begin(path) if plain else b"",
        tuple(os.listxattr(path, follow_symlinks=False)),
    )  # fmt: skip


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1 << 16)


def make_outside(folder: Path) -> Path:
    """What nobody may touch: of a third user, with the names that a workload has, in a folder beside the
    target."""
    outside = folder / "outside"
    for place in (outside, outside / "dir", outside / "dir" / "sub", outside / "sub"):
        place.mkdir()
        for name in ("top", "a", "f"):
            (place / name).write_text(f"precious {place.name}")
    (outside / "clone-0001").mkdir()  # empty, as a folder is in which prepare asks nobody
    return outside


def plant(target: Path, outside: Path, paths: Sequence[str]) -> None:
    """Links to the outside at these paths of a target, in the place of what is there."""
    for path in paths:
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            place.unlink()
        led = outside / Path(path).name
        place.symlink_to(led if led.exists() else outside)


@contextmanager
def exchanging(target: Path, outside: Path, paths: Sequence[str], user: int = ENEMY) -> Iterator[None]:
    """A second process, as that user, exchanges these paths in a target for links to the outside and back,
    without a pause, as long as the block lasts."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            _exchange(target, outside, paths)
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _exchange(target: Path, outside: Path, paths: Sequence[str]) -> None:
    chance = random.Random(1)
    while True:
        path = chance.choice(paths)
        link = target / f"enemy-{path.replace('/', '-')}"
        with suppress(OSError):
            led = outside / Path(path).name
            link.symlink_to(led if led.exists() else outside)
        with suppress(OSError):
            exchange(link, target / path)
            if chance.random() < 0.7:
                exchange(link, target / path)
