"""Rules that judge an exchange before any pattern does: what the client does by itself, and what
no file operation can stand for."""

from __future__ import annotations

from smbench.lift.rule import Case, ExchangeRule
from smbench.smb2.constants import (
    FSCTL_DFS_GET_REFERRALS,
    FSCTL_DFS_GET_REFERRALS_EX,
    FSCTL_LMR_REQUEST_RESILIENCY,
    FSCTL_QUERY_NETWORK_INTERFACE_INFO,
    FSCTL_VALIDATE_NEGOTIATE_INFO,
    OPEN_BY_FILE_ID,
    PIPE_FUNCTIONS,
    SHARE_TYPE_PIPE,
    SHARE_TYPE_PRINT,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import (
    CreateRequest,
    IoctlRequest,
    Message,
    NotifyRequest,
    QueryDirectoryRequest,
    QueryInfoRequest,
    ReadRequest,
    SetInfoRequest,
    WriteRequest,
)
from smbench.trace.model import Command, Exchange
from smbench.workload.model import Disposition

FILE_COMMANDS = frozenset(range(Command.CREATE, Command.SET_INFO + 1)) - {Command.CANCEL, Command.ECHO}
"""Commands that name a file, by path or by handle (an IOCTL not always)."""
_ON_HANDLE = FILE_COMMANDS - {Command.CREATE, Command.IOCTL}
_SESSION = frozenset(
    (Command.NEGOTIATE, Command.SESSION_SETUP, Command.LOGOFF, Command.TREE_CONNECT, Command.TREE_DISCONNECT)
)
_GONE = frozenset((Status.USER_SESSION_DELETED, Status.NETWORK_SESSION_EXPIRED, Status.NETWORK_NAME_DELETED))
NO_SUCH_HANDLE = frozenset((Status.FILE_CLOSED, Status.INVALID_HANDLE))
SENT_WHEN_LOST = frozenset((Command.FLUSH, Command.QUERY_INFO, Command.SET_INFO, Command.IOCTL))
"""What a client sends on a handle that its server has lost, before it knows (cifs-client §8)."""
_REQUIRED: dict[int, tuple[type[Message], tuple[str, ...]]] = {
    Command.CREATE: (CreateRequest, ("name", "access", "disposition", "options")),
    Command.READ: (ReadRequest, ("offset", "length")),
    Command.WRITE: (WriteRequest, ("offset", "length")),
    Command.QUERY_INFO: (QueryInfoRequest, ("info_type", "level")),
    Command.SET_INFO: (SetInfoRequest, ("info_type", "level")),
    Command.QUERY_DIRECTORY: (QueryDirectoryRequest, ("level",)),
    Command.CHANGE_NOTIFY: (NotifyRequest, ("filter",)),
    Command.IOCTL: (IoctlRequest, ("function",)),
}
"""What a request must have kept for a call to be made of it."""
INFRASTRUCTURE = {
    FSCTL_VALIDATE_NEGOTIATE_INFO: "the client checks by itself that nobody changed the negotiation",
    FSCTL_QUERY_NETWORK_INTERFACE_INFO: "the client asks by itself for further channels",
    FSCTL_DFS_GET_REFERRALS: "the client follows DFS referrals by itself",
    FSCTL_DFS_GET_REFERRALS_EX: "the client follows DFS referrals by itself",
    FSCTL_LMR_REQUEST_RESILIENCY: "the client makes its opens durable by itself",
}


def function_of(exchange: Exchange) -> int | None:
    """The control code of an IOCTL."""
    request = exchange.request
    return request.function if isinstance(request, IoctlRequest) else None


def _session_gone(case: Case) -> bool:
    return case.exchange.status in _GONE and case.exchange.command in FILE_COMMANDS


def _is_infrastructure(case: Case) -> bool:
    return function_of(case.exchange) in INFRASTRUCTURE


def _on_pipe(case: Case) -> bool:
    if function_of(case.exchange) in PIPE_FUNCTIONS:
        return True
    return (
        case.found.pipe
        if case.found is not None
        else case.context.share_type(case.exchange.tree) == SHARE_TYPE_PIPE
    )


def _pipe_name(case: Case) -> str:
    name = case.exchange.path or "unknown-"
    return "of unknown name" if name.startswith("unknown-") else name


def _on_printer(case: Case) -> bool:
    return case.context.share_type(case.exchange.tree) == SHARE_TYPE_PRINT


def _is_reconnect(case: Case) -> bool:
    return case.context.reconnects(case.exchange)


def _by_file_id(case: Case) -> bool:
    request = case.exchange.request
    return isinstance(request, CreateRequest) and bool((request.options or 0) & OPEN_BY_FILE_ID)


def _is_cut(case: Case) -> bool:
    required = _REQUIRED.get(case.exchange.command)
    if required is None:
        return False
    kind, names = required
    request = case.exchange.request
    return not isinstance(request, kind) or any(getattr(request, name) is None for name in names)


def _open_refused(case: Case) -> bool:
    return case.found is not None and case.found.not_replayed != ""


def _handle_gone(case: Case) -> bool:
    if case.found is None:
        return True
    gone = case.exchange.status in NO_SUCH_HANDLE and not case.found.failed
    return gone and case.exchange.command not in SENT_WHEN_LOST


def _not_sent_when_gone(exchange: Exchange) -> str:
    if exchange.command in SENT_WHEN_LOST:
        return ""
    return "a client reads, writes, locks, lists and closes only by a handle that it takes to be open"


RULES: tuple[ExchangeRule, ...] = (
    ExchangeRule(
        name="retransmission",
        disposition=Disposition.CLIENT,
        reason="sent a second time by the transport",
        evidence="RFC 9293 3.8.1: the same bytes again are not a second request",
        answerable=False,
        applies=lambda case: case.exchange.retransmission,
    ),
    ExchangeRule(
        name="channel-replay",
        disposition=Disposition.CLIENT,
        reason="sent again on another channel after one was lost",
        evidence="[MS-SMB2] 3.2.4.1.5, SMB2_FLAGS_REPLAY_OPERATION",
        answerable=False,
        applies=lambda case: case.exchange.replayed and case.exchange.command != Command.CREATE,
    ),
    ExchangeRule(
        name="session-setup",
        disposition=Disposition.CLIENT,
        reason="mounting and unmounting do it",
        evidence="cifs-client §2: a mount sends its own NEGOTIATE, SESSION_SETUP and TREE_CONNECT",
        answerable=False,
        commands=_SESSION,
    ),
    ExchangeRule(
        name="echo",
        disposition=Disposition.CLIENT,
        reason="the client watches its connection by itself",
        evidence="[MS-SMB2] 3.2.4.22; cifs.ko echo_interval",
        answerable=False,
        commands=frozenset((Command.ECHO,)),
    ),
    ExchangeRule(
        name="cancel",
        disposition=Disposition.CLIENT,
        reason="the client ends a waiting request when its caller goes; the request keeps its outcome",
        evidence="[MS-SMB2] 3.2.4.24; cifs.ko has no CANCEL and sends CLOSE instead",
        answerable=False,
        commands=frozenset((Command.CANCEL,)),
    ),
    ExchangeRule(
        name="lease-break",
        disposition=Disposition.CLIENT,
        reason="the client holds the oplocks and leases and answers their breaks",
        evidence="[MS-SMB2] 2.2.23 to 2.2.25, 3.2.5.19",
        answerable=False,
        commands=frozenset((Command.OPLOCK_BREAK,)),
    ),
    ExchangeRule(
        name="infrastructure",
        disposition=Disposition.CLIENT,
        reason="",
        evidence="[MS-SMB2] 3.2.5.5, 3.2.4.20.6, 3.2.4.20.10; a mount sends them by itself",
        answerable=False,
        commands=frozenset((Command.IOCTL,)),
        applies=_is_infrastructure,
        detail=lambda case: INFRASTRUCTURE[function_of(case.exchange) or 0],
    ),
    ExchangeRule(
        name="session-gone",
        disposition=Disposition.CLIENT,
        reason="the session or tree was gone on the server; the replaying client has sessions of its own",
        evidence="[MS-SMB2] 3.3.5.2.9, 3.3.5.2.11",
        answerable=False,
        applies=_session_gone,
    ),
    ExchangeRule(
        name="pipe",
        disposition=Disposition.UNSUPPORTED,
        reason="named pipe: there is no file behind it",
        evidence="[MS-SMB2] 2.2.10, share type 2; no call of a file system reaches a pipe of the server",
        answerable=False,
        commands=FILE_COMMANDS,
        applies=_on_pipe,
        detail=_pipe_name,
    ),
    ExchangeRule(
        name="printer",
        disposition=Disposition.UNSUPPORTED,
        reason="printer share: what is written goes to a queue, not to a file",
        evidence="[MS-SMB2] 2.2.10, share type 3",
        commands=FILE_COMMANDS,
        applies=_on_printer,
    ),
    ExchangeRule(
        name="durable-reconnect",
        disposition=Disposition.CLIENT,
        reason="the client takes up its durable opens by itself after a lost connection",
        evidence="[MS-SMB2] 3.2.4.4, contexts DHnC and DH2C",
        answerable=False,
        commands=frozenset((Command.CREATE,)),
        applies=_is_reconnect,
    ),
    ExchangeRule(
        name="open-by-id",
        disposition=Disposition.UNSUPPORTED,
        reason="opened by a file number that only the captured server knows",
        evidence="[MS-SMB2] 2.2.13, FILE_OPEN_BY_FILE_ID",
        no_counterpart="no call opens a file by its number",
        commands=frozenset((Command.CREATE,)),
        applies=_by_file_id,
    ),
    ExchangeRule(
        name="cut",
        disposition=Disposition.UNSUPPORTED,
        reason="the capture holds only a part of the request",
        evidence="a snap length, a gap in the TCP stream, or a malformed message",
        no_counterpart="the capture does not hold what was asked",
        applies=_is_cut,
    ),
    ExchangeRule(
        name="on-refused-open",
        disposition=Disposition.UNSUPPORTED,
        reason="on an open that is not replayed",
        evidence="a handle is worth nothing without its CREATE",
        no_counterpart="on an open that no call can make",
        commands=FILE_COMMANDS - {Command.CREATE},
        applies=_open_refused,
        detail=lambda case: case.opened.not_replayed,
    ),
    ExchangeRule(
        name="handle-gone",
        disposition=Disposition.UNSUPPORTED,
        reason="on a handle that was not open: its client had closed it, or the server had lost it",
        evidence="[MS-SMB2] 3.3.5.2.10: STATUS_FILE_CLOSED; cifs-client §8: what was lost is opened again to "
        "be read, written, cut or given times, and not closed",
        no_counterpart=_not_sent_when_gone,
        commands=_ON_HANDLE,
        applies=_handle_gone,
    ),
)
