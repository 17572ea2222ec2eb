"""REFERENCE and CANDIDATE from disk: a capture, a .workload, or a .run by its wire capture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from smbench.capture.decode import DecodeOptions, Progress, decode
from smbench.errors import UsageError
from smbench.fidelity.calls import RunCalls
from smbench.fidelity.copies import Copy, copy_of
from smbench.fidelity.sides import CallFound, Side, Stand, Window, read_fates
from smbench.lift.lift import lift
from smbench.run.model import OPERATIONS
from smbench.run.store import WIRE
from smbench.run.warm_up import warm_up_of
from smbench.trace.model import TraceInfo
from smbench.trace.store import EXCHANGES_FILE, read_exchanges
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations, read

_GRACE_NS = 10_000_000
"""The run's start is a reading of a clock that never jumps, told as time of day: nearly exact. Its
workers send nothing for the last 20 ms before it."""


@dataclass(slots=True)
class Loaded:
    """A side, and the operations of the workload that it was lifted to."""

    side: Side
    operations: StoredOperations


def load_workload(directory: Path) -> Loaded:
    """A workload with its exchanges. UsageError where it keeps none."""
    workload = read(directory)
    if not (directory / EXCHANGES_FILE).is_file():
        raise UsageError(
            f"{directory} keeps no exchanges ({EXCHANGES_FILE} is missing): compare with the capture itself"
        )
    return _loaded(directory.name, directory, workload)


def load_capture(
    capture: Path, scratch: Path, options: DecodeOptions, progress: Progress | None = None
) -> Loaded:
    """A capture, decoded and lifted into the folder `scratch`, which lives as long as the side is used."""
    trace = decode([capture], scratch, options, progress)
    return _loaded(capture.name, scratch, lift(trace, scratch))


def load_run(
    directory: Path,
    document: Mapping[str, Any],
    scratch: Path,
    options: DecodeOptions,
    progress: Progress | None = None,
    copy: Copy | None = None,
) -> Loaded:
    """A run by its wire capture; `document` is its run.json, `copy` what of its clones is compared (None:
    the first)."""
    loaded = load_capture(directory / WIRE, scratch, options, progress)
    side, copy = loaded.side, copy or copy_of(directory.name, document)
    side.name = directory.name
    side.window, side.replay = window(document), True
    folder = target_folder(str(document.get("configuration", {}).get("target", "")))
    side.folder = None if folder is None else f"{folder}/{copy.folder}".strip("/")
    side.stands, numbers = stands(document, side.info, copy)
    side.connections = copy.connections(side.info, list(numbers))
    if copy.clones > 1 and side.connections is None:
        side.notes.append("which clone an exchange belongs to is not known: those of all count")
    side.notes += wire_notes(document)
    if (directory / OPERATIONS).is_file():
        side.calls = RunCalls(directory / OPERATIONS, int(document["start_epoch_ns"]), numbers)
    return loaded


def _loaded(name: str, directory: Path, workload: Workload) -> Loaded:
    operations = workload.operations
    assert isinstance(operations, StoredOperations)
    everything = replace(operations, client_calls=True)
    side = Side(
        name,
        workload.info.trace,
        read_exchanges(directory / EXCHANGES_FILE, workload.info.trace),
        read_fates(directory),
        operation_of=_operation_teller(everything),
    )
    return Loaded(side, operations)


def _operation_teller(operations: StoredOperations) -> Callable[[int], CallFound]:
    @cache
    def columns() -> tuple[list[str], list[str]]:
        table = operations.table(["kind", "path"])
        return table.column("kind").to_pylist(), table.column("path").to_pylist()

    def tell(number: int) -> CallFound:
        kinds, paths = columns()
        return CallFound(kinds[number], paths[number], number, running=True)

    return tell


def window(document: Mapping[str, Any]) -> Window:
    """When the run's own traffic was on the wire: between its marks where it has some, and never before
    its start."""
    start = int(document["start_epoch_ns"])
    end = start + int(float(document["elapsed_s"]) * 1e9)
    begin_mark, end_mark = (document.get("wire") or {}).get("window_ns") or (0, 0)
    warm_up_ns = warm_up_of(document)
    warm_until = start + warm_up_ns if warm_up_ns else 0
    return Window(max(start - _GRACE_NS, begin_mark), end_mark or end + _GRACE_NS, warm_until)


def target_folder(target: str) -> str | None:
    """The folder within the share of `//server/share/folder`; None where the target is none such."""
    match = re.fullmatch(r"//[^/]+/[^/]+(?:/(.*?))?/*", target.replace("\\", "/"))
    return None if match is None else match[1] or ""


def stands(
    document: Mapping[str, Any], info: TraceInfo, copy: Copy | None = None
) -> tuple[list[Stand], dict[int, int]]:
    """Who stood for whom, by the run's mounts: by the session's number where the client told it. Only of
    the copy that is compared. And by user on the wire, the number of the run's own user."""
    copy = copy or Copy()
    user_of = {session.session_id: session.user for session in info.sessions if session.user >= 0}
    mounts = document.get("mounts") or []
    found, numbers = [], {}
    for at in copy.users(len(mounts)):
        mount = mounts[at]
        connection = mount.get("connection") or {}
        session = int(str(connection.get("session") or "0"), 0)
        captured, account = copy.captured(str(mount.get("user") or "")), str(mount.get("account") or "")
        found.append(Stand(captured, account, user_of.get(session)))
        if session in user_of:
            numbers[user_of[session]] = at
    return found, numbers


def wire_notes(document: Mapping[str, Any]) -> list[str]:
    """What the run says of packets that its own capture lost."""
    dropped = ((document.get("wire") or {}).get("packets") or {}).get("dropped")
    if not dropped:
        return []
    return [
        f"its capture lost {dropped:,} packets: what they held counts as missing; what they told of others "
        "is not known; recall and precision may be too low"
    ]
