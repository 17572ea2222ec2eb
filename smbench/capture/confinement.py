"""What comes ahead of tshark in its process: no rights, no network, limits, nothing of its caller's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from smbench import confined
from smbench.capture.limits import NO_LIMITS, Limits
from smbench.errors import SetupError
from smbench.identity import ordinary_user

QUICK_S = 60
"""For what takes a quarter of a second on a machine that does nothing else."""
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP")
"""Of the environment: what a program needs to start, and nothing that may be secret."""


def command(limits: Limits, size: int, *program: str) -> list[str]:
    """A program as an ordinary user, without network, within the limits of who reads `size` bytes, which ends
    with this process."""
    if sys.platform == "win32":
        return [*program]
    user = ordinary_user()
    ids = (user.uid, user.gid) if user else (-1, -1)
    numbers = (os.getpid(), *ids, limits.memory(), limits.cpu(size), limits.unpacked(size))
    return [sys.executable, "-I", "-S", confined.__file__, *map(str, numbers), *program]


def surroundings(folder: Path) -> dict[str, Any]:
    """Arguments for subprocess: at home and configured in `folder`, with nothing else, and in a process group
    of its own: where tshark is a script, what that starts ends with it."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # By the working directory: it is entered before rights are given up, so that the folders above need not
    # be open to that user. HOME, because plug-ins are looked for there whatever the configuration is.
    environment |= {"HOME": str(folder), "WIRESHARK_CONFIG_DIR": os.curdir, "LC_ALL": "C.UTF-8"}
    return {"cwd": folder, "env": environment, **({} if sys.platform == "win32" else {"process_group": 0})}


def not_started(status: int, said: str) -> str:
    """Why there was no program at all; nothing where there was one."""
    return (
        said.removeprefix(confined.FAILED)
        if status == confined.FAILED_STATUS and confined.FAILED in said
        else ""
    )


def network_kept() -> str:
    """Why tshark keeps this machine's network here; nothing where it has none. SetupError where that cannot
    be told, because it does not start either."""
    try:
        done = subprocess.run(
            command(NO_LIMITS, 0), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=QUICK_S, check=False, **surroundings(Path(os.sep)),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise SetupError(f"what becomes tshark does not start: {error}") from None
    if done.returncode:
        raise SetupError(f"what becomes tshark does not start: {done.stderr.strip()}")
    return str(done.stdout).strip()
