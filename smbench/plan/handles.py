"""Opens, as the order of a workload sees them."""

from __future__ import annotations

from smbench.plan.knowledge import Access


class Handle:
    """One open: who made it, who uses it, and what its close will mean to others."""

    __slots__ = ("cursor", "locked", "mode", "opened", "path", "uses", "waiting")

    def __init__(self, path: str, mode: int, opened: Access | None) -> None:
        self.path = path
        self.mode = mode
        self.opened = opened
        self.uses: dict[int, Access] = {}
        self.waiting: list[Access] = []
        """Uses that may end only with the close: blocking locks."""
        self.cursor: Access | None = None
        self.locked = False
