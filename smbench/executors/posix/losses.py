"""What of a call's parameters is lost where POSIX and the Linux kernel's client carry it out. Pure.

The first is the same wherever the call is made; the second depends on the client beneath, and is told where
it is known (`Habits`): a newer kernel does not send any more what an older one did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smbench.executors.base import Habits, TimesSet
from smbench.executors.posix.locks import LARGEST_OFFSET
from smbench.executors.posix.opens import open_loss
from smbench.smb2 import patterns
from smbench.smb2.constants import (
    ALL_INFORMATION,
    ATTRIBUTE_NORMAL,
    ATTRIBUTE_READONLY,
    DIRECTORY_INFORMATION,
    FILE_READ_ATTRIBUTES,
    FILE_READ_EA,
    FS_FULL_SIZE,
    FULL_DIRECTORY,
    FULL_EA,
    ID_FULL_DIRECTORY,
    INFO_FILE,
    INFO_SECURITY,
)
from smbench.workload import calls
from smbench.workload.calls import Call


def loss_of(call: Call, habits: Habits) -> str | None:
    """What is lost of a call by a client of these habits, or None."""
    describe = _LOSSES.get(type(call))
    lost = [describe(call) if describe else None, _by_the_client(call, habits)]
    return "; ".join(filter(None, lost)) or None


def _by_the_client(call: Call, habits: Habits) -> str | None:
    match call:
        case calls.Truncate(allocated=True) if habits.after_truncating is not None and habits.grows_in_one:
            return "the size alone is set by this client, without an allocation and questions around it"
        case calls.Truncate() if call.flushed or call.times is not None:
            sent, captured = habits.after_truncating, _captured(call)
        case calls.Open() if call.times is not None:
            sent, captured = habits.after_emptying, _captured(call)
        case calls.SetTimes() if call.flushed:
            sent = habits.of_open
            captured = TimesSet.BY_THE_NAME if call.times_by_name else TimesSet.ON_THE_OPEN
        case _:
            return None
    if sent in (None, captured):
        return None
    return f"times are set {captured} in the capture, {sent} by this client"


def _captured(call: calls.Truncate | calls.Open) -> TimesSet:
    if call.times is None:
        return TimesSet.NOT_AT_ALL
    return TimesSet.BY_THE_NAME if call.times_by_name else TimesSet.ON_THE_OPEN


def _lock_loss(call: calls.Lock | calls.Unlock) -> str | None:
    if not call.length:
        return "a range of length 0 is not locked: to POSIX it would reach to the end of the file"
    # What ends there is the rest of the file, as the kernel's client asks for it.
    if call.offset + call.length > LARGEST_OFFSET + 1:
        return "offsets beyond 2^63 cannot be locked"
    return None


def _list_loss(call: calls.List) -> str | None:
    if not patterns.has_wildcard(call.pattern):
        return "a search for one name reads the directory up to it (information class 38), or looks it up"
    if call.pattern not in ("", "*"):
        return "the pattern is applied by this program, the whole directory is read"
    if call.level in (DIRECTORY_INFORMATION, FULL_DIRECTORY):
        return f"information class {call.level} becomes 38 on a mount with serverino"
    return None if call.level == ID_FULL_DIRECTORY else f"information class {call.level} becomes 38"


def _stat_loss(call: calls.Stat) -> str | None:
    lost = []
    sent = FILE_READ_EA if call.levels == (FULL_EA,) else FILE_READ_ATTRIBUTES
    if call.levels not in ((ALL_INFORMATION,), (FULL_EA,)):
        lost.append(
            f"information classes {call.levels} come with an open and a close on CIFS, elsewhere become 18"
            if call.levels
            else "an open alone becomes a question for class 18 (statx)"
        )
    if call.create.access != sent:
        lost.append(f"access 0x{call.create.access:08x} becomes 0x{sent:08x}")
    return "; ".join(lost) or None


def _stat_handle_loss(call: calls.StatHandle) -> str | None:
    if call.info_type == INFO_SECURITY:
        return "the parts of the security descriptor are the client's choice"
    if call.info_type == INFO_FILE and call.level in (FULL_EA, ALL_INFORMATION):
        return None
    return (
        f"information class {call.level} of type {call.info_type} comes with an open and a close on CIFS, "
        "elsewhere it becomes 18"
    )


def _times_loss(call: calls.SetTimes) -> str | None:
    lost = []
    if call.changed_ns is not None:
        lost.append("the change time cannot be set")
    if call.created_ns is not None:
        lost.append("the creation time is a message of its own on CIFS, and not set elsewhere")
    return "; ".join(lost) or None


_LOSSES: dict[type[Call], Callable[[Any], str | None]] = {
    calls.Open: open_loss,
    calls.Lock: _lock_loss,
    calls.Unlock: _lock_loss,
    calls.List: _list_loss,
    calls.Stat: _stat_loss,
    calls.StatHandle: _stat_handle_loss,
    calls.SetTimes: _times_loss,
    calls.StatFs: lambda call: (
        None if call.level == FS_FULL_SIZE else f"off CIFS file system class {call.level} becomes 7 (statvfs)"
    ),
    calls.Rename: lambda call: (
        None if call.replace else "an existing target is found by the client, not the server"
    ),
    calls.Link: lambda call: "an existing target is removed first" if call.replace else None,
    calls.Write: lambda call: (
        "a write-through of its own becomes a flush after the write" if call.through else None
    ),
    calls.SetDelete: lambda _: "the removal happens by name: a file's at its close, a directory's at once",
    calls.Notify: lambda _: (
        "on CIFS it opens and closes the directory once more, and a change between two of these is lost; "
        "off CIFS what lies deeper is not watched"
    ),
    calls.Unlink: lambda call: None if call.on_close else "a file goes by DELETE_ON_CLOSE, not by SET_INFO",
    calls.RemoveDirectory: lambda call: (
        "a directory goes by SET_INFO, not by DELETE_ON_CLOSE" if call.on_close else None
    ),
    calls.Control: lambda call: f"off CIFS there is nobody to send FSCTL 0x{call.function:08X} to",
    calls.SetSecurity: lambda _: "it is asked for first; only the DACL is set, off CIFS the mode",
    calls.SetEa: lambda _: (
        "the client asks for the attributes first, and sends no value above 16 KiB; off CIFS a file system "
        "may take none"
    ),
    calls.SetAttributes: lambda call: (
        "off CIFS only READONLY is kept, as a missing write permission"
        if call.attributes & ~(ATTRIBUTE_READONLY | ATTRIBUTE_NORMAL)
        else None
    ),
}
