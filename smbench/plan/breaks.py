"""The capture's breaks, as planning asks for them: by the open that was told, and by the file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import NamedTuple

from smbench.workload.model import Break

NOTIFIED = attrgetter("notified_ns")


class OpenedBy(NamedTuple):
    """Whose an open is, and of what."""

    user: int
    path: str


class Told:
    """`opened` tells of the opens that were told of a break. Memory: the breaks."""

    def __init__(self, breaks: Iterable[Break], opened: Mapping[int, OpenedBy]) -> None:
        self._opened = opened
        self._of_handle: dict[int, list[Break]] = {}
        self._of_file: dict[str, list[Break]] = {}
        for one in sorted(breaks, key=NOTIFIED):
            self._of_handle.setdefault(one.handle, []).append(one)
            if one.handle in opened:
                self._of_file.setdefault(opened[one.handle].path.lower(), []).append(one)

    def __bool__(self) -> bool:
        return bool(self._of_handle)

    def of(self, handle: int) -> list[Break]:
        """An open's, in their order."""
        return self._of_handle.get(handle, [])

    def between(self, handle: int, after_ns: int, until_ns: int) -> list[Break]:
        """An open's, after one time and until another."""
        return _between(self.of(handle), after_ns, until_ns)

    def answered_by_close(self, handle: int, closed_ns: int) -> tuple[int, Break] | None:
        """The break that the close of an open was the answer to, and how many came before it."""
        for before, one in enumerate(self.of(handle)):
            if one.answered_ns == closed_ns:
                return before, one
        return None

    def of_others(self, path: str, user: int, after_ns: int, until_ns: int) -> Iterator[Break]:
        """Those of a file that other users were told, by whatever open, after one time and until another."""
        if self._of_file:
            for one in _between(self._of_file.get(path.lower(), []), after_ns, until_ns):
                if self._opened[one.handle].user != user:
                    yield one


def _between(breaks: list[Break], after_ns: int, until_ns: int) -> list[Break]:
    low = bisect_right(breaks, after_ns, key=NOTIFIED)
    return breaks[low : bisect_right(breaks, until_ns, key=NOTIFIED)]
