"""What this tool has mounted, in a file a run: written before a mount is tried, so that it survives SIGKILL.

    /run/smbench-mount/RUN.json     the state, 0600
    /run/smbench-mount/RUN/userNN   the mounts; userNN-streams is a user's second one

/run is emptied at boot, and so are the mounts.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, structs

from smbench.errors import SetupError, UsageError
from smbench.owner import Pid, Ticks, started_ticks
from smbench.stored import read_document

RUNTIME_FOLDER = Path("/run/smbench-mount")
_SCHEMA = 1
_MOST_USERS = 1_000_000


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

    def folder(self, runtime: Path) -> Path:
        return runtime / self.run

    def roots(self, runtime: Path) -> list[Path]:
        """Each user's mount point."""
        width = max(2, len(str(self.users)))
        return [runtime / self.run / f"user{number:0{width}d}" for number in range(1, self.users + 1)]

    @property
    def owner_lives(self) -> bool:
        return self.started_ticks is not None and started_ticks(self.pid) == self.started_ticks


def new_state(share: str, users: int, *, kept: bool) -> RunState:
    """The state of a run of this process."""
    pid = os.getpid()
    return RunState(f"{pid}-{secrets.token_hex(4)}", pid, started_ticks(pid), kept, share, users)


def save(state: RunState, runtime: Path) -> None:
    """Write it whole or not at all, and onto the disk before returning. Raises OSError."""
    path = runtime / f"{state.run}.json"
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"schema": _SCHEMA, **asdict(state)}, file)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    folder = os.open(runtime, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def forget(state: RunState, runtime: Path) -> None:
    """Remove the file; nothing of the run is mounted any more."""
    (runtime / f"{state.run}.json").unlink(missing_ok=True)


class _Stored(Struct, frozen=True):
    """A RunState in its file."""

    schema: int
    run: str
    pid: Pid
    started_ticks: Ticks | None
    kept: bool
    share: str
    users: Annotated[int, Meta(ge=0, le=_MOST_USERS)]


def load_all(runtime: Path) -> tuple[list[RunState], list[tuple[Path, str]]]:
    """Every run's state, and the files that are none, each with the sentence that says so."""
    states, unreadable = [], []
    for path in sorted(runtime.glob("*.json")):
        try:
            states.append(_load(path))
        except FileNotFoundError:
            continue  # its run ended meanwhile
        except (UsageError, SetupError) as error:
            unreadable.append((path, str(error)))
    return states, unreadable


def _load(path: Path) -> RunState:
    folder = path.with_suffix("")
    remedy = f"unmount what is mounted in {folder} by hand (umount {folder}/*) and remove the file"
    stored = read_document(path, _Stored, remedy)
    if stored.schema != _SCHEMA or stored.run != path.stem:
        raise UsageError(f"{path} is another version's, or another run's: {remedy}")
    values = structs.asdict(stored)
    del values["schema"]
    return RunState(**values)
