"""`smbench.prepare.removal` for Windows, by names: links are looked at, and never followed."""

from __future__ import annotations

import stat
from collections.abc import Callable

from smbench.paths.beneath_windows import Beneath
from smbench.prepare.attributes_windows import make_writable
from smbench.prepare.filesystem import FileSystem
from smbench.prepare.ours import Ours


def remove(beneath: Beneath, path: str, _system: FileSystem, _ours: Ours) -> int:
    """Remove a file, or a directory with all in it; how many names went. Raises OSError. There is nothing by
    which what was made could be told from what has its name now."""
    try:
        status = beneath.stat(path)
    except FileNotFoundError:
        return 0
    if not stat.S_ISDIR(status.st_mode):
        return _removed(beneath, path, beneath.unlink)
    gone = 0
    for name, _ in list(beneath.entries(path)):
        gone += remove(beneath, f"{path}/{name}", _system, _ours)
    return gone + _removed(beneath, path, beneath.rmdir)


def _removed(beneath: Beneath, path: str, how: Callable[[str], None]) -> int:
    try:
        how(path)
    except FileNotFoundError:
        return 0
    except PermissionError:
        # READONLY forbids removal ([MS-FSA] 2.1.5.1.2.1).
        make_writable(beneath, path)
        how(path)
    return 1
