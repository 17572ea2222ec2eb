"""A stream put in order on disk, in bounded memory: sorted runs, merged when they are read.

Items are what `pickle` carries and are compared with `<`: tuples whose first fields are a unique key. A
stream that is nearly in order already, as captures are, costs little: a run is opened only when its turn
comes.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

Item = TypeVar("Item", bound=Any)

_BLOCK = 500
"""Items that are written and read at once; one block of each open run is in memory while runs are merged."""
RUN_ITEMS = 32_768


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Streams of values without cycles: Python's collector would only walk them, for a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Run(NamedTuple):
    """A sorted run on disk, and its smallest item."""

    path: Path
    first: Any


class Sorter(Generic[Item]):
    """Takes items in any order and gives them back sorted. What fits into one run never touches the disk.

    `folder` (made at need) takes the runs; whoever owns it removes it. Another process may merge what
    `flush` leaves in `runs`.
    """

    def __init__(self, folder: Path, run_items: int = RUN_ITEMS) -> None:
        self.runs: list[Run] = []
        self._folder = folder
        self._run_items = run_items
        self._items: list[Item] = []

    def add(self, item: Item) -> None:
        self._items.append(item)
        if len(self._items) >= self._run_items:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory as a run."""
        if self._items:
            self._items.sort()
            self.runs.append(_write_run(self._folder, self._items))
            self._items = []

    def __iter__(self) -> Iterator[Item]:
        if self.runs:
            self.flush()
            return merge(self.runs)
        self._items.sort()
        return iter(self._items)


def _write_run(folder: Path, items: list[Any]) -> Run:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".run", delete=False) as run:
        for start in range(0, len(items), _BLOCK):
            pickle.dump(items[start : start + _BLOCK], run, pickle.HIGHEST_PROTOCOL)
    return Run(Path(run.name), items[0])


def _read_run(path: Path) -> Iterator[Any]:
    with path.open("rb") as run:
        while True:
            try:
                # Runs are this program's own, in a folder that only its user can write to.
                block = pickle.load(run)
            except EOFError:
                return
            yield from block


def merge(runs: Iterable[Run]) -> Iterator[Any]:
    """All items of the runs, in order; in memory are only runs that overlap at that place."""
    waiting = sorted(runs, key=lambda run: run.first, reverse=True)
    heap: list[tuple[Any, int, Iterator[Any]]] = []
    while heap or waiting:
        while waiting and (not heap or waiting[-1].first < heap[0][0]):
            items = _read_run(waiting.pop().path)
            heapq.heappush(heap, (next(items), len(waiting), items))
        item, number, items = heap[0]
        yield item
        following = next(items, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (following, number, items))
