"""What belongs to a workload as a whole, under pseudonyms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from smbench.anonymize.classes import EPOCH_NS
from smbench.anonymize.keep import Keep
from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.trace.model import Connection, Session, TraceInfo, Tree, User
from smbench.workload.model import WorkloadInfo

_SMB_PORTS = (445, 139)
_FIRST_PORT = 49_152
"""Of the ports that clients choose from (RFC 6335)."""


def session_numbers(sessions: Iterable[Session]) -> dict[int, int]:
    """A number for each session id, in the order that they come in; none is 0, which says "none"."""
    distinct = dict.fromkeys(session.session_id for session in sessions)
    return {was: number for number, was in enumerate(distinct, 1)}


def anonymized_info(info: WorkloadInfo, names: Pseudonyms, keep: Keep) -> WorkloadInfo:
    """The description of the copy: ids are numbered anew, ports and the captures' own marks are gone."""
    reasons = [replace(row, reason=names.reason(row.reason)) for row in info.coverage]
    # The captures' names and first packets would tell whose they are.
    return replace(info, trace=_trace(info.trace, names, keep), coverage=reasons, capture_files=[])


def _trace(trace: TraceInfo, names: Pseudonyms, keep: Keep) -> TraceInfo:
    numbers = session_numbers(trace.sessions)
    return replace(
        trace,
        start_epoch_ns=trace.start_epoch_ns if keep.times else EPOCH_NS,
        captures=[names.component(capture) for capture in trace.captures],
        connections=[_connection(at, connection, names) for at, connection in enumerate(trace.connections)],
        sessions=[_session(session, numbers, names) for session in trace.sessions],
        trees=[_tree(number, tree, names) for number, tree in enumerate(trace.trees, 1)],
        users=[_user(user, names) for user in trace.users],
    )


def _connection(number: int, connection: Connection, names: Pseudonyms) -> Connection:
    guid = connection.client_guid
    return replace(
        connection,
        client=names.host(connection.client),
        server=names.host(connection.server),
        client_port=_FIRST_PORT + number,
        server_port=connection.server_port if connection.server_port in _SMB_PORTS else _SMB_PORTS[0],
        client_guid=None if guid is None else names.identifier(guid),
    )


def _session(session: Session, numbers: dict[int, int], names: Pseudonyms) -> Session:
    return replace(
        session,
        session_id=numbers[session.session_id],
        account=None if session.account is None else names.plain(session.account),
        domain=None if session.domain is None else names.plain(session.domain),
        workstation=None if session.workstation is None else names.host(session.workstation),
    )


def _tree(number: int, tree: Tree, names: Pseudonyms) -> Tree:
    return replace(tree, tree_id=number, share=names.component(tree.share))


def _user(user: User, names: Pseudonyms) -> User:
    return replace(user, name=names.user(user.name), client=names.host(user.client))
