"""Asking the server and not the client's caches: a mount may trust what it knows for an hour (actimeo).

What another mount, or the server itself, made of a file since shows only so. (That a name was not there
cifs.ko remembers for a second, and nothing shortens that.) On a local file system nothing is different.
"""

from __future__ import annotations

import os
from contextlib import suppress
from errno import ELOOP, ENOTDIR, ESTALE

from smbench.errors import UsageError
from smbench.paths.beneath import Beneath
from smbench.paths.openat2 import DIRECTORY
from smbench.prepare.filesystem import EXCHANGED, Made
from smbench.prepare.statx import made_at, refresh_at


def refresh(beneath: Beneath, path: str) -> None:
    """Make the next stat of `path` tell what is so now. Raises OSError where it is not there."""
    beneath.call(path, refresh_at)


def lstat(beneath: Beneath, path: str) -> os.stat_result:
    """What lstat says, as it is now. Raises OSError where it is not there."""
    refresh(beneath, path)
    return beneath.stat(path)


def made_of(beneath: Beneath, path: str) -> Made:
    """Which file has a name; of a local file system. Raises OSError where it is not there."""
    return beneath.call(path, made_at)


def made_by(descriptor: int) -> Made:
    """Which file a descriptor has open; of a local file system."""
    return made_at(descriptor)


def fresh_folder(beneath: Beneath, path: str, began_ns: int) -> Made:
    """Which folder was made just now, at a path of a local file system. OSError where that is not what has
    the name: one of this process' own, born since `began_ns`."""
    descriptor = beneath.open(path, DIRECTORY)
    try:
        made = made_at(descriptor)
        if os.fstat(descriptor).st_uid != os.geteuid() or 0 < made.born_ns < began_ns:
            raise OSError(ESTALE, EXCHANGED, path)
        return made
    finally:
        os.close(descriptor)


def make_folder(target: Beneath, name: str, owner: tuple[int, int] | None) -> Beneath:
    """What is beneath a folder in the target, which is made, and given to its owner, where it is not there.

    UsageError where something else has the name, as a link.
    """
    made = False
    with suppress(FileExistsError):
        target.mkdir(name, 0o755)
        made = True
    try:
        beneath = target.inside(name)
    except OSError as error:
        if error.errno not in (ELOOP, ENOTDIR):
            raise
        raise UsageError(
            f"{name} in the target is a link or a file, and a clone needs a folder of its own: move it away"
        ) from error
    if made and owner is not None:
        if os.stat(".", dir_fd=beneath.root.fd).st_uid != os.geteuid():
            raise OSError(ESTALE, EXCHANGED, name)
        os.chown(".", *owner, dir_fd=beneath.root.fd, follow_symlinks=False)
    return beneath


def forget_if_gone(beneath: Beneath, path: str) -> bool:
    """Make the client forget a name that the server has no more; whether it was so.

    cifs.ko answers EEXIST for a name that it remembers, and asks nobody.
    """
    try:
        refresh(beneath, path)
    except OSError:
        # Removing what is not there makes the client drop the name.
        for drop in (beneath.unlink, beneath.rmdir):
            with suppress(OSError):
                drop(path)
        return True
    return False
