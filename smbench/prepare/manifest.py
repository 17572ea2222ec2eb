"""What prepare made, in a file at the target's root.

It stands in the target, and not in a state folder of the host, so that it is found from every host and
mount point that a share is reached by. The price is one more name in listings of the target's root; on a
mount it has the attribute HIDDEN. As whoever may write there may write it, it is signed with a key that only
the caller has (`signing`): an unsigned one is read for what it says of content, and never for what is to be
removed.

One JSON object a line: `{"schema": 3, "tool": "smbench-mount", "content": "auto" | "full" | "sparse", …}`,
then `{"path": …, "kind": "directory" | "file" | "absent"}`, last `{"hmac_sha256": …}` over all before it.
`absent`: it was not there when prepare ran, so that whatever has the name later is the replay's work. It is
written before anything is made, and a path in it need not exist; once more when all is made, with what of
each file is content: `"written": [[first byte, byte after the last], …]`, on further lines of the same path
where there are many. Everything else of the file is holes. A file without it says nothing of its content: it
was not made yet.

On local file systems (`statx.is_local`) it says besides which files they are: `made` of each path, `folder`
of the one that it stands in, and for what a replay makes of them whose it may be (`owner`) and how old
(`since_ns`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from smbench.errors import UsageError
from smbench.paths.own_names import PREFIX
from smbench.prepare.content import Content
from smbench.prepare.filesystem import Made
from smbench.prepare.ours import Ours
from smbench.prepare.ranges import Ranges
from smbench.prepare.signing import Signature
from smbench.prepare.system import Beneath
from smbench.stored import MOST_BYTES

MANIFEST = f"{PREFIX}prepared.jsonl"
_DRAFT = f"{MANIFEST}.new"
OWN_NAMES = frozenset({MANIFEST, _DRAFT})
TRIAL_FOLDERS = f"{PREFIX}trials-"
"""How folders begin in which trials of the client are made in a target: one that is left is a killed
command's, and in nobody's way."""
SCHEMA = 3
_PER_LINE = 10_000
"""Ranges of a line."""
KINDS = ("directory", "file", "absent")
LONGEST = 1 << 20
"""Bytes of a line: longer than any path."""
SIGNED = '{"hmac_sha256": '
"""How the last line begins."""


@dataclass(slots=True)
class Manifest:
    """Paths by what they are."""

    directories: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    content: Content | None = None
    """What was asked for; None: all is not made yet."""
    written: dict[str, Ranges] = field(default_factory=dict)
    """What of each file and stream is content, by path; one that is missing here is not known."""
    made: dict[str, Made] = field(default_factory=dict)
    """Which file has each path; none of it where the file system does not tell."""
    folder: Made | None = None
    """Which folder it stands in; None where the file system does not tell."""
    owner: int | None = None
    """Whose files replays make there."""
    since_ns: int = 0
    """When the first of it was made, by the file system's clock."""

    def owns(self, path: str) -> bool:
        """Whether prepare (or the replay of what it prepared) made it: named, or beneath such a directory."""
        if path in self.files or path in self.absent or path in self.directories:
            return True
        return any(parent in self.directories or parent in self.absent for parent in parents(path))

    @property
    def ours(self) -> Ours:
        """By which files are told that it speaks of."""
        owners = frozenset() if self.owner is None else frozenset([self.owner])
        return Ours(frozenset(self.made.values()), owners, self.since_ns)

    def union(self, other: Manifest) -> Manifest:
        """What either owns; of content nothing."""
        return Manifest(
            self.directories | other.directories, self.files | other.files, self.absent | other.absent,
            made=self.made | other.made, folder=other.folder, owner=other.owner,
            since_ns=min(filter(None, (self.since_ns, other.since_ns)), default=0),
        )  # fmt: skip


def parents(path: str) -> Iterable[str]:
    """The directories above a path, the nearest first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def begin(beneath: Beneath) -> int:
    """An empty draft, beside what is there; its descriptor. Raises OSError."""
    with suppress(FileNotFoundError):
        beneath.unlink(_DRAFT)
    return beneath.open(_DRAFT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)


def save(
    beneath: Beneath, descriptor: int, manifest: Manifest, owner: tuple[int, int] | None, key: bytes
) -> None:
    """Write it into the draft that `begin` opened, and put that into its place: whole or not at all. Raises
    OSError; UsageError where it would be larger than is ever read."""
    signature, size = Signature(key), 0
    # 1 MiB at once: on a mount without a cache every write is a round trip.
    with os.fdopen(descriptor, "wb", buffering=1 << 20) as file:
        if owner is not None:
            os.fchown(descriptor, *owner)
        for line in _lines(manifest):
            content = line.encode("ascii")
            size += len(content)
            if size > MOST_BYTES - LONGEST:
                raise UsageError(
                    f"the workload has more files than prepare can note in a target ({len(manifest.files)}): "
                    "leave some out when the capture is ingested (--path)"
                )
            signature.update(content)
            file.write(content)
        file.write(f'{SIGNED}"{signature}"}}\n'.encode())
        file.flush()
        os.fsync(descriptor)
    # Without the old one in the way: cifs.ko's rename onto a name looks it up twice, and some servers refuse.
    remove(beneath)
    beneath.rename(_DRAFT, MANIFEST)


def _lines(manifest: Manifest) -> Iterable[str]:
    header: dict[str, Any] = {"schema": SCHEMA, "tool": "smbench-mount"}
    if manifest.content is not None:
        header["content"] = manifest.content.value
    if manifest.folder is not None:
        header |= {"folder": manifest.folder, "owner": manifest.owner, "since_ns": manifest.since_ns}
    yield json.dumps(header) + "\n"
    for kind, paths in zip(KINDS, (manifest.directories, manifest.files, manifest.absent), strict=True):
        for path in sorted(paths):
            made = None if kind == "absent" else manifest.made.get(path)
            yield from _lines_of(path, kind, manifest.written.get(path), made)
    for path in sorted(manifest.written.keys() - manifest.files):
        yield from _lines_of(path, "stream", manifest.written[path], None)


def _lines_of(path: str, kind: str, written: Ranges | None, made: Made | None) -> Iterable[str]:
    """The lines of a path: one, or more where there are many ranges."""
    row: dict[str, Any] = {"path": path, "kind": kind}
    if made is not None:
        row["made"] = made
    if written is None:
        yield json.dumps(row) + "\n"
        return
    for first in range(0, max(len(written), 1), _PER_LINE):
        yield json.dumps({**row, "written": written[first : first + _PER_LINE].tolist()}) + "\n"


def remove(beneath: Beneath) -> None:
    """Nothing is prepared any more in the folder."""
    with suppress(FileNotFoundError):
        beneath.unlink(MANIFEST)
