"""Rules for QUERY_INFO on an open handle, by what is asked about."""

from __future__ import annotations

from smbench.lift.rule import Applies, Case, ExchangeRule
from smbench.smb2.constants import INFO_FILE, INFO_FILESYSTEM, INFO_QUOTA, INFO_SECURITY
from smbench.trace.messages import QueryInfoRequest
from smbench.trace.model import Command
from smbench.workload.calls import Call, StatFs, StatHandle
from smbench.workload.model import Disposition

_QUERY = frozenset((Command.QUERY_INFO,))


def _queries(info_type: int) -> Applies:
    def applies(case: Case) -> bool:
        request = case.exchange.request
        return isinstance(request, QueryInfoRequest) and request.info_type == info_type

    return applies


def stat_handle(case: Case) -> tuple[Call, ...]:
    """The question about an open file."""
    ask = case.exchange.request
    if not isinstance(ask, QueryInfoRequest):
        return ()
    length, additional = ask.output_length or 0, ask.additional or 0
    return (StatHandle(case.opened.handle, ask.info_type or 0, ask.level or 0, length, additional),)


def _stat_fs(case: Case) -> tuple[Call, ...]:
    request = case.exchange.request
    if not isinstance(request, QueryInfoRequest):
        return ()
    return (StatFs(case.opened.handle, request.level or 0, request.output_length or 0),)


RULES: tuple[ExchangeRule, ...] = (
    ExchangeRule(
        name="query-file",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: statx on the open handle, or the CIFS query ioctl; the class is kept",
        commands=_QUERY,
        applies=_queries(INFO_FILE),
        calls=stat_handle,
    ),
    ExchangeRule(
        name="query-filesystem",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: statvfs, or the CIFS query ioctl; the class stays in the call",
        commands=_QUERY,
        applies=_queries(INFO_FILESYSTEM),
        calls=_stat_fs,
    ),
    ExchangeRule(
        name="query-security",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: getxattr system.cifs_acl, or the CIFS query ioctl",
        commands=_QUERY,
        applies=_queries(INFO_SECURITY),
        calls=stat_handle,
    ),
    ExchangeRule(
        name="query-quota",
        disposition=Disposition.UNSUPPORTED,
        reason="quotas name the accounts of the captured server by SID, which the target does not have",
        evidence="[MS-SMB2] 2.2.37.1",
        commands=_QUERY,
        applies=_queries(INFO_QUOTA),
    ),
    ExchangeRule(
        name="query-unknown",
        disposition=Disposition.UNSUPPORTED,
        reason="[MS-SMB2] defines no such kind of information",
        evidence="[MS-SMB2] 2.2.37",
        commands=_QUERY,
    ),
)
