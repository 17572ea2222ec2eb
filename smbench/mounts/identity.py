"""Which ordinary user the workers run as; root only mounts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from smbench.mounts.target import ShareTarget, Target


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and group ids that a worker changes to, and the user's name for messages."""

    uid: int
    gid: int
    name: str


def worker_identity(target: Target, environment: Mapping[str, str] | None = None) -> Identity | None:
    """Who touches the target's files; None: nobody changes (the caller is not root).

    A share: whoever called sudo, else `nobody`. A directory: its owner.
    """
    if os.geteuid() != 0:
        return None
    if not isinstance(target, ShareTarget):
        status = target.path.stat()
        return Identity(status.st_uid, status.st_gid, _name(status.st_uid))
    if caller := sudo_caller(environment):
        return caller
    import pwd  # not everywhere

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Identity(65534, 65534, "nobody")
    return Identity(nobody.pw_uid, nobody.pw_gid, nobody.pw_name)


def sudo_caller(environment: Mapping[str, str] | None = None) -> Identity | None:
    """The ordinary user who became root by sudo; None where nobody did."""
    environment = os.environ if environment is None else environment
    uid, gid = environment.get("SUDO_UID", ""), environment.get("SUDO_GID", "")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    if not (uid.isdecimal() and gid.isdecimal() and int(uid)):
        return None
    return Identity(int(uid), int(gid), _name(int(uid)))


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
