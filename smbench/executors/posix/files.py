"""The open files of one user on a POSIX file system: capture handle → descriptor, and what to do at close."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from errno import EACCES, EBADF, EEXIST, EISDIR, ENOENT, ENOTEMPTY, EPERM, EROFS, ESTALE
from threading import Lock

from smbench.executors.posix import linux_calls
from smbench.executors.posix.client import Client
from smbench.executors.posix.lookups import Lookups
from smbench.executors.posix.opens import OpenPlan, plan_open, variants
from smbench.paths.beneath import Beneath
from smbench.workload.calls import Close, Open

_NONE = -1
"""No descriptor: calls answer EBADF."""


class NotOpenError(Exception):
    """A call on a handle that this replay has not open: a server would say FILE_CLOSED."""


@dataclass(slots=True)
class OpenFile:
    """What is known of one open handle besides its descriptor."""

    fd: int
    path: str
    writable: bool
    directory: bool
    delete_on_close: bool
    """By its CREATE, which no SetDelete takes back ([MS-FSA] 2.1.5.5)."""
    delete_at_close: bool = False
    """By a SetDelete."""
    variant: int | None = None
    """Which of the flag variants keeps it apart from other opens of its path."""
    variant_key: str = ""
    listed: bool = False
    """A directory was read."""
    unfinished: bool = False
    """And not to its end, through this descriptor."""
    by_name: bool = False
    """An O_PATH descriptor, which calls by descriptor refuse: `name` leads to the file."""
    used: bool = False
    """Something was asked through it."""
    locks: dict[tuple[int, int], int] = field(default_factory=dict)
    """Kinds of its locks (F_RDLCK, F_WRLCK), by start and length; a length of 0 reaches to the end."""
    flocked: bool = False
    """Its whole range is locked by flock(2)."""
    watched: bool = False
    """Somebody waits, or waited, for changes in it."""
    closed: bool = False

    @property
    def name(self) -> str | int:
        """What calls take that do by path what O_PATH forbids by descriptor."""
        return f"/proc/self/fd/{self.fd}" if self.by_name else self.fd


class OpenFiles:
    """Opens and closes. `fds` is what the hot calls look their descriptor up in, `reads` and `writes` what
    moves data does: there a handle that may not has none, whatever its descriptor would do."""

    def __init__(self, names: Beneath, lookups: Lookups, client: Client) -> None:
        self.fds: dict[int, int] = {}
        self.reads: dict[int, int] = {}
        self.writes: dict[int, int] = {}
        self.on_close: Callable[[OpenFile], None] | None = None
        """Told of a directory that is closed, before its descriptor is."""
        self._lookups = lookups
        self._files: dict[int, OpenFile] = {}
        self._names = names
        self._client = client
        self._lock = Lock()
        self._lent: Counter[int] = Counter()
        self._left: set[int] = set()
        """Descriptors that are lent, and those of them whose handles were closed meanwhile."""
        self._flags = {creating: variants(client.own_handle_flags, creating) for creating in (False, True)}
        self._variants: dict[str, int] = {}

    def __getitem__(self, handle: int) -> OpenFile:
        """The open file, or NotOpenError where its open failed or never was."""
        try:
            file = self._files[handle]
        except KeyError:
            raise NotOpenError(handle) from None
        file.used = True
        return file

    def open(self, call: Open) -> int:
        """Handler of Open."""
        asked = call.create
        plan = plan_open(
            asked.access,
            asked.disposition,
            asked.options,
            asked.attributes,
            call.directory,
            self._client,
            call.compound,
        )
        if call.handle in self.fds:
            # A workload that is replayed in a loop uses its handles again, closed by then or not.
            self._release(call.handle)
        if plan.refused:
            return -plan.refused
        key, variant = "", None
        if self._client.own_handle_flags and not plan.flags & (os.O_DIRECTORY | os.O_PATH):
            key, variant = self._take_variant(call.path)
        try:
            if not (plan.flags & os.O_CREAT or plan.make_directory):
                self._lookups.revalidate_missing(call.path)
            fd = self._open(call.path, plan, variant)
        except OSError as error:
            self._give_variant(key, variant)
            if error.errno == ENOENT:
                self._lookups.missed(call.path)
            return -(error.errno or EBADF)
        directory = bool(plan.flags & os.O_DIRECTORY)
        if plan.may_be_directory:
            directory = stat.S_ISDIR(os.fstat(fd).st_mode)
        self._files[call.handle] = OpenFile(
            fd, call.path, plan.writable, directory, plan.delete_on_close, variant=variant,
            variant_key=key, by_name=bool(plan.flags & os.O_PATH),
            used=plan.make_directory or plan.delete_on_close,
        )  # fmt: skip
        self.fds[call.handle] = self.reads[call.handle] = self.writes[call.handle] = fd
        self._lookups.appeared(call.path)
        if variant is not None:
            with suppress(OSError):
                self._names.pin(call.path, fd)
        return 0

    def close(self, call: Close) -> int:
        """Handler of Close: a file that is to be deleted loses its name just before."""
        try:
            return self._release(call.handle)
        except KeyError:
            return -EBADF

    def close_all(self) -> None:
        for handle in list(self.fds):
            self._release(handle)

    def is_open(self, path: str, besides: OpenFile) -> bool:
        """Whether another handle has that path open; names compare without case, as a server's do."""
        folded = path.lower()
        return any(file.path.lower() == folded for file in list(self._files.values()) if file is not besides)

    def others_of(self, file: OpenFile) -> list[OpenFile]:
        """The other open files of its path."""
        folded = file.path.lower()
        return [
            other
            for other in list(self._files.values())
            if other.path.lower() == folded and other is not file
        ]

    @contextmanager
    def borrow(self, path: str) -> Iterator[tuple[int, bool] | None]:
        """A descriptor of a path's file, where one is open by more than its name, and whether it is a
        directory's; through that nothing was read yet. A file's own: to close another of the same open would
        let its locks go."""
        with self._lock:
            file = next((one for one in self._files.values() if one.path == path and not one.by_name), None)
            if file is not None and not file.directory:
                self._lent[file.fd] += 1
        if file is None:
            yield None
            return
        if file.directory:
            fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=file.fd)
            try:
                yield fd, True
            finally:
                os.close(fd)
            return
        try:
            yield file.fd, False
        finally:
            self._give_back(file.fd)

    def _give_back(self, fd: int) -> None:
        with self._lock:
            self._lent[fd] -= 1
            if self._lent[fd]:
                return
            del self._lent[fd]
            left = fd in self._left
            self._left.discard(fd)
        if left:
            os.close(fd)

    def reopen(self, handle: int) -> None:
        """Put an open that reads and writes in the place of one that does not do both, under the number that
        it has: its locks are gone, and what it may do with data stays. OSError where the file may not be
        opened so: nothing changes then."""
        file = self._files[handle]
        again = os.open(f"/proc/self/fd/{file.fd}", os.O_RDWR | os.O_CLOEXEC)
        (self.reads if file.writable else self.writes)[handle] = _NONE
        # At once: closing any descriptor of an open lets all its locks go on a CIFS mount.
        try:
            os.dup2(again, file.fd, inheritable=False)
        finally:
            os.close(again)

    def open_by_name(self, path: str, flags: int) -> int:
        """A descriptor that belongs to no handle."""
        return self._open_name(path, flags, 0)

    def renamed(self, source: str, target: str) -> None:
        """Let handles know the new path of what was renamed, and of all beneath it."""
        for file in list(self._files.values()):
            if file.path == source:
                file.path = target
            elif file.path.startswith(f"{source}/"):
                file.path = target + file.path[len(source) :]

    def _open(self, path: str, plan: OpenPlan, variant: int | None) -> int:
        if plan.make_directory:
            try:
                self._names.mkdir(path)
            except OSError as error:
                if error.errno != EEXIST or plan.must_be_new:
                    raise
        flags = plan.flags
        if variant is not None:
            flags |= self._flags[bool(flags & os.O_CREAT)][variant]
        try:
            fd = self._open_name(path, flags, plan.mode)
        except OSError as error:
            if error.errno == EPERM and flags & os.O_NOATIME:
                flags &= ~os.O_NOATIME
            elif plan.retry_flags is not None and error.errno in (EACCES, EROFS, EPERM, EISDIR):
                flags = plan.retry_flags
            else:
                raise
            fd = self._open_name(path, flags, plan.mode)
        if plan.refuse_directory and stat.S_ISDIR(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(EISDIR, os.strerror(EISDIR), path)
        return fd

    def _open_name(self, path: str, flags: int, mode: int) -> int:
        anew = flags & os.O_DIRECTORY or (flags & os.O_CREAT and flags & os.O_EXCL)
        if self._client.opens_what_is_pinned and not anew:
            pinned = self._names.pinned(path)
            if pinned is not None:
                try:
                    return os.open(f"/proc/self/fd/{pinned.fd}", flags | os.O_CLOEXEC, mode)
                except OSError as error:
                    # Another file has that name by now: only the name leads to it.
                    if error.errno != ESTALE:
                        raise
                    self._names.unpin(path)
        return self._names.open(path, flags, mode)

    def _release(self, handle: int) -> int:
        fd = self.fds.pop(handle)
        del self.reads[handle], self.writes[handle]
        with self._lock:
            file = self._files.pop(handle)
            lent = fd in self._lent
            if lent:
                self._left.add(fd)
        self._give_variant(file.variant_key, file.variant)
        outcome = 0
        if (file.directory or file.watched) and self.on_close is not None:
            self.on_close(file)
        if file.directory and not file.used and self._client.opens_late:
            with suppress(OSError):
                linux_calls.fstatx_forced(fd)
        if file.delete_on_close or file.delete_at_close:
            try:
                (self._names.rmdir if file.directory else self._names.unlink)(file.path)
                self._lookups.removed(file.path)
            except OSError as error:
                # Gone already (another handle's deletion, or a directory's at its SetDelete), or a
                # directory that is not empty: to a server the close succeeds all the same.
                if error.errno not in (ENOENT, ENOTEMPTY, EEXIST):
                    outcome = -(error.errno or EBADF)
        if lent:
            return outcome  # who has it closes it
        try:
            os.close(fd)
        except OSError as error:
            outcome = outcome or -(error.errno or EBADF)
        return outcome

    def _take_variant(self, path: str) -> tuple[str, int]:
        key = path.lower()
        with self._lock:
            used = self._variants.get(key, 0)
            variant = (~used & used + 1).bit_length() - 1
            # Beyond the last one, opens share: no flags are left to tell them apart.
            variant = min(variant, len(self._flags[True]) - 1)
            self._variants[key] = used | 1 << variant
        return key, variant

    def _give_variant(self, key: str, variant: int | None) -> None:
        if variant is None:
            return
        with self._lock:
            left = self._variants.get(key, 0) & ~(1 << variant)
            if left:
                self._variants[key] = left
            else:
                self._variants.pop(key, None)
