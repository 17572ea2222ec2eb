"""Names that this program keeps for itself in a target: its notes of what it prepared, its trials. Pure.

What a capture calls so is refused, wherever it stands: a workload shall neither read nor change them.
"""

from __future__ import annotations

PREFIX = ".smbench-"
"""How all of them begin, in whatever case a server may take for the same."""
REFUSED = 118
"""ENOTNAM (include/uapi/asm-generic/errno.h), which no file system gives: whoever sees it knows why."""
WHY = f"names that begin with {PREFIX} are this program's own"


def is_own(component: str) -> bool:
    """Whether a component of a path is such a name."""
    return component[:1] == "." and component.casefold().startswith(PREFIX)
