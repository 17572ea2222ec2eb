"""The contexts of CREATE ([MS-SMB2] 2.2.13.2 and 2.2.14.2): one reader a tag and direction, in two tables."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping

from smbench.capture.information import extended_attributes
from smbench.capture.wire import Values
from smbench.smb2.constants import DHANDLE_FLAG_PERSISTENT, HEADER_BYTES, LEASE_FLAG_PARENT_LEASE_KEY_SET
from smbench.smb2.filetime import filetime_ns
from smbench.trace.messages import Message

_CONTEXT = struct.Struct("<IHHHHI")
_MOST_CONTEXTS = 64
"""More than any client sends: a chain of offsets that a damaged capture bends into a circle ends here."""

_GUID_TAGS = {
    bytes.fromhex("45bca66aefa7f74a9008fa462e144d74"): "AppInstanceId",
    bytes.fromhex("b982d0b73b56074fa07b524a8116a010"): "AppInstanceVersion",
    bytes.fromhex("9ccbcf9e04c1e643980e158da1f6ec83"): "SVHDX",
    bytes.fromhex("93ad25509cb411e7b42383de968bcd7c"): "POSIX",
}


def contexts(pdu: bytes, offset: int, length: int) -> Iterator[tuple[str, bytes]]:
    """The contexts of a CREATE as (tag, data), as far as the message holds them."""
    area = pdu[offset : offset + length] if offset >= HEADER_BYTES else b""
    start = 0
    for _ in range(_MOST_CONTEXTS):
        if start + _CONTEXT.size > len(area):
            return
        following, name_at, name_length, _, data_at, data_length = _CONTEXT.unpack_from(area, start)
        tag = area[start + name_at : start + name_at + name_length]
        if tag:
            yield _GUID_TAGS.get(tag) or _readable(tag), area[start + data_at : start + data_at + data_length]
        if not following:
            return
        start += following


def _readable(tag: bytes) -> str:
    return tag.decode("ascii") if len(tag) == 4 and tag.isalnum() else tag.hex()


def _lease(data: bytes, values: Values) -> None:
    if len(data) < 32:
        return
    values["lease_key"] = data[:16].hex()
    values["lease_state"], values["lease_flags"] = struct.unpack_from("<II", data, 16)
    if len(data) >= 50:
        (values["lease_epoch"],) = struct.unpack_from("<H", data, 48)
        if values["lease_flags"] & LEASE_FLAG_PARENT_LEASE_KEY_SET:
            values["parent_lease_key"] = data[32:48].hex()


def _granted_lease(data: bytes, values: Values) -> None:
    _lease(data, values)
    values.pop("parent_lease_key", None)


def _durable_v2(data: bytes, values: Values) -> None:
    if len(data) >= 32:
        values["durable_timeout_ms"], flags = struct.unpack_from("<II", data)
        values["persistent"] = bool(flags & DHANDLE_FLAG_PERSISTENT)
        values["create_guid"] = data[16:32].hex()


def _reconnect(data: bytes, values: Values) -> None:
    if len(data) >= 16:
        values["durable_file_id"] = data[:16].hex()


def _reconnect_v2(data: bytes, values: Values) -> None:
    _reconnect(data, values)
    if len(data) >= 36:
        values["create_guid"] = data[16:32].hex()
        values["persistent"] = bool(struct.unpack_from("<I", data, 32)[0] & DHANDLE_FLAG_PERSISTENT)


def _snapshot(data: bytes, values: Values) -> None:
    if len(data) >= 8:
        values["snapshot_ns"] = filetime_ns(struct.unpack_from("<Q", data)[0])


def _allocation(data: bytes, values: Values) -> None:
    if len(data) >= 8:
        (values["allocation"],) = struct.unpack_from("<Q", data)


def _app_instance(data: bytes, values: Values) -> None:
    if len(data) >= 20:
        values["app_instance_id"] = data[4:20].hex()


def _posix(data: bytes, values: Values) -> None:
    if len(data) >= 4:
        (values["posix_mode"],) = struct.unpack_from("<I", data)


def _max_access(data: bytes, values: Values) -> None:
    # Status first ([MS-SMB2] 2.2.14.2.5): the mask means something only where it is 0.
    if len(data) >= 8:
        status, mask = struct.unpack_from("<II", data)
        if not status:
            values["max_access"] = mask


def _durable_granted(data: bytes, values: Values) -> None:
    if len(data) >= 8:
        values["durable_timeout_ms"], flags = struct.unpack_from("<II", data)
        values["persistent"] = bool(flags & DHANDLE_FLAG_PERSISTENT)


def _disk_id(data: bytes, values: Values) -> None:
    if len(data) >= 16:
        values["disk_id"] = data[:16].hex()


Reader = Callable[[bytes, Values], None]
REQUEST: Mapping[str, Reader] = {
    "RqLs": _lease, "DH2Q": _durable_v2, "DHnC": _reconnect, "DH2C": _reconnect_v2, "TWrp": _snapshot,
    "AlSi": _allocation, "AppInstanceId": _app_instance, "POSIX": _posix, "ExtA": extended_attributes,
}  # fmt: skip
RESPONSE: Mapping[str, Reader] = {
    "RqLs": _granted_lease, "MxAc": _max_access, "DH2Q": _durable_granted, "QFid": _disk_id,
}  # fmt: skip


def _read(readers: Mapping[str, Reader], pdu: bytes, values: Values) -> None:
    tags = []
    for tag, data in contexts(pdu, values["_contexts_at"], values["_contexts_length"]):
        tags.append(tag)
        if reader := readers.get(tag):
            reader(data, values)
    values["contexts"] = tuple(tags)


def read_request_contexts(pdu: bytes, values: Values) -> None:
    """Into a CREATE request's values."""
    _read(REQUEST, pdu, values)


def read_response_contexts(pdu: bytes, values: Values, request: Message | None) -> None:
    """Into a CREATE response's values."""
    del request
    _read(RESPONSE, pdu, values)
