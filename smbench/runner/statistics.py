"""What the workers counted: each writes a file when all is closed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from smbench.errors import SetupError, UsageError
from smbench.executors.base import Executor, Reported
from smbench.stored import read_document

Document = dict[str, Any]
"""What a worker wrote: `users`, `waited_ns`, `lost`, as `write_statistics` has them."""


_KEYS = {"users", "waited_ns", "lost"}


@dataclass(slots=True)
class Counted:
    """What all workers counted."""

    users: dict[str, Any] = field(default_factory=dict)
    """What the executors did, by user's name, of several loops the last; without those that counted
    nothing."""
    waited_ns: int | None = None
    """How long the lanes were ready to run and had no processor; None where no system told it."""
    lost: dict[str, str] = field(default_factory=dict)
    """Users who could carry out nothing more, by name, and why."""


def write_statistics(
    file: TextIO, users: Mapping[int, Any], waited_ns: Sequence[int | None], lost: Mapping[int, str]
) -> None:
    """Write one worker's: what its users' executors counted, its lanes' waits, and who of them was lost."""
    told = [each for each in waited_ns if each is not None]
    json.dump({"users": users, "waited_ns": sum(told) if told else None, "lost": lost}, file)


def read_documents(folder: Path) -> list[Document]:
    """What the workers of a loop left in its folder. A worker that was lost left nothing, or a part."""
    found = []
    for path in [] if folder.is_symlink() else sorted(folder.glob("*.json")):
        try:
            found.append(read_document(path, dict[str, Any], ""))
        except (UsageError, SetupError, FileNotFoundError):
            continue
    return [document for document in found if document.keys() >= _KEYS]


def counted_by(loops: Iterable[Sequence[Document]], users: Sequence[str]) -> Counted:
    """All workers' of all loops together."""
    found: dict[int, Any] = {}
    lost: dict[int, str] = {}
    counted = Counted()
    for document in (document for documents in loops for document in documents):
        found |= {int(user): each for user, each in document["users"].items() if each}
        lost |= {int(user): why for user, why in document["lost"].items()}
        if document["waited_ns"] is not None:
            counted.waited_ns = (counted.waited_ns or 0) + document["waited_ns"]
    counted.users = {users[user]: found[user] for user in sorted(found)}
    counted.lost = {users[user]: lost[user] for user in sorted(lost)}
    return counted


def reported_by(
    executor: type[Executor], loops: Sequence[Sequence[Document]], users: Sequence[str]
) -> Reported:
    """What an executor says of all loops: counters together, warnings apart."""
    counters: Counter[str] = Counter()
    warnings: list[str] = []
    for number, documents in enumerate(loops, 1):
        reported = executor.report(counted_by([documents], users).users)
        counters.update(reported.counters)
        of_loop = f"in loop {number} " if len(loops) > 1 else ""
        warnings += [f"{of_loop}{warning}" for warning in reported.warnings]
    return Reported(dict(counters), tuple(warnings))
