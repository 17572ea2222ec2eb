"""Unmounting what this tool mounted, and nothing else: also busy mounts, dead servers and dead owners."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smbench.mounts.debugdata import ClientConnection, read_connections
from smbench.mounts.mountinfo import read_mountinfo
from smbench.mounts.state import RunState, load_all
from smbench.mounts.target import ShareTarget, parse_target
from smbench.privileged.client import Helper, HelperError
from smbench.signals import deferred

Progress = Callable[[int, int], None]
"""Called with how many are done, and of how many."""

BUSY_S = 3.0
"""How long a busy mount is tried again before it is taken out of sight."""
HANG_S = 30.0
"""How long one unmount may take; the client needs 10 s to give up on a dead server."""
# A dead server costs each unmount 10 s of waiting: many wait at once.
_AT_ONCE = 32
QUIET_S = 20.0
"""How long is waited for calls that were cut off: see `_quiet`."""
IN_FLIGHT = (
    "calls are in flight at a server that does not answer, and to unmount now could bring this kernel down"
)
_RETRY_S = 0.2


@dataclass(slots=True)
class Unmounted:
    """What became of the mounts. `lazily`: out of sight, but the kernel lets go only when their users do."""

    unmounted: list[Path] = field(default_factory=list)
    lazily: list[Path] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)
    """Still there, with the reason."""
    live: list[RunState] = field(default_factory=list)
    """Runs that go on and were left alone."""
    damaged: list[str] = field(default_factory=list)
    """What is wrong with state files that tell nothing, a sentence each."""

    def add(self, other: Unmounted) -> None:
        self.unmounted += other.unmounted
        self.lazily += other.lazily
        self.left += other.left
        self.live += other.live
        self.damaged += other.damaged


def umount_all(
    helper: Helper,
    share: str | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Unmounted:
    """Unmount what dead runs left and what was mounted to stay; with `force` also what live runs use.

    `share` (as the target was written, in any case) limits it to mounts of that share.
    """
    result = Unmounted()
    states, unreadable = load_all(helper)
    result.left += [(path, "its state file cannot be read") for path, _ in unreadable]
    result.damaged += [why for _, why in unreadable]
    wanted = [state for state in states if share is None or state.share.casefold() == share.casefold()]
    for state in wanted:
        if state.owner_lives and not state.kept and state.pid != os.getpid() and not force:
            result.live.append(state)
        else:
            result.add(unmount_run(helper, state, progress, cut_off=not state.kept))
    return result


def unmount_run(
    helper: Helper, state: RunState, progress: Progress | None = None, *, cut_off: bool = False
) -> Unmounted:
    """Unmount one run's mounts and remove its folders and its state. Signals wait until it is done.

    `cut_off`: calls may be in flight whose processes were killed. Mounts on which they stay so are left."""
    with deferred():
        mounted = _mounted_under(state.folder)
        if cut_off and mounted and not _quiet(helper, _servers(state)):
            return Unmounted(left=[(path, IN_FLIGHT) for path in mounted])
        result = unmount(helper, mounted, progress=progress)
        if not result.left:
            helper.ask("end", run=state.run)
        return result


def _servers(state: RunState) -> set[str]:
    """Names and addresses of the servers of a run's mounts, which DFS may have led elsewhere; none are told:
    any."""
    target = parse_target(state.share)
    if not isinstance(target, ShareTarget):
        return set()
    entries = [entry for entry in read_mountinfo() if entry.is_cifs and state.folder in entry.path.parents]
    addresses = {address for entry in entries if (address := entry.options.get("addr")) is not None}
    return {target.server, *addresses}


def _quiet(helper: Helper, servers: set[str]) -> bool:
    """Wait until the client has nothing in flight on connections of their own to these servers.

    A write whose process was killed goes on in the kernel, and holds its file: a superblock that goes
    meanwhile is a panic ("Dentry still in use", seen with Linux 6.1.176 and a server that was stopped).
    """
    deadline = time.monotonic() + QUIET_S
    while _in_flight(helper, servers):
        if time.monotonic() > deadline:
            return False
        time.sleep(_RETRY_S)
    return True


def _in_flight(helper: Helper, servers: set[str]) -> bool:
    own = [one for one in read_connections() if one.nosharesock and (not servers or _is_of(one, servers))]
    sessions = {session.session_id for one in own for session in one.sessions}
    return any(one.in_flight for one in own) or bool(sessions and sessions & _holding(helper))


def _is_of(connection: ClientConnection, servers: set[str]) -> bool:
    """Also where the kernel tells no name."""
    if connection.host is None or connection.host in servers:
        return True
    return any(session.address in servers for session in connection.sessions)


def _holding(helper: Helper) -> set[int]:
    """The sessions of the client that have files open; none where it is not loaded."""
    try:
        return {*helper.ask("open_files")["sessions"]}
    except HelperError:
        return set()


def _mounted_under(folder: Path) -> list[Path]:
    """The CIFS mounts in a run's folder; a path twice where one lies over another."""
    return [entry.path for entry in read_mountinfo() if entry.is_cifs and entry.path.parent == folder]


def unmount(
    helper: Helper, paths: Sequence[Path], *, busy_s: float = BUSY_S, progress: Progress | None = None
) -> Unmounted:
    """Unmount each path, a run's mount: plainly, again while it is busy, at last lazily (MNT_DETACH)."""
    result = Unmounted()
    for start in range(0, len(paths), _AT_ONCE):
        batch = list(paths[start : start + _AT_ONCE])
        deadline = time.monotonic() + busy_s
        failed = _run(helper, batch)
        while failed and time.monotonic() < deadline:
            time.sleep(_RETRY_S)
            failed = _run(helper, [*failed])
        lazily_failed = _run(helper, [*failed], lazily=True) if failed else {}
        for path in batch:
            if path in lazily_failed:
                result.left.append((path, lazily_failed[path]))
            elif path in failed:
                result.lazily.append(path)
            else:
                result.unmounted.append(path)
        if progress is not None:
            progress(min(start + _AT_ONCE, len(paths)), len(paths))
    return result


def _run(helper: Helper, paths: Sequence[Path], *, lazily: bool = False) -> dict[Path, str]:
    """umount(8) on all paths of a run at once; those that are still mounted afterwards, with its words."""
    if not paths:
        return {}
    failed = helper.ask(
        "umount", run=paths[0].parent.name, names=[path.name for path in paths], lazily=lazily,
        deadline_s=HANG_S,
    )["failed"]  # fmt: skip
    still = {entry.path for entry in read_mountinfo()} if failed else set()
    return {path: failed[path.name] for path in paths if path.name in failed and path in still}
