"""How this system opens a target: by CIFS mounts on Linux, by logons on Windows, and not both imported."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from smbench.mounts.windows.mounting import (
        derive_options,
        open_target,
        stream_options,
        worker_identity,
    )
else:
    from smbench.mounts.identity import worker_identity
    from smbench.mounts.options import derive_options, stream_options
    from smbench.mounts.session import open_target

ACCOUNTS_NEEDED = sys.platform != "win32"
"""Whether a share needs accounts: Windows reaches it also as whoever is logged on."""

__all__ = ["ACCOUNTS_NEEDED", "derive_options", "open_target", "stream_options", "worker_identity"]
