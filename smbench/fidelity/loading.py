"""REFERENCE and CANDIDATE from disk: a capture, a .workload, or a .run by its wire capture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from smbench.capture.decode import DecodeOptions, Progress, decode
from smbench.errors import UsageError
from smbench.fidelity.calls import RunCalls
from smbench.fidelity.copies import Copy, copy_of
from smbench.fidelity.sides import AccountMapping, CallFound, Side, Window, read_dispositions
from smbench.lift.lift import lift
from smbench.run.columns import REMEDY
from smbench.run.model import OPERATIONS, Run
from smbench.run.store import OPENED_WIRE, WIRE
from smbench.stored import open_stored
from smbench.trace.grade import SEALED
from smbench.trace.model import TraceInfo
from smbench.trace.store import EXCHANGES_FILE, read_exchanges
from smbench.workload.model import Workload
from smbench.workload.store import MANIFEST, StoredOperations, read

_GRACE_NS = 10_000_000
"""The run's start is a reading of a clock that never jumps, reported as time of day: nearly exact. Its
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
    capture: Path, scratch: Path, options: DecodeOptions, progress: Progress | None = None,
    *, warn: Callable[[str], None] | None = None,
) -> Loaded:  # fmt: skip
    """A capture, decoded and lifted into the folder `scratch`, which lives as long as the side is used."""
    trace = decode([capture], scratch, options, progress, warn=warn)
    return _loaded(capture.name, scratch, lift(trace, scratch))


def load_run(
    run: Run,
    scratch: Path,
    options: DecodeOptions,
    progress: Progress | None = None,
    copy: Copy | None = None,
    *,
    warn: Callable[[str], None] | None = None,
) -> Loaded:
    """A run by its wire capture, or what itself decoded of that; `copy` is what of its clones is compared
    (None: the first)."""
    loaded = _load_opened(run, options)
    if loaded is None:
        open_stored(run.file(WIRE), REMEDY).close()  # decoding opens it by its name, through links too
        loaded = load_capture(run.file(WIRE), scratch, options, progress, warn=warn)
    side, copy = loaded.side, copy or copy_of(run)
    side.name = run.name
    side.window, side.replay = window(run), True
    led = next((mount.leads_to for mount in run.mounts if mount.leads_to is not None), "")
    side.share = "/".join(led.split("/")[3:4])
    folder = target_folder(led or run.configuration.target)
    side.folder = None if folder is None else f"{folder}/{copy.folder}".strip("/")
    side.mappings, numbers = account_mappings(run, side.info, copy)
    side.same_user = second_sessions(run, side.info, copy)
    side.connections = copy.connections(side.info, [*numbers, *side.same_user])
    outside = outside_senders(run, side.info, numbers, copy)
    side.outside = outside | {other for other, user in side.same_user.items() if user in outside}
    if copy.clones > 1 and side.connections is None:
        side.notes.append("which clone an exchange belongs to is not known: those of all count")
    if run.outside is not None and run.outside.executed and not side.outside:
        side.notes.append(
            "which exchanges are of somebody outside the capture is not known, so they count as extra; "
            'an account of its own (captured = "outside") would tell'
        )
    side.notes += wire_notes(run)
    if (operations := run.file(OPERATIONS)).is_file():
        side.calls = RunCalls(operations, run.start_epoch_ns, numbers)
    return loaded


def _load_opened(run: Run, options: DecodeOptions) -> Loaded | None:
    """What a run decoded of its own wire, which was encrypted; None where it did not, or keys are given for
    what is left of it."""
    directory = run.file(OPENED_WIRE)
    if not (directory / MANIFEST).is_file():
        return None
    loaded = load_workload(directory)
    return None if options.keyed and loaded.side.info.grade.get(SEALED) else loaded


def _loaded(name: str, directory: Path, workload: Workload) -> Loaded:
    operations = workload.operations
    assert isinstance(operations, StoredOperations)
    everything = operations.whole()
    side = Side(
        name,
        workload.info.trace,
        read_exchanges(directory / EXCHANGES_FILE, workload.info.trace),
        read_dispositions(directory),
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


def window(run: Run) -> Window:
    """When the run's own traffic was on the wire: between its marks where it has some, and never before
    its start."""
    start = run.start_epoch_ns
    end = start + int(run.elapsed_s * 1e9)
    begin_mark, end_mark = (run.wire and run.wire.window_ns) or (0, 0)
    warm_until = start + run.warm_up_ns if run.warm_up_ns else 0
    return Window(max(start - _GRACE_NS, begin_mark), end_mark or end + _GRACE_NS, warm_until)


def target_folder(target: str) -> str | None:
    """The folder within the share of `//server/share/folder`; None where the target is none such."""
    match = re.fullmatch(r"//[^/]+/[^/]+(?:/(.*?))?/*", target.replace("\\", "/"))
    return None if match is None else match[1] or ""


def account_mappings(
    run: Run, info: TraceInfo, copy: Copy | None = None
) -> tuple[list[AccountMapping], dict[int, int]]:
    """Who stood for whom, by the run's mounts: by the session's number where the client told it. Only of
    the copy that is compared. And by user on the wire, the number of the run's own user."""
    copy = copy or Copy()
    user_of = {session.session_id: session.user for session in info.sessions if session.user >= 0}
    found, numbers = [], {}
    for at in copy.users(len(run.mounts)):
        mount = run.mounts[at]
        session = 0 if mount.connection is None else mount.connection.session_id
        captured = copy.captured(mount.user)
        if run.outside is None or captured != run.outside.user:
            found.append(AccountMapping(captured, mount.account or "", user_of.get(session)))
        if session in user_of:
            numbers[user_of[session]] = at
    return found, numbers


def second_sessions(run: Run, info: TraceInfo, copy: Copy | None = None) -> dict[int, int]:
    """The users on the wire who are a second mount of somebody, and who that is."""
    copy = copy or Copy()
    user_of = {session.session_id: session.user for session in info.sessions if session.user >= 0}
    found = {}
    for at in copy.users(len(run.mounts)):
        told = [user_of.get(connection.session_id) for connection in run.mounts[at].connections]
        users = [user for user in told if user is not None]
        found.update({other: users[0] for other in users[1:] if other != users[0]})
    return found


def outside_senders(run: Run, info: TraceInfo, numbers: Mapping[int, int], copy: Copy) -> frozenset[int]:
    """Who on the wire stands for somebody outside: of the `numbers` of the run's users, or else whoever has
    the account that nobody else has. Empty where that is not known."""
    user = None if run.outside is None else run.outside.user
    mounts = [(copy.captured(run.mounts[at].user), run.mounts[at]) for at in copy.users(len(run.mounts))]
    known = {sender for sender, at in numbers.items() if copy.captured(run.mounts[at].user) == user}
    own = {mount.account for name, mount in mounts if name == user}
    if known or own & {mount.account for name, mount in mounts if name != user}:
        return frozenset(known)
    accounts = {(account or "").rpartition("\\")[2].casefold() for account in own}
    named = ((at, one.name.rpartition("\\")[2].partition("#")[0]) for at, one in enumerate(info.users))
    return frozenset(at for at, name in named if name.casefold() in accounts)


def wire_notes(run: Run) -> list[str]:
    """What the run says of packets that its own capture lost."""
    dropped = 0 if run.wire is None else run.wire.packets.get("dropped", 0)
    if not dropped:
        return []
    return [
        f"its capture lost {dropped:,} packets: what they held counts as missing; what they told of others "
        "is not known; recall and precision may be too low"
    ]
