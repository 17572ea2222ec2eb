"""The stories that every executor is told: calls in order, each with the NTSTATUS that a server gives.

A step that an executor cannot end in that status names the executor and the reason; it then must not
match (so that a reason which no longer holds is found out). Reasons begin with NEVER (the interface
cannot express it) or NOT_YET.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from smbench.executors.base import NEVER
from smbench.smb2.constants import (
    CREATE,
    DELETE,
    DELETE_ON_CLOSE,
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    FILE_READ_EA,
    FILE_WRITE_EA,
    FSCTL_SRV_ENUMERATE_SNAPSHOTS,
    GENERIC_READ,
    GENERIC_WRITE,
    NON_DIRECTORY_FILE,
    OPEN,
    OPEN_IF,
    OVERWRITE,
    OVERWRITE_IF,
    SUPERSEDE,
    SYNCHRONIZE,
    WRITE_TO_END_OF_FILE,
)
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import (
    AllocatedRanges,
    Call,
    Close,
    Control,
    CopyRange,
    Create,
    Flush,
    Link,
    List,
    Lock,
    MakeDirectory,
    Notify,
    Open,
    PunchHole,
    Read,
    RemoveDirectory,
    Rename,
    SetAllocation,
    SetAttributes,
    SetDelete,
    SetEa,
    SetSecurity,
    SetTimes,
    ShiftRange,
    Stat,
    StatFs,
    StatHandle,
    Truncate,
    Unlink,
    Unlock,
    Write,
)  # fmt: skip
from smbench.workload.model import Kind, NamespaceEntry

OK, EMPTY = Status.SUCCESS, Status.END_OF_FILE
READ, WRITE, ATTRIBUTES = GENERIC_READ, GENERIC_WRITE, FILE_READ_ATTRIBUTES
BOTH = READ | WRITE
DIRECTORY, FILE = DIRECTORY_FILE, NON_DIRECTORY_FILE
WHOLE = (1 << 64) - 1
"""The length of a lock that reaches over everything."""
ASKS_EAS = Stat("other", levels=(15,), create=Create(FILE_READ_EA))
LIST_ACCESS = FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE

SHARING = f"{NEVER}POSIX opens share everything"
DIRECTORY_TARGET = "on a directory target there is no server that refuses it; on a CIFS mount there is"
MANDATORY = f"{NEVER}{DIRECTORY_TARGET} (locks are advisory)"
MERGED = f"{NEVER}POSIX merges the locks of one open, and converts them"
REMOVED_AT_ONCE = f"{NEVER}a POSIX name is gone at once, an SMB name when the last handle closes"
CASE = f"{NEVER}{DIRECTORY_TARGET} (names differ by case)"
STREAMS = f"{NEVER}{DIRECTORY_TARGET} (no streams: a file of that name)"
MAPPED = f"{NEVER}the mount maps `:` to another character: a file of that name"
READONLY = f"{NEVER}{DIRECTORY_TARGET} (permissions do not forbid removal)"
ACCESS = f"{NEVER}access is read, write or both: POSIX has no right to delete, rename or set attributes"


@dataclass(frozen=True)
class Step:
    call: Call
    status: int
    user: int = 0
    differs: dict[str, str] = field(default_factory=dict)
    bytes: int | None = None
    """What the outcome must be where it succeeds."""


@dataclass(frozen=True)
class Story:
    name: str
    steps: list[Step]
    namespace: list[NamespaceEntry] = field(default_factory=list)


def step(
    call: Call,
    status: int = OK,
    *,
    user: int = 0,
    posix: str | None = None,
    cifs: str | None = None,
    moved: int | None = None,
) -> Step:
    """`posix`: why posix differs; on a CIFS mount too, unless the reason is the lack of a server.
    `cifs`: why it differs on a CIFS mount (`""`: it does not)."""
    if cifs is None and posix and DIRECTORY_TARGET not in posix:
        cifs = posix
    differs = {"posix": posix, "cifs": cifs}
    return Step(call, status, user, {name: reason for name, reason in differs.items() if reason}, moved)


def opens(
    handle: int,
    path: str,
    disposition: int = OPEN,
    *,
    access: int = BOTH,
    share: int = 7,
    options: int = FILE,
    attributes: int = 0,
) -> Open:
    return Open(
        handle,
        path,
        Create(access, share, disposition, options, attributes),
        directory=bool(options & 1),
    )


def opens_directory(handle: int, path: str, disposition: int = OPEN, access: int = LIST_ACCESS) -> Open:
    return opens(handle, path, disposition, access=access, options=DIRECTORY)


def file(path: str, size: int = 0, attributes: int | None = None) -> NamespaceEntry:
    return NamespaceEntry(path, Kind.FILE, size=size, size_known=True, attributes=attributes)


def directory(path: str) -> NamespaceEntry:
    return NamespaceEntry(path, Kind.DIRECTORY)


TREE = [directory("d"), file("d/ten", 10), file("other", 100), directory("empty"), directory("d/sub")]
IN_D = 2
"""Entries of d: neither itself nor its parent is one."""

STORIES = [
    Story(
        "dispositions on a file that is there",
        [
            step(opens(1, "other", OPEN)),
            step(Read(1, 0, 200), moved=100),
            step(Close(1)),
            step(opens(2, "other", CREATE), Status.OBJECT_NAME_COLLISION),
            step(opens(3, "other", OPEN_IF)),
            step(Read(3, 0, 200), moved=100),
            step(Close(3)),
            step(opens(4, "other", OVERWRITE)),
            step(Read(4, 0, 10), Status.END_OF_FILE),
            step(Write(4, 0, 20), moved=20),
            step(Close(4)),
            step(opens(5, "other", OVERWRITE_IF)),
            step(Read(5, 0, 10), Status.END_OF_FILE),
            step(Write(5, 5, 20), moved=20),
            step(Close(5)),
            step(opens(6, "other", SUPERSEDE)),
            step(Read(6, 0, 10), Status.END_OF_FILE),
            step(Close(6)),
        ],
        TREE,
    ),
    Story(
        "handles that the harness numbers itself, below 0",
        [
            step(opens(-7, "other")),
            step(opens(-8, "other")),
            step(Read(-7, 0, 200), moved=100),
            step(Close(-7)),
            step(Read(-7, 0, 10), Status.FILE_CLOSED),
            step(Read(-8, 0, 200), moved=100),
            step(Close(-8)),
        ],
        TREE,
    ),
    Story(
        "dispositions on a file that is not there",
        [
            step(opens(1, "new", OPEN), Status.OBJECT_NAME_NOT_FOUND),
            step(Read(1, 0, 10), Status.FILE_CLOSED),
            step(Close(1), Status.FILE_CLOSED),
            step(opens(2, "new", OVERWRITE), Status.OBJECT_NAME_NOT_FOUND),
            step(opens(3, "new1", CREATE)),
            step(opens(4, "new2", OPEN_IF)),
            step(opens(5, "new3", OVERWRITE_IF)),
            step(opens(6, "new4", SUPERSEDE)),
            *[step(Close(handle)) for handle in (3, 4, 5, 6)],
            *[step(Stat(f"new{number}")) for number in (1, 2, 3, 4)],
            step(opens(7, "other", 6), Status.INVALID_PARAMETER),
        ],
        TREE,
    ),
    Story(
        "paths that lead nowhere",
        [
            step(opens(1, "nowhere/x", CREATE), Status.OBJECT_PATH_NOT_FOUND),
            step(opens(2, "other/x", OPEN), Status.OBJECT_PATH_NOT_FOUND),
            step(Stat("nowhere/x/y"), Status.OBJECT_PATH_NOT_FOUND),
            step(Stat("nowhere"), Status.OBJECT_NAME_NOT_FOUND),
            step(Unlink("nowhere"), Status.OBJECT_NAME_NOT_FOUND),
            step(RemoveDirectory("nowhere"), Status.OBJECT_NAME_NOT_FOUND),
            step(MakeDirectory("nowhere/x"), Status.OBJECT_PATH_NOT_FOUND),
        ],
        TREE,
    ),
    Story(
        "names that no path has",
        [
            step(opens(number, path, OPEN_IF), Status.OBJECT_NAME_INVALID)
            for number, path in enumerate(["../x", "d/../other", "/other", "d//ten", "a\0b", "d\\ten"])
        ]
        + [
            step(Unlink("../other"), Status.OBJECT_NAME_INVALID),
            step(Stat("d/.."), Status.OBJECT_NAME_INVALID),
            step(MakeDirectory("n" * 256), Status.OBJECT_NAME_INVALID),
        ],
        TREE,
    ),
    Story(
        "files are no directories",
        [
            step(opens(1, "d", access=READ), Status.FILE_IS_A_DIRECTORY),
            step(opens(2, "d"), Status.FILE_IS_A_DIRECTORY),
            step(opens_directory(3, "other"), Status.NOT_A_DIRECTORY),
            step(opens(4, "d", options=0, access=READ)),
            step(Close(4)),
            step(opens(5, "d", options=DIRECTORY | FILE, access=READ), Status.INVALID_PARAMETER),
            step(opens(6, "d", OVERWRITE_IF, options=DIRECTORY), Status.INVALID_PARAMETER),
            step(Unlink("d"), Status.FILE_IS_A_DIRECTORY),
            step(RemoveDirectory("other"), Status.NOT_A_DIRECTORY),
            step(opens_directory(7, "d")),
            step(Read(7, 0, 10), Status.INVALID_DEVICE_REQUEST),
            step(Close(7)),
        ],
        TREE,
    ),
    Story(
        "directories are made and removed",
        [
            step(MakeDirectory("made")),
            step(MakeDirectory("made"), Status.OBJECT_NAME_COLLISION),
            step(opens_directory(1, "made", CREATE), Status.OBJECT_NAME_COLLISION),
            step(opens_directory(2, "made", OPEN_IF)),
            step(Close(2)),
            step(opens_directory(3, "made/inner", OPEN_IF)),
            step(Close(3)),
            step(RemoveDirectory("made"), Status.DIRECTORY_NOT_EMPTY),
            step(RemoveDirectory("made/inner")),
            step(RemoveDirectory("made")),
            step(Stat("made"), Status.OBJECT_NAME_NOT_FOUND),
            step(MakeDirectory("other"), Status.OBJECT_NAME_COLLISION),
        ],
        TREE,
    ),
    Story(
        "reads and writes",
        [
            step(opens(1, "d/ten")),
            step(Read(1, 0, 10), moved=10),
            step(Read(1, 4, 10), moved=6),
            step(Read(1, 10, 1), Status.END_OF_FILE),
            step(Read(1, 1 << 40, 1), Status.END_OF_FILE),
            step(Read(1, 0, 0), moved=0),
            step(Write(1, 10, 5), moved=5),
            step(Write(1, 5000, 3000, through=True), moved=3000),
            step(Read(1, 0, 65536), moved=8000),
            step(Write(1, WRITE_TO_END_OF_FILE, 40, append=True), moved=40),
            step(Write(1, WRITE_TO_END_OF_FILE, 2, through=True, append=True), moved=2),
            step(Read(1, 0, 65536), moved=8042),
            step(Flush(1)),
            step(Close(1)),
            step(Read(1, 0, 10), Status.FILE_CLOSED),
            step(opens(2, "d/ten", access=READ)),
            step(Write(2, 0, 1), Status.ACCESS_DENIED),
            step(Truncate(2, 0), Status.ACCESS_DENIED),
            step(Close(2)),
            step(opens(3, "d/ten", access=WRITE)),
            step(Read(3, 0, 1), Status.ACCESS_DENIED),
            step(Write(3, 0, 0), moved=0),
            step(Close(3)),
        ],
        TREE,
    ),
    Story(
        "truncate, ranges and copies",
        [
            step(opens(1, "other")),
            step(Truncate(1, 40)),
            step(Read(1, 0, 200), moved=40),
            step(Truncate(1, 4000)),
            step(Read(1, 0, 8192), moved=4000),
            step(PunchHole(1, 100, 200)),
            step(PunchHole(1, 100, 0)),
            step(AllocatedRanges(1, 0, 4000)),
            step(opens(2, "copy", CREATE)),
            step(CopyRange(1, 2, 1000, 500, 3000), moved=3000),
            step(Read(2, 0, 8192), moved=3500),
            step(CopyRange(9, 2, 0, 0, 10), Status.FILE_CLOSED),
            step(ShiftRange(2, 0, 500, size=3000)),
            step(Read(2, 0, 8192), moved=3000),
            step(ShiftRange(2, 100, 400, insert=True, size=3400)),
            step(Read(2, 0, 8192), moved=3400),
            step(ShiftRange(9, 0, 500, size=3000), Status.FILE_CLOSED),
            step(Control(9, FSCTL_SRV_ENUMERATE_SNAPSHOTS), Status.FILE_CLOSED),
            step(Close(1)),
            step(Close(2)),
            step(Truncate(1, 0), Status.FILE_CLOSED),
            step(Notify(9, 0x3, False), Status.FILE_CLOSED),
            step(SetSecurity(9, 4), Status.FILE_CLOSED),
        ],
        TREE,
    ),
    Story(
        "extended attributes",
        [
            step(ASKS_EAS, Status.NO_EAS_ON_FILE),
            step(opens(1, "other", access=FILE_READ_EA | FILE_WRITE_EA)),
            step(StatHandle(1, 1, 15), Status.NO_EAS_ON_FILE),
            step(SetEa(1, "one", 10)),
            step(StatHandle(1, 1, 15)),
            step(ASKS_EAS),
            step(SetEa(1, "two", 300)),
            step(SetEa(1, "one", 5)),
            step(SetEa(1, "one", 0)),
            step(StatHandle(1, 1, 15)),
            step(SetEa(1, "two", 0)),
            step(SetEa(1, "never set", 0)),
            step(StatHandle(1, 1, 15), Status.NO_EAS_ON_FILE),
            step(Close(1)),
            step(SetEa(1, "one", 1), Status.FILE_CLOSED),
            step(opens_directory(2, "empty", access=FILE_READ_EA | FILE_WRITE_EA)),
            step(SetEa(2, "one", 10)),
            step(StatHandle(2, 1, 15)),
            step(Close(2)),
            step(opens(3, "other", access=READ)),
            step(SetEa(3, "one", 1), Status.ACCESS_DENIED, posix=ACCESS),
            step(Close(3)),
            step(replace(ASKS_EAS, path="nowhere"), Status.OBJECT_NAME_NOT_FOUND),
            step(Open(4, "brought", Create(READ, disposition=CREATE, contexts="ExtA"))),
            step(SetEa(4, "one", 7)),
            step(StatHandle(4, 1, 15)),
            step(Close(4)),
        ],
        TREE,
    ),
    Story(
        "questions by name let no lock go",
        [
            step(opens(1, "other")),
            step(opens(2, "other"), user=1),
            step(Lock(1, 0, 10, exclusive=True, wait=False)),
            step(Stat("other")),
            step(Stat("other", levels=(5, 6))),
            step(StatHandle(1, 1, 5)),
            step(ASKS_EAS, Status.NO_EAS_ON_FILE),
            step(Lock(2, 5, 1, exclusive=True, wait=False), Status.LOCK_NOT_GRANTED, user=1),
            step(Close(1)),
            step(Lock(2, 5, 1, exclusive=True, wait=False), user=1),
            step(Close(2), user=1),
        ],
        TREE,
    ),
    Story(
        "a name that another user gave to another file",
        [
            told
            for again, (disposition, read) in enumerate(((OPEN, OK), (OPEN_IF, OK), (OVERWRITE_IF, EMPTY)))
            for told in (
                step(Stat("other"), user=1),
                step(Unlink("other")),
                # Who takes the number that the server's file system had given to it.
                step(MakeDirectory(f"taker{again}")),
                step(opens(2 * again + 1, "other", CREATE)),
                step(Write(2 * again + 1, 0, 5), moved=5),
                step(Close(2 * again + 1)),
                step(opens(2 * again + 2, "other", disposition), user=1),
                step(Read(2 * again + 2, 0, 5), read, user=1),
                step(Close(2 * again + 2), user=1),
            )
        ],
        TREE,
    ),
    Story(
        "exclusive locks of handles that read",
        [
            step(opens(1, "other", access=READ)),
            step(opens(2, "other", access=READ), user=1),
            step(Lock(1, 0, WHOLE, exclusive=True, wait=False)),
            step(Read(1, 0, 10), moved=10),
            step(Lock(2, 0, 10, exclusive=False, wait=False), Status.LOCK_NOT_GRANTED, user=1),
            step(Unlock(1, 0, WHOLE)),
            step(Lock(2, 0, 10, exclusive=False, wait=False), user=1),
            step(Lock(1, 20, 10, exclusive=True, wait=False)),
            step(Lock(1, 0, 5, exclusive=True, wait=False), Status.LOCK_NOT_GRANTED),
            step(Lock(2, 25, 10, exclusive=True, wait=False), Status.LOCK_NOT_GRANTED, user=1),
            step(Read(1, 0, 100), moved=100),
            step(Unlock(1, 20, 10)),
            step(Lock(2, 25, 10, exclusive=True, wait=False), user=1),
            step(Read(2, 0, 100), moved=100, user=1),
            step(Lock(1, 5, 10, exclusive=True, wait=False), Status.LOCK_NOT_GRANTED),
            step(Close(2), user=1),
            step(Lock(1, 5, 10, exclusive=True, wait=False)),
            step(Close(1)),
            step(opens(3, "other", access=WRITE)),
            step(Lock(3, 0, 10, exclusive=False, wait=False)),
            step(Read(3, 0, 10), Status.ACCESS_DENIED),
            step(Close(3)),
            step(opens(4, "other", access=READ)),
            step(Lock(4, 20, 10, exclusive=True, wait=False)),
            step(Write(4, 0, 10), Status.ACCESS_DENIED),
            step(PunchHole(4, 0, 10), Status.ACCESS_DENIED),
            step(Truncate(4, 0), Status.ACCESS_DENIED),
            step(Close(4)),
        ],
        TREE,
    ),
    Story(
        "attributes and times",
        [
            step(Stat("")),
            step(Stat("d/ten")),
            step(Stat("d/ten", levels=(4, 5), create=Create(0x00120089))),
            step(Stat("d/ten", levels=())),
            step(Stat("d", create=Create(ATTRIBUTES, options=DIRECTORY))),
            step(Stat("d", create=Create(ATTRIBUTES, options=FILE)), Status.FILE_IS_A_DIRECTORY),
            step(Stat("d/ten", create=Create(ATTRIBUTES, options=DIRECTORY)), Status.NOT_A_DIRECTORY),
            step(Stat("d/ten", create=Create(ATTRIBUTES, options=FILE))),
            step(opens(1, "d/ten")),
            step(StatHandle(1, 1, 18)),
            step(StatHandle(1, 1, 5)),
            step(StatFs(1, 7)),
            step(SetTimes(1, None, 10**18, 10**18)),
            step(SetTimes(1, None, None, 10**18 + 1)),
            step(SetTimes(1, None, None, None)),
            step(SetAttributes(1, 0x20)),
            step(SetAttributes(1, 0)),
            step(Close(1)),
            step(StatHandle(1, 1, 18), Status.FILE_CLOSED),
            step(SetTimes(1, None, 1, 1), Status.FILE_CLOSED),
        ],
        TREE,
    ),
    Story(
        "a read-only file",
        [
            step(opens(1, "r", CREATE, attributes=1)),
            step(Write(1, 0, 10), moved=10),
            step(Close(1)),
            step(opens(2, "r", access=READ)),
            step(Read(2, 0, 10), moved=10),
            step(opens(3, "r", access=WRITE), Status.ACCESS_DENIED),
            step(opens(4, "r", OVERWRITE_IF), Status.ACCESS_DENIED),
            step(Close(2)),
            step(opens(5, "r", access=READ | DELETE)),
            step(
                SetDelete(5, "r", True),
                Status.CANNOT_DELETE,
                posix=READONLY,
                cifs=f"{NEVER}the removal comes with the close, not here",
            ),
            step(SetDelete(5, "r", False)),
            step(Close(5)),
            step(opens(6, "r", access=0x180)),
            step(SetAttributes(6, 0x80)),
            step(Close(6)),
            step(opens(7, "r", access=WRITE)),
            step(Close(7)),
            step(Unlink("r")),
        ],
        TREE,
    ),
    Story(
        "a rename",
        [
            step(opens(1, "d/ten", access=READ | DELETE)),
            step(Rename(1, "d/ten", "d/sub/eleven", False)),
            step(Stat("d/ten"), Status.OBJECT_NAME_NOT_FOUND),
            step(Stat("d/sub/eleven")),
            step(Read(1, 0, 20), moved=10),
            step(Rename(1, "d/sub/eleven", "other", False), Status.OBJECT_NAME_COLLISION),
            step(Rename(1, "d/sub/eleven", "nowhere/x", True), Status.OBJECT_PATH_NOT_FOUND),
            step(Rename(1, "d/sub/eleven", "other", True)),
            step(Close(1)),
            step(opens(2, "other", access=READ)),
            step(Read(2, 0, 20), moved=10),
            step(Rename(2, "other", "no right", False), Status.ACCESS_DENIED, posix=ACCESS),
            step(Close(2)),
        ],
        TREE,
    ),
    Story(
        "a rename keeps away from what is open",
        [
            step(opens(1, "d/ten", access=DELETE)),
            step(opens(2, "other", access=READ)),
            step(Rename(1, "d/ten", "other", True), Status.ACCESS_DENIED),
            step(Read(2, 0, 200), moved=100),
            step(Rename(1, "d/ten", "d/ten", False)),
            step(Rename(1, "d/ten", "d/TEN", False)),
            step(Close(2)),
            step(Rename(1, "d/TEN", "other", True)),
            step(Close(1)),
            step(opens_directory(3, "d", access=DELETE)),
            step(opens(4, "other")),
            step(Rename(3, "d", "empty/e", True)),
            step(Stat("empty/e/sub")),
            step(
                Rename(3, "empty/e", "empty/e/sub/x", True),
                Status.SHARING_VIOLATION,
                posix=(f"{NEVER}a directory moved into itself is EINVAL"),
            ),
            step(Close(3)),
            step(Close(4)),
        ],
        TREE,
    ),
    Story(
        "a directory with an open file in it is not renamed",
        [
            step(opens_directory(1, "d", access=DELETE)),
            step(opens(2, "d/ten")),
            step(Rename(1, "d", "e", False), Status.ACCESS_DENIED, posix=f"{NEVER}{DIRECTORY_TARGET}"),
            step(Close(2)),
            step(Close(1)),
        ],
        TREE,
    ),
    Story(
        "handles follow the rename of their directory",
        [
            step(opens_directory(1, "d", access=DELETE)),
            step(Rename(1, "d", "e", False)),
            step(opens(2, "e/ten", access=DELETE)),
            step(SetDelete(2, "e/ten", True)),
            step(Close(2)),
            step(Stat("e/ten"), Status.OBJECT_NAME_NOT_FOUND),
            step(Stat("d"), Status.OBJECT_NAME_NOT_FOUND),
            step(Close(1)),
        ],
        TREE,
    ),
    Story(
        "hard links",
        [
            step(opens(1, "d/ten")),
            step(Link(1, "d/ten", "linked", False)),
            step(Link(1, "d/ten", "other", False), Status.OBJECT_NAME_COLLISION),
            step(Link(1, "d/ten", "other", True)),
            step(Write(1, 10, 10), moved=10),
            step(Close(1)),
            step(opens(2, "linked")),
            step(Read(2, 0, 100), moved=20),
            step(Close(2)),
            step(Unlink("linked")),
            step(Stat("d/ten")),
        ],
        TREE,
    ),
    Story(
        "unlink",
        [
            step(Unlink("other")),
            step(Unlink("other"), Status.OBJECT_NAME_NOT_FOUND),
            step(Unlink("d/ten", on_close=False)),
            step(Unlink("d/ten", on_close=False), Status.OBJECT_NAME_NOT_FOUND),
            step(
                RemoveDirectory("d", on_close=True),
                posix=f"{NEVER}rmdir asks for the removal, not for one at the close",
            ),
            step(Stat("d")),
            step(RemoveDirectory("d", on_close=False), Status.DIRECTORY_NOT_EMPTY),
            step(RemoveDirectory("empty", on_close=True)),
            step(opens(1, "other", CREATE)),
            step(Close(1)),
            step(Stat("other")),
        ],
        TREE,
    ),
    Story(
        "delete pending until the last handle closes",
        [
            step(opens(1, "other", access=BOTH | DELETE)),
            step(opens(2, "other", access=READ)),
            step(SetDelete(1, "other", True)),
            step(
                opens(3, "other", access=READ),
                Status.DELETE_PENDING,
                posix=(f"{NEVER}the name is removed when the handle closes, not before"),
            ),
            step(Close(3), Status.FILE_CLOSED, posix=f"{NEVER}it was opened"),
            step(Write(1, 0, 10), moved=10),
            step(Close(1)),
            step(Read(2, 0, 10), moved=10),
            step(opens(4, "other"), Status.DELETE_PENDING),
            step(opens(5, "other", CREATE), Status.DELETE_PENDING, posix=REMOVED_AT_ONCE),
            step(Close(5), Status.FILE_CLOSED, posix=REMOVED_AT_ONCE, cifs=""),
            step(Close(2)),
            step(opens(6, "other", CREATE), OK, posix=f"{NEVER}made at step 10 already"),
        ],
        TREE,
    ),
    Story(
        "a delete on close, which nobody takes back",
        [
            step(opens(1, "other", access=READ | DELETE, options=FILE | DELETE_ON_CLOSE)),
            step(SetDelete(1, "other", False)),
            step(Close(1)),
            step(Stat("other"), Status.OBJECT_NAME_NOT_FOUND),
        ],
        TREE,
    ),
    Story(
        "a deletion that is taken back",
        [
            step(opens(1, "other", access=DELETE)),
            step(SetDelete(1, "other", True)),
            step(SetDelete(1, "other", False)),
            step(Close(1)),
            step(Stat("other")),
            step(opens(2, "other", access=READ)),
            step(SetDelete(2, "other", True), Status.ACCESS_DENIED, posix=ACCESS),
            step(SetDelete(2, "other", False), Status.ACCESS_DENIED, posix=ACCESS),
            step(Close(2)),
            step(Stat("other")),
        ],
        TREE,
    ),
    Story(
        "delete on close",
        [
            step(opens(1, "temp", CREATE, access=BOTH | DELETE, options=FILE | DELETE_ON_CLOSE)),
            step(Write(1, 0, 100), moved=100),
            step(Read(1, 0, 100), moved=100),
            step(Stat("temp")),
            step(Close(1)),
            step(Stat("temp"), Status.OBJECT_NAME_NOT_FOUND),
            step(opens(2, "other", options=FILE | DELETE_ON_CLOSE), Status.INVALID_PARAMETER, posix=ACCESS),
            step(Close(2), Status.FILE_CLOSED, posix=ACCESS),
        ],
        TREE,
    ),
    Story(
        "delete on close of directories",
        [
            step(opens(1, "d", access=DELETE, options=DIRECTORY | DELETE_ON_CLOSE)),
            step(Close(1)),
            step(Stat("d")),
            step(opens(2, "empty", access=DELETE, options=DIRECTORY | DELETE_ON_CLOSE)),
            step(opens_directory(3, "empty")),
            step(Close(2)),
            step(opens(4, "empty/x", CREATE), Status.DELETE_PENDING),
            step(MakeDirectory("empty"), Status.DELETE_PENDING, posix=REMOVED_AT_ONCE),
            step(Close(3)),
            step(Stat("empty"), Status.OBJECT_NAME_NOT_FOUND, posix=f"{NEVER}made two steps before"),
        ],
        TREE,
    ),
    Story(
        "a name of several goes alone",
        [
            step(opens(1, "other", access=BOTH | DELETE)),
            step(Link(1, "other", "second", False)),
            step(Unlink("second")),
            step(Stat("second"), Status.OBJECT_NAME_NOT_FOUND),
            step(SetDelete(1, "other", True)),
            step(Close(1)),
            step(Stat("other"), Status.OBJECT_NAME_NOT_FOUND),
        ],
        TREE,
    ),
    Story(
        "directories lose their names by handle",
        [
            step(opens_directory(1, "d", access=DELETE)),
            step(SetDelete(1, "d", True, directory=True), Status.DIRECTORY_NOT_EMPTY),
            step(Close(1)),
            step(opens_directory(2, "empty", access=DELETE)),
            step(SetDelete(2, "empty", True, directory=True)),
            step(Close(2)),
            step(Stat("empty"), Status.OBJECT_NAME_NOT_FOUND),
        ],
        TREE,
    ),
    Story(
        "share modes",
        [
            step(opens(1, "other", access=READ, share=1)),
            step(opens(2, "other", access=READ, share=1), user=1),
            step(opens(3, "other", access=WRITE, share=7), Status.SHARING_VIOLATION, user=1, posix=SHARING),
            step(opens(4, "other", access=DELETE, share=7), Status.SHARING_VIOLATION, user=1, posix=SHARING),
            step(opens(5, "other", access=READ, share=0), Status.SHARING_VIOLATION, user=1, posix=SHARING),
            step(opens(6, "other", access=ATTRIBUTES, share=0), user=1),
            step(Close(1)),
            step(Close(2), user=1),
            step(opens(7, "other", access=WRITE, share=0), user=1, posix=None),
            step(opens(8, "other", OVERWRITE, access=READ, share=7), Status.SHARING_VIOLATION, posix=SHARING),
            step(Unlink("other"), Status.SHARING_VIOLATION, posix=SHARING),
        ],
        TREE,
    ),
    Story(
        "byte-range locks between handles",
        [
            step(opens(1, "other")),
            step(opens(2, "other"), user=1),
            step(opens(3, "other"), user=1),
            step(Lock(1, 0, 10, exclusive=True, wait=False)),
            step(Lock(2, 5, 10, exclusive=True, wait=False), Status.LOCK_NOT_GRANTED, user=1),
            step(Lock(2, 5, 10, exclusive=False, wait=False), Status.LOCK_NOT_GRANTED, user=1),
            step(Lock(2, 10, 10, exclusive=True, wait=True), user=1),
            step(Read(2, 0, 5), Status.FILE_LOCK_CONFLICT, user=1, posix=MANDATORY),
            step(Write(2, 9, 5), Status.FILE_LOCK_CONFLICT, user=1, posix=MANDATORY),
            step(Flush(3), user=1),
            step(Flush(2), user=1),
            step(Read(1, 0, 5), moved=5),
            step(Write(1, 0, 5), moved=5),
            step(Read(2, 20, 5), user=1, moved=5),
            step(Read(1, 20, 5), moved=5),
            step(Read(1, 19, 5), Status.FILE_LOCK_CONFLICT, posix=MANDATORY),
            step(Write(2, 20, 5), user=1, moved=5),
            step(Unlock(1, 0, 10)),
            step(Lock(2, 0, 5, exclusive=False, wait=True), user=1),
            step(Lock(1, 0, 5, exclusive=False, wait=False)),
            step(Read(1, 0, 5), moved=5),
            step(Write(1, 0, 5), Status.FILE_LOCK_CONFLICT, posix=MANDATORY),
            step(Close(2), user=1),
            step(Lock(1, 10, 10, exclusive=True, wait=False)),
            step(Close(1)),
            step(Close(3), user=1),
        ],
        TREE,
    ),
    Story(
        "byte-range locks of one handle",
        [
            step(opens(1, "other")),
            step(Lock(1, 0, 10, exclusive=True, wait=False)),
            step(Lock(1, 0, 10, exclusive=True, wait=False), Status.LOCK_NOT_GRANTED, posix=MERGED),
            step(Lock(1, 0, 10, exclusive=False, wait=False)),
            step(Unlock(1, 0, 5), Status.RANGE_NOT_LOCKED, posix=MERGED),
            step(Unlock(1, 0, 10)),
            step(Unlock(1, 0, 10)),
            step(Unlock(1, 0, 10), Status.RANGE_NOT_LOCKED, posix=MERGED),
            step(Lock(1, (1 << 64) - 1, 2, exclusive=True, wait=False), Status.INVALID_LOCK_RANGE),
            step(Close(1)),
            step(Lock(1, 0, 1, exclusive=True, wait=False), Status.FILE_CLOSED),
            step(Unlock(1, 0, 1), Status.FILE_CLOSED),
        ],
        TREE,
    ),
    Story(
        "a listing",
        [
            step(opens_directory(1, "d")),
            step(List(1, "*", 37, restart=True), moved=IN_D),
            step(List(1, "*", 37, restart=False), Status.NO_MORE_FILES),
            step(List(1, "*", 37, restart=False), Status.NO_MORE_FILES),
            step(List(1, "*", 38, restart=True, calls=2), moved=IN_D),
            step(List(1, "t?n", 37, restart=True), moved=1),
            step(List(1, "t?n", 37, restart=False), Status.NO_MORE_FILES),
            step(List(1, "TEN", 37, restart=True), moved=1, posix=CASE),
            step(List(1, "none*", 37, restart=True), Status.NO_SUCH_FILE),
            step(List(1, "none", 37, restart=True), Status.NO_SUCH_FILE),
            step(Close(1)),
            step(List(1, "*", 37, restart=True), Status.FILE_CLOSED),
            step(opens_directory(3, "empty")),
            step(List(3, "*", 37, restart=True), moved=0),
            step(List(3, "*", 37, restart=True, calls=2), moved=0),
            step(Close(3)),
            step(opens_directory(4, "d")),
            step(List(4, "*", 37, restart=True, output_length=128, calls=2), moved=IN_D),
            step(Close(4)),
            step(opens(2, "other")),
            step(
                List(2, "*", 37, restart=True),
                Status.INVALID_PARAMETER,
                posix=(f"{NEVER}it asks for a directory's entries, and the client says ENOTDIR"),
            ),
            step(Close(2)),
        ],
        TREE,
    ),
    Story(
        "names without case",
        [
            step(opens(1, "D/TEN", access=READ), posix=CASE),
            step(Stat("OTHER"), posix=CASE),
            step(MakeDirectory("Empty"), Status.OBJECT_NAME_COLLISION, posix=CASE),
        ],
        TREE,
    ),
    Story(
        "streams",
        [
            step(opens(1, "other:s", OPEN), Status.OBJECT_NAME_NOT_FOUND),
            step(opens(2, "other:s", CREATE)),
            step(Write(2, 0, 7), moved=7),
            step(Close(2)),
            step(opens(3, "other:s:$DATA", access=READ), posix=STREAMS, cifs=MAPPED),
            step(Read(3, 0, 100), posix=STREAMS, cifs=MAPPED),
            step(Close(3), posix=STREAMS, cifs=MAPPED),
            step(opens(4, "other", access=READ)),
            step(Read(4, 0, 200), moved=100),
            step(Close(4)),
            step(Unlink("other:s")),
            step(Stat("other")),
            step(opens(5, "born:s", OPEN_IF)),
            step(Close(5)),
            step(Stat("born"), posix=STREAMS, cifs=MAPPED),
        ],
        TREE,
    ),
    Story(
        "allocation sizes",
        [
            step(opens(1, "other")),
            step(SetAllocation(1, 4096)),
            step(Read(1, 0, 200), moved=100),
            step(SetAllocation(1, 50)),
            step(Read(1, 0, 200), moved=50, posix=f"{NEVER}no POSIX call sets an allocation size"),
            step(Close(1)),
        ],
        TREE,
    ),
]
