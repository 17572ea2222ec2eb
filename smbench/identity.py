"""The ordinary user in whose place root works: whoever called sudo, else `nobody`.

What reads strangers' files (tshark) and what makes file calls (workers) runs as that user; root only mounts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smbench.errors import SetupError

_NO_CHANGE = 2**32 - 1
"""No id: setuid(2) and chown(2) take it for "leave it as it is"."""
_OF_THIS_PROCESS = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and group ids that a process changes to, and the user's name for messages."""

    uid: int
    gid: int
    name: str

    def process(self) -> dict[str, Any]:
        """The arguments of subprocess.Popen by which a child is this user, and in no other group."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def is_root() -> bool:
    """Whether this process is root; nobody is on Windows."""
    return sys.platform != "win32" and os.geteuid() == 0


def this_user() -> Identity:
    """Who this process is."""
    return Identity(os.getuid(), os.getgid(), user_name(os.getuid()))


def ordinary_user(environment: Mapping[str, str] | None = None) -> Identity | None:
    """Whom root gives up its rights for; None: this process has none to give up.

    SetupError where it cannot: in a user namespace without such a user.
    """
    if not is_root():
        return None
    if caller := sudo_caller(environment):
        return caller
    import pwd  # not everywhere

    try:
        found = pwd.getpwnam("nobody")
        nobody = Identity(found.pw_uid, found.pw_gid, found.pw_name)
    except KeyError:
        nobody = Identity(65534, 65534, "nobody")
    refuse_unreachable(nobody, "what root does not do itself is done as nobody")
    return nobody


@contextmanager
def acting_as(identity: Identity | None) -> Iterator[None]:
    """This process, root, acts as that user meanwhile, with all its threads: what it makes of names that
    others may replace it may do nowhere else. None: as whoever it is."""
    if identity is None or not is_root():
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(identity.gid)
    os.seteuid(identity.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def sudo_caller(environment: Mapping[str, str] | None = None) -> Identity | None:
    """Who became root by sudo; None: nobody did, or nobody whom this process could become."""
    environment = os.environ if environment is None else environment
    uid, gid = _id(environment.get("SUDO_UID", "")), _id(environment.get("SUDO_GID", ""))
    if not is_root() or not uid or gid is None:
        return None
    caller = Identity(uid, gid, user_name(uid))
    return None if lacking(caller) else caller


def hand_over(path: Path) -> None:
    """The file, or the folder with all in it, to who called sudo, if somebody did. No link is followed."""
    caller = sudo_caller()
    if caller is None:
        return
    if path.is_dir() and not path.is_symlink():
        # From below, so that nobody else can put something in meanwhile.
        for _, folders, files, directory in os.fwalk(path, topdown=False):
            for name in (*folders, *files):
                os.chown(name, caller.uid, caller.gid, dir_fd=directory, follow_symlinks=False)
    os.chown(path, caller.uid, caller.gid, follow_symlinks=False)


def _id(text: str) -> int | None:
    """A user's or a group's number; None where no user and no group can have it."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_NO_CHANGE))):
        return None
    number = int(text)
    return number if number < _NO_CHANGE else None


def refuse_unreachable(identity: Identity, why: str) -> None:
    """SetupError where this process, root, cannot become that user; `why` it would."""
    if what := lacking(identity):
        raise SetupError(
            f"{why}, and this root cannot become {identity.name} (uid {identity.uid}, gid {identity.gid}): "
            f"it is root of a user namespace only, which {what}; run it as an ordinary user, or as root of a "
            "namespace that has more users (as unshare --map-auto makes it, or rootless podman)"
        )


def lacking(identity: Identity) -> str | None:
    """What this process' user namespace lacks to become that user (user_namespaces(7)); None: nothing."""
    if not _mapped("uid_map", identity.uid):
        return "has no such user (/proc/self/uid_map)"
    if not _mapped("gid_map", identity.gid):
        return "has no such group (/proc/self/gid_map)"
    if _told("setgroups").strip() == "deny":
        return "forbids to give up groups (/proc/self/setgroups)"
    return None


def _mapped(table: str, number: int) -> bool:
    """Whether a table of the namespace has the id; what has no such table has no namespaces either."""
    rows = [[int(word) for word in line.split()] for line in _told(table).splitlines()]
    return not rows or any(first <= number < first + count for first, _, count in rows)


def _told(name: str) -> str:
    try:
        return (_OF_THIS_PROCESS / name).read_text(encoding="ascii")
    except OSError:
        return ""


def user_name(uid: int) -> str:
    """A user's name; the number where the system knows none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
