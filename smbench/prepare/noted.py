"""Reading the manifest of a target (`manifest`): a stranger's file, until its signature fits."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from smbench.errors import UsageError
from smbench.paths.beneath import UnsafePathError, split
from smbench.prepare.content import Content
from smbench.prepare.filesystem import Made
from smbench.prepare.manifest import KINDS, LONGEST, MANIFEST, SCHEMA, SIGNED, Manifest
from smbench.prepare.ranges import ranges_of
from smbench.prepare.signing import Signature
from smbench.prepare.system import Beneath
from smbench.stored import MOST_BYTES, decoded, refuse_unreadable

_REMEDY = "remove it and the files by hand"
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)


def load(beneath: Beneath) -> Manifest | None:
    """What a folder's manifest says, whoever wrote it: of no use but to compare. None where nothing was
    prepared. Raises UsageError for a strange one."""
    content = _content(beneath)
    return None if content is None else _read(*_signed(content)[:1])


def load_ours(beneath: Beneath, key: bytes, folder: Made | None) -> Manifest | None:
    """The manifest that was signed with the caller's key, and for this folder. None where nothing was
    prepared. Raises UsageError for any other one."""
    content = _content(beneath)
    if content is None:
        return None
    signed, told = _signed(content)
    signature = Signature(key)
    signature.update(signed)
    if not signature.fits(told):
        raise UsageError(
            f"{MANIFEST} in the target does not bear your signature: somebody else, another machine or an "
            f"older version made it, and nothing of it is believed; {_REMEDY}, or take the key of the "
            "account or machine that prepared (smbench/prepare.key in its state folder)"
        )
    manifest = _read(signed)
    if manifest.folder != folder:
        raise UsageError(
            f"{MANIFEST} in the target is yours, but was made for another folder (it was copied, or prepared "
            f"through a mount): {_REMEDY}, or clean where it was prepared"
        )
    return manifest


def _content(beneath: Beneath) -> bytes | None:
    """All of the file, as it is; None where there is none. No link, FIFO or device is ever read."""
    try:
        descriptor = beneath.open(MANIFEST, _READ_ONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        if not _is_file(beneath):
            raise _strange("no ordinary file") from None
        refuse_unreadable(Path(MANIFEST), error)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _strange("no ordinary file")
        if status.st_size > MOST_BYTES:
            raise _strange("far larger than any")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        refuse_unreadable(Path(MANIFEST), error)
    finally:
        os.close(descriptor)
    if len(content) > MOST_BYTES:
        raise _strange("far larger than any")
    return content


def _is_file(beneath: Beneath) -> bool:
    try:
        return stat.S_ISREG(beneath.stat(MANIFEST).st_mode)
    except OSError:
        return False


def _signed(content: bytes) -> tuple[bytes, str]:
    """What is signed, and the signature; "" where the last line is none."""
    begin = content.rfind(b"\n", 0, max(len(content) - 1, 0)) + 1
    last = content[begin:]
    if not (last.startswith(SIGNED.encode()) and last.endswith(b"\n")) or len(last) > LONGEST:
        return content, ""
    try:
        return content[:begin], decoded(last, MANIFEST, _Last, _REMEDY).hmac_sha256
    except UsageError:
        return content, ""


def _read(content: bytes) -> Manifest:
    manifest = Manifest()
    ranges: dict[str, list[tuple[int, int]]] = {}
    sets = dict(zip(KINDS, (manifest.directories, manifest.files, manifest.absent), strict=True))
    before: tuple[str, str] | None = None
    known: set[tuple[str, str]] = set()
    lines = io.BytesIO(content)
    try:
        _read_header(lines.readline(LONGEST), manifest)
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST), b""), 2):
            if not line.endswith(b"\n"):
                raise ValueError(f"line {number} is cut off, or too long")
            entry = decoded(line, f"line {number} of {MANIFEST}", _Entry, _REMEDY)
            _check(entry.path, number)
            this = entry.kind, entry.path
            if this in known and (this != before or entry.written is None):
                raise ValueError(f"line {number} has a path that was there before")
            known.add(this)
            before = this
            if entry.kind != "stream":
                sets[entry.kind].add(entry.path)
            if entry.written is not None:
                ranges.setdefault(entry.path, []).extend(entry.written)
            if entry.made is not None:
                manifest.made[entry.path] = Made(*entry.made)
    except ValueError as error:
        raise _strange(str(error)) from None
    manifest.written = {path: ranges_of(pairs) for path, pairs in ranges.items()}
    return manifest


def _read_header(line: bytes, manifest: Manifest) -> None:
    if not line:
        raise ValueError("it is empty")
    header = decoded(line, MANIFEST, _Header, _REMEDY)
    if header.schema != SCHEMA or not line.endswith(b"\n"):
        raise ValueError("of another version")
    manifest.content, manifest.owner, manifest.since_ns = header.content, header.owner, header.since_ns
    manifest.folder = None if header.folder is None else Made(*header.folder)


def _check(path: str, number: int) -> None:
    """ValueError for what prepare makes nowhere: the target itself, what leads out of it, its own names."""
    try:
        if split(path):
            return
    except UnsafePathError as error:
        raise ValueError(f"line {number}: {error.strerror}") from None
    raise ValueError(f"line {number} names the target itself")


_Place = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
_Number = Annotated[int, Meta(ge=0)]


class _Header(Struct):
    schema: int
    content: Content | None = None
    folder: tuple[_Number, _Number] | None = None
    owner: _Number | None = None
    since_ns: _Number = 0


class _Entry(Struct):
    path: str
    kind: Literal["directory", "file", "absent", "stream"]
    written: list[tuple[_Place, _Place]] | None = None
    made: tuple[_Number, _Number] | None = None


class _Last(Struct):
    hmac_sha256: str


def _strange(why: str) -> UsageError:
    return UsageError(f"{MANIFEST} in the target is not what prepare writes ({why}): {_REMEDY}")
