"""What Wine's ntdll (8.0) refuses with NOT_IMPLEMENTED is left out there: the same calls are then tested.

Wine carries these calls out at once and tells their end by the return value, so that nothing is lost by it,
save that a lock which has to wait never ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_EVENT, _LOCK_BLOCK, _UNLOCK_BLOCK = 1, 4, 1


def is_wine(ntdll: Any) -> bool:
    """Whether this ntdll is Wine's, by the one function that only it has."""
    return hasattr(ntdll, "wine_get_version")


def without(call: Callable[..., int], place: int) -> Callable[..., int]:
    """The call with NULL for the argument at `place`."""

    def called(*arguments: Any) -> int:
        return call(*arguments[:place], None, *arguments[place + 1 :])

    return called


def adapt(nt: Any) -> None:
    """Change a table of calls for Wine."""
    nt.query_directory = without(nt.query_directory, _EVENT)
    nt.lock_file = without(nt.lock_file, _LOCK_BLOCK)
    nt.unlock_file = without(nt.unlock_file, _UNLOCK_BLOCK)
