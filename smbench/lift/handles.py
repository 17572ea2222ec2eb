"""Handles: which opens of the capture are alive, by what name, and what refers to them."""

from __future__ import annotations

from collections.abc import Iterator

from smbench.lift.denied_renames import DeniedRename, is_denied
from smbench.lift.names import Names, snapshot_folder, without_default_stream
from smbench.lift.rule import Opened, refused
from smbench.lift.rules.set_info import set_of
from smbench.paths.stream_names import is_stream
from smbench.smb2.constants import (
    ATTRIBUTE_DIRECTORY,
    CREATE,
    DELETE,
    DIRECTORY_FILE,
    PIPE_FUNCTIONS,
    SHARE_TYPE_PIPE,
)
from smbench.smb2.ntstatus import Status
from smbench.smb2.ntstatus import failed as is_failure
from smbench.smb2.paths import share_path
from smbench.trace.messages import CreateRequest, CreateResponse, IoctlRequest, IoctlResponse
from smbench.trace.model import Command, Exchange

CIFS_CONTEXTS = ("QFid",)
"""What the Linux kernel's client (fs/smb/client/smb2pdu.c) puts into every CREATE without a lease, and
nobody else: Windows asks for maximal access (MxAc) beside it, Samba's clients do not ask for it."""
_NOT_ALLOWED = (Status.CANNOT_DELETE, Status.ACCESS_DENIED)
WELL_KNOWN_PIPES = frozenset(
    (
        *("atsvc", "browser", "efsrpc", "epmapper", "eventlog", "initshutdown", "lsarpc", "lsass", "mdssvc"),
        *(
            "netdfs",
            "netlogon",
            "ntsvcs",
            "protected_storage",
            "router",
            "samr",
            "scerpc",
            "spoolss",
            "srvsvc",
        ),
        *("svcctl", "trkwks", "winreg", "wkssvc"),
    )
)
"""Endpoints of Windows' services, told from files by name on a tree that was connected before the capture."""


def makes_directory(request: CreateRequest) -> bool:
    """Whether a CREATE asks for a new directory."""
    return request.disposition == CREATE and bool((request.options or 0) & DIRECTORY_FILE)


class Handles:
    """The opens of one trace. Memory follows the number of opens that are alive at once, beside one
    bit for each handle that ever was."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._alive: dict[int, Opened] = {}
        self._seen = bytearray()
        self._keys: dict[str, int] = {}
        self._linux: set[int] = set()
        """Sessions of the Linux kernel's client."""
        self._made: dict[int, str] = {}
        """By session: the directory that its last open made."""
        self._kept: dict[int, str] = {}
        """By session: what its last open was not allowed to remove."""
        self._denied: dict[int, DeniedRename] = {}
        """By session: the last rename that was denied."""
        self._root_opens: dict[int, int] = {}
        """By tree: how many opens it had, all of its root; -1 once there was another."""

    def __iter__(self) -> Iterator[Opened]:
        return iter(list(self._alive.values()))

    # What rules may ask (smbench.lift.rule.Context).

    def source_of(self, resume_key: str | None) -> int | None:
        handle = None if resume_key is None else self._keys.get(resume_key)
        return handle if handle in self._alive else None

    def reconnects(self, create: Exchange) -> bool:
        request = create.request
        if not isinstance(request, CreateRequest) or request.durable_file_id is None:
            return False
        return refused(create.status) or (create.handle is not None and self._is_marked(create.handle))

    def share_type(self, tree: int) -> int:
        return self.names.share_type(tree)

    def place(self, tree: int, path: str) -> str:
        return self.names.place(tree, path)

    def spell(self, path: str) -> str:
        return self.names.spell(path)

    # What the recogniser does.

    def open(self, create: Exchange) -> Opened:
        """The open that a CREATE makes, or tried to make."""
        request = create.request if isinstance(create.request, CreateRequest) else CreateRequest()
        response = create.response if isinstance(create.response, CreateResponse) else CreateResponse()
        path = create.path if create.path is not None else request.name or ""
        if request.snapshot_ns is not None:
            path = f"{snapshot_folder(request.snapshot_ns)}/{path}"
        failed = create.status is None or is_failure(create.status)
        if not failed:
            path = without_default_stream(path)
        if response.attributes is not None:
            directory = bool(response.attributes & ATTRIBUTE_DIRECTORY)
        else:
            directory = bool((request.options or 0) & DIRECTORY_FILE)
        opened = Opened(
            handle=-1 if create.handle is None else create.handle,
            path=self.place(create.tree, path),
            user=create.user,
            tree=create.tree,
            session=create.session,
            create=create,
            directory=directory and not is_stream(path),
            pipe=self._is_pipe(create.tree, path),
            failed=failed,
        )
        self._place_in_session(opened, request)
        if create.handle is not None:
            self._mark(create.handle)
            if not failed or create.compound is not None:
                self._alive[create.handle] = opened
        return opened

    def find(self, exchange: Exchange) -> Opened | None:
        """The open that an exchange works on; None where it names none, or one that is gone.

        A handle that was never seen opened was open before the capture (or the selection) began: it
        becomes an open from here on.
        """
        handle = exchange.handle
        if handle is None:
            return None
        opened = self._alive.get(handle)
        if opened is None and not self._is_marked(handle):
            opened = self._adopt(exchange, handle)
        return opened

    def _adopt(self, exchange: Exchange, handle: int) -> Opened:
        self._mark(handle)
        path = exchange.path if exchange.path is not None else f"unknown-{handle}"
        opened = Opened(
            handle=handle,
            path=self.place(exchange.tree, path),
            user=exchange.user,
            tree=exchange.tree,
            session=exchange.session,
            directory=exchange.command in (Command.QUERY_DIRECTORY, Command.CHANGE_NOTIFY),
            pipe=self._is_pipe(exchange.tree, path),
        )
        self._alive[handle] = opened
        return opened

    def _is_pipe(self, tree: int, path: str) -> bool:
        kind = self.share_type(tree)
        return kind == SHARE_TYPE_PIPE or (self.names.is_unknown(tree) and path.lower() in WELL_KNOWN_PIPES)

    def _place_in_session(self, opened: Opened, request: CreateRequest) -> None:
        """What only the opens before it tell of an open."""
        if request.contexts == CIFS_CONTEXTS:
            self._linux.add(opened.session)
        status = None if opened.create is None else opened.create.status
        opened.linux = opened.session in self._linux
        opened.follows_mkdir = self._made.pop(opened.session, None) == opened.path
        if makes_directory(request) and not opened.failed:
            self._made[opened.session] = opened.path
        opened.retries_removal = self._kept.pop(opened.session, None) == opened.path
        if (request.access or 0) & DELETE and status in _NOT_ALLOWED:
            self._kept[opened.session] = opened.path
        if (denied := self._denied.get(opened.session)) is not None and denied.is_over_by(opened):
            del self._denied[opened.session]
        if self.names.is_unknown(opened.tree):
            return
        seen = self._root_opens.get(opened.tree, 0)
        opened.nth = seen if seen >= 0 and opened.path == self.place(opened.tree, "") else -1
        self._root_opens[opened.tree] = -1 if opened.nth < 0 else seen + 1

    def remember(self, exchange: Exchange, opened: Opened) -> None:
        """Keep what an IOCTL tells: the key of a server-side copy, which later requests name their source
        by; or that the handle is a pipe's, where its tree was connected before the capture."""
        request, response = exchange.request, exchange.response
        if isinstance(request, IoctlRequest) and request.function in PIPE_FUNCTIONS:
            opened.pipe = True
        if isinstance(response, IoctlResponse) and response.resume_key:
            self._keys[response.resume_key] = opened.handle

    def copied_by(self, exchange: Exchange) -> int:
        """The handle whose data a server-side copy takes, -1 where the exchange is none."""
        request = exchange.request
        source = self.source_of(request.resume_key) if isinstance(request, IoctlRequest) else None
        return -1 if source is None else source

    def refuse(self, exchange: Exchange, opened: Opened) -> None:
        """Keep that the client was not allowed to rename an open file, as it may try again."""
        if opened.renamed_before is None and is_denied(exchange, opened):
            target = set_of(exchange).target or ""
            target = self.place(opened.tree, share_path(target, exchange.dfs))
            self._denied[opened.session] = DeniedRename(opened.path, target, opened.request)

    def close(self, opened: Opened) -> None:
        """The open is over; what refers to it goes with it."""
        self._alive.pop(opened.handle, None)
        if self._keys:
            self._keys = {key: handle for key, handle in self._keys.items() if handle != opened.handle}

    def beneath(self, path: str) -> list[Opened]:
        """The opens of a path, of its streams, and of what lies below it."""
        below = (f"{path}/", f"{path}:")
        return [opened for opened in self if opened.path == path or opened.path.startswith(below)]

    def _mark(self, handle: int) -> None:
        byte = handle >> 3
        if byte >= len(self._seen):
            self._seen.extend(bytes(byte + 1024 - len(self._seen)))
        self._seen[byte] |= 1 << (handle & 7)

    def _is_marked(self, handle: int) -> bool:
        byte = handle >> 3
        return byte < len(self._seen) and bool(self._seen[byte] >> (handle & 7) & 1)
