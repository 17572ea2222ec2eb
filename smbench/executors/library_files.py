"""The open files of a user by the capture's handles, and the names of a workload as a share takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from uuid import uuid4

from smbench.executors import library_messages as wire
from smbench.executors.library_breaks import Breaks
from smbench.executors.library_connection import LibraryConnection, Reply
from smbench.ntstatus import Status, failed, outcome_of
from smbench.workload.calls import Close, MakeDirectory, Open, RemoveDirectory, Stat, Unlink

_LONGEST_NAME_BYTES = 0xFFFF
"""A name's length has 16 bits."""
_OPEN, _CREATE = 1, 2
_DIRECTORY_FILE, _NON_DIRECTORY_FILE, _DELETE_ON_CLOSE = 0x1, 0x40, 0x1000
_LEASE = 0xFF
_FILE = 1
_ANSWER_BYTES = 8192
"""Room for an answer where the capture does not tell: fixed parts and the longest name."""
_DISPOSITION_EX = 64
KEPT_CONTEXTS = frozenset(("RqLs", "MxAc", "QFid", "DHnQ", "DH2Q"))


class RefusedError(Exception):
    """What was asked for cannot be, by the server's word or without asking it."""

    def __init__(self, status: int) -> None:
        self.status = status


def check(reply: Reply) -> bytes:
    """The body of a success; RefusedError for a warning or error."""
    if failed(reply.status):
        raise RefusedError(reply.status)
    return reply.body


class Names:
    """A workload's paths as names relative to the share, beneath `folder`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder.strip("/").replace("/", "\\")
        self.name = lru_cache(maxsize=1 << 16)(self._name)

    def _name(self, path: str) -> str:
        """RefusedError for what leads, or might lead, elsewhere: `..`, `.`, an absolute path, a backslash."""
        if not path:
            return self._folder
        parts = path.split("/")
        unfit = any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts)
        name = "\\".join([self._folder, *parts] if self._folder else parts)
        if unfit or len(name.encode("utf-16-le", "surrogatepass")) > _LONGEST_NAME_BYTES:
            raise RefusedError(Status.OBJECT_NAME_INVALID)
        return name


class OpenFiles:
    """Opens and closes, and the calls that are an open and a close."""

    def __init__(self, connection: LibraryConnection, breaks: Breaks, names: Names) -> None:
        self.connection = connection
        self.names = names
        self._breaks = breaks
        self._ids: dict[int, bytes] = {}
        self.keys: dict[bytes, bytes] = {}
        """Resume keys for server-side copies, by the file id of the source."""

    def __getitem__(self, handle: int) -> bytes:
        file_id = self._ids.get(handle)
        if file_id is None:
            raise RefusedError(Status.FILE_CLOSED)
        return file_id

    def open(self, call: Open) -> int:
        if call.handle in self._ids:
            self.close(Close(call.handle))
        contexts = self._contexts(
            call.contexts, call.path, call.oplock, call.lease_state, call.lease_key,
            call.lease_version, call.parent_lease_key,
        )  # fmt: skip
        request = wire.create(
            self.names.name(call.path), call.access, call.share_access, call.disposition, call.options,
            call.attributes, call.oplock, call.impersonation, contexts,
        )  # fmt: skip
        reply = self.connection.exchange(request)
        if failed(reply.status):
            return outcome_of(reply.status)
        self._ids[call.handle] = self._granted(reply.body)
        return 0

    def close(self, call: Close) -> int:
        file_id = self._ids.pop(call.handle, None)
        if file_id is None:
            return outcome_of(Status.FILE_CLOSED)
        return self._close(file_id, call.flags)

    def stat(self, call: Stat) -> int:
        def asking(level: int) -> Callable[[bytes], wire.Message]:
            return lambda file_id: wire.query_info(file_id, _FILE, level, _ANSWER_BYTES)

        asks = [asking(level) for level in call.levels]
        return self._briefly(call, call.access, _OPEN, call.options, asks)

    def remove(self, call: Unlink | RemoveDirectory) -> int:
        options = call.options
        if options is None:
            kind = _NON_DIRECTORY_FILE if isinstance(call, Unlink) else _DIRECTORY_FILE
            options = kind | (_DELETE_ON_CLOSE if call.on_close else 0)
        content = wire.disposition_information(True, call.level == _DISPOSITION_EX)
        asks: list[Callable[[bytes], wire.Message]] = []
        if not call.on_close:
            asks.append(lambda file_id: wire.set_info(file_id, call.level, content))
        return self._briefly(call, call.access, _OPEN, options, asks)

    def make_directory(self, call: MakeDirectory) -> int:
        return self._briefly(call, call.access, _CREATE, call.options, [], call.attributes)

    def _briefly(
        self, call: Stat | Unlink | RemoveDirectory | MakeDirectory, access: int, disposition: int,
        options: int, asks: list[Callable[[bytes], wire.Message]], attributes: int = 0,
    ) -> int:  # fmt: skip
        """CREATE, what is asked of the open, and CLOSE: one compound, or one by one as Windows does it."""
        contexts = self._contexts(call.contexts, call.path, call.oplock, call.lease_state, call.lease_key)
        create = wire.create(
            self.names.name(call.path), access, call.share_access, disposition, options, attributes,
            call.oplock, contexts=contexts,
        )  # fmt: skip
        if call.compound:
            requests = [create, *(ask(wire.RELATED) for ask in asks), wire.close(wire.RELATED)]
            statuses = [reply.status for reply in self.connection.compound(*requests)]
            return next((outcome_of(status) for status in statuses if failed(status)), 0)
        file_id = self._granted(check(self.connection.exchange(create)))
        statuses = [self.connection.exchange(ask(file_id)).status for ask in asks]
        outcomes = [*map(outcome_of, statuses), self._close(file_id)]
        return next((outcome for outcome in outcomes if outcome), 0)

    def _close(self, file_id: bytes, flags: int = 0) -> int:
        status = self.connection.exchange(wire.close(file_id, flags)).status
        self._breaks.closed(file_id)
        self.keys.pop(file_id, None)
        return outcome_of(status)

    def _granted(self, body: bytes) -> bytes:
        file_id, oplock = wire.created(body)
        if oplock not in (0, _LEASE):
            self._breaks.granted(file_id, oplock)
        return file_id

    def _contexts(
        self, tags: str, path: str, oplock: int, state: int, key: str, version: int = 1, parent: str = ""
    ) -> bytes:
        """The CREATE contexts that can be made again, in the capture's order; a lease in any case."""
        if not tags and oplock != _LEASE:
            return b""
        wanted = tags.split(",") if tags else []
        if oplock == _LEASE and "RqLs" not in wanted:
            wanted.append("RqLs")
        lease_key = bytes.fromhex(key) if key else _lease_key(path)
        data = {
            "RqLs": wire.lease(lease_key, state, version, bytes.fromhex(parent)),
            "DHnQ": wire.durable(1, b""),
            "DH2Q": wire.durable(2, uuid4().bytes) if "DH2Q" in wanted else b"",
            "MxAc": b"",
            "QFid": b"",
        }
        return wire.create_contexts([(tag.encode(), data[tag]) for tag in wanted if tag in data])


def lost_contexts(tags: str) -> list[str]:
    """The CREATE contexts among these whose payload the workload does not have."""
    return sorted(set(tags.split(",")) - KEPT_CONTEXTS - {""})


def _lease_key(path: str) -> bytes:
    """One key a file and client, as clients have it, where the capture tells none."""
    return blake2b(path.casefold().encode("utf-8", "surrogatepass"), digest_size=16).digest()
