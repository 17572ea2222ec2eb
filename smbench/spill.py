"""A stream put in order on disk, in bounded memory: sorted runs, merged when they are read.

Items are what `pickle` carries and are compared with `<`: tuples whose first fields are a unique key.
"""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

Item = TypeVar("Item", bound=Any)

_BLOCK = 2000
"""Items that are written and read at once; one block a run is in memory while runs are merged."""
_RUN_ITEMS = 200_000


class Sorter(Generic[Item]):
    """Takes items in any order and gives them back sorted. What fits into one run never touches the disk.

    `folder` (made at need) takes the runs; whoever owns it removes it.
    """

    def __init__(self, folder: Path, run_items: int = _RUN_ITEMS) -> None:
        self._folder = folder
        self._run_items = run_items
        self._items: list[Item] = []
        self._runs: list[Path] = []

    def add(self, item: Item) -> None:
        self._items.append(item)
        if len(self._items) >= self._run_items:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory as a run."""
        if self._items:
            self._items.sort()
            self._runs.append(write_run(self._folder, self._items))
            self._items = []

    @property
    def runs(self) -> list[Path]:
        """The runs on disk; with `flush`, everything, for another process to merge."""
        return list(self._runs)

    def __iter__(self) -> Iterator[Item]:
        self._items.sort()
        return merge(self._runs, self._items)


def write_run(folder: Path, items: list[Any]) -> Path:
    """Write sorted items as one run."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".run", delete=False) as run:
        for start in range(0, len(items), _BLOCK):
            pickle.dump(items[start : start + _BLOCK], run, pickle.HIGHEST_PROTOCOL)
    return Path(run.name)


def read_run(path: Path) -> Iterator[Any]:
    """The items of one run, a block at a time."""
    with path.open("rb") as run:
        while True:
            try:
                # Runs are this program's own, in a folder that only its user can write to.
                block = pickle.load(run)
            except EOFError:
                return
            yield from block


def merge(runs: list[Path], items: list[Any] | None = None) -> Iterator[Any]:
    """All items of the runs, and of one sorted list, in order."""
    streams = [read_run(run) for run in runs]
    if items:
        streams.append(iter(items))
    return streams[0] if len(streams) == 1 else heapq.merge(*streams)
