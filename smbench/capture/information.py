"""Information classes of [MS-FSCC] 2.4 and 2.5: what QUERY_INFO, SET_INFO and QUERY_DIRECTORY carry.

Pure readers over the information's own bytes; a part that is not there is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping

from smbench.capture.wire import Values, utf16
from smbench.smb2.constants import (
    ALL_INFORMATION,
    ALLOCATION,
    ATTRIBUTE_TAG,
    BASIC,
    DISPOSITION,
    DISPOSITION_EX,
    END_OF_FILE,
    FS_FULL_SIZE,
    FS_SIZE,
    FULL_EA,
    INFO_FILE,
    INFO_FILESYSTEM,
    INTERNAL,
    LINK,
    LINK_EX,
    NAMES,
    NETWORK_OPEN,
    RENAME,
    RENAME_EX,
    STANDARD,
    STREAM,
    VALID_DATA_LENGTH,
)
from smbench.smb2.filetime import filetime_ns
from smbench.smb2.information import NAME_AT
from smbench.trace.values import DirectoryEntry

_TIMES = ("created_ns", "accessed_ns", "written_ns", "changed_ns")
Reader = Callable[[bytes, Values], None]


def chain(data: bytes, smallest: int) -> Iterator[bytes]:
    """The entries of a list linked by NextEntryOffset, each with at least `smallest` bytes."""
    start = 0
    while start + smallest <= len(data):
        (following,) = struct.unpack_from("<I", data, start)
        yield data[start : start + following] if following else data[start:]
        # Offsets are unsigned: the walk goes forward only, and ends with the data.
        if following < 4:
            return
        start += following


def _times(data: bytes, values: Values) -> None:
    if len(data) >= 32:
        values.update(zip(_TIMES, map(filetime_ns, struct.unpack_from("<4Q", data)), strict=True))


def _basic(data: bytes, values: Values) -> None:
    _times(data, values)
    if len(data) >= 36:
        (values["attributes"],) = struct.unpack_from("<I", data, 32)


def _standard(data: bytes, values: Values) -> None:
    if len(data) >= 22:
        allocation, size, links, pending, directory = struct.unpack_from("<QQIBB", data)
        values.update(allocation=allocation, size=size, links=links, delete_pending=bool(pending),
                      directory=bool(directory))  # fmt: skip


def _all(data: bytes, values: Values) -> None:
    _basic(data, values)
    _standard(data[40:], values)
    _internal(data[64:], values)


def _internal(data: bytes, values: Values) -> None:
    if len(data) >= 8:
        values["disk_id"] = data[:8].hex()


def _network_open(data: bytes, values: Values) -> None:
    _times(data, values)
    if len(data) >= 52:
        values["allocation"], values["size"], values["attributes"] = struct.unpack_from("<QQI", data, 32)


def _attribute_tag(data: bytes, values: Values) -> None:
    if len(data) >= 8:
        values["attributes"], values["reparse_tag"] = struct.unpack_from("<II", data)


def _streams(data: bytes, values: Values) -> None:
    streams = []
    for entry in chain(data, 24):
        length, size = struct.unpack_from("<IQ", entry, 4)
        streams.append(f"{utf16(entry[24 : 24 + length])} {size}")
    values["streams"] = tuple(streams)


def extended_attributes(data: bytes, values: Values) -> None:
    """The names and value lengths in a FILE_FULL_EA_INFORMATION list ([MS-FSCC] 2.4.16); the names are bytes,
    of whatever encoding."""
    entries = list(chain(data, 9))
    values["ea_names"] = tuple(entry[8 : 8 + entry[5]].decode("latin-1") for entry in entries)
    values["ea_lengths"] = tuple(int.from_bytes(entry[6:8], "little") for entry in entries)


def _bytes(units: int, sectors: int, sector: int) -> int:
    # Any three numbers may stand there; a column holds 64 bits.
    return min(units * sectors * sector, (1 << 64) - 1)


def _fs_size(data: bytes, values: Values) -> None:
    if len(data) >= 24:
        total, available, sectors, sector = struct.unpack_from("<QQII", data)
        values.update(capacity=_bytes(total, sectors, sector), available=_bytes(available, sectors, sector))


def _fs_full_size(data: bytes, values: Values) -> None:
    if len(data) >= 32:
        total, available, _, sectors, sector = struct.unpack_from("<QQQII", data)
        values.update(capacity=_bytes(total, sectors, sector), available=_bytes(available, sectors, sector))


QUERIED: Mapping[tuple[int, int], Reader] = {
    (INFO_FILE, BASIC): _basic,
    (INFO_FILE, STANDARD): _standard,
    (INFO_FILE, INTERNAL): _internal,
    (INFO_FILE, FULL_EA): extended_attributes,
    (INFO_FILE, ALL_INFORMATION): _all,
    (INFO_FILE, STREAM): _streams,
    (INFO_FILE, NETWORK_OPEN): _network_open,
    (INFO_FILE, ATTRIBUTE_TAG): _attribute_tag,
    (INFO_FILESYSTEM, FS_SIZE): _fs_size,
    (INFO_FILESYSTEM, FS_FULL_SIZE): _fs_full_size,
}
"""Readers of QUERY_INFO responses by (info type, class)."""


def _rename(data: bytes, values: Values) -> None:
    # The first byte is ReplaceIfExists, in the Ex classes the flags with that bit first ([MS-FSCC] 2.4.42).
    if len(data) >= 20:
        values["replace"] = bool(data[0] & 1)
        (length,) = struct.unpack_from("<I", data, 16)
        if 20 + length <= len(data):
            values["target"] = utf16(data[20 : 20 + length])


def _disposition(data: bytes, values: Values) -> None:
    if data:
        values["delete"] = bool(data[0] & 1)


def _size(data: bytes, values: Values) -> None:
    if len(data) >= 8:
        (values["size"],) = struct.unpack_from("<Q", data)


SET: Mapping[tuple[int, int], Reader] = {
    (INFO_FILE, BASIC): _basic,
    (INFO_FILE, RENAME): _rename,
    (INFO_FILE, LINK): _rename,
    (INFO_FILE, DISPOSITION): _disposition,
    (INFO_FILE, FULL_EA): extended_attributes,
    (INFO_FILE, ALLOCATION): _size,
    (INFO_FILE, END_OF_FILE): _size,
    (INFO_FILE, VALID_DATA_LENGTH): _size,
    (INFO_FILE, DISPOSITION_EX): _disposition,
    (INFO_FILE, RENAME_EX): _rename,
    (INFO_FILE, LINK_EX): _rename,
}
"""Readers of SET_INFO requests by (info type, class)."""


def asked_attribute_names(data: bytes) -> tuple[str, ...]:
    """The names in a FILE_GET_EA_INFORMATION list ([MS-FSCC] 2.4.15.1)."""
    return tuple(entry[5 : 5 + entry[4]].decode("latin-1") for entry in chain(data, 6))


_ENTRY = struct.Struct("<8x4QQQII")


def directory_entries(level: int, data: bytes) -> tuple[DirectoryEntry, ...]:
    """The entries of one QUERY_DIRECTORY response; those of a class unknown here are none."""
    name_at = NAME_AT.get(level)
    if name_at is None:
        return ()
    entries = []
    for entry in chain(data, name_at):
        if level == NAMES:
            (length,) = struct.unpack_from("<I", entry, 8)
            if name_at + length <= len(entry):
                entries.append(DirectoryEntry(utf16(entry[name_at : name_at + length])))
            continue
        if len(entry) < name_at:
            break
        created, accessed, written, changed, size, allocation, attributes, length = _ENTRY.unpack_from(entry)
        if name_at + length <= len(entry):
            entries.append(
                DirectoryEntry(
                    utf16(entry[name_at : name_at + length]), attributes, size, allocation,
                    filetime_ns(created), filetime_ns(accessed), filetime_ns(written), filetime_ns(changed),
                )
            )  # fmt: skip
    return tuple(entries)


def notify_changes(data: bytes) -> tuple[str, ...]:
    """FILE_NOTIFY_INFORMATION ([MS-FSCC] 2.7.1) as `ACTION name`."""
    changes = []
    for entry in chain(data, 12):
        action, length = struct.unpack_from("<II", entry, 4)
        changes.append(f"{action} {utf16(entry[12 : 12 + length])}")
    return tuple(changes)
