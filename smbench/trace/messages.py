"""What the messages of each SMB2 command carry, as far as a replay or a comparison needs it.

One frozen value a message. Sizes and offsets are bytes, masks, levels, classes and flags are the wire's
numbers (`smbench.smb2.constants`), times are nanoseconds since 1970 UTC (None where the wire said 0, "not
set"), GUIDs and keys are lower-case hex. A field is None where the capture did not carry it (a message cut by
the snap length, an optional part). Fields of one name have one type in all messages: a column holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

from smbench.trace.values import ByteRange, CopyChunk, DirectoryEntry, LockElement, Value


@dataclass(frozen=True, slots=True)
class Message(Value):
    """A message of which nothing but its header matters (ECHO, LOGOFF, TREE_DISCONNECT, CANCEL, …)."""


@dataclass(frozen=True, slots=True)
class NegotiateRequest(Message):
    """[MS-SMB2] 2.2.3."""

    client_guid: str | None = None
    dialects: tuple[int, ...] = ()
    security_mode: int | None = None
    capabilities: int | None = None


@dataclass(frozen=True, slots=True)
class NegotiateResponse(Message):
    """[MS-SMB2] 2.2.4."""

    dialect: int | None = None
    security_mode: int | None = None
    capabilities: int | None = None
    max_transact: int | None = None
    max_read: int | None = None
    max_write: int | None = None


@dataclass(frozen=True, slots=True)
class SessionSetupRequest(Message):
    """[MS-SMB2] 2.2.5; `binding` marks a further channel of an existing session."""

    account: str | None = None
    domain: str | None = None
    workstation: str | None = None
    mechanism: str | None = None
    binding: bool = False
    previous_session_id: int | None = None


@dataclass(frozen=True, slots=True)
class SessionSetupResponse(Message):
    """[MS-SMB2] 2.2.6."""

    session_flags: int | None = None


@dataclass(frozen=True, slots=True)
class TreeConnectRequest(Message):
    """[MS-SMB2] 2.2.9; `share_path` as sent, e.g. `\\\\server\\public`."""

    share_path: str | None = None


@dataclass(frozen=True, slots=True)
class TreeConnectResponse(Message):
    """[MS-SMB2] 2.2.10."""

    share_type: int | None = None
    share_flags: int | None = None
    max_access: int | None = None
    capabilities: int | None = None


@dataclass(frozen=True, slots=True)
class CreateRequest(Message):
    """[MS-SMB2] 2.2.13; `name` as sent (backslashes), contexts by their four-character tags."""

    name: str | None = None
    access: int | None = None
    share_access: int | None = None
    disposition: int | None = None
    options: int | None = None
    attributes: int | None = None
    impersonation: int | None = None
    oplock: int | None = None
    contexts: tuple[str, ...] = ()
    lease_key: str | None = None
    lease_state: int | None = None
    parent_lease_key: str | None = None
    create_guid: str | None = None
    durable_timeout_ms: int | None = None
    durable_file_id: str | None = None
    """The file id that a reconnect (DHnC, DH2C) asks for."""
    app_instance_id: str | None = None
    snapshot_ns: int | None = None
    """TWrp: the moment of the snapshot that is asked for."""
    allocation: int | None = None
    lease_flags: int | None = None
    lease_epoch: int | None = None
    """Set in the second version of the lease context only."""
    persistent: bool | None = None
    """DH2Q, DH2C: a persistent handle is asked for."""
    posix_mode: int | None = None
    ea_names: tuple[str, ...] = ()
    ea_lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateResponse(Message):
    """[MS-SMB2] 2.2.14."""

    file_id: str | None = None
    action: int | None = None
    oplock: int | None = None
    lease_key: str | None = None
    lease_state: int | None = None
    contexts: tuple[str, ...] = ()
    attributes: int | None = None
    size: int | None = None
    allocation: int | None = None
    created_ns: int | None = None
    accessed_ns: int | None = None
    written_ns: int | None = None
    changed_ns: int | None = None
    max_access: int | None = None
    lease_flags: int | None = None
    lease_epoch: int | None = None
    durable_timeout_ms: int | None = None
    persistent: bool | None = None
    reparse: bool | None = None
    """The file is a reparse point."""
    disk_id: str | None = None
    """QFid: the file's number on disk and its volume's."""


@dataclass(frozen=True, slots=True)
class CloseRequest(Message):
    """[MS-SMB2] 2.2.15."""

    file_id: str | None = None
    flags: int | None = None


@dataclass(frozen=True, slots=True)
class CloseResponse(Message):
    """[MS-SMB2] 2.2.16; attributes are set only where the request asked for them."""

    attributes: int | None = None
    size: int | None = None
    allocation: int | None = None
    created_ns: int | None = None
    accessed_ns: int | None = None
    written_ns: int | None = None
    changed_ns: int | None = None


@dataclass(frozen=True, slots=True)
class FlushRequest(Message):
    """[MS-SMB2] 2.2.17."""

    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReadRequest(Message):
    """[MS-SMB2] 2.2.19."""

    file_id: str | None = None
    offset: int | None = None
    length: int | None = None
    minimum: int | None = None


@dataclass(frozen=True, slots=True)
class ReadResponse(Message):
    """[MS-SMB2] 2.2.20; `count` is the number of bytes that came."""

    count: int | None = None


@dataclass(frozen=True, slots=True)
class WriteRequest(Message):
    """[MS-SMB2] 2.2.21."""

    file_id: str | None = None
    offset: int | None = None
    length: int | None = None
    flags: int | None = None


@dataclass(frozen=True, slots=True)
class WriteResponse(Message):
    """[MS-SMB2] 2.2.22."""

    count: int | None = None


@dataclass(frozen=True, slots=True)
class LockRequest(Message):
    """[MS-SMB2] 2.2.26."""

    file_id: str | None = None
    locks: tuple[LockElement, ...] = ()


@dataclass(frozen=True, slots=True)
class IoctlRequest(Message):
    """[MS-SMB2] 2.2.31; `offset` and `length` for zero data and allocated ranges."""

    file_id: str | None = None
    function: int | None = None
    offset: int | None = None
    length: int | None = None
    resume_key: str | None = None
    chunks: tuple[CopyChunk, ...] = ()
    sparse: bool | None = None
    output_length: int | None = None
    input_length: int | None = None
    name: str | None = None
    """The path of a DFS referral request, or the pipe's of a wait."""
    reparse_tag: int | None = None


@dataclass(frozen=True, slots=True)
class IoctlResponse(Message):
    """[MS-SMB2] 2.2.32; `count` is the bytes of output, or for copy chunk the bytes copied."""

    count: int | None = None
    resume_key: str | None = None
    function: int | None = None
    ranges: tuple[ByteRange, ...] = ()
    """FSCTL_QUERY_ALLOCATED_RANGES: what is allocated."""
    reparse_tag: int | None = None


@dataclass(frozen=True, slots=True)
class QueryDirectoryRequest(Message):
    """[MS-SMB2] 2.2.33."""

    file_id: str | None = None
    level: int | None = None
    flags: int | None = None
    pattern: str | None = None
    output_length: int | None = None


@dataclass(frozen=True, slots=True)
class QueryDirectoryResponse(Message):
    """[MS-SMB2] 2.2.34."""

    entries: tuple[DirectoryEntry, ...] = ()
    count: int | None = None


@dataclass(frozen=True, slots=True)
class NotifyRequest(Message):
    """[MS-SMB2] 2.2.35."""

    file_id: str | None = None
    filter: int | None = None
    watch_tree: bool | None = None
    output_length: int | None = None


@dataclass(frozen=True, slots=True)
class NotifyResponse(Message):
    """[MS-SMB2] 2.2.36; `changes` as `ACTION name`: 1 added, 2 removed, 3 modified, 4 and 5 renamed."""

    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryInfoRequest(Message):
    """[MS-SMB2] 2.2.37; `level` is the class within `info_type`."""

    file_id: str | None = None
    info_type: int | None = None
    level: int | None = None
    output_length: int | None = None
    additional: int | None = None
    ea_names: tuple[str, ...] = ()
    """The extended attributes asked for by name."""


@dataclass(frozen=True, slots=True)
class QueryInfoResponse(Message):
    """[MS-SMB2] 2.2.38; what the returned class says of the file (`ea_lengths`: of values, in bytes)."""

    count: int | None = None
    attributes: int | None = None
    size: int | None = None
    allocation: int | None = None
    created_ns: int | None = None
    accessed_ns: int | None = None
    written_ns: int | None = None
    changed_ns: int | None = None
    links: int | None = None
    directory: bool | None = None
    delete_pending: bool | None = None
    streams: tuple[str, ...] = ()
    """Stream names and sizes as `:name:$DATA size`."""
    disk_id: str | None = None
    """The file's index number, as 8 bytes of the wire."""
    reparse_tag: int | None = None
    ea_names: tuple[str, ...] = ()
    ea_lengths: tuple[int, ...] = ()
    capacity: int | None = None
    """Bytes of the file system, for its size classes."""
    available: int | None = None


@dataclass(frozen=True, slots=True)
class SetInfoRequest(Message):
    """[MS-SMB2] 2.2.39; the parts that the class carries: `size` for end of file and allocation,
    `delete` for disposition, `target` and `replace` for rename and link, times and attributes for basic."""

    file_id: str | None = None
    info_type: int | None = None
    level: int | None = None
    size: int | None = None
    delete: bool | None = None
    target: str | None = None
    replace: bool | None = None
    attributes: int | None = None
    created_ns: int | None = None
    accessed_ns: int | None = None
    written_ns: int | None = None
    changed_ns: int | None = None
    additional: int | None = None
    ea_names: tuple[str, ...] = ()
    ea_lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Break(Message):
    """An oplock or lease break: notification, acknowledgement or its response ([MS-SMB2] 2.2.23–2.2.25)."""

    file_id: str | None = None
    oplock: int | None = None
    lease_key: str | None = None
    current_state: int | None = None
    lease_state: int | None = None
    """The state to go to (notification), or gone to (acknowledgement)."""
    flags: int | None = None
    lease_epoch: int | None = None
