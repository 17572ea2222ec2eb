"""A call that tells without a capture what kind of client a mount has."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp


def hides_what_is_open(root: Path) -> bool | None:
    """Whether the client of a mount renames what is open and to be removed, as those of NFS do, and of Linux
    7.2: what is removed there is listed under another name while it is open, elsewhere under its own or not
    at all. None where nothing can be made, so that it does not tell."""
    try:
        folder = Path(mkdtemp(prefix=".smbench-", dir=root))
    except OSError:
        return None
    try:
        file = folder / "open"
        with file.open("xb"):
            file.unlink()
            return any(one.name != file.name for one in folder.iterdir())
    except OSError:
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
