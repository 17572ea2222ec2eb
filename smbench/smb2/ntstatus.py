"""Where NTSTATUS, errno and Win32 codes meet, and where an outcome is held against the capture.

Numbers and names are [MS-ERREF] 2.3.1; the first errno of a status is what the Linux client makes of
it (fs/smb/client/smb2maperror.c, 6.1), further ones are what Linux itself answers where it never asks
the server (its own path walk, its own lock table). Errno numbers are Linux's on every system, because
stored outcomes and captures are read anywhere. Codes that no table names are EIO, as in the kernel.
"""

from __future__ import annotations

from enum import IntEnum


class Errno(IntEnum):
    """Linux errno numbers (include/uapi/asm-generic/errno*.h)."""

    EPERM = 1
    ENOENT = 2
    EINTR = 4
    EIO = 5
    ENXIO = 6
    E2BIG = 7
    EBADF = 9
    EAGAIN = 11
    ENOMEM = 12
    EACCES = 13
    EFAULT = 14
    EBUSY = 16
    EEXIST = 17
    EXDEV = 18
    ENODEV = 19
    ENOTDIR = 20
    EISDIR = 21
    EINVAL = 22
    ENFILE = 23
    EMFILE = 24
    ENOTTY = 25
    ETXTBSY = 26
    EFBIG = 27
    ENOSPC = 28
    ESPIPE = 29
    EROFS = 30
    EMLINK = 31
    EPIPE = 32
    ERANGE = 34
    EDEADLK = 35
    ENAMETOOLONG = 36
    ENOLCK = 37
    ENOSYS = 38
    ENOTEMPTY = 39
    ELOOP = 40
    ENODATA = 61
    EREMOTE = 66
    ECOMM = 70
    EREMCHG = 78
    EOVERFLOW = 75
    EILSEQ = 84
    EOPNOTSUPP = 95
    ENETUNREACH = 101
    ENETRESET = 102
    ECONNABORTED = 103
    ECONNRESET = 104
    ENOTCONN = 107
    ETIMEDOUT = 110
    ECONNREFUSED = 111
    EHOSTDOWN = 112
    EHOSTUNREACH = 113
    ESTALE = 116
    ENOTNAM = 118
    EDQUOT = 122
    ECANCELED = 125
    ENOKEY = 126
    EKEYEXPIRED = 127
    EKEYREJECTED = 129


class Status(IntEnum):
    """NTSTATUS codes that SMB servers send ([MS-ERREF] 2.3.1), without their `STATUS_`."""

    SUCCESS = 0x00000000
    PENDING = 0x00000103
    REPARSE = 0x00000104
    NOTIFY_CLEANUP = 0x0000010B
    NOTIFY_ENUM_DIR = 0x0000010C
    OBJECT_NAME_EXISTS = 0x40000000
    BUFFER_OVERFLOW = 0x80000005
    NO_MORE_FILES = 0x80000006
    NO_MORE_EAS = 0x80000012
    INVALID_EA_NAME = 0x80000013
    EA_LIST_INCONSISTENT = 0x80000014
    STOPPED_ON_SYMLINK = 0x8000002D
    UNSUCCESSFUL = 0xC0000001
    NOT_IMPLEMENTED = 0xC0000002
    INVALID_INFO_CLASS = 0xC0000003
    INFO_LENGTH_MISMATCH = 0xC0000004
    INVALID_HANDLE = 0xC0000008
    INVALID_PARAMETER = 0xC000000D
    NO_SUCH_DEVICE = 0xC000000E
    NO_SUCH_FILE = 0xC000000F
    INVALID_DEVICE_REQUEST = 0xC0000010
    END_OF_FILE = 0xC0000011
    MORE_PROCESSING_REQUIRED = 0xC0000016
    NO_MEMORY = 0xC0000017
    INVALID_LOCK_SEQUENCE = 0xC000001E
    INVALID_VIEW_SIZE = 0xC000001F
    ACCESS_DENIED = 0xC0000022
    BUFFER_TOO_SMALL = 0xC0000023
    OBJECT_TYPE_MISMATCH = 0xC0000024
    OBJECT_NAME_INVALID = 0xC0000033
    OBJECT_NAME_NOT_FOUND = 0xC0000034
    OBJECT_NAME_COLLISION = 0xC0000035
    OBJECT_PATH_INVALID = 0xC0000039
    OBJECT_PATH_NOT_FOUND = 0xC000003A
    OBJECT_PATH_SYNTAX_BAD = 0xC000003B
    DATA_ERROR = 0xC000003E
    CRC_ERROR = 0xC000003F
    SHARING_VIOLATION = 0xC0000043
    QUOTA_EXCEEDED = 0xC0000044
    EA_TOO_LARGE = 0xC0000050
    NONEXISTENT_EA_ENTRY = 0xC0000051
    NO_EAS_ON_FILE = 0xC0000052
    EA_CORRUPT_ERROR = 0xC0000053
    FILE_LOCK_CONFLICT = 0xC0000054
    LOCK_NOT_GRANTED = 0xC0000055
    DELETE_PENDING = 0xC0000056
    INVALID_OWNER = 0xC000005A
    NO_LOGON_SERVERS = 0xC000005E
    PRIVILEGE_NOT_HELD = 0xC0000061
    NO_SUCH_USER = 0xC0000064
    WRONG_PASSWORD = 0xC000006A
    LOGON_FAILURE = 0xC000006D
    ACCOUNT_RESTRICTION = 0xC000006E
    PASSWORD_EXPIRED = 0xC0000071
    ACCOUNT_DISABLED = 0xC0000072
    INVALID_ACL = 0xC0000077
    INVALID_SID = 0xC0000078
    INVALID_SECURITY_DESCR = 0xC0000079
    RANGE_NOT_LOCKED = 0xC000007E
    DISK_FULL = 0xC000007F
    FILE_INVALID = 0xC0000098
    INSUFFICIENT_RESOURCES = 0xC000009A
    MEDIA_WRITE_PROTECTED = 0xC00000A2
    DEVICE_NOT_READY = 0xC00000A3
    BAD_IMPERSONATION_LEVEL = 0xC00000A5
    PIPE_NOT_AVAILABLE = 0xC00000AC
    INVALID_PIPE_STATE = 0xC00000AD
    PIPE_BUSY = 0xC00000AE
    PIPE_DISCONNECTED = 0xC00000B0
    INVALID_READ_MODE = 0xC00000B4
    IO_TIMEOUT = 0xC00000B5
    FILE_FORCED_CLOSED = 0xC00000B6
    FILE_IS_A_DIRECTORY = 0xC00000BA
    NOT_SUPPORTED = 0xC00000BB
    DUPLICATE_NAME = 0xC00000BD
    BAD_NETWORK_PATH = 0xC00000BE
    NETWORK_BUSY = 0xC00000BF
    INVALID_NETWORK_RESPONSE = 0xC00000C3
    UNEXPECTED_NETWORK_ERROR = 0xC00000C4
    NETWORK_NAME_DELETED = 0xC00000C9
    NETWORK_ACCESS_DENIED = 0xC00000CA
    BAD_DEVICE_TYPE = 0xC00000CB
    BAD_NETWORK_NAME = 0xC00000CC
    REQUEST_NOT_ACCEPTED = 0xC00000D0
    NOT_SAME_DEVICE = 0xC00000D4
    FILE_RENAMED = 0xC00000D5
    PIPE_EMPTY = 0xC00000D9
    OPLOCK_NOT_GRANTED = 0xC00000E2
    INVALID_OPLOCK_PROTOCOL = 0xC00000E3
    INTERNAL_ERROR = 0xC00000E5
    UNEXPECTED_IO_ERROR = 0xC00000E9
    DIRECTORY_NOT_EMPTY = 0xC0000101
    FILE_CORRUPT_ERROR = 0xC0000102
    NOT_A_DIRECTORY = 0xC0000103
    NAME_TOO_LONG = 0xC0000106
    FILES_OPEN = 0xC0000107
    TOO_MANY_OPENED_FILES = 0xC000011F
    CANCELLED = 0xC0000120
    CANNOT_DELETE = 0xC0000121
    FILE_DELETED = 0xC0000123
    FILE_CLOSED = 0xC0000128
    PIPE_BROKEN = 0xC000014B
    LOGON_TYPE_NOT_GRANTED = 0xC000015B
    INVALID_DEVICE_STATE = 0xC0000184
    IO_DEVICE_ERROR = 0xC0000185
    ACCOUNT_EXPIRED = 0xC0000193
    FS_DRIVER_REQUIRED = 0xC000019C
    INVALID_LOCK_RANGE = 0xC00001A1
    USER_SESSION_DELETED = 0xC0000203
    INSUFF_SERVER_RESOURCES = 0xC0000205
    CONNECTION_DISCONNECTED = 0xC000020C
    CONNECTION_RESET = 0xC000020D
    PASSWORD_MUST_CHANGE = 0xC0000224
    NOT_FOUND = 0xC0000225
    ACCOUNT_LOCKED_OUT = 0xC0000234
    CONNECTION_ABORTED = 0xC0000241
    USER_MAPPED_FILE = 0xC0000243
    PATH_NOT_COVERED = 0xC0000257
    TOO_MANY_LINKS = 0xC0000265
    VOLUME_DISMOUNTED = 0xC000026E
    NOT_A_REPARSE_POINT = 0xC0000275
    IO_REPARSE_TAG_NOT_HANDLED = 0xC0000279
    DIRECTORY_IS_A_REPARSE_POINT = 0xC0000281
    NETWORK_SESSION_EXPIRED = 0xC000035C


_MEANING: dict[Status, tuple[tuple[Errno, ...], int | None]] = {
    Status.BUFFER_OVERFLOW: ((Errno.E2BIG, Errno.ERANGE), 234),
    Status.NO_MORE_FILES: ((Errno.ENODATA,), 18),
    Status.NO_MORE_EAS: ((Errno.ENODATA,), 259),
    Status.INVALID_EA_NAME: ((Errno.EINVAL,), 254),
    Status.EA_LIST_INCONSISTENT: ((Errno.EINVAL,), 255),
    Status.STOPPED_ON_SYMLINK: ((Errno.EOPNOTSUPP, Errno.ELOOP), 681),
    Status.UNSUCCESSFUL: ((Errno.EIO,), 31),
    Status.NOT_IMPLEMENTED: ((Errno.EOPNOTSUPP, Errno.ENOSYS), 1),
    Status.INVALID_INFO_CLASS: ((Errno.EIO, Errno.EINVAL), 87),
    Status.INFO_LENGTH_MISMATCH: ((Errno.EIO, Errno.EINVAL), 24),
    Status.INVALID_HANDLE: ((Errno.EBADF,), 6),
    Status.INVALID_PARAMETER: ((Errno.EINVAL,), 87),
    Status.NO_SUCH_DEVICE: ((Errno.ENODEV,), 55),
    Status.NO_SUCH_FILE: ((Errno.ENOENT,), 2),
    Status.INVALID_DEVICE_REQUEST: ((Errno.EOPNOTSUPP, Errno.EISDIR, Errno.EINVAL, Errno.ENOTTY), 1),
    Status.END_OF_FILE: ((Errno.ENODATA,), 38),
    # A copy that reaches beyond the source's end: copy_file_range copies what there is, or nothing.
    Status.INVALID_VIEW_SIZE: ((Errno.EIO, Errno.EINVAL), None),
    Status.NO_MEMORY: ((Errno.ENOMEM,), 8),
    Status.ACCESS_DENIED: ((Errno.EACCES, Errno.EPERM), 5),
    Status.BUFFER_TOO_SMALL: ((Errno.EIO, Errno.ERANGE), 122),
    Status.OBJECT_NAME_INVALID: ((Errno.ENOENT, Errno.EINVAL, Errno.ENAMETOOLONG, Errno.EILSEQ), 123),
    Status.OBJECT_NAME_NOT_FOUND: ((Errno.ENOENT,), 2),
    Status.OBJECT_NAME_COLLISION: ((Errno.EEXIST,), 183),
    Status.OBJECT_PATH_INVALID: ((Errno.ENOTDIR,), 161),
    # The Linux path walk stops at a file that stands where a directory should: ENOTDIR, nothing sent.
    Status.OBJECT_PATH_NOT_FOUND: ((Errno.ENOENT, Errno.ENOTDIR), 3),
    Status.OBJECT_PATH_SYNTAX_BAD: ((Errno.EINVAL, Errno.ENOENT), 161),
    Status.DATA_ERROR: ((Errno.EIO,), 23),
    Status.CRC_ERROR: ((Errno.EIO,), 23),
    Status.SHARING_VIOLATION: ((Errno.EBUSY, Errno.ETXTBSY), 32),
    Status.QUOTA_EXCEEDED: ((Errno.EDQUOT,), 1816),
    Status.EA_TOO_LARGE: ((Errno.EIO, Errno.E2BIG, Errno.ENOSPC), 255),
    Status.NONEXISTENT_EA_ENTRY: ((Errno.EIO, Errno.ENODATA), 255),
    Status.NO_EAS_ON_FILE: ((Errno.ENODATA,), 1392),
    Status.EA_CORRUPT_ERROR: ((Errno.EIO,), 1394),
    # cifs.ko says EACCES where the server refuses; Linux's own lock table says EAGAIN.
    Status.FILE_LOCK_CONFLICT: ((Errno.EACCES, Errno.EAGAIN), 33),
    Status.LOCK_NOT_GRANTED: ((Errno.EACCES, Errno.EAGAIN), 33),
    Status.DELETE_PENDING: ((Errno.ENOENT, Errno.EBUSY), 5),
    Status.INVALID_OWNER: ((Errno.EIO, Errno.EPERM), 1307),
    Status.PRIVILEGE_NOT_HELD: ((Errno.EIO, Errno.EPERM), 1314),
    Status.WRONG_PASSWORD: ((Errno.EIO, Errno.EACCES), 86),
    Status.LOGON_FAILURE: ((Errno.EACCES,), 1326),
    Status.ACCOUNT_RESTRICTION: ((Errno.EACCES,), 1327),
    Status.PASSWORD_EXPIRED: ((Errno.EKEYEXPIRED,), 1330),
    Status.ACCOUNT_DISABLED: ((Errno.EKEYREJECTED, Errno.EACCES), 1331),
    Status.INVALID_ACL: ((Errno.EIO, Errno.EINVAL), 1336),
    Status.INVALID_SID: ((Errno.EIO, Errno.EINVAL), 1337),
    Status.INVALID_SECURITY_DESCR: ((Errno.EIO, Errno.EINVAL), 1338),
    Status.RANGE_NOT_LOCKED: ((Errno.EIO,), 158),
    Status.DISK_FULL: ((Errno.ENOSPC,), 112),
    Status.INSUFFICIENT_RESOURCES: ((Errno.EAGAIN, Errno.ENOMEM), 1450),
    Status.MEDIA_WRITE_PROTECTED: ((Errno.EROFS,), 19),
    Status.PIPE_NOT_AVAILABLE: ((Errno.EBUSY,), 231),
    Status.INVALID_PIPE_STATE: ((Errno.EIO,), 230),
    Status.PIPE_BUSY: ((Errno.EBUSY,), 231),
    Status.PIPE_DISCONNECTED: ((Errno.EIO, Errno.EPIPE), 233),
    Status.IO_TIMEOUT: ((Errno.EAGAIN, Errno.ETIMEDOUT), 121),
    Status.FILE_FORCED_CLOSED: ((Errno.EIO, Errno.EBADF), 38),
    Status.FILE_IS_A_DIRECTORY: ((Errno.EISDIR,), 5),
    Status.NOT_SUPPORTED: ((Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.ENOTTY), 50),
    Status.BAD_NETWORK_PATH: ((Errno.ENOENT,), 53),
    Status.NETWORK_BUSY: ((Errno.EBUSY,), 54),
    Status.NETWORK_NAME_DELETED: ((Errno.EREMCHG,), 64),
    Status.NETWORK_ACCESS_DENIED: ((Errno.EACCES,), 65),
    Status.BAD_DEVICE_TYPE: ((Errno.EIO,), 66),
    Status.BAD_NETWORK_NAME: ((Errno.ENOENT,), 67),
    Status.REQUEST_NOT_ACCEPTED: ((Errno.EAGAIN,), 71),
    Status.NOT_SAME_DEVICE: ((Errno.EXDEV,), 17),
    Status.PIPE_EMPTY: ((Errno.EIO, Errno.EAGAIN), 232),
    Status.DIRECTORY_NOT_EMPTY: ((Errno.ENOTEMPTY, Errno.EEXIST), 145),
    Status.FILE_CORRUPT_ERROR: ((Errno.EIO,), 1392),
    Status.NOT_A_DIRECTORY: ((Errno.ENOTDIR,), 267),
    Status.NAME_TOO_LONG: ((Errno.ENAMETOOLONG,), 206),
    Status.TOO_MANY_OPENED_FILES: ((Errno.EMFILE, Errno.ENFILE), 4),
    Status.CANCELLED: ((Errno.EIO, Errno.EINTR, Errno.ECANCELED), 995),
    Status.CANNOT_DELETE: ((Errno.EACCES, Errno.EPERM), 5),
    Status.FILE_DELETED: ((Errno.ENOENT,), 5),
    Status.FILE_CLOSED: ((Errno.EBADF,), 6),
    Status.PIPE_BROKEN: ((Errno.EIO, Errno.EPIPE), 109),
    Status.FS_DRIVER_REQUIRED: ((Errno.EOPNOTSUPP,), 1784),
    Status.INVALID_LOCK_RANGE: ((Errno.EIO, Errno.EINVAL, Errno.EOVERFLOW), 307),
    Status.INSUFF_SERVER_RESOURCES: ((Errno.EAGAIN, Errno.ENOMEM), 1130),
    Status.NOT_FOUND: ((Errno.ENOENT,), 1168),
    Status.USER_MAPPED_FILE: ((Errno.EIO, Errno.EBUSY), 1224),
    Status.PATH_NOT_COVERED: ((Errno.EREMOTE,), None),
    Status.TOO_MANY_LINKS: ((Errno.EMLINK,), 1142),
    Status.NOT_A_REPARSE_POINT: ((Errno.EIO, Errno.EINVAL), 4390),
}
_UNNAMED = ((Errno.EIO,), None)

# Several statuses share a Win32 code; these are what an ordinary call means by it.
_STATUS_OF_WIN32 = {code: status for status, (_, code) in reversed(_MEANING.items()) if code is not None} | {
    0: Status.SUCCESS,
    1: Status.INVALID_DEVICE_REQUEST,
    2: Status.OBJECT_NAME_NOT_FOUND,
    5: Status.ACCESS_DENIED,
    6: Status.INVALID_HANDLE,
    33: Status.FILE_LOCK_CONFLICT,
    80: Status.OBJECT_NAME_COLLISION,
    87: Status.INVALID_PARAMETER,
}

FIRST_WARNING = 0x80000000
FIRST_ERROR = 0xC0000000
"""Where `failed` and `is_error` begin to be so: for columns of statuses."""

_STATUS_NAMES = {status.value: f"STATUS_{status.name}" for status in Status}
_ERRNO_NAMES = {code.value: code.name for code in Errno}
_LOWEST_ERRNO_OUTCOME = -4095


def name(status: int) -> str:
    """`STATUS_…`, or the number, as `0xC0000F12`, where the table does not name it."""
    return _STATUS_NAMES.get(status) or f"0x{status:08X}"


def failed(status: int) -> bool:
    """Whether a status is a warning or an error: its severity bits are 2 or 3 ([MS-ERREF] 2.3).

    What a client's caller is told as a failure, and what an executor's outcome has as a negative number. A
    warning may come with an answer (BUFFER_OVERFLOW), or say that there is no more of it (NO_MORE_FILES).
    """
    return status >= FIRST_WARNING


def is_error(status: int) -> bool:
    """Whether a status is an error: its severity bits are 3. The server did nothing of what was asked."""
    return status >= FIRST_ERROR


def errnos_of(status: int) -> tuple[int, ...]:
    """The errno class of a failure: what cifs.ko makes of it first, then what else Linux says for it."""
    return _meaning(status)[0]


def win32_of(status: int) -> int | None:
    """The Win32 code that RtlNtStatusToDosError makes of a status; None where none is known."""
    return 0 if not failed(status) else _meaning(status)[1]


def status_of_win32(code: int) -> int:
    """The most usual NTSTATUS behind a Win32 code; UNSUCCESSFUL for a code that the table has not."""
    return _STATUS_OF_WIN32.get(code, Status.UNSUCCESSFUL)


def outcome_of(status: int) -> int:
    """An executor's outcome for a status: 0 for success, else the signed 32-bit number."""
    return status - (1 << 32) if failed(status) else 0


CONNECTION_ERRORS = frozenset(
    [
        *(
            -code
            for code in (
                Errno.EPIPE, Errno.ENETUNREACH, Errno.ENETRESET, Errno.ECONNABORTED, Errno.ECONNRESET,
                Errno.ENOTCONN, Errno.ETIMEDOUT, Errno.ECONNREFUSED, Errno.EHOSTDOWN, Errno.EHOSTUNREACH,
            )
        ),
        *(
            outcome_of(status)
            for status in (
                Status.IO_TIMEOUT, Status.BAD_NETWORK_PATH, Status.UNEXPECTED_NETWORK_ERROR,
                Status.NETWORK_NAME_DELETED, Status.CONNECTION_DISCONNECTED, Status.CONNECTION_RESET,
                Status.CONNECTION_ABORTED,
            )
        ),
    ]
)  # fmt: skip
"""Outcomes that no server gives: there was none, or no way to it. (Windows names a server that is gone
NETWORK_NAME_DELETED, or BAD_NETWORK_PATH.)"""
NOT_OPEN = frozenset([-Errno.EBADF, outcome_of(Status.FILE_CLOSED), outcome_of(Status.INVALID_HANDLE)])
"""Outcomes that an executor gives by itself to a call on a file whose open failed."""


def outcome_name(outcome: int) -> str:
    """`ok`, an errno's name, or a status' name, for an executor's outcome (`executors.base`)."""
    if outcome >= 0:
        return "ok"
    if outcome >= _LOWEST_ERRNO_OUTCOME:
        return _ERRNO_NAMES.get(-outcome) or f"errno {-outcome}"
    return name(outcome & 0xFFFFFFFF)


def matches(expected: int | None, outcome: int, call: object) -> bool:
    """Whether an outcome is what the capture had.

    An NTSTATUS outcome must be the same status; an errno must be in the status' class, because many
    statuses become one errno. `call` is a value of `smbench.workload.calls`; the ground knows calls by
    the names of their kinds only. What is not a plain success or failure:

    - None, or PENDING as the last word: the capture ends before the answer, anything matches;
    - success and information (NOTIFY_ENUM_DIR, REPARSE, …): any success;
    - BUFFER_OVERFLOW: the answer came, cut to the caller's buffer: any success too;
    - END_OF_FILE of a Read: also a read of 0 bytes;
    - a List: NO_MORE_FILES also where it returned nothing, or stands for a whole scan; NO_SUCH_FILE
      (no entry fits the pattern) also where it returned nothing; a whole scan that found something is
      a success, and so is NO_MORE_FILES after one, because a backend may take in one call what the
      capture took in several;
    - CANCELLED and NOTIFY_CLEANUP of a waiting call (Lock, Notify): any way in which a wait is ended.
    """
    if expected is None or expected == Status.PENDING:
        return True
    kind = type(call).__name__
    if outcome >= 0:
        if not failed(expected) or expected == Status.BUFFER_OVERFLOW:
            return not (kind == "Read" and outcome == 0 and getattr(call, "length", 0) > 0)
        if kind == "Read":
            return expected == Status.END_OF_FILE and outcome == 0
        if kind == "List":
            whole_scan = getattr(call, "calls", 1) > 1
            return (expected == Status.NO_MORE_FILES and (outcome == 0 or whole_scan)) or (
                expected == Status.NO_SUCH_FILE and outcome == 0
            )
        return False
    if expected in _ENDED_WAITS and kind in ("Lock", "Notify"):
        return outcome in _ENDED_WAIT_OUTCOMES
    if outcome >= _LOWEST_ERRNO_OUTCOME:
        return failed(expected) and -outcome in errnos_of(expected)
    status = outcome & 0xFFFFFFFF
    if kind == "List" and status == Status.NO_MORE_FILES and not failed(expected):
        return getattr(call, "calls", 1) > 1
    return status == expected


_ENDED_WAITS = (Status.CANCELLED, Status.NOTIFY_CLEANUP)
_ENDED_WAIT_OUTCOMES = frozenset(
    [outcome_of(Status.CANCELLED), -Errno.EIO, -Errno.EINTR, -Errno.ECANCELED]
)  # fmt: skip


def _meaning(status: int) -> tuple[tuple[Errno, ...], int | None]:
    try:
        return _MEANING.get(Status(status), _UNNAMED)
    except ValueError:
        return _UNNAMED
