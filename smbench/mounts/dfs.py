"""Where DFS leads: the referrals that the kernel's client has been given, and what they make of a target.

/proc/fs/cifs/dfscache (dfscache_proc_show, fs/smb/client/dfs_cache.c) has an entry for each path that a
server answered for, with the targets that it named:

    cache entry: path=\\srv\\dfs\\link,type=link,ttl=600,…
      \\fs1\\data\\folder (target hint)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from smbench.errors import UsageError
from smbench.mounts.options import GIVEN, Option
from smbench.mounts.target import ShareTarget, parse_target

NODFS = "nodfs"
DFS = "dfs"
"""No option of the kernel's, which follows links unless it is told not to."""
_CACHE = Path("/proc/fs/cifs/dfscache")
_ENTRY = re.compile(r"^cache entry: path=(\\[^\n]*?),type=[^\n]*\n((?:[ \t]+\\[^\n]*\n?)*)", re.MULTILINE)
_HINT = " (target hint)"
_MOST_STEPS = 8
"""From one link to the next ([MS-DFSC] leaves the number to the client, which has to end somewhere)."""


@dataclass(frozen=True, slots=True)
class Referral:
    """A path and what stands for it, both as `server`, `share` and folders."""

    path: tuple[str, ...]
    leads_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lead:
    """What is mounted for a target, once that has been found out."""

    mounted: ShareTarget
    leads_to: ShareTarget | None = None
    """Where DFS leads the target; None: it is where it says."""
    follows: bool = False
    """It holds links, and `nodfs` was dropped so that the client follows them."""

    @property
    def where(self) -> ShareTarget:
        """Where its files are."""
        return self.leads_to or self.mounted

    def options(self, own: Iterable[Option]) -> tuple[Option, ...]:
        """Those of one of its mounts."""
        return following(own) if self.follows else tuple(own)

    def told(self, named: ShareTarget) -> list[str]:
        """What a result says of it."""
        found = []
        if self.leads_to is not None:
            found.append(leads_elsewhere(str(named), str(self.leads_to)))
        if self.follows:
            found.append(
                f"{named} holds DFS links, so it is mounted without nodfs and the client follows them: its "
                "listings ask for no inode numbers then, and what goes to other servers is not in a capture "
                "of the wire (--mount-option nodfs, where no link is needed)"
            )
        return found


def leads_elsewhere(named: str, where: str) -> str:
    """What a result says of a target that is behind a link."""
    return f"{named} is in DFS, which leads to {where}: that is where the files are"


def read_referrals() -> list[Referral]:
    """Those that the client has; none where it keeps none or may not be asked."""
    try:
        return parse_referrals(_CACHE.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return []


def parse_referrals(text: str) -> list[Referral]:
    """One for each entry that names a target: the one that the client goes to first."""
    found = []
    for path, lines in _ENTRY.findall(text):
        targets = [line.strip() for line in lines.splitlines() if line.strip()]
        chosen = next((one for one in targets if one.endswith(_HINT)), targets[0] if targets else None)
        if chosen is not None:
            found.append(Referral(_parts(path), _parts(chosen.removesuffix(_HINT))))
    return found


def led(target: ShareTarget, referrals: Iterable[Referral]) -> ShareTarget | None:
    """Where the referrals lead a target; None where they leave it as it is, or lead to no share."""
    known = sorted(referrals, key=lambda referral: len(referral.path), reverse=True)
    start = path = tuple(target.unc[2:].split("/"))
    for _ in range(_MOST_STEPS):
        step = next((one for one in known if _begins(path, one.path)), None)
        if step is None or _same(step.leads_to, step.path):
            break
        path = (*step.leads_to, *path[len(step.path) :])
    if _same(path, start):
        return None
    try:
        found = parse_target("//" + "/".join(path))
    except UsageError:
        return None
    assert isinstance(found, ShareTarget)
    return replace(found, port=target.port)


def following(options: Iterable[Option]) -> tuple[Option, ...]:
    """The same without `nodfs`."""
    kept = (option for option in options if option.name != NODFS)
    return (*kept, Option(DFS, None, "the target is in DFS, whose links the client follows"))


def keeps_off(options: Iterable[Option]) -> bool:
    """Whether `nodfs` stands there, and nobody asked for it."""
    return any(option.name == NODFS and option.reason != GIVEN for option in options)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("\\") if part)


def _begins(path: tuple[str, ...], beginning: tuple[str, ...]) -> bool:
    return _same(path[: len(beginning)], beginning)


def _same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return [part.casefold() for part in one] == [part.casefold() for part in other]
