"""Making a workload's namespace beneath a directory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from smbench.errors import SetupError
from smbench.prepare import manifest as manifests
from smbench.prepare.content import DEFAULT_MAX_BYTES, fill
from smbench.prepare.filesystem import NAME_ERRORS, FileSystem, Made
from smbench.prepare.layout import Item, Layout, lay_out, without
from smbench.prepare.manifest import MANIFEST, Manifest
from smbench.prepare.noted import load_ours
from smbench.prepare.ours import NotOursError
from smbench.prepare.outcome import Prepared, Progress
from smbench.prepare.ranges import NOTHING, Ranges, covers, length
from smbench.prepare.roots import Roots
from smbench.prepare.signing import caller_key
from smbench.prepare.system import (
    Beneath,
    apply,
    beneath_roots,
    forget_if_gone,
    free_bytes,
    fresh_folder,
    hide,
    made_by,
    made_of,
    make_folder,
    probe,
    remove,
)
from smbench.prepare.there import Looking, There
from smbench.prepare.tree import Found, names
from smbench.prepare.wanted import FULL, Wanted, refuse_too_much
from smbench.quoting import quoted
from smbench.units import format_size
from smbench.workload.model import Kind, NamespaceEntry

# What making a name costs beside its bytes, so that progress moves also where files are empty.
_ENTRY_WORK = 4096


def prepare(
    at: Roots | Path,
    entries: Iterable[NamespaceEntry],
    *,
    wanted: Wanted = FULL,
    max_bytes: int = DEFAULT_MAX_BYTES,
    owner: tuple[int, int] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Make what the entries presume beneath a root, or bring it back to that after a replay; in a clone's
    folder, which is made where it is not there.

    `owner` (uid, gid) gets what is made: only root can give it away, and on a CIFS mount it is the server's
    to say. Raises UsageError where the target holds what prepare did not make (without `force`), notes that
    are not the caller's, or more than `max_bytes` would be written; SetupError where the target cannot take
    it: what was made until then is in the manifest, so that `clean` finds it.
    """
    roots = at if isinstance(at, Roots) else Roots(at)
    layout = lay_out(entries)
    refuse_too_much(wanted, wanted.amount(layout.entries), max_bytes)
    prepared, key = Prepared(), caller_key()
    with _failures(roots.path, prepared):
        beneath = target = beneath_roots(roots.root, roots.streams, captured=False)
        try:
            system = probe(target)
            given = None if system.cifs else owner
            if roots.folder:
                beneath = make_folder(target, roots.folder, given)
            maker = _Maker(roots.path, beneath, system, wanted, given, key, prepared, progress, layout)
            maker.run(force)
        finally:
            beneath.close()
            target.close()
    return prepared


@contextmanager
def _failures(root: Path, prepared: Prepared) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = f"is full ({error.strerror})"
            after = "free some space, take --content sparse, or remove what was made with --clean"
        elif error.errno == errno.EFBIG:
            what = f"cannot hold a file as large as {quoted(error.filename or '')} ({error.strerror})"
            after = (
                "take a target whose file system has larger files, or leave that file out when the capture "
                "is ingested (--path)"
            )
        else:
            what = f"cannot take {error.filename or 'the files'}: {error.strerror}"
            after = "mend that and run prepare again, or remove what was made with --clean"
        raise SetupError(f"the target {root} {what}; {prepared} were made; {after}.") from error


@dataclass(slots=True)
class _Maker:
    """One run of prepare; `there` is what the target holds and the layout may keep."""

    root: Path
    beneath: Beneath
    system: FileSystem
    wanted: Wanted
    owner: tuple[int, int] | None
    key: bytes
    prepared: Prepared
    progress: Progress | None
    layout: Layout
    there: There = field(default_factory=There)
    made: dict[str, Made] = field(default_factory=dict)
    """Which file is at each path, of a local file system."""
    began_ns: int = 0
    """When this was, by the file system's clock; 0: it does not tell."""
    failed: set[str] = field(default_factory=set)
    streams: bool | None = None
    """Whether `file:stream` is a stream here; None until the first was tried."""
    done: int = 0
    total: int = 0

    def run(self, force: bool) -> None:
        for refused in self.layout.refused:
            self.prepared.miss(refused.path, refused.reason)
        folder = made_of(self.beneath, "") if self.system.local else None
        earlier = load_ours(self.beneath, self.key, folder) or Manifest(folder=folder)
        looking = Looking(self.root, self.beneath, self.system, self.layout, earlier, self.key)
        self.there = looking.look(force)
        self.leave_foreign()
        own = Manifest(
            {item.path for item in self.layout.directories},
            {item.path for item in self.layout.files},
            set(self.layout.absent),
            folder=folder,
        )
        self.note(own, earlier)
        self.remove_extras(earlier)
        self.made |= self.there.made
        self.check_space()
        self.total = self.wanted.amount(self.layout.entries).written
        self.total += _ENTRY_WORK * (len(self.layout.directories) + len(self.layout.files))
        for item in self.layout.directories:
            self.each(item.path, partial(self.directory, item))
        for item in self.layout.files:
            self.each(item.path, partial(self.file, item))
        # The deepest first: what is made in a directory changes its times.
        for item in reversed(self.layout.directories):
            self.each(item.path, partial(self.finish, item))
        own.content, own.written, own.made = self.wanted.content, self.content(earlier), self.made
        self.note(own)

    def content(self, earlier: Manifest) -> dict[str, Ranges]:
        """What of the files that were made, or kept, is content."""
        found = {}
        for entry in self.layout.entries:
            made = entry.kind is Kind.FILE or (entry.kind is Kind.STREAM and self.streams)
            if not made or entry.path in self.failed:
                continue
            kept = entry.path in self.there.ours and entry.path in earlier.written
            found[entry.path] = earlier.written[entry.path] if kept else self.wanted.of(entry)
        return found

    def leave_foreign(self) -> None:
        """What is there and is not prepare's is neither made nor removed."""
        before = len(self.layout.directories) + len(self.layout.files)
        self.layout = without(self.layout, frozenset(self.there.foreign))
        self.prepared.foreign = before - len(self.layout.directories) - len(self.layout.files)

    def note(self, own: Manifest, earlier: Manifest | None = None) -> None:
        """Write down what is to be made, besides what there was `earlier`; or what was made."""
        draft = manifests.begin(self.beneath)
        if self.system.local:
            self.began_ns = self.began_ns or made_by(draft).born_ns
            own.owner = os.geteuid() if self.owner is None else self.owner[0]
            own.since_ns = self.began_ns
        manifests.save(
            self.beneath, draft, own if earlier is None else earlier.union(own), self.owner, self.key
        )
        hide(self.beneath, self.system, MANIFEST)

    def remove_extras(self, earlier: Manifest) -> None:
        """What an earlier prepare or a replay left: not wanted now, of another kind, of another size, or
        without content that is needed now."""
        directories = {item.path for item in self.layout.directories}
        files = {item.path: item for item in self.layout.files}
        for path, found in sorted(self.there.ours.items()):
            item = files.get(path)
            if path in directories:
                fits = found.is_directory
            else:
                fits = item is not None and self.fits(item, found, earlier)
            if not fits:
                # With all beneath it; what of that comes up later is found gone, and counted once.
                with suppress(NotOursError):  # beneath it is what was left alone
                    self.prepared.removed += remove(self.beneath, path, self.system, earlier.ours)
                self.there.drop(path)

    def fits(self, item: Item, found: Found, earlier: Manifest) -> bool:
        # Streams are not listed, so that a file that has some is made anew.
        lists_all = not (self.system.cifs and item.streams)
        has = earlier.written.get(item.path, NOTHING)
        holds = covers(has, self.wanted.of(item.entry))
        if self.system.local and (
            # It has other names too, or the workers may not change it: that is not what was made.
            found.status.st_nlink > 1 or (self.owner is not None and found.status.st_uid != self.owner[0])
        ):
            return False
        return lists_all and holds and found.is_file and found.status.st_size == item.entry.size

    def check_space(self) -> None:
        """Better now than after the half of it; quotas show only when they are met."""
        made = (item.entries for item in self.layout.files if item.path not in self.there.ours)
        need = self.wanted.amount(entry for entries in made for entry in entries).written
        free = free_bytes(self.root)
        if free is not None and need > free:
            raise OSError(errno.ENOSPC, f"{format_size(need)} needed, {format_size(free)} free")

    def each(self, path: str, make: Callable[[], None]) -> None:
        """One name; one that the file system cannot have is counted, and costs nobody else."""
        if path in self.failed:
            return
        try:
            try:
                make()
            except FileExistsError:
                if path in self.there.ours or not forget_if_gone(self.beneath, path):
                    raise
                make()
        except OSError as error:
            if error.errno not in (*NAME_ERRORS, errno.EEXIST, errno.EISDIR):
                # What is not the name's fault fails the whole.
                raise OSError(error.errno, error.strerror, path) from error
            self.failed.add(path)
            self.prepared.miss(path, f"the file system refuses the name: {error.strerror}")

    def directory(self, item: Item) -> None:
        if item.path not in self.there.ours:
            self.beneath.mkdir(item.path, 0o755)
            if self.system.local:
                self.made[item.path] = fresh_folder(self.beneath, item.path, self.began_ns)
            self.prepared.directories += 1
        self.work(_ENTRY_WORK)

    def file(self, item: Item) -> None:
        if item.path in self.there.ours:
            self.prepared.kept += 1
            self.work(length(self.wanted.of(item.entry)))
        else:
            self.write(item.entry)
            self.prepared.files += 1
        self.finish(item)
        self.work(_ENTRY_WORK)

    def write(self, entry: NamespaceEntry) -> None:
        path = entry.path
        descriptor = self.beneath.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            if self.system.local:
                self.made[path] = made_by(descriptor)
            if entry.size:
                ranges = self.wanted.of(entry).tolist()
                fill(descriptor, path, entry.size, ranges, self.wanted.seed, self.wrote)
        finally:
            # A client that caches tells of a full disk only now.
            os.close(descriptor)
        self.prepared.bytes += entry.size

    def finish(self, item: Item) -> None:
        """Streams, owner, attributes, times: each would disturb those after it, never those before."""
        for stream in item.streams:
            self.each(stream.path, partial(self.stream, stream))
        apply(
            self.beneath, self.system, item.entry, lambda reason: self.prepared.lose(item.path, reason),
            owner=self.owner, made=self.made.get(item.path),
        )  # fmt: skip

    def stream(self, entry: NamespaceEntry) -> None:
        if not self.system.cifs:
            self.prepared.miss(entry.path, "alternate data streams: the file system has none")
            return
        if self.streams is not False:
            with suppress(FileNotFoundError):
                # Of a folder that was there already, or of a file of that name that was made anew.
                self.beneath.unlink(entry.path)
            self.write(entry)
        if self.streams is None:
            # A mapped colon makes an ordinary file, which its folder lists.
            folder, _, name = entry.path.rpartition("/")
            self.streams = name not in names(self.beneath, folder)
            if not self.streams:
                self.beneath.unlink(entry.path)
        if self.streams:
            self.prepared.streams += 1
        else:
            reason = "alternate data streams: the mount maps colons (mount with nomapposix,noserverino)"
            self.prepared.miss(entry.path, reason)

    def wrote(self, count: int) -> None:
        self.prepared.written += count
        self.work(count)

    def work(self, amount: int) -> None:
        self.done += amount
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)
