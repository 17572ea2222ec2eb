"""What the helper's actions share: the caller, root's own folder, and programs started with nothing of an
environment. Only the standard library: this runs as root."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BY_ROOT = "root"
"""The helper's argument where root started it, and nobody's sudo."""
RUNTIME_FOLDER = Path("/run/smbench-mount")
"""Of all mounts and their states; /run is emptied at boot, and so are the mounts."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RefusedError(Exception):
    """A request that is not carried out, in words."""


@dataclass(slots=True)
class Caller:
    """Who asks, as the kernel says with every request (SCM_CREDENTIALS, unix(7))."""

    pid: int
    uid: int
    gid: int
    only: int | None
    """The user by whose line of sudoers the helper runs; None: root itself started it, for whoever asks."""

    def whose(self, asked: Sequence[int] | None) -> tuple[int, int]:
        """User and group that mounts are for: the caller's own; root may ask for another's."""
        if self.uid == 0 and asked is not None:
            uid, gid = asked
            return int(uid), int(gid)
        return self.uid, self.gid


def runtime_folder(place: Path = RUNTIME_FOLDER) -> int:
    """A descriptor of the folder of all runs: it is this user's (root's), and nobody else may write to it."""
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o711)
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        os.close(descriptor)
        raise RefusedError(f"{place} is not root's alone: remove it")
    return descriptor


def text_of(path: Path, most_bytes: int) -> str:
    """What a file of root's holds, up to so much; nothing, where it is no ordinary file. OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return ""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most_bytes).decode(errors="replace")


def program(name: str) -> str | None:
    """Where a program of the system is."""
    places = (f"{folder}/{name}" for folder in PATH.split(":"))
    return next((place for place in places if os.access(place, os.X_OK)), None)


def start(command: list[str], *descriptors: int) -> subprocess.Popen[bytes]:
    """A program whose stderr is kept. A session of its own: Ctrl-C is for whoever asked, not for a mount in
    its middle."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/",
        pass_fds=descriptors, start_new_session=True, env={"PATH": PATH, "LC_ALL": "C"},
    )  # fmt: skip
