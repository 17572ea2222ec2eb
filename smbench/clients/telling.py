"""Calls that tell, without a capture and in less than a second, whether a client does as its profile says.

The kernel counts what its client sends (/proc/fs/cifs/Stats): a handful of trials, each between two readings
of these counters, is enough to tell the known clients apart, and to notice one that is not known.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from smbench.clients.profile import ClientProfile
from smbench.identity import Identity, acting_as
from smbench.prepare.manifest import TRIAL_FOLDERS

_COUNTERS = {
    "CREATE": "Creates", "CLOSE": "Closes", "FLUSH": "Flushes", "READ": "Reads", "WRITE": "Writes",
    "LOCK": "Locks", "IOCTL": "IOCTLs", "QUERY_DIRECTORY": "QueryDirectories", "QUERY_INFO": "QueryInfos",
    "SET_INFO": "SetInfos",
}  # fmt: skip
"""By command, its line of Stats (fs/smb/client/smb2ops.c, smb2_print_stats). Breaks come when they come."""

_QUIET_S = 0.02
"""Some clients close a little later what they have closed for their callers (Linux 7.2)."""

TELLING = (
    "open with O_TRUNC", "open again with O_NONBLOCK", "open again with O_NOATIME", "truncate to less",
    "ftruncate to less", "futimens", "fallocate to more", "unlink what a descriptor names",
)  # fmt: skip
"""Of the trials in which known clients differ, whatever the server is, some of each kind: they tell apart all
whose habits differ (`strategies`)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a client sent."""

    counts: Mapping[str, Mapping[str, int]]
    """By trial, how often each command was sent."""
    unsent: Collection[str] = ()
    """Commands that the mount's options keep it from sending where profiles have them."""


def counted(sent: Iterable[str]) -> Counter[str]:
    """How often each command stands in messages in words (`wording`)."""
    return Counter(command for message in sent for command in _commands(message))


def _commands(message: str) -> Iterable[str]:
    """The first word of each part of a compound."""
    for part in message.lstrip("(").split("+"):
        word = part.partition(" ")[0].rstrip(")")
        if word in _COUNTERS:
            yield word


def tell(
    root: Path, identity: Identity | None, read: Callable[[], Mapping[str, int]],
    names: Sequence[str] = TELLING, unsent: Collection[str] = (),
) -> Told | None:  # fmt: skip
    """Make these trials as `identity`, in a folder on the mount at `root` that is gone afterwards. `read`
    gives the mount's counters; {} where nothing is counted. None where that is so, or nothing can be made."""
    # Linux's own, and this module is imported everywhere.
    from smbench.clients.calibration import try_all
    from smbench.clients.trials import TRIALS

    if not read():
        return None
    with acting_as(identity):
        try:
            folder = Path(mkdtemp(prefix=TRIAL_FOLDERS, dir=root))
        except OSError:
            return None
    try:
        trials = {name: TRIALS[name] for name in names}
        tried = try_all(folder, read, lambda *_: None, identity, trials, quiet_s=_QUIET_S)
    except OSError:
        return None
    finally:
        with acting_as(identity):
            shutil.rmtree(folder, ignore_errors=True)
    counts = {
        one.name: {
            command: change
            for command, line in _COUNTERS.items()
            if (change := one.ended.get(f"{line}.total", 0) - one.begun.get(f"{line}.total", 0))
        }
        for one in tried
    }
    return Told(counts, unsent)


def otherwise(profile: ClientProfile, told: Told | None) -> list[str]:
    """The trials in which the client did not send what the profile says, as far as is counted."""
    if told is None:
        return []

    def sent(counts: Mapping[str, int]) -> dict[str, int]:
        return {command: count for command, count in counts.items() if command not in told.unsent}

    return [
        name
        for name, counts in told.counts.items()
        if name in profile.calls and sent(counted(profile.calls[name])) != sent(counts)
    ]
