"""This system's way with names, attributes and listings; of the other's nothing is imported."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from smbench.paths.beneath_windows import Beneath
    from smbench.prepare.attributes_windows import (
        apply,
        hide,
        make_writable,
        probe,
        read_attributes,
        read_created_ns,
        read_eas,
    )
    from smbench.prepare.fresh_windows import beneath_roots, entries, forget_if_gone, free_bytes, lstat
else:
    from smbench.paths.beneath import Beneath
    from smbench.paths.streams import beneath as beneath_roots
    from smbench.prepare.attributes import (
        apply,
        hide,
        make_writable,
        probe,
        read_attributes,
        read_created_ns,
        read_eas,
    )
    from smbench.prepare.fresh import forget_if_gone, lstat
    from smbench.prepare.listing import entries, free_bytes

__all__ = [
    "Beneath",
    "apply",
    "beneath_roots",
    "entries",
    "forget_if_gone",
    "free_bytes",
    "hide",
    "lstat",
    "make_writable",
    "probe",
    "read_attributes",
    "read_created_ns",
    "read_eas",
]
