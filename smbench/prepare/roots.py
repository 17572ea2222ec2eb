"""Where a workload's files are made, or looked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Roots:
    """A target's directory; of a share the first user's mount, with a second one that reaches alternate data
    streams, where the first does not and the workload presumes some. `folder`: of a clone, in it."""

    root: Path
    streams: Path | None = None
    folder: str = ""

    @property
    def path(self) -> Path:
        """Where it is, for messages."""
        return self.root / self.folder
