"""IOCTL and FSCTL by function ([MS-SMB2] 2.2.31 and 2.2.32, [MS-FSCC] 2.3): what their buffers say."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from smbench.capture.wire import Values, utf16
from smbench.smb2.constants import (
    FSCTL_DFS_GET_REFERRALS,
    FSCTL_DUPLICATE_EXTENTS_TO_FILE,
    FSCTL_GET_REPARSE_POINT,
    FSCTL_PIPE_WAIT,
    FSCTL_QUERY_ALLOCATED_RANGES,
    FSCTL_SET_REPARSE_POINT,
    FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK,
    FSCTL_SRV_COPYCHUNK_WRITE,
    FSCTL_SRV_REQUEST_RESUME_KEY,
    HEADER_BYTES,
    RESUME_KEY_BYTES,
)
from smbench.trace.messages import IoctlRequest, Message
from smbench.trace.values import ByteRange, CopyChunk

LOCK = struct.Struct("<QQI4x")
"""SMB2_LOCK_ELEMENT ([MS-SMB2] 2.2.26.1)."""
_CHUNK = struct.Struct("<QQI4x")
_RANGE = struct.Struct("<QQ")

Reader = Callable[[bytes, Values], None]


def _copy_chunks(data: bytes, values: Values) -> None:
    if len(data) < 32:
        return
    values["resume_key"] = data[:RESUME_KEY_BYTES].hex()
    (count,) = struct.unpack_from("<I", data, RESUME_KEY_BYTES)
    there = min(count, (len(data) - 32) // _CHUNK.size)
    values["chunks"] = tuple(CopyChunk(*_CHUNK.unpack_from(data, 32 + n * _CHUNK.size)) for n in range(there))


def _duplicate(data: bytes, values: Values) -> None:
    # DUPLICATE_EXTENTS_DATA: the source's file id where a copy has its resume key.
    if len(data) >= 40:
        values["resume_key"] = data[:16].hex()
        values["chunks"] = (CopyChunk(*struct.unpack_from("<QQQ", data, 16)),)


def _zero(data: bytes, values: Values) -> None:
    # FILE_ZERO_DATA_INFORMATION names the first byte beyond, not a length.
    if len(data) >= _RANGE.size:
        values["offset"], beyond = _RANGE.unpack_from(data)
        values["length"] = max(0, beyond - values["offset"])


def _range(data: bytes, values: Values) -> None:
    if len(data) >= _RANGE.size:
        values["offset"], values["length"] = _RANGE.unpack_from(data)


def _sparse(data: bytes, values: Values) -> None:
    # Without a buffer the file becomes sparse ([MS-FSCC] 2.3.64).
    values["sparse"] = bool(data[0]) if data else True


def _referral(data: bytes, values: Values) -> None:
    values["name"] = utf16(data[2:]).rstrip("\0")


def _pipe_wait(data: bytes, values: Values) -> None:
    if len(data) >= 14:
        (length,) = struct.unpack_from("<I", data, 8)
        values["name"] = utf16(data[14 : 14 + length])


def _reparse(data: bytes, values: Values) -> None:
    if len(data) >= 4:
        (values["reparse_tag"],) = struct.unpack_from("<I", data)


REQUESTS: Mapping[int, Reader] = {
    FSCTL_SRV_COPYCHUNK: _copy_chunks, FSCTL_SRV_COPYCHUNK_WRITE: _copy_chunks,
    FSCTL_DUPLICATE_EXTENTS_TO_FILE: _duplicate, FSCTL_SET_ZERO_DATA: _zero,
    FSCTL_QUERY_ALLOCATED_RANGES: _range, FSCTL_SET_SPARSE: _sparse, FSCTL_SET_REPARSE_POINT: _reparse,
    FSCTL_DFS_GET_REFERRALS: _referral, FSCTL_PIPE_WAIT: _pipe_wait,
}  # fmt: skip


def _copied(data: bytes, values: Values) -> None:
    if len(data) >= 12:
        (values["count"],) = struct.unpack_from("<I", data, 8)


def _resume_key(data: bytes, values: Values) -> None:
    if len(data) >= RESUME_KEY_BYTES:
        values["resume_key"] = data[:RESUME_KEY_BYTES].hex()


def _allocated(data: bytes, values: Values) -> None:
    values["ranges"] = tuple(ByteRange(*part) for part in _RANGE.iter_unpack(data[: len(data) & ~15]))


RESPONSES: Mapping[int, Reader] = {
    FSCTL_SRV_COPYCHUNK: _copied, FSCTL_SRV_COPYCHUNK_WRITE: _copied,
    FSCTL_SRV_REQUEST_RESUME_KEY: _resume_key, FSCTL_QUERY_ALLOCATED_RANGES: _allocated,
    FSCTL_GET_REPARSE_POINT: _reparse,
}  # fmt: skip


def read_request(pdu: bytes, values: Values, request: Message | None) -> None:
    """Into an IOCTL request's values."""
    del request
    if reader := REQUESTS.get(values["function"]):
        start = values["_at"]
        reader(pdu[start : start + (values["input_length"] or 0)] if start >= HEADER_BYTES else b"", values)


def read_response(pdu: bytes, values: Values, request: Message | None) -> None:
    """Into an IOCTL response's values."""
    function = values["function"]
    if isinstance(request, IoctlRequest) and function is None:
        function = request.function
    if reader := RESPONSES.get(function):
        start = values["_at"]
        reader(pdu[start : start + (values["count"] or 0)] if start >= HEADER_BYTES else b"", values)
