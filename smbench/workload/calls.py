"""The calls: the one vocabulary that lifting produces and every executor understands.

A call is a frozen value. It names a file by `path` (relative to the target, `/` between components,
`""` for its root, `name:stream` for an alternate stream) or by `handle`, the number of the capture's
open; never by a descriptor of the replaying machine. Adding a call: the value here; the conformance
suite then fails for each executor that lacks it, until it has a handler or a stated reason.

Five calls make a CREATE, and say of it what the wire said: `create`. Fields that do not take part in
comparison are the wire's own, which only an executor that sends messages itself (library) can keep;
`compound`: a call's exchanges went out as one compound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from smbench.smb2.constants import (
    ALL_INFORMATION,
    CREATE,
    DELETE,
    DIRECTORY_FILE,
    DISPOSITION,
    FILE_READ_ATTRIBUTES,
    FILE_WRITE_ATTRIBUTES,
    LINK,
    NON_DIRECTORY_FILE,
    OPEN_REPARSE_POINT,
    RENAME,
)
from smbench.workload.create import Create as Create
from smbench.workload.range_calls import AllocatedRanges as AllocatedRanges
from smbench.workload.range_calls import Control as Control
from smbench.workload.range_calls import CopyRange as CopyRange
from smbench.workload.range_calls import Lock as Lock
from smbench.workload.range_calls import PunchHole as PunchHole
from smbench.workload.range_calls import ShiftRange as ShiftRange
from smbench.workload.range_calls import Unlock as Unlock


@dataclass(frozen=True, slots=True)
class Open:
    """Open or create a file or directory."""

    handle: int
    path: str
    create: Create
    directory: bool = False
    """What the open turned out to be, by every response that tells."""
    compound: bool = field(default=False, compare=False)
    """Its CREATE began a compound: a call by name of the client's, which opens, asks and closes at once."""
    times: tuple[int, ...] | None = field(default=None, compare=False)
    """Emptied by opening (O_TRUNC), as the Linux client does it: a FLUSH, the end of file at 0, and these
    times, as in `Truncate`; None: the CREATE alone."""
    times_by_name: bool = field(default=False, compare=False)
    """As in `Truncate`."""
    granted: int | None = field(default=None, compare=False)
    """The lease that the server gave, or the oplock as one (`smbench.smb2.leases`); None: the capture has no
    answer."""


@dataclass(frozen=True, slots=True)
class Close:
    handle: int
    flags: int = field(default=0, compare=False)
    """1: the attributes after the close are asked for ([MS-SMB2] 2.2.15)."""


@dataclass(frozen=True, slots=True)
class Read:
    handle: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Write:
    handle: int
    offset: int
    length: int
    through: bool = False
    """WRITE_THROUGH: on stable storage before the call returns."""
    append: bool = False
    """To the end of the file, wherever that is then; its `offset` is WRITE_TO_END_OF_FILE, as on the wire."""


@dataclass(frozen=True, slots=True)
class Flush:
    handle: int


@dataclass(frozen=True, slots=True)
class Stat:
    """Attributes of a path, without an open that lasts (CREATE + QUERY_INFO + CLOSE on the wire).

    `levels`: the file information classes that were asked for, one QUERY_INFO each; none where the
    answer to the CREATE was enough. A Linux client's stat asks FileAllInformation.
    """

    path: str
    levels: tuple[int, ...] = (ALL_INFORMATION,)
    create: Create = field(default=Create(FILE_READ_ATTRIBUTES))
    compound: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class StatHandle:
    """One information class of an open file; `info_type` INFO_FILE or INFO_SECURITY ([MS-SMB2] 2.2.37).

    `additional`: which parts of a security descriptor (8 is the SACL, which needs a privilege).
    """

    handle: int
    info_type: int
    level: int
    output_length: int = 0
    additional: int = 0


@dataclass(frozen=True, slots=True)
class StatFs:
    """Information about the file system that an open file is on, by class."""

    handle: int
    level: int
    output_length: int = 0


@dataclass(frozen=True, slots=True)
class List:
    """Read an open directory: one QUERY_DIRECTORY, or all of those that one scan took.

    `restart`: from its beginning. `calls`: how many QUERY_DIRECTORY exchanges it stands for.
    """

    handle: int
    pattern: str
    level: int
    restart: bool
    output_length: int = 0
    calls: int = 1
    flags: int | None = field(default=None, compare=False)
    """The first QUERY_DIRECTORY's ([MS-SMB2] 2.2.33)."""


@dataclass(frozen=True, slots=True)
class Rename:
    """Rename an open file (SET_INFO FileRenameInformation)."""

    handle: int
    path: str
    target: str
    replace: bool
    level: int = field(default=RENAME, compare=False)
    """The information class that asked for it: 10, or 65 with flags."""
    denied_on_linux: bool = field(default=False, compare=False)
    """A Linux client was denied it, and did about it what it does: it tried again, and removed the target."""


@dataclass(frozen=True, slots=True)
class Link:
    """Make a hard link to an open file (SET_INFO FileLinkInformation)."""

    handle: int
    path: str
    target: str
    replace: bool
    level: int = field(default=LINK, compare=False)
    """The information class that asked for it: 11, or 72 with flags."""


@dataclass(frozen=True, slots=True)
class SetDelete:
    """Set or clear delete-on-close of an open file (SET_INFO FileDispositionInformation)."""

    handle: int
    path: str
    delete: bool
    directory: bool = False
    level: int = field(default=DISPOSITION, compare=False)
    """The information class that asked for it: 13, or 64 with flags."""


@dataclass(frozen=True, slots=True)
class Unlink:
    """Remove a file by name (CREATE with DELETE + disposition or DELETE_ON_CLOSE + CLOSE).

    `on_close`: by the option DELETE_ON_CLOSE, whether `create` has it or not; else by SET_INFO.
    """

    path: str
    on_close: bool = True
    create: Create = field(
        default=Create(DELETE, options=NON_DIRECTORY_FILE | OPEN_REPARSE_POINT), compare=False
    )
    compound: bool = field(default=True, compare=False)
    level: int = field(default=DISPOSITION, compare=False)
    """The information class that asked for it, where not `on_close`."""


@dataclass(frozen=True, slots=True)
class RemoveDirectory:
    """Remove a directory by name; `on_close` as in `Unlink`."""

    path: str
    on_close: bool = False
    create: Create = field(default=Create(DELETE, options=DIRECTORY_FILE | OPEN_REPARSE_POINT), compare=False)
    compound: bool = field(default=True, compare=False)
    level: int = field(default=DISPOSITION, compare=False)
    """The information class that asked for it, where not `on_close`."""


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """Make a directory and leave it closed (CREATE with DIRECTORY_FILE + CLOSE)."""

    path: str
    create: Create = field(
        default=Create(FILE_WRITE_ATTRIBUTES, disposition=CREATE, options=DIRECTORY_FILE), compare=False
    )
    compound: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Truncate:
    """Set the end of file of an open file (SET_INFO FileEndOfFileInformation)."""

    handle: int
    size: int
    sparse: bool = field(default=False, compare=False)
    """The file was marked sparse just before (FSCTL_SET_SPARSE)."""
    times: tuple[int, ...] | None = field(default=None, compare=False)
    """The Linux client flushed before it and set times after it: created, accessed, written, changed, as
    in `SetTimes`, -1 for one that it left; None: it set none."""
    times_by_name: bool = field(default=False, compare=False)
    """The client set them by an open of its own, by the file's name."""
    flushed: bool = field(default=False, compare=False)
    """A FLUSH came first, of the client's own, whether times were set or not."""
    allocated: bool = field(default=False, compare=False)
    """The allocation size was set first, and the client asked for all attributes before and after: fallocate
    beyond the end on Linux 7.2."""


@dataclass(frozen=True, slots=True)
class SetAllocation:
    """Set the allocation size (SET_INFO FileAllocationInformation); below the size it truncates."""

    handle: int
    size: int


@dataclass(frozen=True, slots=True)
class SetTimes:
    """Set times of an open file; nanoseconds since 1970, None leaves one as it is."""

    handle: int
    created_ns: int | None
    accessed_ns: int | None
    written_ns: int | None
    changed_ns: int | None = None
    flushed: bool = field(default=False, compare=False)
    """A FLUSH came first, of the client's own."""
    times_by_name: bool = field(default=False, compare=False)
    """As in `Truncate`."""


@dataclass(frozen=True, slots=True)
class SetAttributes:
    """Set the DOS attributes of an open file (a part of SET_INFO FileBasicInformation)."""

    handle: int
    attributes: int


@dataclass(frozen=True, slots=True)
class SetSecurity:
    """Set the security descriptor of an open file (SET_INFO, type 3) to what it is: the captured one names
    accounts of the captured server. `additional`: which parts of it, as in `StatHandle`."""

    handle: int
    additional: int = 0


@dataclass(frozen=True, slots=True)
class SetEa:
    """Set one extended attribute of an open file (SET_INFO FileFullEaInformation) to a value of `length`
    bytes; none of 0 bytes is kept, so that this removes it ([MS-FSCC] 2.4.16)."""

    handle: int
    ea_name: str = ""
    """Without a prefix as Linux has it (`user.`); its bytes, read as Latin-1. (With a default: workloads of
    older versions lack the column.)"""
    length: int = 0


@dataclass(frozen=True, slots=True)
class Notify:
    """Wait for a change in an open directory (CHANGE_NOTIFY)."""

    handle: int
    filter: int
    watch_tree: bool
    output_length: int = field(default=0, compare=False)


Call = (
    Open | Close | Read | Write | Flush | Lock | Unlock | Stat | StatHandle | StatFs | List | Rename | Link
    | SetDelete | Unlink | RemoveDirectory | MakeDirectory | Truncate | SetAllocation | SetTimes
    | SetAttributes | SetSecurity | SetEa | CopyRange | PunchHole | ShiftRange | AllocatedRanges | Control
    | Notify
)  # fmt: skip

CALLS: dict[str, type[Call]] = {kind.__name__: kind for kind in get_args(Call)}
"""Every kind of call by its name, as stored files and reports spell it."""
