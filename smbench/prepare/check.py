"""Whether a target holds what a workload presumes.

Of files' content it is the manifest that tells what was written: reading all of it would take as long as
writing it.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from smbench.errors import SetupError
from smbench.prepare.content import Content
from smbench.prepare.filesystem import NAME_ERRORS, FileSystem
from smbench.prepare.layout import Item, Layout, lay_out
from smbench.prepare.manifest import Manifest
from smbench.prepare.noted import load
from smbench.prepare.ranges import Ranges, covers, length
from smbench.prepare.roots import Roots
from smbench.prepare.system import (
    Beneath,
    beneath_roots,
    lstat,
    probe,
    read_attributes,
    read_created_ns,
    read_eas,
)
from smbench.prepare.wanted import Wanted
from smbench.smb2.constants import (
    ATTRIBUTE_ARCHIVE,
    ATTRIBUTE_HIDDEN,
    ATTRIBUTE_READONLY,
    ATTRIBUTE_SYSTEM,
)
from smbench.smb2.filetime import TICK_NS
from smbench.units import format_size
from smbench.workload.model import Kind, NamespaceEntry

# Servers keep the others as they like.
_COMPARED = ATTRIBUTE_READONLY | ATTRIBUTE_HIDDEN | ATTRIBUTE_SYSTEM | ATTRIBUTE_ARCHIVE


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is missing, present, kind, size, attributes, extended (attributes), created, written or content;
    both sides as text."""

    path: str
    what: str
    expected: str
    found: str


def verify(
    at: Roots | Path,
    entries: Iterable[NamespaceEntry],
    reads: Mapping[str, Ranges] | None = None,
    *,
    resolution_ns: int = TICK_NS,
) -> list[Difference]:
    """Every difference between the target and the entries, by path; times differ from `resolution_ns` on.

    `reads` are what the workload reads (`reads.what_is_read`), which has to have been written there, unless
    the target was prepared sparse. Access times are not compared: looking
    at a file changes them. Raises SetupError where the target cannot be read.
    """
    roots = at if isinstance(at, Roots) else Roots(at)
    layout = lay_out(entries)
    try:
        beneath = beneath_roots(roots.root, roots.streams, captured=False)
        if roots.folder:
            beneath = beneath.inside(roots.folder)
        try:
            checker = _Checker(beneath, probe(beneath), resolution_ns)
            found = [Difference(r.path, "missing", "a file", r.reason) for r in layout.refused]
            for item in (*layout.directories, *layout.files):
                found += checker.item(item)
            found += [
                Difference(path, "present", "nothing", "something")
                for path in sorted(layout.absent)
                if checker.lstat(path) is not None
            ]
            found += content_differences(load(beneath), layout, reads or {})
        finally:
            beneath.close()
    except OSError as error:
        raise SetupError(
            f"cannot check the target {roots.root}: {error.strerror}; is it still mounted?"
        ) from error
    return found


def content_differences(
    manifest: Manifest | None, layout: Layout, reads: Mapping[str, Ranges]
) -> list[Difference]:
    """Files that are to be read where nothing was written, as far as prepare made them; none where it did
    not, or was told to write nothing."""
    if manifest is None or manifest.content is Content.SPARSE:
        return []
    wanted = Wanted(manifest.content or Content.AUTO, reads)
    found = []
    for item in layout.files:
        if item.path not in manifest.files:
            continue
        for entry in item.entries:
            needed, has = wanted.of(entry), manifest.written.get(entry.path)
            if has is None and len(needed) and entry.kind is Kind.FILE:
                unknown = "not written down: prepare was cut off"
                found.append(Difference(entry.path, "content", _told(needed), unknown))
            elif has is not None and not covers(has, needed):
                found.append(Difference(entry.path, "content", _told(needed), _told(has)))
    return found


def _told(ranges: Ranges) -> str:
    if not len(ranges):
        return "holes only"
    return f"{format_size(length(ranges))} from byte {ranges[0, 0]} to {ranges[-1, 1]}"


@dataclass(frozen=True, slots=True)
class _Checker:
    beneath: Beneath
    system: FileSystem
    resolution_ns: int

    def lstat(self, path: str) -> tuple[int, int, int] | None:
        """Mode, size and time of writing; None where nothing has the name."""
        try:
            status = lstat(self.beneath, path)
        except OSError as error:
            if error.errno in NAME_ERRORS:
                return None
            raise
        return status.st_mode, status.st_size, status.st_mtime_ns

    def item(self, item: Item) -> list[Difference]:
        entry = item.entry
        kind = "a folder" if entry.kind is Kind.DIRECTORY else "a file"
        status = self.lstat(entry.path)
        if status is None:
            return [Difference(entry.path, "missing", kind, "nothing")]
        mode, size, written_ns = status
        if not (stat.S_ISDIR(mode) if entry.kind is Kind.DIRECTORY else stat.S_ISREG(mode)):
            return [Difference(entry.path, "kind", kind, stat.filemode(mode))]
        found = []
        if entry.kind is Kind.FILE and not _size_fits(entry, size):
            found.append(Difference(entry.path, "size", str(entry.size), str(size)))
        found += self.attributes(entry, mode)
        found += self.time(entry.path, "written", entry.written_ns, written_ns)
        if self.system.cifs and entry.created_ns is not None:
            created_ns = read_created_ns(self.beneath, entry.path)
            found += self.time(entry.path, "created", entry.created_ns, created_ns)
        found += self.eas(entry)
        for stream in item.streams:
            found += self.stream(stream)
        return found

    def eas(self, entry: NamespaceEntry) -> list[Difference]:
        has = None if entry.ea_names is None else read_eas(self.beneath, entry.path)
        wanted = {*(entry.ea_names or ())}
        if has is None or has == wanted:
            return []
        expected, found = (", ".join(sorted(names)) or "none" for names in (wanted, has))
        return [Difference(entry.path, "extended", expected, found)]

    def attributes(self, entry: NamespaceEntry, mode: int) -> list[Difference]:
        if entry.attributes is None:
            return []
        has = read_attributes(self.beneath, entry.path) if self.system.cifs else None
        compared = _COMPARED
        if has is None:
            if entry.kind is Kind.DIRECTORY:
                return []
            # Without DOS attributes READONLY stands in the mode.
            compared, has = ATTRIBUTE_READONLY, 0 if mode & 0o222 else ATTRIBUTE_READONLY
        wanted = entry.attributes & compared
        if wanted == has & compared:
            return []
        return [Difference(entry.path, "attributes", f"{wanted:#x}", f"{has & compared:#x}")]

    def time(self, path: str, what: str, wanted_ns: int | None, has_ns: int | None) -> list[Difference]:
        if wanted_ns is None or has_ns is None or abs(wanted_ns - has_ns) < self.resolution_ns:
            return []
        return [Difference(path, what, f"{wanted_ns} ns", f"{has_ns} ns")]

    def stream(self, entry: NamespaceEntry) -> list[Difference]:
        status = self.lstat(entry.path) if self.system.cifs else None
        if status is None:
            return [Difference(entry.path, "missing", "a stream", "nothing")]
        if not _size_fits(entry, status[1]):
            return [Difference(entry.path, "size", str(entry.size), str(status[1]))]
        return []


def _size_fits(entry: NamespaceEntry, size: int) -> bool:
    """Where the capture never told a size, it is the least that the reads presume."""
    return size == entry.size or (not entry.size_known and size > entry.size)
