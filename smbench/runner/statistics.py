"""What the executors counted: each worker writes a file of its users' when all is closed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def read_statistics(folders: Iterable[Path], users: Sequence[str]) -> dict[str, Any]:
    """By user's name, of several loops the last; without those that counted nothing. A worker that was
    lost left nothing, or a part."""
    found: dict[int, Any] = {}
    for path in (path for folder in folders for path in folder.glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            continue
        found |= {int(user): counted for user, counted in document.items() if counted}
    return {users[user]: found[user] for user in sorted(found)}
