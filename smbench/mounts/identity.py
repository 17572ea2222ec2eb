"""Which ordinary user the workers run as; root only mounts."""

from __future__ import annotations

from collections.abc import Mapping

from smbench.identity import Identity, is_root, ordinary_user, user_name
from smbench.mounts.target import ShareTarget, Target


def worker_identity(target: Target, environment: Mapping[str, str] | None = None) -> Identity | None:
    """Who touches the target's files; None: nobody changes (the caller is not root).

    A share: whoever called sudo, else `nobody`. A directory: its owner.
    """
    if not is_root():
        return None
    if not isinstance(target, ShareTarget):
        status = target.path.stat()
        return Identity(status.st_uid, status.st_gid, user_name(status.st_uid))
    return ordinary_user(environment)
