"""What the Linux kernel's client (cifs.ko) sends beside what its callers asked for.

A replay through the same client would send it again, so it belongs to the call that it comes with, which
says that it came with it. A probe of its own is a call that only another client repeats. The client's
look-ups before an open, a mkdir, a rename or an unlink of what is there stay stats: the replayed stat fills
the client's caches, as the captured one did, and the call that follows repeats nothing.
"""

from __future__ import annotations

from dataclasses import replace

from smbench.lift.rule import Case, ExchangeRule, Opened, OpenRule, Rule, RunRule
from smbench.lift.rules.linux_ranges import asks_key
from smbench.lift.rules.opens import open_call
from smbench.lift.rules.set_info import basic_times, set_of
from smbench.lift.rules.steps import Steps, empties, flushes, marks_sparse, sets_size, sets_times
from smbench.lift.rules.whole_opens import (
    asks_attributes,
    opens_for_attributes,
    stat_call,
)
from smbench.smb2.constants import (
    FILE_WRITE_ATTRIBUTES,
    FS_ATTRIBUTE,
    FS_DEVICE,
    FS_SECTOR_SIZE,
    FS_VOLUME,
    INFO_FILESYSTEM,
    OPEN,
    OVERWRITE,
    OVERWRITE_IF,
)
from smbench.trace.messages import CreateResponse, QueryInfoRequest
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import Call, SetTimes, Truncate
from smbench.workload.model import Disposition

_PROBES = frozenset((FS_ATTRIBUTE, FS_DEVICE, FS_VOLUME, FS_SECTOR_SIZE))
"""File system classes that mount asks for (fs/smb/client/smb2ops.c, smb3_qfs_tcon)."""
_MOUNT_LOOKS = 3
"""Opens of the root that follow: two of is_path_accessible, one of the root inode."""


def _asks_file_system(exchange: Exchange) -> bool:
    request = exchange.request
    return (
        isinstance(request, QueryInfoRequest)
        and request.info_type == INFO_FILESYSTEM
        and request.level in _PROBES
    )


def is_setting_times(opened: Opened) -> bool:
    """Whether an open did nothing but set times."""
    return not opened.failed and [sets_times(exchange) for exchange in opened.body] == [True]


_OPENS: tuple[OpenRule, ...] = (
    OpenRule(
        name="times-by-name",
        disposition=Disposition.EXACT,
        evidence="fs/smb/client/smb2inode.c, smb2_set_file_info: since October 2025 (in stable kernels too) "
        "times are set by the name, also of an open file: cifs-client §7",
        begins=lambda opened: opened.completes is not None,
        body=sets_times,
        longest=1,
        complete=is_setting_times,
    ),
    OpenRule(
        name="mount-probe",
        disposition=Disposition.CLIENT,
        reason="mounting asks about the share's file system by itself",
        evidence="cifs-client §2: CREATE of the root, FS queries 5, 4, 1 and 11, CLOSE; first on its tree",
        answerable=False,
        begins=lambda opened: opened.linux and opened.nth == 0 and opens_for_attributes(opened),
        body=_asks_file_system,
        longest=len(_PROBES),
        complete=lambda opened: len(opened.body) > 1,
    ),
    OpenRule(
        name="mount-look",
        disposition=Disposition.CLIENT,
        reason="mounting looks at the share's root by itself",
        evidence="cifs-client §2: two CREATE and CLOSE of the root and a STATOPEN after the mount's probe",
        answerable=False,
        begins=lambda opened: (
            opened.linux and 0 < opened.nth <= _MOUNT_LOOKS and opens_for_attributes(opened)
        ),
        body=asks_attributes,
        longest=1,
    ),
    OpenRule(
        name="look-after-mkdir",
        disposition=Disposition.CLIENT,
        reason="the client looks by itself at the directory that it has just made",
        evidence="cifs-client §1: mkdir is CREATE and CLOSE, then a STATOPEN",
        answerable=True,
        begins=lambda opened: opened.linux and opened.follows_mkdir and opens_for_attributes(opened),
        body=asks_attributes,
        longest=1,
        call=stat_call,
    ),
)


LOOK_BEFORE = Rule(
    name="look-before",
    disposition=Disposition.CLIENT,
    reason="the client looks by itself for the name that it is about to make",
    evidence="fs/smb/client/dir.c, cifs_d_revalidate: a name that is not there is looked up again before a "
    "mkdir, a link or a rename to it, whatever is cached; only an open that creates goes without "
    "(cifs-client §3)",
    answerable=True,
)
"""Told by what comes after it (`smbench.lift.recogniser`); its call is a Stat."""

FLUSH_BEFORE = Rule(
    name="flush-before",
    disposition=Disposition.CLIENT,
    reason="the client flushes by itself what is open for writing before it sets attributes by the name",
    evidence="fs/smb/client/inode.c, cifs_setattr_nounix: a flush of the open that may write; since October "
    "2025 (smb2_set_file_info, in stable kernels too) what follows is by the name, not on that open: "
    "cifs-client §7",
    answerable=True,
)
"""Told by what comes after it, as LOOK_BEFORE; its call is a Flush."""


def sets_by_name(opened: Opened) -> bool:
    """Whether the client opens a file only to set its attributes, for a call."""
    return opens_to_set(opened) and not opened.retries_removal


def opens_to_set(opened: Opened) -> bool:
    """Whether the client opens a file only to set its attributes, in one message."""
    request, create = opened.request, opened.create
    return (
        opened.linux
        and request.access == FILE_WRITE_ATTRIBUTES
        and request.disposition == OPEN
        and create is not None
        and create.compound is not None
    )


def _has_that_size(opened: Opened, exchange: Exchange) -> bool:
    """Whether a file is given the size that it had when it was opened."""
    create = opened.create
    if create is None or not opened.linux or not sets_size(exchange):
        return False
    size = set_of(exchange).size
    return bool(size) and isinstance(create.response, CreateResponse) and size == create.response.size


_BEFORE_COPIES = ExchangeRule(
    name="size-before-copy",
    disposition=Disposition.CLIENT,
    reason="before a server-side copy the client sets the size that the source has",
    evidence="cifs-client §2; fs/smb/client/cifsfs.c, cifs_precopy_set_eof. An ftruncate sends more",
    answerable=True,
    commands=frozenset((Command.SET_INFO,)),
    applies=lambda case: _has_that_size(case.opened, case.exchange),
    calls=lambda case: (Truncate(case.opened.handle, set_of(case.exchange).size or 0),),
)

_TRUNCATE = Steps(
    ((flushes, sets_size, sets_times), (flushes, marks_sparse, sets_size, sets_times)),
)
_EMPTY = Steps(((flushes, empties, sets_times),), first=1)
_SET_TIMES = Steps(((flushes, sets_times),))
_TRUNCATE_BY_NAME, _EMPTY_BY_NAME, _SET_TIMES_BY_NAME = (
    Steps(tuple(shape[:-1] for shape in steps.shapes), steps.first)
    for steps in (_TRUNCATE, _EMPTY, _SET_TIMES)
)
"""But for the times, of clients that set them by the name."""


def _flushes_on_linux(case: Case) -> bool:
    return case.opened.linux and flushes(case.exchange)


def _truncates_by_opening(case: Case) -> bool:
    opened = case.opened
    return opened.linux and not opened.failed and opened.request.disposition in (OVERWRITE, OVERWRITE_IF)


def _times(exchange: Exchange) -> tuple[int, ...]:
    return tuple(-1 if time is None else time for time in basic_times(set_of(exchange)))


def _open_truncating(opened: Opened, setter: Opened | None = None) -> Call:
    times = _times(_setting(opened, setter))
    return replace(open_call(opened), times=times, times_by_name=setter is not None)


def _truncate(opened: Opened, setter: Opened | None = None) -> Call:
    size = next(set_of(exchange).size for exchange in opened.waiting if sets_size(exchange))
    setting, sparse = _setting(opened, setter), any(map(marks_sparse, opened.waiting))
    times = _times(setting) if sets_times(setting) else None
    return Truncate(opened.handle, size or 0, sparse, times, setter is not None, flushed=True)


def _truncates_on(opened: Opened, exchange: Exchange) -> bool:
    """A key behind a size that was set alone is another call's: a range is put in, without a flush."""
    return _TRUNCATE.continue_with(opened, exchange) or (
        _TRUNCATE_BY_NAME.are_made(opened) and asks_key(exchange)
    )


def _truncates(opened: Opened) -> bool:
    """With times, or without any: those that are set by the name `complete_by_name` tells of before."""
    first, last = opened.waiting[0], opened.waiting[-1]
    at_once = (
        last.index - first.index == len(opened.waiting) - 1
    )  # else two calls: a flush, and a copy's size
    return _TRUNCATE.are_made(opened) or (
        _TRUNCATE_BY_NAME.are_made(opened) and at_once and not _has_that_size(opened, last)
    )


def _set_times(opened: Opened, setter: Opened | None = None) -> Call:
    times = basic_times(set_of(_setting(opened, setter)))
    return SetTimes(opened.handle, *times, flushed=True, times_by_name=setter is not None)


def _setting(opened: Opened, setter: Opened | None) -> Exchange:
    """What sets the times: the last one on the open, or on the one that its client made for them."""
    return opened.waiting[-1] if setter is None else setter.body[0]


_RUNS: tuple[RunRule, ...] = (
    RunRule(
        name="open-truncating",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: O_TRUNC is CREATE(OVERWRITE), FLUSH, SET_INFO(EOF), SET_INFO(Basic)",
        command=Command.CREATE,
        begins=_truncates_by_opening,
        continues=_EMPTY.continue_with,
        ends=_EMPTY.are_made,
        complete=_EMPTY.are_made,
        call=_open_truncating,
        complete_by_name=_EMPTY_BY_NAME.are_made,
        call_by_name=_open_truncating,
    ),
    RunRule(
        name="truncate-on-linux",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: ftruncate is FLUSH, SET_SPARSE if it grows, SET_INFO(EOF, Basic); on 7.2 "
        "without the last: cifs-client §7",
        command=Command.FLUSH,
        begins=_flushes_on_linux,
        continues=_truncates_on,
        ends=_TRUNCATE.are_made,
        complete=_truncates,
        call=_truncate,
        complete_by_name=_TRUNCATE_BY_NAME.are_made,
        call_by_name=_truncate,
    ),
    RunRule(
        name="set-times-on-linux",
        disposition=Disposition.EXACT,
        evidence="cifs-client §1: utimensat on a handle open for writing is FLUSH and SET_INFO(Basic)",
        command=Command.FLUSH,
        begins=_flushes_on_linux,
        continues=_SET_TIMES.continue_with,
        ends=_SET_TIMES.are_made,
        complete=_SET_TIMES.are_made,
        call=_set_times,
        complete_by_name=_SET_TIMES_BY_NAME.are_made,
        call_by_name=_set_times,
    ),
)

RULES: tuple[Rule, ...] = (
    *_OPENS, *_RUNS, _BEFORE_COPIES, LOOK_BEFORE, FLUSH_BEFORE,
)  # fmt: skip
