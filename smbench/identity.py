"""The ordinary user in whose place root works: whoever called sudo, else `nobody`.

What reads strangers' files (tshark) and what makes file calls (workers) runs as that user; root only mounts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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


def ordinary_user(environment: Mapping[str, str] | None = None) -> Identity | None:
    """Whom root gives up its rights for; None: this process has none to give up."""
    if not is_root():
        return None
    if caller := sudo_caller(environment):
        return caller
    import pwd  # not everywhere

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Identity(65534, 65534, "nobody")
    return Identity(nobody.pw_uid, nobody.pw_gid, nobody.pw_name)


def sudo_caller(environment: Mapping[str, str] | None = None) -> Identity | None:
    """Who became root by sudo; None: nobody did."""
    environment = os.environ if environment is None else environment
    uid, gid = environment.get("SUDO_UID", ""), environment.get("SUDO_GID", "")
    if is_root() and uid.isdecimal() and gid.isdecimal() and int(uid):
        return Identity(int(uid), int(gid), user_name(int(uid)))
    return None


def user_name(uid: int) -> str:
    """A user's name; the number where the system knows none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
