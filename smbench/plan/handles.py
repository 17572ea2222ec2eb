"""Opens, as the order of a workload sees them."""

from __future__ import annotations

from smbench.plan.knowledge import Access, Requirement, require


class Handle:
    """One open: who made it, who uses it, and what its close will mean to others."""

    __slots__ = ("cursor", "locked", "mode", "opened", "path", "stream", "uses", "waiting")

    def __init__(self, path: str, mode: int, opened: Access | None) -> None:
        self.path = path
        self.mode = mode
        self.opened = opened
        self.uses: dict[int, Access] = {}
        self.waiting: list[Access] = []
        """Uses that may end only with the close: blocking locks."""
        self.cursor: Access | None = None
        self.stream: tuple[int, Access] | None = None
        """Where the latest read or write ended, and whose it was."""
        self.locked = False

    def go_on(self, low: int, high: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """Add to `into` what a read or write of [low, high) must wait for because it goes on where the latest
        one ended: that one; or, where both were under way at once (a client that reads ahead, or writes
        behind), what that one waited for. A lane that is late does not send the beginning of a file last."""
        access = access.own()
        if self.stream is not None and self.stream[0] == low:
            latest, first = self.stream[1], len(into)
            require(latest, access.lane, arrival_ns, into)
            access.needs = tuple(into[first:])
            if latest.lane == access.lane:
                access.succeed(latest)
                access.needs = latest.needs
        self.stream = high, access
