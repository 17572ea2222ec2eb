"""Look-ups of names on a mount of the kernel's client: each asks the server once, whatever that knows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from errno import ESTALE

from smbench.executors.posix import linux_calls
from smbench.executors.posix.client import Client
from smbench.paths.beneath import Beneath
from smbench.smb2.paths import renamed

_REMEMBERED_S = 1.5
"""The client remembers for a second that a name is not there (fs/smb/client/dir.c, cifs_d_revalidate)."""


class Lookups:
    """Look-ups beneath a root. Where its client does not follow names, nothing is remembered of them."""

    def __init__(self, names: Beneath, client: Client) -> None:
        self._names = names
        self._client = client
        self._missing: dict[str, float] = {}
        """Until when the client may know that a name is not there."""
        self._known: dict[str, set[str]] = {}
        """By directory: names that the client has looked up, made or listed."""

    def revalidate(self, path: str) -> None:
        """Ask the server once. By path the client asks twice where something has changed since, or where it
        does not know the name: while it finds it, and because it is told to."""
        pinned = self._names.pinned(path)
        if pinned is not None:
            try:
                linux_calls.fstatx_forced(pinned.fd)
            except OSError as error:
                self._names.unpin(path)
                # Another file has that name by now: only the name leads to it.
                if error.errno != ESTALE:
                    raise
            else:
                return
        if not self._client.follows_names:
            self._names.call(path, linux_calls.statx_forced)
            return
        try:
            if self.may_be_missing(path):
                # The client remembers that it is not there, and asks all the same where it would be renamed
                # (6.1). To its own name: nothing happens if it is there by now.
                self._names.call(path, lambda fd, name: os.rename(name, name, src_dir_fd=fd, dst_dir_fd=fd))
            elif self._is_known(path):
                self._names.call(path, linux_calls.statx_forced)
            else:
                self._names.stat(path)
        except FileNotFoundError:
            self.missed(path)
            raise
        self.appeared(path)
        with suppress(OSError):
            self._names.pin(path)

    def revalidate_missing(self, path: str) -> None:
        """Ask the server for a name that the client would say by itself to be missing; others are left to
        the call that follows. FileNotFoundError where it is missing still."""
        if self.may_be_missing(path):
            self.revalidate(path)

    def may_be_missing(self, path: str) -> bool:
        """Whether the client may remember that the name is not there."""
        return bool(self._missing) and self._missing.get(path, 0.0) >= time.monotonic()

    def missed(self, path: str) -> None:
        """The server has just said that the name is not there."""
        if self._client.follows_names:
            self._missing[path] = time.monotonic() + _REMEMBERED_S
            self.removed(path)

    def removed(self, path: str) -> None:
        """What had the name is gone: whoever has it next is not known."""
        parent, _, name = path.rpartition("/")
        self._known.get(parent, set()).discard(name)

    def appeared(self, path: str) -> None:
        """The name is there now, and the client knows it."""
        self._missing.pop(path, None)
        if self._client.follows_names:
            parent, _, name = path.rpartition("/")
            self._known.setdefault(parent, set()).add(name)

    def listed(self, path: str, names: Iterable[str], *, whole: bool = True) -> None:
        """A directory was listed, or a part of it: the client knows what it was told."""
        if self._client.follows_names:
            known = set() if whole else self._known.get(path, set())
            self._known[path] = known.union(names)

    def moved(self, source: str, target: str, *, directory: bool) -> None:
        """What was renamed is known by its new name, and so is what lies beneath it."""
        if not self._client.follows_names:
            return
        self.removed(source)
        self.appeared(target)
        for known in list(self._known) if directory else ():
            if (moved := renamed(known, source, target)) is not None:
                self._known[moved] = self._known.pop(known)

    def _is_known(self, path: str) -> bool:
        parent, _, name = path.rpartition("/")
        return not path or name in self._known.get(parent, ())
