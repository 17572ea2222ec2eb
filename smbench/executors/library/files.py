"""The open files of a user by the capture's handles, and the names of a workload as a share takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from uuid import uuid4

from smbench.executors.library import messages as wire
from smbench.executors.library.breaks import Breaks
from smbench.executors.library.connection import RefusedError, check
from smbench.executors.library.link import Link
from smbench.executors.library.opens import Contexts, OpenFile, is_durable, lease_key
from smbench.paths.own_names import is_own
from smbench.smb2 import information
from smbench.smb2.constants import (
    INFO_FILE,
    LOCK_FAIL_IMMEDIATELY,
    OPEN,
    OPLOCK_LEVEL_LEASE,
    OPLOCK_LEVEL_NONE,
    RELATED_FILE_ID,
)
from smbench.smb2.ntstatus import Status, failed, outcome_of
from smbench.workload.calls import Close, Create, MakeDirectory, Open, RemoveDirectory, Stat, Unlink
from smbench.workload.parameters import removal

_LONGEST_NAME_BYTES = 0xFFFF
"""A name's length has 16 bits."""
_ANSWER_BYTES = 8192
"""Room for an answer where the capture does not tell: fixed parts and the longest name."""

CLAIMED, OPENED_AGAIN, REFUSED = "handles_claimed", "handles_opened_again", "handles_refused"
CLOSED_BY_LOSS, LOCKS_LOST = "handles_closed_by_loss", "locks_lost"
"""What is counted of handles whose connection was lost."""


class Names:
    """A workload's paths as names relative to the share, beneath `folder`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder.strip("/").replace("/", "\\")
        self.name = lru_cache(maxsize=1 << 16)(self._name)

    def _name(self, path: str) -> str:
        """RefusedError for what leads, or might lead, elsewhere: `..`, `.`, an absolute path, a backslash;
        and for this program's own names."""
        if not path:
            return self._folder
        parts = path.split("/")
        unfit = any(part in ("", ".", "..") or "\\" in part or "\0" in part or is_own(part) for part in parts)
        name = "\\".join([self._folder, *parts] if self._folder else parts)
        if unfit or len(name.encode("utf-16-le", "surrogatepass")) > _LONGEST_NAME_BYTES:
            raise RefusedError(Status.OBJECT_NAME_INVALID)
        return name


class OpenFiles:
    """Opens and closes, and the calls that are an open and a close."""

    def __init__(self, link: Link, breaks: Breaks, names: Names) -> None:
        self.link = link
        self.names = names
        self._breaks = breaks
        self._contexts = Contexts(link)
        self._open: dict[int, OpenFile] = {}

    def __getitem__(self, handle: int) -> bytes:
        return self.file(handle).file_id

    def file(self, handle: int) -> OpenFile:
        """What is open by that handle; had again where its connection was lost, or RefusedError."""
        file = self._open.get(handle)
        if file is None:
            raise RefusedError(Status.FILE_CLOSED)
        if file.connection is not self.link.here:
            self._reopen(file)
        return file

    def open(self, call: Open) -> int:
        if call.handle in self._open:
            self.close(Close(call.handle))
        guid = uuid4().bytes if "DH2Q" in call.create.contexts else b""
        reply = self.link.exchange(self._create(call.path, call.create, guid))
        if failed(reply.status):
            return outcome_of(reply.status)
        file_id, durable = self._granted(reply.body), _asks_to_last(call) and is_durable(reply.body)
        self._open[call.handle] = OpenFile(call, guid, file_id, self.link.here, durable)
        if self._breaks.are_kept:
            leased = wire.created(reply.body)[1] == OPLOCK_LEVEL_LEASE
            self._breaks.opened(call.handle, lease_key(call.path, call.create) if leased else file_id)
        return 0

    def _create(self, path: str, asked: Create, guid: bytes = b"", claimed: bytes = b"") -> wire.Message:
        oplock, contexts = self._contexts.of(path, asked, guid, claimed)
        if oplock != asked.oplock:
            asked = replace(asked, oplock=oplock)
        return wire.create(self.names.name(path), asked, contexts)

    def _reopen(self, file: OpenFile) -> None:
        """As cifs.ko does it (cifs_reopen_file): its durable handle is claimed, where the server gave one and
        still has it; else the file that has the name now is opened, and locked as it was."""
        with file.again:
            if file.connection is self.link.here:
                return
            path, asked = file.call.path, replace(file.call.create, disposition=OPEN)
            claim = self._create(path, asked, file.guid, file.file_id) if file.durable else None
            reply = None if claim is None else self.link.exchange(claim)
            claimed = reply is not None and not failed(reply.status)
            if reply is None or (failed(reply.status) and reply.status != Status.CONNECTION_DISCONNECTED):
                reply = self.link.exchange(self._create(path, asked, file.guid))
            if failed(reply.status):
                if reply.status != Status.CONNECTION_DISCONNECTED:
                    self.link.count(REFUSED)
                raise RefusedError(reply.status)
            self.link.count(CLAIMED if claimed else OPENED_AGAIN)
            file.file_id = self._granted(reply.body)
            file.durable = _asks_to_last(file.call) and (claimed or is_durable(reply.body))
            if not claimed:
                self._relock(file)
            file.connection = self.link.here

    def _relock(self, file: OpenFile) -> None:
        for (offset, length), flags in list(file.locks.items()):
            again = wire.lock(file.file_id, offset, length, flags | LOCK_FAIL_IMMEDIATELY)
            status = self.link.exchange(again).status
            if status == Status.CONNECTION_DISCONNECTED:
                raise RefusedError(status)
            if failed(status):
                self.link.count(LOCKS_LOST)
                file.locks.pop((offset, length), None)

    def renamed(self, path: str, target: str) -> None:
        """The user has renamed something: what is open below it, or of it, has another name from here on."""
        old = path.casefold()
        for file in list(self._open.values()):
            its = file.call.path
            if its.casefold() == old or its.casefold().startswith((f"{old}/", f"{old}:")):
                file.call = replace(file.call, path=target + its[len(path) :])

    def close(self, call: Close) -> int:
        """What was lost with its connection, before or meanwhile, is closed by that: cifs.ko says so too."""
        file = self._open.pop(call.handle, None)
        if file is None:
            return outcome_of(Status.FILE_CLOSED)
        if self._breaks.are_kept:
            self._breaks.closing(call.handle)
        gone = outcome_of(Status.CONNECTION_DISCONNECTED)
        lost = file.connection is not self.link.here
        outcome = gone if lost else self._close(file.file_id, call.flags)
        if outcome == gone:
            self.link.count(CLOSED_BY_LOSS)
            return 0
        return outcome

    def stat(self, call: Stat) -> int:
        def asking(level: int) -> Callable[[bytes], wire.Message]:
            return lambda file_id: wire.query_info(file_id, INFO_FILE, level, _ANSWER_BYTES)

        asks = [asking(level) for level in call.levels]
        return self._briefly(call, call.create, asks)

    def remove(self, call: Unlink | RemoveDirectory) -> int:
        content = information.disposition_information(True, call.level)
        asks: list[Callable[[bytes], wire.Message]] = []
        if not call.on_close:
            asks.append(lambda file_id: wire.set_info(file_id, call.level, content))
        return self._briefly(call, removal(call), asks)

    def make_directory(self, call: MakeDirectory) -> int:
        return self._briefly(call, call.create, [])

    def _briefly(
        self, call: Stat | Unlink | RemoveDirectory | MakeDirectory, asked: Create,
        asks: list[Callable[[bytes], wire.Message]],
    ) -> int:  # fmt: skip
        """CREATE, what is asked of the open, and CLOSE: one compound, or one by one as Windows does it."""
        create = self._create(call.path, asked)
        if call.compound:
            requests = [create, *(ask(RELATED_FILE_ID) for ask in asks), wire.close(RELATED_FILE_ID)]
            statuses = [reply.status for reply in self.link.compound(*requests)]
            return next((outcome_of(status) for status in statuses if failed(status)), 0)
        file_id = self._granted(check(self.link.exchange(create)))
        statuses = [self.link.exchange(ask(file_id)).status for ask in asks]
        outcomes = [*map(outcome_of, statuses), self._close(file_id)]
        return next((outcome for outcome in outcomes if outcome), 0)

    def set_briefly(self, handle: int, access: int, level: int, content: bytes) -> int:
        """Set a class of an open file's information by an open with that access, and its CLOSE."""
        create = self._create(self.file(handle).call.path, Create(access))
        set_info = wire.set_info(RELATED_FILE_ID, level, content)
        replies = self.link.compound(create, set_info, wire.close(RELATED_FILE_ID))
        return next((outcome_of(reply.status) for reply in replies if failed(reply.status)), 0)

    def _close(self, file_id: bytes, flags: int = 0) -> int:
        status = self.link.exchange(wire.close(file_id, flags)).status
        self._breaks.closed(file_id)
        return outcome_of(status)

    def _granted(self, body: bytes) -> bytes:
        file_id, oplock = wire.created(body)
        if oplock not in (OPLOCK_LEVEL_NONE, OPLOCK_LEVEL_LEASE):
            self._breaks.granted(file_id, oplock)
        return file_id


def _asks_to_last(call: Open) -> bool:
    return "DHnQ" in call.create.contexts or "DH2Q" in call.create.contexts
