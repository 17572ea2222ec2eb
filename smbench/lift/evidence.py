"""What one answer tells of the file that it is about."""

from __future__ import annotations

from smbench.lift.names import LATEST_NS
from smbench.lift.nametree import Node
from smbench.lift.rule import refused
from smbench.smb2.constants import (
    ATTRIBUTE_DIRECTORY,
    CREATE,
    CREATED,
    FULL_EA,
    INFO_FILE,
    OPEN,
    OPENED,
    OVERWRITE,
    OVERWRITTEN,
)
from smbench.smb2.filetime import EARLIEST_NS
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import (
    CloseResponse,
    CreateRequest,
    CreateResponse,
    QueryInfoRequest,
    QueryInfoResponse,
)
from smbench.trace.model import Exchange
from smbench.trace.values import DirectoryEntry
from smbench.workload.model import Kind

ABSENT = frozenset((Status.OBJECT_NAME_NOT_FOUND, Status.NO_SUCH_FILE))
"""Refusals of an open that say that there is no file of its name."""
PRESENT = frozenset(
    (
        Status.OBJECT_NAME_COLLISION,
        Status.SHARING_VIOLATION,
        Status.FILE_LOCK_CONFLICT,
        Status.USER_MAPPED_FILE,
        Status.CANNOT_DELETE,
    )
)
"""Refusals that say that there is one."""

Info = CreateResponse | CloseResponse | QueryInfoResponse | DirectoryEntry


def inform(node: Node, info: Info) -> None:
    """What an answer says of a file, where nothing was known of it and the workload has not changed it."""
    entry = node.entry
    if entry is None or not entry.present:
        return
    if not node.data_touched and not entry.size_known and info.size is not None:
        entry.size, entry.size_known = min(info.size, LATEST_NS), True
    if node.info_touched:
        return
    if entry.attributes is None and info.attributes is not None:
        entry.attributes = info.attributes
        if entry.kind is None:
            entry.kind = Kind.DIRECTORY if info.attributes & ATTRIBUTE_DIRECTORY else Kind.FILE
    entry.created_ns = _moment(entry.created_ns, info.created_ns)
    entry.accessed_ns = _moment(entry.accessed_ns, info.accessed_ns)
    entry.written_ns = _moment(entry.written_ns, info.written_ns)


def inform_of_eas(node: Node, exchange: Exchange) -> None:
    """What the answer to a question for all extended attributes says, where the workload has set none."""
    entry, request, response = node.entry, exchange.request, exchange.response
    if entry is None or not entry.present or node.ea_touched or entry.eas is not None:
        return
    if not isinstance(request, QueryInfoRequest) or request.ea_names:
        return
    if (request.info_type, request.level) != (INFO_FILE, FULL_EA):
        return
    if exchange.status == Status.NO_EAS_ON_FILE:
        entry.eas = ()
    elif (
        isinstance(response, QueryInfoResponse) and exchange.status == Status.SUCCESS and response.ea_lengths
    ):
        entry.eas = tuple(zip(response.ea_names, response.ea_lengths, strict=True))


def may_have_been_done(exchange: Exchange) -> bool:
    """Whether the server may have changed what it was asked to."""
    return exchange.status is None or not refused(exchange.status)


def _moment(known: int | None, reported: int | None) -> int | None:
    """The first of two that is a time at all; 0 and odd values on the wire mean none."""
    if known is not None or reported is None or not EARLIEST_NS < reported < LATEST_NS:
        return known
    return reported


def action_of(exchange: Exchange, response: CreateResponse) -> int | None:
    """What the CREATE did; where the answer was cut, what it can only have done. None: not known."""
    if response.action is not None:
        return response.action
    disposition = exchange.request.disposition if isinstance(exchange.request, CreateRequest) else None
    return {CREATE: CREATED, OPEN: OPENED, OVERWRITE: OVERWRITTEN}.get(
        -1 if disposition is None else disposition
    )
