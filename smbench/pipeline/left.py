"""What runs left behind that were cut off: found, told, and removed where nothing is lost by it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.pipeline.partial import HOMES, PARTIAL, PLAN, PartialRun, home_of, partial_of, recorded_in
from smbench.pipeline.recover_search import measured_in, search_of
from smbench.plan.store import read_plan
from smbench.scratch import orphans, ours, owner_of, remove_folder
from smbench.stored import read_document

_REMEDY = "remove the folder"


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that a dead process left."""

    path: Path
    beside: Path | None = None
    """Of a run, or of a search for a capacity: the folder beside its result's place, if it is there."""
    output: Path | None = None
    """Where the result was to be."""
    recorded: int = 0
    """Completed operations of which a result can be made."""
    why: str = ""
    """Why it cannot be read, or not all of it."""

    @property
    def recoverable(self) -> bool:
        """Whether there may be something in it."""
        return self.recorded > 0 or bool(self.why)

    @property
    def name(self) -> Path:
        """What recover is given."""
        return self.path if self.beside is None or self.output is None else self.output


def left_behind(folders: Iterable[Path] = ()) -> list[Left]:
    """All of it on this machine, and in `folders` what runs left beside their results' places."""
    homes = {path: _of_home(path) if path.name.startswith(HOMES) else Left(path) for path in orphans()}
    beside = {left.beside for left in homes.values()}
    alone: list[Left] = []
    for draft in _drafts(folders):
        home = home_of(draft)
        if home is None:
            alone.append(_of_draft(draft))
        elif home in homes and draft not in beside:
            homes[home] = replace(homes[home], beside=draft)
    return [*homes.values(), *alone]


def remove(left: Left) -> None:
    """Remove it, recoverable or not. Raises OSError."""
    for folder in dict.fromkeys(filter(None, (left.path, left.beside))):
        remove_folder(folder)


def _drafts(folders: Iterable[Path]) -> Iterator[Path]:
    """What was to become a result, of processes that are dead; no other user's, who could lead us astray by
    what is in there."""
    for folder in folders:
        for path in sorted(folder.glob(".*/")):
            owner = owner_of(path)
            if owner is not None and not owner.lives and ours(path):
                yield path


def _of_draft(draft: Path) -> Left:
    """What has no home: a search's folder has its runs, any other one nothing that could be used."""
    output = search_of(draft)
    if output is None:
        return Left(draft)
    try:
        return Left(draft, draft, output, measured_in(draft))
    except (UsageError, SetupError) as error:
        return Left(draft, draft, output, why=str(error))


def _of_home(home: Path) -> Left:
    if not os.path.lexists(home / PARTIAL):
        return Left(home)  # nothing was begun
    try:
        document = read_document(home / PARTIAL, PartialRun, _REMEDY)
        unreadable: list[str] = []
        recorded = recorded_in(home, read_plan(home / PLAN), unreadable)
    except (FileNotFoundError, UsageError, SetupError) as error:
        return Left(home, why=str(error))
    output = None if document.output is None else Path(document.output)
    beside = None if output is None else partial_of(output)
    if beside is None or home_of(beside) != home:
        beside = None
    return Left(home, beside, output, recorded, next(iter(unreadable), ""))
