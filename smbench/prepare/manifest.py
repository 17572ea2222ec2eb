"""What prepare made, in a file at the target's root.

It stands in the target, and not in a state folder of the host, so that it is found from every host and
mount point that a share is reached by. The price is one more name in listings of the target's root; on a
mount it has the attribute HIDDEN.

One JSON object a line: `{"schema": 2, "tool": "smbench-mount", "content": "auto" | "full" | "sparse"}`, then
`{"path": …, "kind": "directory" | "file" | "absent"}`. `absent`: it was not there when prepare ran, so that
whatever has the name later is the replay's work. It is written before anything is made, and a path in it need
not exist; once more when all is made, with what of each file is content: `"written": [[first byte, byte after
the last], …]`, on further lines of the same path where there are many. Everything else of the file is holes.
A file without it says nothing of its content: it was not made yet, or an older version made it.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from smbench.errors import UsageError
from smbench.paths.beneath import Beneath
from smbench.prepare.content import Content
from smbench.prepare.ranges import Ranges, ranges_of
from smbench.stored import decoded, refuse_unreadable

MANIFEST = ".smbench-prepared.jsonl"
_DRAFT = f"{MANIFEST}.new"
OWN_NAMES = frozenset({MANIFEST, _DRAFT})
TRIAL_FOLDERS = ".smbench-trials-"
"""How folders begin in which trials of the client are made in a target: one that is left is a killed
command's, and in nobody's way."""
_SCHEMA = 2
_READ = (1, 2)
"""Schemas: the first one knew nothing of content."""
_PER_LINE = 10_000
"""Ranges of a line."""
_KINDS = ("directory", "file", "absent")
_LONGEST = 1 << 20
"""Bytes of a line: longer than any path."""
_REMEDY = "remove it and the files by hand"


@dataclass(slots=True)
class Manifest:
    """Paths by what they are."""

    directories: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    content: Content | None = None
    """What was asked for; None: an older version made it."""
    written: dict[str, Ranges] = field(default_factory=dict)
    """What of each file and stream is content, by path; one that is missing here is not known."""

    def owns(self, path: str) -> bool:
        """Whether prepare (or the replay of what it prepared) made it: named, or beneath such a directory."""
        if path in self.files or path in self.absent or path in self.directories:
            return True
        return any(parent in self.directories or parent in self.absent for parent in parents(path))

    def union(self, other: Manifest) -> Manifest:
        """What either owns; of content nothing."""
        return Manifest(
            self.directories | other.directories, self.files | other.files, self.absent | other.absent
        )


def parents(path: str) -> Iterable[str]:
    """The directories above a path, the nearest first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def load(beneath: Beneath, folder: str = "") -> Manifest | None:
    """The manifest of the target, or of a clone's folder in it, with paths from there on; None where nothing
    was prepared. Raises UsageError for a strange one."""
    name = _in(folder)
    try:
        if not stat.S_ISREG(beneath.stat(name).st_mode):
            raise _strange(name, "no ordinary file")
        descriptor = beneath.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    manifest = Manifest()
    ranges: dict[str, list[tuple[int, int]]] = {}
    sets = dict(zip(_KINDS, (manifest.directories, manifest.files, manifest.absent), strict=True))
    try:
        with os.fdopen(descriptor, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
                if not line.endswith(b"\n"):
                    raise ValueError(f"line {number} is cut off")
                if number == 1:
                    header = decoded(line, name, _Header, _REMEDY)
                    if header.schema not in _READ:
                        raise ValueError("of another version")
                    manifest.content = header.content
                    continue
                entry = decoded(line, f"line {number} of {name}", _Entry, _REMEDY)
                if entry.kind != "stream":
                    sets[entry.kind].add(entry.path)
                if entry.written is not None:
                    ranges.setdefault(entry.path, []).extend(entry.written)
            if not file.tell():
                raise ValueError("it is empty")
    except OSError as error:
        refuse_unreadable(Path(name), error)
    except ValueError as error:
        raise _strange(name, str(error)) from None
    manifest.written = {path: ranges_of(pairs) for path, pairs in ranges.items()}
    return manifest


class _Header(Struct):
    schema: int
    content: Content | None = None


_Place = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class _Entry(Struct):
    path: str
    kind: Literal["directory", "file", "absent", "stream"]
    written: list[tuple[_Place, _Place]] | None = None


def _strange(name: str, why: str) -> UsageError:
    return UsageError(f"{name} in the target is not what prepare writes ({why}): {_REMEDY}")


def save(beneath: Beneath, manifest: Manifest, owner: tuple[int, int] | None) -> None:
    """Write it whole or not at all. Raises OSError."""
    with suppress(FileNotFoundError):
        beneath.unlink(_DRAFT)
    descriptor = beneath.open(_DRAFT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    # 1 MiB at once: on a mount without a cache every write is a round trip.
    with os.fdopen(descriptor, "w", encoding="utf-8", buffering=1 << 20) as file:
        if owner is not None:
            os.fchown(descriptor, *owner)
        header: dict[str, Any] = {"schema": _SCHEMA, "tool": "smbench-mount"}
        if manifest.content is not None:
            header["content"] = manifest.content.value
        file.write(json.dumps(header) + "\n")
        for kind, paths in zip(_KINDS, (manifest.directories, manifest.files, manifest.absent), strict=True):
            for path in sorted(paths):
                file.writelines(_lines(path, kind, manifest.written.get(path)))
        for path in sorted(manifest.written.keys() - manifest.files):
            file.writelines(_lines(path, "stream", manifest.written[path]))
        file.flush()
        os.fsync(descriptor)
    # Without the old one in the way: cifs.ko's rename onto a name looks it up twice, and some servers refuse.
    remove(beneath)
    beneath.rename(_DRAFT, MANIFEST)


def _lines(path: str, kind: str, written: Ranges | None) -> Iterable[str]:
    """The lines of a path: one, or more where there are many ranges."""
    row: dict[str, Any] = {"path": path, "kind": kind}
    if written is None:
        yield json.dumps(row) + "\n"
        return
    for first in range(0, max(len(written), 1), _PER_LINE):
        yield json.dumps({**row, "written": written[first : first + _PER_LINE].tolist()}) + "\n"


def remove(beneath: Beneath, folder: str = "") -> None:
    """Nothing is prepared any more in the target, or in a clone's folder."""
    with suppress(FileNotFoundError):
        beneath.unlink(_in(folder))


def _in(folder: str) -> str:
    return f"{folder}/{MANIFEST}" if folder else MANIFEST
