"""What Wine 8.0 does otherwise than a Windows client and server, step by step of the conformance stories.

A row names a story, a kind of call, the status that is told for it or some of its parameters, and the reason.
Each step that it fits must differ indeed: a newer Wine that does better fails the test, and the row goes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from conformance.stories import Step

from smbench.smb2.ntstatus import Status
from smbench.workload import calls
from smbench.workload.calls import Call
from smbench.workload.parameters import parameter

IS_ROOT = os.environ.get("SMBENCH_WINE_AS_ROOT") == "1"
AS_ROOT = "root is not bound by permissions (scripts/test-win32 says why it ran as root)"
READ_ONLY_STORY = "a read-only file"

LONG_NAME = "a name of more than 255 characters is not found, where it is no name"
BOTH_KINDS = "FILE_DIRECTORY_FILE with FILE_NON_DIRECTORY_FILE is not refused as such"
SET_SIZE = "the end of file of a handle without WRITE_DATA is an invalid parameter, not a denied access"
CONTROLS = "no FSCTL for copies, zeros or allocated ranges"
ALLOCATION = "no FileAllocationInformation"
WRITE_ATTRIBUTES = "WRITE_ATTRIBUTES of a read-only file needs the right to write, so that it stays read-only"
RIGHT_TO_RENAME = "a rename asks for no right to delete"
INTO_ITSELF = "a directory's rename into itself is an invalid parameter"
OPEN_INSIDE = "a directory is renamed although a file in it is open"
PENDING = "no state of delete pending: what is to be deleted is opened again, and goes with the last handle"
LINKS = "a link's name goes only when the last handle of its file is closed"
LOCK_STATUS = "lock conflicts and ranges that are not locked are FILE_LOCK_CONFLICT"
SHARED_TO_WRITE = "a shared lock needs the right to read"
ADVISORY = "locks do not bind reads and writes"
EAS = "no extended attributes: setting one is a denied access, and no file has any"
STREAMS = "no alternate streams: a file whose name has a colon"


@dataclass(frozen=True)
class Lack:
    """A row; `status`, `moved` None: whatever is told."""

    story: str
    kind: type[Call]
    reason: str
    status: int | None = None
    moved: int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def fits(self, step: Step) -> bool:
        return (
            type(step.call) is self.kind
            and self.status in (None, step.status)
            and self.moved in (None, step.bytes)
            and all(parameter(step.call, name) == value for name, value in self.parameters.items())
        )


def lack(
    story: str,
    kind: type[Call],
    reason: str,
    status: int | None = None,
    moved: int | None = None,
    **parameters: Any,
) -> Lack:
    return Lack(story, kind, reason, status, moved, parameters)


LACKS = [
    lack("names that no path has", calls.MakeDirectory, LONG_NAME),
    lack("files are no directories", calls.Open, BOTH_KINDS, Status.INVALID_PARAMETER, options=0x41),
    lack("reads and writes", calls.Truncate, SET_SIZE, Status.ACCESS_DENIED),
    lack("truncate, ranges and copies", calls.PunchHole, CONTROLS),
    lack("truncate, ranges and copies", calls.AllocatedRanges, CONTROLS),
    lack("truncate, ranges and copies", calls.CopyRange, CONTROLS, Status.SUCCESS),
    lack("truncate, ranges and copies", calls.ShiftRange, CONTROLS, Status.SUCCESS),
    lack("truncate, ranges and copies", calls.Read, CONTROLS, moved=3500, handle=2),
    lack("truncate, ranges and copies", calls.Read, CONTROLS, moved=3000, handle=2),
    lack(READ_ONLY_STORY, calls.Open, WRITE_ATTRIBUTES, handle=6),
    lack(READ_ONLY_STORY, calls.SetAttributes, WRITE_ATTRIBUTES, handle=6),
    lack(READ_ONLY_STORY, calls.Close, WRITE_ATTRIBUTES, handle=6),
    lack(READ_ONLY_STORY, calls.Open, WRITE_ATTRIBUTES, handle=7),
    lack(READ_ONLY_STORY, calls.Close, WRITE_ATTRIBUTES, handle=7),
    lack(READ_ONLY_STORY, calls.Unlink, WRITE_ATTRIBUTES),
    lack("a rename", calls.Rename, RIGHT_TO_RENAME, Status.ACCESS_DENIED),
    lack("a rename keeps away from what is open", calls.Rename, INTO_ITSELF, target="empty/e/sub/x"),
    lack("a directory with an open file in it is not renamed", calls.Rename, OPEN_INSIDE),
    lack("delete pending until the last handle closes", calls.Open, PENDING, Status.DELETE_PENDING),
    lack("delete pending until the last handle closes", calls.Close, PENDING, handle=3),
    lack("delete pending until the last handle closes", calls.Open, PENDING, handle=6),
    lack("delete on close of directories", calls.Open, PENDING, Status.DELETE_PENDING),
    lack("delete on close of directories", calls.MakeDirectory, PENDING, Status.DELETE_PENDING),
    lack("delete on close of directories", calls.Stat, PENDING, path="empty"),
    lack("a name of several goes alone", calls.Stat, LINKS, path="second"),
    lack("byte-range locks between handles", calls.Lock, LOCK_STATUS, Status.LOCK_NOT_GRANTED),
    lack("byte-range locks between handles", calls.Read, ADVISORY, Status.FILE_LOCK_CONFLICT),
    lack("byte-range locks between handles", calls.Write, ADVISORY, Status.FILE_LOCK_CONFLICT),
    lack("questions by name let no lock go", calls.Lock, LOCK_STATUS, Status.LOCK_NOT_GRANTED),
    lack("exclusive locks of handles that read", calls.Lock, LOCK_STATUS, Status.LOCK_NOT_GRANTED),
    lack("exclusive locks of handles that read", calls.Lock, SHARED_TO_WRITE, handle=3),
    lack("exclusive locks of handles that read", calls.Truncate, SET_SIZE, Status.ACCESS_DENIED),
    lack("byte-range locks of one handle", calls.Lock, LOCK_STATUS, Status.LOCK_NOT_GRANTED),
    lack("byte-range locks of one handle", calls.Unlock, LOCK_STATUS, Status.RANGE_NOT_LOCKED),
    lack("extended attributes", calls.SetEa, EAS, Status.SUCCESS),
    lack("extended attributes", calls.StatHandle, EAS, Status.SUCCESS),
    lack("extended attributes", calls.Stat, EAS, Status.SUCCESS),
    lack("streams", calls.Open, STREAMS, handle=3),
    lack("streams", calls.Read, STREAMS, handle=3),
    lack("streams", calls.Close, STREAMS, handle=3),
    lack("streams", calls.Stat, STREAMS, path="born"),
    lack("allocation sizes", calls.SetAllocation, ALLOCATION),
    lack("allocation sizes", calls.Read, ALLOCATION, moved=50),
]


def lack_of(story: str, step: Step) -> Lack | None:
    """The row that excuses a step."""
    return next((row for row in LACKS if row.story == story and row.fits(step)), None)
