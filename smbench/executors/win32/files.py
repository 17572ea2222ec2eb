"""The open files of one user on Windows: capture handle → NT handle, and names relative to the root's handle.

The root is opened once by its full name; every other name is relative to that handle and follows no reparse
point, so that nothing outside of the target can be reached by any name or link in it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from smbench.errors import SetupError
from smbench.executors.win32 import opens
from smbench.executors.win32.api import (
    OBJ_CASE_INSENSITIVE,
    OBJ_DONT_REPARSE,
    Ntdll,
    ObjectName,
    Scratch,
)
from smbench.paths.nt_names import NameRefusedError, is_remote, nt_root, relative_name
from smbench.smb2.constants import (
    DELETE_ON_CLOSE,
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    OPEN,
    OPEN_BY_FILE_ID,
    SHARE_ALL,
    SYNCHRONIZE,
)
from smbench.smb2.ntstatus import Status, is_error, name, outcome_of
from smbench.workload.calls import Close, Open

FILE_CLOSED = outcome_of(Status.FILE_CLOSED)
NAME_INVALID = outcome_of(Status.OBJECT_NAME_INVALID)
_NOT_SUPPORTED = outcome_of(Status.NOT_SUPPORTED)
_INVALID_PARAMETER = outcome_of(Status.INVALID_PARAMETER)
_NAMES_KEPT = 1 << 16


class CallFailedError(Exception):
    """A step of a call failed; `outcome` is the call's."""

    def __init__(self, outcome: int) -> None:
        super().__init__(name(outcome & 0xFFFFFFFF))
        self.outcome = outcome


class OpenFiles:
    """Opens and closes. `handles` is what the hot calls look their handle up in."""

    def __init__(self, nt: Ntdll, root: str, *, wire: bool, max_io_bytes: int) -> None:
        """SetupError where `root` cannot be opened as a directory."""
        self.nt = nt
        self.handles: dict[int, int] = {}
        self.opened: dict[int, Open] = {}
        """With what each of them was opened: a scan with another pattern needs an open of its own."""
        self.waits: dict[object, int] = {}
        """Handles that calls wait on: notifications and locks."""
        self._events: list[int] = []
        self.scratch = Scratch(nt, max_io_bytes, self._events)
        self._root_text = root
        try:
            self._nt_root = nt_root(root)
        except NameRefusedError as error:
            raise SetupError(
                f"{error}: give a share as \\\\server\\share[\\folder], or a directory."
            ) from None
        self._unbuffered = wire and is_remote(self._nt_root)
        self._flags = OBJ_CASE_INSENSITIVE | OBJ_DONT_REPARSE
        self.root = self._open_root()
        self._object = lru_cache(maxsize=_NAMES_KEPT)(self._make_object)

    def open(self, call: Open) -> int:
        """Handler of Open."""
        if call.create.options & OPEN_BY_FILE_ID:
            return _NOT_SUPPORTED
        if call.handle in self.handles:
            # A workload that is replayed in a loop uses its handles again, closed by then or not.
            self._release(call.handle)
        try:
            handle = self.create(call)
        except CallFailedError as refused:
            return refused.outcome
        self.handles[call.handle] = handle
        self.opened[call.handle] = call
        return 0

    def close(self, call: Close) -> int:
        """Handler of Close. A notification that waits on the handle ends with it."""
        if call.handle not in self.handles:
            return FILE_CLOSED
        return self._release(call.handle)

    def create(self, call: Open) -> int:
        """An NT handle for a CREATE's numbers, or CallFailedError."""
        asked = call.create
        given = opens.arguments(
            asked.access,
            asked.share_access,
            asked.disposition,
            asked.options,
            asked.attributes,
            self._unbuffered and not call.directory,
        )
        try:
            target = self._object(call.path)
        except NameRefusedError:
            raise CallFailedError(NAME_INVALID) from None
        return self._create(target, given)

    @contextmanager
    def transient(self, call: Open) -> Iterator[int]:
        """A handle for the length of one call that names a path; CallFailedError where that fails."""
        handle = self.create(call)
        try:
            yield handle
        except BaseException:
            self.nt.close(handle)
            raise
        check(self.nt.close(handle))

    def __getitem__(self, handle: int) -> int:
        """The NT handle; CallFailedError (FILE_CLOSED) where its open failed or never was."""
        try:
            return self.handles[handle]
        except KeyError:
            raise CallFailedError(FILE_CLOSED) from None

    def reopen(self, number: int) -> int:
        """Another open with the same numbers in the place of the one that is there."""
        call = self.opened[number]
        options = call.create.options & ~DELETE_ON_CLOSE
        again = replace(call.create, disposition=OPEN, options=options)
        handle = self.create(replace(call, create=again))
        self.nt.close(self.handles[number])
        self.handles[number] = handle
        return handle

    @contextmanager
    def waiting_on(self, handle: int) -> Iterator[None]:
        """A call that may wait for what others do; `interrupt` ends it."""
        call = object()
        self.waits[call] = handle
        try:
            yield
        finally:
            del self.waits[call]

    def interrupt(self) -> None:
        """End what waits."""
        for handle in list(self.waits.values()):
            self.nt.cancel_io(handle, None, self.scratch.block_reference)

    def close_all(self) -> None:
        """End what waits, close what is open, and the root."""
        self.interrupt()
        for number in list(self.handles):
            self._release(number)
        self.nt.close(self.root)
        while self._events:
            self.nt.close(self._events.pop())

    def _release(self, number: int) -> int:
        self.opened.pop(number, None)
        return self.nt.close(self.handles.pop(number))

    def _make_object(self, path: str) -> ObjectName:
        return ObjectName(relative_name(path), self.root, self._flags)

    def _create(self, target: ObjectName, given: opens.OpenArguments) -> int:
        scratch = self.scratch
        status = self.nt.create_file(
            scratch.handle_reference,
            given.access,
            ctypes.byref(target.attributes),
            scratch.block_reference,
            None,
            given.attributes,
            given.share_access,
            given.disposition,
            given.options,
            None,
            0,
        )
        handle = scratch.handle.value
        if status < 0 or handle is None:
            raise CallFailedError(status if status < 0 else _INVALID_PARAMETER)
        return handle

    def _open_root(self) -> int:
        how = opens.OpenArguments(FILE_READ_ATTRIBUTES | SYNCHRONIZE, SHARE_ALL, OPEN, DIRECTORY_FILE, 0)
        try:
            root = self._create(ObjectName(self._nt_root, None, OBJ_CASE_INSENSITIVE), how)
        except CallFailedError as error:
            raise SetupError(f"cannot open the target {self._root_text}: {error}.") from None
        try:
            self.nt.close(self._create(ObjectName("", root, self._flags), how))
        except CallFailedError as error:
            if error.outcome != _INVALID_PARAMETER:
                raise SetupError(f"cannot open names relative to {self._root_text}: {error}.") from None
            # A Windows before 1607, or Wine: there the flag is not known.
            self._flags = OBJ_CASE_INSENSITIVE
        return root


def check(status: int) -> int:
    """The status, or CallFailedError where it is an error; warnings (BUFFER_OVERFLOW) pass."""
    if is_error(status & 0xFFFFFFFF):
        raise CallFailedError(status)
    return status
