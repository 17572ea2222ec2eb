"""Which ordinary user the workers run as; root only mounts."""

from __future__ import annotations

import os
from collections.abc import Mapping

from smbench.identity import (
    Identity,
    is_root,
    lacking,
    ordinary_user,
    refuse_unreachable,
    this_user,
    user_name,
)
from smbench.mounts.target import ShareTarget, Target


def worker_identity(target: Target, environment: Mapping[str, str] | None = None) -> Identity | None:
    """Who touches the target's files; None: whoever this process is, on a directory.

    Of root: on a share whoever called sudo, else `nobody`, on a directory its owner. SetupError where root
    cannot become that user.
    """
    if not is_root():
        return this_user() if isinstance(target, ShareTarget) else None
    if not isinstance(target, ShareTarget):
        status = target.path.stat()
        owner = Identity(status.st_uid, status.st_gid, user_name(status.st_uid))
        if owner.uid == os.geteuid() and lacking(owner):
            return None  # there are no rights to give up
        refuse_unreachable(owner, f"calls on {target.path} are made as its owner")
        return owner
    return ordinary_user(environment)
