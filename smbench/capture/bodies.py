"""Every message of SMB2 by (command, direction): its fixed layout, and the reader of what varies.

Adding a field is one word in `LAYOUTS` (and the attribute in `smbench.trace.messages`). Offsets are those
of the body, 64 bytes into the message, as [MS-SMB2] 2.2.3 to 2.2.42 gives them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from smbench.capture import information, ioctl
from smbench.capture.create_contexts import read_request_contexts, read_response_contexts
from smbench.capture.wire import Header, Layout, Values, text_at
from smbench.smb2.constants import (
    CLOSE_FLAG_POSTQUERY_ATTRIB,
    CREATE_FLAG_REPARSEPOINT,
    FULL_EA,
    HEADER_BYTES,
    INFO_FILE,
    SESSION_FLAG_BINDING,
)
from smbench.smb2.ntstatus import Status, is_error
from smbench.trace import messages as m
from smbench.trace.model import Command
from smbench.trace.values import LockElement

_TIMES_AT = "created_ns:{}T accessed_ns:{}T written_ns:{}T changed_ns:{}T"


def _negotiate(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    area = pdu[HEADER_BYTES + 36 : HEADER_BYTES + 36 + 2 * values["_dialects"]]
    values["dialects"] = struct.unpack(f"<{len(area) // 2}H", area[: len(area) & ~1])


_NTLMSSP, _KERBEROS_OIDS = b"NTLMSSP\0", (
    bytes.fromhex("06092a864886f712010202"), bytes.fromhex("06092a864882f712010202"),
)  # fmt: skip


def _session_setup(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    values["binding"] = bool(values["_flags"] & SESSION_FLAG_BINDING)
    blob = pdu[values["_blob_at"] : values["_blob_at"] + values["_blob_length"]]
    if _NTLMSSP in blob:
        values["mechanism"] = "ntlmssp"
    elif any(oid in blob for oid in _KERBEROS_OIDS):
        values["mechanism"] = "krb5"


def _tree_connect(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    values["share_path"] = text_at(pdu, values["_path_at"], values["_path_length"])


def _create(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    values["name"] = text_at(pdu, values["_name_at"], values["_name_length"])
    if values["_contexts_length"]:
        read_request_contexts(pdu, values)


def _created(pdu: bytes, values: Values, request: m.Message | None) -> None:
    values["reparse"] = bool(values["_flags"] & CREATE_FLAG_REPARSEPOINT)
    if values["_contexts_length"]:
        read_response_contexts(pdu, values, request)


def _closed(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del pdu, request
    if not values["_flags"] & CLOSE_FLAG_POSTQUERY_ATTRIB:
        values.update(dict.fromkeys(values.keys() - {"_flags"}))


def _lock(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    first, size = HEADER_BYTES + 24, ioctl.LOCK.size
    there = min(values["_count"], max(0, len(pdu) - first) // size)
    values["locks"] = tuple(LockElement(*ioctl.LOCK.unpack_from(pdu, first + n * size)) for n in range(there))


def _query_directory(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    values["pattern"] = text_at(pdu, values["_name_at"], values["_name_length"])


def _output(pdu: bytes, values: Values) -> bytes:
    return (
        pdu[values["_at"] : values["_at"] + (values["count"] or 0)] if values["_at"] >= HEADER_BYTES else b""
    )


def _listed(pdu: bytes, values: Values, request: m.Message | None) -> None:
    if isinstance(request, m.QueryDirectoryRequest) and request.level is not None:
        values["entries"] = information.directory_entries(request.level, _output(pdu, values))


def _notified(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    values["changes"] = information.notify_changes(pdu[values["_at"] : values["_at"] + values["_length"]])


def _query_info(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    if (values["info_type"], values["level"]) == (INFO_FILE, FULL_EA):
        data = pdu[values["_at"] : values["_at"] + values["_length"]]
        values["ea_names"] = information.asked_attribute_names(data)


def _queried(pdu: bytes, values: Values, request: m.Message | None) -> None:
    if isinstance(request, m.QueryInfoRequest):
        key = (request.info_type or 0, request.level or 0)
        if reader := information.QUERIED.get(key):
            reader(_output(pdu, values), values)


def _set_info(pdu: bytes, values: Values, request: m.Message | None) -> None:
    del request
    if reader := information.SET.get((values["info_type"], values["level"])):
        reader(pdu[values["_at"] : values["_at"] + values["_length"]], values)


_BREAK = Layout(m.Break, "oplock:2B file_id:8G")
_LEASE_ACKNOWLEDGED = Layout(m.Break, "flags:4I lease_key:8G lease_state:24I")
_LEASE_BREAK = Layout(m.Break, "lease_epoch:2H flags:4I lease_key:8G current_state:24I lease_state:28I")
_BREAKS: Mapping[int, Layout] = {36: _LEASE_ACKNOWLEDGED, 44: _LEASE_BREAK}
"""OPLOCK_BREAK by StructureSize ([MS-SMB2] 2.2.23 to 2.2.25)."""

_EMPTY = Layout(m.Message)

LAYOUTS: Mapping[tuple[int, bool], Layout] = {
    (Command.NEGOTIATE, False): Layout(
        m.NegotiateRequest, "_dialects:2H security_mode:4H capabilities:8I client_guid:12G", _negotiate
    ),
    (Command.NEGOTIATE, True): Layout(
        m.NegotiateResponse,
        "security_mode:2H dialect:4H capabilities:24I max_transact:28I max_read:32I max_write:36I",
    ),
    (Command.SESSION_SETUP, False): Layout(
        m.SessionSetupRequest,
        "_flags:2B _blob_at:12H _blob_length:14H previous_session_id:16Q",
        _session_setup,
    ),
    (Command.SESSION_SETUP, True): Layout(m.SessionSetupResponse, "session_flags:2H"),
    (Command.TREE_CONNECT, False): Layout(m.TreeConnectRequest, "_path_at:4H _path_length:6H", _tree_connect),
    (Command.TREE_CONNECT, True): Layout(
        m.TreeConnectResponse, "share_type:2B share_flags:4I capabilities:8I max_access:12I"
    ),
    (Command.CREATE, False): Layout(
        m.CreateRequest,
        "oplock:3B impersonation:4I access:24I attributes:28I share_access:32I disposition:36I options:40I "
        "_name_at:44H _name_length:46H _contexts_at:48I _contexts_length:52I",
        _create,
    ),
    (Command.CREATE, True): Layout(
        m.CreateResponse,
        "oplock:2B _flags:3B action:4I "
        + _TIMES_AT.format(8, 16, 24, 32)
        + " allocation:40Q size:48Q attributes:56I file_id:64G _contexts_at:80I _contexts_length:84I",
        _created,
    ),
    (Command.CLOSE, False): Layout(m.CloseRequest, "flags:2H file_id:8G"),
    (Command.CLOSE, True): Layout(
        m.CloseResponse,
        "_flags:2H " + _TIMES_AT.format(8, 16, 24, 32) + " allocation:40Q size:48Q attributes:56I",
        _closed,
    ),
    (Command.FLUSH, False): Layout(m.FlushRequest, "file_id:8G"),
    (Command.READ, False): Layout(m.ReadRequest, "length:4I offset:8Q file_id:16G minimum:32I"),
    (Command.READ, True): Layout(m.ReadResponse, "count:4I"),
    (Command.WRITE, False): Layout(m.WriteRequest, "length:4I offset:8Q file_id:16G flags:44I"),
    (Command.WRITE, True): Layout(m.WriteResponse, "count:4I"),
    (Command.LOCK, False): Layout(m.LockRequest, "_count:2H file_id:8G", _lock),
    (Command.IOCTL, False): Layout(
        m.IoctlRequest,
        "function:4I file_id:8G _at:24I input_length:28I output_length:44I",
        ioctl.read_request,
    ),
    (Command.IOCTL, True): Layout(m.IoctlResponse, "function:4I _at:32I count:36I", ioctl.read_response),
    (Command.QUERY_DIRECTORY, False): Layout(
        m.QueryDirectoryRequest,
        "level:2B flags:3B file_id:8G _name_at:24H _name_length:26H output_length:28I",
        _query_directory,
    ),
    (Command.QUERY_DIRECTORY, True): Layout(m.QueryDirectoryResponse, "_at:2H count:4I", _listed),
    (Command.CHANGE_NOTIFY, False): Layout(
        m.NotifyRequest, "watch_tree:2F output_length:4I file_id:8G filter:24I"
    ),
    (Command.CHANGE_NOTIFY, True): Layout(m.NotifyResponse, "_at:2H _length:4I", _notified),
    (Command.QUERY_INFO, False): Layout(
        m.QueryInfoRequest,
        "info_type:2B level:3B output_length:4I _at:8H _length:12I additional:16I file_id:24G",
        _query_info,
    ),
    (Command.QUERY_INFO, True): Layout(m.QueryInfoResponse, "_at:2H count:4I", _queried),
    (Command.SET_INFO, False): Layout(
        m.SetInfoRequest, "info_type:2B level:3B _length:4I _at:8H additional:12I file_id:16G", _set_info
    ),
}

_STRUCTURE: Mapping[int, int] = {
    Command.NEGOTIATE: 65, Command.TREE_CONNECT: 16, Command.CREATE: 89, Command.CLOSE: 60, Command.READ: 17,
    Command.WRITE: 17, Command.IOCTL: 49,
}  # fmt: skip
"""StructureSize of responses that are not of size 9, as error responses are: with a status that is not
success only the size tells which it is (copy chunk refuses with its limits; an open stops on a link)."""


def read_request(header: Header, pdu: bytes) -> m.Message:
    """What a request says; of commands that say nothing but their header, a plain `Message`."""
    if header.command == Command.OPLOCK_BREAK:
        return read_break(pdu)
    return LAYOUTS.get((header.command, False), _EMPTY).read(pdu)


def read_response(header: Header, pdu: bytes, request: m.Message | None) -> m.Message:
    """What a response says; an error response is a plain `Message` ([MS-SMB2] 2.2.2)."""
    status, usual = header.status, _STRUCTURE.get(header.command)
    if status and usual is not None:
        if int.from_bytes(pdu[HEADER_BYTES : HEADER_BYTES + 2], "little") != usual:
            return _EMPTY.read(pdu)
    elif is_error(status) and status != Status.MORE_PROCESSING_REQUIRED:
        return _EMPTY.read(pdu)
    if header.command == Command.OPLOCK_BREAK:
        return read_break(pdu)
    return LAYOUTS.get((header.command, True), _EMPTY).read(pdu, request)


def read_break(pdu: bytes) -> m.Message:
    """An oplock or lease break, of either direction."""
    structure = int.from_bytes(pdu[HEADER_BYTES : HEADER_BYTES + 2], "little")
    return _BREAKS.get(structure, _BREAK).read(pdu)
