"""This system's way with names, attributes and listings; of the other's nothing is imported."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from smbench.paths.beneath_windows import Beneath
    from smbench.prepare.attributes_windows import (
        apply,
        hide,
        probe,
        read_attributes,
        read_created_ns,
        read_eas,
    )
    from smbench.prepare.fresh_windows import (
        beneath_roots,
        entries,
        forget_if_gone,
        free_bytes,
        fresh_folder,
        lstat,
        made_by,
        made_of,
        make_folder,
    )
    from smbench.prepare.removal_windows import remove
else:
    from smbench.paths.beneath import Beneath
    from smbench.paths.streams import beneath as beneath_roots
    from smbench.prepare.attributes import (
        apply,
        hide,
        probe,
        read_attributes,
        read_created_ns,
        read_eas,
    )
    from smbench.prepare.fresh import forget_if_gone, fresh_folder, lstat, made_by, made_of, make_folder
    from smbench.prepare.listing import entries, free_bytes
    from smbench.prepare.removal import remove

__all__ = [
    "Beneath",
    "apply",
    "beneath_roots",
    "entries",
    "forget_if_gone",
    "free_bytes",
    "fresh_folder",
    "hide",
    "lstat",
    "made_by",
    "made_of",
    "make_folder",
    "probe",
    "read_attributes",
    "read_created_ns",
    "read_eas",
    "remove",
]
