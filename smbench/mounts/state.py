"""What this tool has mounted, by the state files that its helper writes (`smbench.privileged.runs`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, structs

from smbench.errors import UsageError
from smbench.owner import Pid, Ticks, started_ticks
from smbench.privileged.client import Helper
from smbench.privileged.runs import MOST_USERS
from smbench.privileged.system import RUNTIME_FOLDER
from smbench.stored import decoded

_SCHEMA = 1
_NO_USER = 2**32 - 1


@dataclass(frozen=True, slots=True)
class RunState:
    """One run's mounts. `kept`: they are meant to outlive the process that made them."""

    run: str
    pid: int
    started_ticks: int | None
    """The process's start in clock ticks since boot: with the pid it is unique."""
    kept: bool
    share: str
    users: int
    uid: int = 0
    """Whose process it is."""

    @property
    def folder(self) -> Path:
        """Where its mounts are."""
        return RUNTIME_FOLDER / self.run

    @property
    def owner_lives(self) -> bool:
        return self.started_ticks is not None and started_ticks(self.pid) == self.started_ticks


class _Stored(Struct, frozen=True):
    """A RunState in its file."""

    schema: int
    run: str
    pid: Pid
    started_ticks: Ticks | None
    kept: bool
    share: str
    users: Annotated[int, Meta(ge=0, le=MOST_USERS)]
    uid: Annotated[int, Meta(ge=0, lt=_NO_USER)] = 0


def load_all(helper: Helper) -> tuple[list[RunState], list[tuple[Path, str]]]:
    """Every run's state, and the files that are none, each with the sentence that says so."""
    states, unreadable = [], []
    for run, text in helper.ask("states")["states"].items():
        path = RUNTIME_FOLDER / f"{run}.json"
        try:
            states.append(_parsed(run, path, text))
        except UsageError as error:
            unreadable.append((path, str(error)))
    return states, unreadable


def _parsed(run: str, path: Path, text: str) -> RunState:
    folder = path.with_suffix("")
    remedy = f"unmount what is mounted in {folder} by hand (umount {folder}/*) and remove the file"
    stored = decoded(text.encode(), str(path), _Stored, remedy)
    if stored.schema != _SCHEMA or stored.run != run:
        raise UsageError(f"{path} is another version's, or another run's: {remedy}")
    values = structs.asdict(stored)
    del values["schema"]
    return RunState(**values)
