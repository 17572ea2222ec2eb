"""Numbers of the wire, each once, with the section that defines it.

One rule for names: as the documents have them, without the part that all names of a group share (`SMB2_`;
`FILE_` of dispositions, options and attributes; `File…Information` of classes), unless what is left says too
little alone; rights, of which some have `FILE_` and some have not, are spelled whole. Access, sharing,
dispositions, options, attributes, classes and control codes have these numbers in NtCreateFile, too.
Statuses are in `ntstatus`, times in `filetime`, commands in `trace.model`.
"""

from __future__ import annotations

from typing import Final

# Transport ([MS-SMB2] 2.1) and the header of a message (2.2.1)
PORT: Final = 445
NETBIOS_PORT: Final = 139
HEADER_BYTES: Final = 64
FLAGS_SERVER_TO_REDIR: Final = 0x1
"""A response."""
FLAGS_ASYNC_COMMAND: Final = 0x2
FLAGS_RELATED_OPERATIONS: Final = 0x4
FLAGS_SIGNED: Final = 0x8
FLAGS_DFS_OPERATIONS: Final = 0x10000000
FLAGS_REPLAY_OPERATION: Final = 0x20000000
UNSOLICITED_MESSAGE_ID: Final = (1 << 64) - 1
"""MessageId of a break notification ([MS-SMB2] 2.2.23)."""
RELATED_SESSION_ID: Final = (1 << 64) - 1
RELATED_TREE_ID: Final = (1 << 32) - 1
RELATED_FILE_ID: Final = b"\xff" * 16
"""What a related request may have in the place of its predecessor's ids ([MS-SMB2] 3.2.4.1.4)."""

# NEGOTIATE: DialectRevision, SecurityMode ([MS-SMB2] 2.2.3, 2.2.4)
DIALECT_2_0_2: Final = 0x0202
DIALECT_2_1: Final = 0x0210
DIALECT_WILDCARD: Final = 0x02FF
"""The answer to an SMB1 NEGOTIATE: another NEGOTIATE follows ([MS-SMB2] 3.3.5.3.2)."""
DIALECT_3_0: Final = 0x0300
DIALECT_3_0_2: Final = 0x0302
DIALECT_3_1_1: Final = 0x0311
DIALECTS: Final = {
    DIALECT_2_0_2: "2.0.2",
    DIALECT_2_1: "2.1",
    DIALECT_3_0: "3.0",
    DIALECT_3_0_2: "3.0.2",
    DIALECT_3_1_1: "3.1.1",
}
"""As the documents call them."""
NEGOTIATE_SIGNING_REQUIRED: Final = 0x2

# SESSION_SETUP: Flags of the request, SessionFlags of the response ([MS-SMB2] 2.2.5, 2.2.6)
SESSION_FLAG_BINDING: Final = 0x1
SESSION_FLAG_IS_NULL: Final = 0x2

# TREE_CONNECT: ShareType ([MS-SMB2] 2.2.10)
SHARE_TYPE_DISK: Final = 1
SHARE_TYPE_PIPE: Final = 2
SHARE_TYPE_PRINT: Final = 3

# CREATE: DesiredAccess ([MS-SMB2] 2.2.13.1)
FILE_READ_DATA: Final = 0x1
FILE_WRITE_DATA: Final = 0x2
FILE_APPEND_DATA: Final = 0x4
FILE_READ_EA: Final = 0x8
FILE_WRITE_EA: Final = 0x10
FILE_EXECUTE: Final = 0x20
FILE_DELETE_CHILD: Final = 0x40
FILE_READ_ATTRIBUTES: Final = 0x80
FILE_WRITE_ATTRIBUTES: Final = 0x100
DELETE: Final = 0x10000
READ_CONTROL: Final = 0x20000
WRITE_DAC: Final = 0x40000
WRITE_OWNER: Final = 0x80000
SYNCHRONIZE: Final = 0x100000
MAXIMUM_ALLOWED: Final = 0x02000000
GENERIC_ALL: Final = 0x10000000
GENERIC_EXECUTE: Final = 0x20000000
GENERIC_WRITE: Final = 0x40000000
GENERIC_READ: Final = 0x80000000
# What the generic rights stand for on a file ([MS-SMB2] 2.2.13.1.1; winnt.h has these names).
FILE_GENERIC_READ: Final = READ_CONTROL | SYNCHRONIZE | FILE_READ_DATA | FILE_READ_EA | FILE_READ_ATTRIBUTES
FILE_GENERIC_WRITE: Final = (
    READ_CONTROL | SYNCHRONIZE | FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES
)
FILE_GENERIC_EXECUTE: Final = READ_CONTROL | SYNCHRONIZE | FILE_EXECUTE | FILE_READ_ATTRIBUTES
FILE_ALL_ACCESS: Final = (
    FILE_GENERIC_READ
    | FILE_GENERIC_WRITE
    | FILE_EXECUTE
    | FILE_DELETE_CHILD
    | DELETE
    | WRITE_DAC
    | WRITE_OWNER
)
READS_DATA: Final = (
    FILE_READ_DATA | FILE_EXECUTE | MAXIMUM_ALLOWED | GENERIC_ALL | GENERIC_EXECUTE | GENERIC_READ
)
"""Rights by any of which data may be read: to execute a file is to read it."""
WRITES_DATA: Final = FILE_WRITE_DATA | FILE_APPEND_DATA | MAXIMUM_ALLOWED | GENERIC_ALL | GENERIC_WRITE
DATA_ACCESS: Final = READS_DATA | WRITES_DATA
"""Rights by any of which data may be moved."""
SETS_EA: Final = FILE_WRITE_EA | MAXIMUM_ALLOWED | GENERIC_ALL | GENERIC_WRITE
"""Rights by any of which extended attributes may be set."""
LOOK_ONLY: Final = FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE
"""Access that neither reads nor changes anything but attributes."""

# CREATE: ShareAccess, CreateDisposition, CreateOptions, CreateAction ([MS-SMB2] 2.2.13, 2.2.14)
SHARE_READ: Final = 0x1
SHARE_WRITE: Final = 0x2
SHARE_DELETE: Final = 0x4
SHARE_ALL: Final = SHARE_READ | SHARE_WRITE | SHARE_DELETE
SUPERSEDE, OPEN, CREATE, OPEN_IF, OVERWRITE, OVERWRITE_IF = range(6)
CREATING: Final = frozenset((SUPERSEDE, CREATE, OPEN_IF, OVERWRITE_IF))
"""Dispositions that may make the file."""
EMPTYING: Final = frozenset((SUPERSEDE, OVERWRITE, OVERWRITE_IF))
"""Dispositions that take away what the file holds."""
DIRECTORY_FILE: Final = 0x1
WRITE_THROUGH: Final = 0x2
SEQUENTIAL_ONLY: Final = 0x4
NO_INTERMEDIATE_BUFFERING: Final = 0x8
SYNCHRONOUS_IO_ALERT: Final = 0x10
SYNCHRONOUS_IO_NONALERT: Final = 0x20
NON_DIRECTORY_FILE: Final = 0x40
CREATE_TREE_CONNECTION: Final = 0x80
RANDOM_ACCESS: Final = 0x800
DELETE_ON_CLOSE: Final = 0x1000
OPEN_BY_FILE_ID: Final = 0x2000
OPEN_REQUIRING_OPLOCK: Final = 0x10000
RESERVE_OPFILTER: Final = 0x100000
OPEN_REPARSE_POINT: Final = 0x200000
SUPERSEDED, OPENED, CREATED, OVERWRITTEN = range(4)

# CREATE: RequestedOplockLevel, OplockLevel ([MS-SMB2] 2.2.13, 2.2.14)
OPLOCK_LEVEL_NONE: Final = 0x0
OPLOCK_LEVEL_II: Final = 0x1
OPLOCK_LEVEL_EXCLUSIVE: Final = 0x8
OPLOCK_LEVEL_BATCH: Final = 0x9
OPLOCK_LEVEL_LEASE: Final = 0xFF
"""A lease context says what is asked for or granted."""

# Leases: LeaseState and Flags of the contexts, Flags of a break ([MS-SMB2] 2.2.13.2.8, 2.2.13.2.10, 2.2.23.2)
LEASE_READ_CACHING: Final = 0x1
LEASE_HANDLE_CACHING: Final = 0x2
LEASE_WRITE_CACHING: Final = 0x4
LEASE_FLAG_PARENT_LEASE_KEY_SET: Final = 0x4
NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED: Final = 0x1
# Durable handles, version 2: Flags ([MS-SMB2] 2.2.13.2.11, 2.2.13.2.12, 2.2.14.2.12)
DHANDLE_FLAG_PERSISTENT: Final = 0x2

# FileAttributes ([MS-FSCC] 2.6)
ATTRIBUTE_READONLY: Final = 0x1
ATTRIBUTE_HIDDEN: Final = 0x2
ATTRIBUTE_SYSTEM: Final = 0x4
ATTRIBUTE_DIRECTORY: Final = 0x10
ATTRIBUTE_ARCHIVE: Final = 0x20
ATTRIBUTE_NORMAL: Final = 0x80
ATTRIBUTE_TEMPORARY: Final = 0x100
ATTRIBUTE_SPARSE_FILE: Final = 0x200
ATTRIBUTE_REPARSE_POINT: Final = 0x400
ATTRIBUTE_COMPRESSED: Final = 0x800
ATTRIBUTE_OFFLINE: Final = 0x1000
ATTRIBUTE_NOT_CONTENT_INDEXED: Final = 0x2000
ATTRIBUTE_ENCRYPTED: Final = 0x4000

# CREATE's and CLOSE's responses: Flags ([MS-SMB2] 2.2.14, 2.2.16)
CREATE_FLAG_REPARSEPOINT: Final = 0x1
CLOSE_FLAG_POSTQUERY_ATTRIB: Final = 0x1
# WRITE: Flags ([MS-SMB2] 2.2.21)
WRITEFLAG_WRITE_THROUGH: Final = 0x1
# WRITE: offsets that are none ([MS-FSA] 2.1.5.4)
WRITE_TO_END_OF_FILE: Final = (1 << 64) - 1
USE_FILE_POINTER_POSITION: Final = (1 << 64) - 2

# QUERY_INFO, SET_INFO: InfoType ([MS-SMB2] 2.2.37)
INFO_FILE, INFO_FILESYSTEM, INFO_SECURITY, INFO_QUOTA = range(1, 5)
OWNER_SECURITY_INFORMATION: Final = 0x1
GROUP_SECURITY_INFORMATION: Final = 0x2
DACL_SECURITY_INFORMATION: Final = 0x4
"""AdditionalInformation of INFO_SECURITY ([MS-DTYP] 2.4.7)."""

# Classes of files ([MS-FSCC] 2.4), of directories among them, which QUERY_DIRECTORY has ([MS-SMB2] 2.2.33)
DIRECTORY_INFORMATION: Final = 1
FULL_DIRECTORY: Final = 2
BOTH_DIRECTORY: Final = 3
BASIC: Final = 4
STANDARD: Final = 5
INTERNAL: Final = 6
EA: Final = 7
RENAME: Final = 10
LINK: Final = 11
NAMES: Final = 12
DISPOSITION: Final = 13
POSITION: Final = 14
FULL_EA: Final = 15
MODE: Final = 16
ALL_INFORMATION: Final = 18
ALLOCATION: Final = 19
END_OF_FILE: Final = 20
STREAM: Final = 22
PIPE: Final = 23
NETWORK_OPEN: Final = 34
ATTRIBUTE_TAG: Final = 35
ID_BOTH_DIRECTORY: Final = 37
ID_FULL_DIRECTORY: Final = 38
VALID_DATA_LENGTH: Final = 39
SHORT_NAME: Final = 40
ID: Final = 59
ID_EXTD_DIRECTORY: Final = 60
DISPOSITION_EX: Final = 64
RENAME_EX: Final = 65
LINK_EX: Final = 72
POSIX: Final = 100
"""Of files and of listings alike, where the SMB3 POSIX extensions were negotiated."""
RENAMES: Final = frozenset((RENAME, RENAME_EX))
LINKS: Final = frozenset((LINK, LINK_EX))
DISPOSITIONS: Final = frozenset((DISPOSITION, DISPOSITION_EX))
# Classes of file systems ([MS-FSCC] 2.5)
FS_VOLUME: Final = 1
FS_SIZE: Final = 3
FS_DEVICE: Final = 4
FS_ATTRIBUTE: Final = 5
FS_FULL_SIZE: Final = 7
FS_SECTOR_SIZE: Final = 11
FS_POSIX: Final = 100

# LOCK: Flags ([MS-SMB2] 2.2.26.1)
LOCK_SHARED: Final = 0x1
LOCK_EXCLUSIVE: Final = 0x2
LOCK_UNLOCK: Final = 0x4
LOCK_FAIL_IMMEDIATELY: Final = 0x10
LOCK_FLAGS: Final = frozenset(
    (
        LOCK_SHARED,
        LOCK_EXCLUSIVE,
        LOCK_SHARED | LOCK_FAIL_IMMEDIATELY,
        LOCK_EXCLUSIVE | LOCK_FAIL_IMMEDIATELY,
        LOCK_UNLOCK,
    )
)
"""What the flags of an element may be; everything else a server refuses."""

# QUERY_DIRECTORY: Flags ([MS-SMB2] 2.2.33)
RESTART_SCANS: Final = 0x1
RETURN_SINGLE_ENTRY: Final = 0x2
REOPEN: Final = 0x10
SCAN_AGAIN: Final = RESTART_SCANS | REOPEN
"""Either begins the listing anew."""

# CHANGE_NOTIFY: CompletionFilter ([MS-SMB2] 2.2.35)
NOTIFY_CHANGE_FILE_NAME: Final = 0x1
NOTIFY_CHANGE_DIR_NAME: Final = 0x2
NOTIFY_CHANGE_ATTRIBUTES: Final = 0x4
NOTIFY_CHANGE_SIZE: Final = 0x8
NOTIFY_CHANGE_LAST_WRITE: Final = 0x10
NOTIFY_CHANGE_LAST_ACCESS: Final = 0x20
NOTIFY_CHANGE_CREATION: Final = 0x40
NOTIFY_CHANGE_EA: Final = 0x80
NOTIFY_CHANGE_SECURITY: Final = 0x100

# IOCTL: Flags, CtlCode ([MS-SMB2] 2.2.31, [MS-FSCC] 2.3)
IOCTL_IS_FSCTL: Final = 0x1
FSCTL_DFS_GET_REFERRALS: Final = 0x00060194
FSCTL_DFS_GET_REFERRALS_EX: Final = 0x000601B0
FSCTL_SET_REPARSE_POINT: Final = 0x000900A4
FSCTL_GET_REPARSE_POINT: Final = 0x000900A8
FSCTL_SET_SPARSE: Final = 0x000900C4
FSCTL_QUERY_ALLOCATED_RANGES: Final = 0x000940CF
FSCTL_SET_ZERO_DATA: Final = 0x000980C8
FSCTL_DUPLICATE_EXTENTS_TO_FILE: Final = 0x00098344
FSCTL_PIPE_PEEK: Final = 0x0011400C
FSCTL_PIPE_WAIT: Final = 0x00110018
FSCTL_PIPE_TRANSCEIVE: Final = 0x0011C017
FSCTL_SET_INTEGRITY_INFORMATION: Final = 0x0009C280
FSCTL_SET_COMPRESSION: Final = 0x0009C040
FSCTL_SRV_ENUMERATE_SNAPSHOTS: Final = 0x00144064
FSCTL_SRV_REQUEST_RESUME_KEY: Final = 0x00140078
FSCTL_LMR_REQUEST_RESILIENCY: Final = 0x001401D4
FSCTL_QUERY_NETWORK_INTERFACE_INFO: Final = 0x001401FC
FSCTL_VALIDATE_NEGOTIATE_INFO: Final = 0x00140204
FSCTL_SRV_COPYCHUNK: Final = 0x001440F2
FSCTL_SRV_COPYCHUNK_WRITE: Final = 0x001480F2
PIPE_FUNCTIONS: Final = frozenset((FSCTL_PIPE_PEEK, FSCTL_PIPE_WAIT, FSCTL_PIPE_TRANSCEIVE))
CONTROLS: Final = frozenset(
    (FSCTL_SET_INTEGRITY_INFORMATION, FSCTL_SET_COMPRESSION, FSCTL_SRV_ENUMERATE_SNAPSHOTS)
)
"""Control codes whose payload the client chooses."""
RESUME_KEY_BYTES: Final = 24
RESUME_KEY_RESPONSE_BYTES: Final = 32
"""SRV_REQUEST_RESUME_KEY's answer: the key, a length and a context that nobody sends ([MS-SMB2] 2.2.32.3)."""
