"""Rules for SET_INFO, by what is set and by its class."""

from __future__ import annotations

from smbench.lift.names import LATEST_NS
from smbench.lift.rule import Applies, Calls, Case, ExchangeRule
from smbench.smb2.constants import (
    ALLOCATION,
    BASIC,
    DISPOSITION,
    DISPOSITIONS,
    END_OF_FILE,
    FULL_EA,
    INFO_FILE,
    INFO_FILESYSTEM,
    INFO_QUOTA,
    INFO_SECURITY,
    LINK,
    LINKS,
    MODE,
    PIPE,
    POSITION,
    RENAME,
    RENAMES,
    SHORT_NAME,
    VALID_DATA_LENGTH,
)
from smbench.smb2.filetime import EARLIEST_NS
from smbench.smb2.ntstatus import Errno, errnos_of
from smbench.smb2.paths import rename_target, share_path
from smbench.trace.messages import SetInfoRequest
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import (
    Call,
    Link,
    Rename,
    SetAllocation,
    SetAttributes,
    SetDelete,
    SetSecurity,
    SetTimes,
    Truncate,
)
from smbench.workload.model import Disposition

_SET = frozenset((Command.SET_INFO,))
_KEEP_ATTRIBUTES = 0
"""FileBasicInformation: attributes of 0 leave them as they are ([MS-FSCC] 2.4.7)."""


def set_of(exchange: Exchange) -> SetInfoRequest:
    """The SET_INFO request; empty where it is none."""
    request = exchange.request
    return request if isinstance(request, SetInfoRequest) else SetInfoRequest()


def _sets(levels: frozenset[int], *needs: str) -> Applies:
    """A rule for file information classes whose payload has what the call needs."""

    def applies(case: Case) -> bool:
        request = set_of(case.exchange)
        return (
            request.info_type == INFO_FILE
            and request.level in levels
            and all(getattr(request, name) is not None for name in needs)
        )

    return applies


def _sets_type(info_type: int) -> Applies:
    def applies(case: Case) -> bool:
        return set_of(case.exchange).info_type == info_type

    return applies


def target_of(case: Case) -> str:
    """Where a rename or link leads, relative to the target; `:name` is another stream of the same file."""
    target = set_of(case.exchange).target or ""
    if target.startswith(":"):
        return case.context.spell(rename_target(case.opened.path, target))
    return case.context.place(case.opened.tree, share_path(target, case.exchange.dfs))


def rename_target_of(case: Case) -> str | None:
    """Where an exchange renames its file to; None where it renames nothing."""
    request = set_of(case.exchange)
    renames = request.info_type == INFO_FILE and request.level in RENAMES and request.target is not None
    return target_of(case) if renames else None


def rename_calls(case: Case) -> tuple[Call, ...]:
    """The Rename that a SET_INFO asks for."""
    opened, request = case.opened, set_of(case.exchange)
    denied = opened.linux and is_denied_rename(case.exchange)
    return (
        Rename(
            opened.handle,
            opened.path,
            target_of(case),
            bool(request.replace),
            request.level or RENAME,
            denied_on_linux=denied,
        ),
    )


def is_denied_rename(exchange: Exchange) -> bool:
    """Whether a rename was refused in a way that a Linux client takes for a denial of access."""
    request, status = set_of(exchange), exchange.status
    return (
        request.info_type == INFO_FILE
        and request.level in RENAMES
        and request.target is not None
        and status is not None
        and Errno.EACCES in errnos_of(status)
    )


def _link(case: Case) -> tuple[Call, ...]:
    target = target_of(case)
    request = set_of(case.exchange)
    level = request.level or LINK
    return (Link(case.opened.handle, case.opened.path, target, bool(request.replace), level),)


def _set_delete(case: Case) -> tuple[Call, ...]:
    request, opened = set_of(case.exchange), case.opened
    level = request.level or DISPOSITION
    return (SetDelete(opened.handle, opened.path, bool(request.delete), opened.directory, level),)


def basic_times(request: SetInfoRequest) -> tuple[int | None, int | None, int | None, int | None]:
    """The times to set; -1 and -2 ([MS-FSCC] 2.4.7: stop, resume updates) and impossible ones set none."""
    created, accessed, written, changed = (
        value if value is not None and EARLIEST_NS < value < LATEST_NS else None
        for value in (request.created_ns, request.accessed_ns, request.written_ns, request.changed_ns)
    )
    return created, accessed, written, changed


def _sets_times(exchange: Exchange) -> bool:
    return any(value is not None for value in basic_times(set_of(exchange)))


def _sets_attributes(exchange: Exchange) -> bool:
    return set_of(exchange).attributes not in (None, _KEEP_ATTRIBUTES)


def _sets_both(case: Case) -> bool:
    return _is_basic(case) and _sets_times(case.exchange) and _sets_attributes(case.exchange)


def _basic_times(case: Case) -> tuple[Call, ...]:
    return (SetTimes(case.opened.handle, *basic_times(set_of(case.exchange))),)


def _basic_attributes(case: Case) -> tuple[Call, ...]:
    return (SetAttributes(case.opened.handle, set_of(case.exchange).attributes or 0),)


def _basic_both(case: Case) -> tuple[Call, ...]:
    return _basic_attributes(case) + _basic_times(case)


def _set_security(case: Case) -> tuple[Call, ...]:
    return (SetSecurity(case.opened.handle, set_of(case.exchange).additional or 0),)


def _only_attributes(case: Case) -> bool:
    return _is_basic(case) and _sets_attributes(case.exchange)


def _sized(call: type[Truncate] | type[SetAllocation]) -> Calls:
    def calls(case: Case) -> tuple[Call, ...]:
        return (call(case.opened.handle, set_of(case.exchange).size or 0),)

    return calls


def _class_name(case: Case) -> str:
    level = set_of(case.exchange).level or 0
    return _CLASSES.get(level, f"class {level}")


_CLASSES = {
    POSITION: "FilePositionInformation",
    MODE: "FileModeInformation",
    PIPE: "FilePipeInformation",
    VALID_DATA_LENGTH: "FileValidDataLengthInformation",
    SHORT_NAME: "FileShortNameInformation",
}
_KNOWN = RENAMES | LINKS | DISPOSITIONS | {BASIC, ALLOCATION, END_OF_FILE, FULL_EA}

_is_basic = _sets(frozenset((BASIC,)))

RULES: tuple[ExchangeRule, ...] = (
    ExchangeRule(
        name="rename",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: rename; whether it may replace stays in the call",
        commands=_SET,
        applies=_sets(RENAMES, "target"),
        calls=rename_calls,
    ),
    ExchangeRule(
        name="link",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: link",
        commands=_SET,
        applies=_sets(LINKS, "target"),
        calls=_link,
    ),
    ExchangeRule(
        name="set-delete",
        disposition=Disposition.EXACT,
        evidence="[MS-FSCC] 2.4.11; cifs-client §2: unlink just before the close",
        commands=_SET,
        applies=_sets(DISPOSITIONS, "delete"),
        calls=_set_delete,
    ),
    ExchangeRule(
        name="truncate",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: ftruncate to shrink, fallocate to grow",
        commands=_SET,
        applies=_sets(frozenset((END_OF_FILE,)), "size"),
        calls=_sized(Truncate),
    ),
    ExchangeRule(
        name="allocate",
        disposition=Disposition.EXACT,
        evidence="[MS-FSCC] 2.4.4; cifs-client §2: NtSetInformationFile class 19, nothing on Linux",
        commands=_SET,
        applies=_sets(frozenset((ALLOCATION,)), "size"),
        calls=_sized(SetAllocation),
    ),
    ExchangeRule(
        name="set-basic-both",
        disposition=Disposition.APPROXIMATE,
        reason="attributes and times set by one request are set by two calls",
        evidence="cifs-client §2: one field group a call",
        commands=_SET,
        applies=_sets_both,
        calls=_basic_both,
    ),
    ExchangeRule(
        name="set-attributes",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: setxattr user.cifs.dosattrib",
        commands=_SET,
        applies=_only_attributes,
        calls=_basic_attributes,
    ),
    ExchangeRule(
        name="set-times",
        disposition=Disposition.EXACT,
        evidence="cifs-client §2: utimensat; a request that sets nothing stays one that sets nothing",
        commands=_SET,
        applies=_is_basic,
        calls=_basic_times,
    ),
    ExchangeRule(
        name="set-security",
        disposition=Disposition.APPROXIMATE,
        reason="the security descriptor is set to what it is: the captured one names accounts that the "
        "target does not have",
        evidence="[MS-DTYP] 2.4.6; cifs-client §2: setxattr system.cifs_acl",
        commands=_SET,
        applies=_sets_type(INFO_SECURITY),
        calls=_set_security,
    ),
    ExchangeRule(
        name="set-filesystem",
        disposition=Disposition.UNSUPPORTED,
        reason="sets a property of the whole file system, which no client's file call does",
        evidence="[MS-FSCC] 2.5",
        commands=_SET,
        applies=_sets_type(INFO_FILESYSTEM),
    ),
    ExchangeRule(
        name="set-quota",
        disposition=Disposition.UNSUPPORTED,
        reason="quotas name the accounts of the captured server by SID, which the target does not have",
        evidence="[MS-SMB2] 2.2.39",
        commands=_SET,
        applies=_sets_type(INFO_QUOTA),
    ),
    ExchangeRule(
        name="set-cut",
        disposition=Disposition.UNSUPPORTED,
        reason="the capture holds only a part of the request",
        evidence="a snap length, or a payload that did not decode",
        commands=_SET,
        applies=_sets(_KNOWN),
    ),
    ExchangeRule(
        name="set-other",
        disposition=Disposition.UNSUPPORTED,
        reason="no call of a file system sets this class of information",
        evidence="[MS-FSCC] 2.4; cifs-client §2: impossible on Linux",
        commands=_SET,
        detail=_class_name,
    ),
)
