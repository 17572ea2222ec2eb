"""Which client profile a replay goes by: chosen on its first mount, made by a calibration where none fits."""

from __future__ import annotations

import platform
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from smbench.clients.choice import Choice, How, choose, given
from smbench.clients.profile import ClientProfile, read, shipped
from smbench.clients.remembered import place_of, recall, remember
from smbench.clients.telling import TELLING, Told, tell
from smbench.errors import SmbenchError
from smbench.identity import Identity
from smbench.measure.client import read_counters
from smbench.mounts.opened import Mounted
from smbench.mounts.options import WIRE_PROFILE
from smbench.mounts.target import ShareTarget
from smbench.pipeline.calibrate import calibrate
from smbench.pipeline.machine import versions
from smbench.pipeline.place import Place
from smbench.pipeline.progress import Progress
from smbench.pipeline.request import Calibrate, Request
from smbench.run.surroundings import ChosenProfile, Mount

_SHOWN = 4
_NO_FLUSH, _NO_LEASE = "nostrictsync", "nolease"
"""The mount options by which fsync and truncations send no FLUSH, and by which no size is known for sure."""
_OLD_DIALECTS = "vers=2"
"""The Linux client has no fallocate for them."""
_FALLOCATES = "fallocate to more"


def client_of(asked: Request, place: Place, mounted: Mounted, progress: Progress) -> Choice | None:
    """The profile of the client of a target's mounts, told by the first of them; None where calls are not
    chosen by it, or none is known. What is not as it should be is warned of.

    UsageError where the profile that was asked for cannot be read, SetupError where a calibration was asked
    for and cannot be."""
    if not asked.backend.has_habits or asked.profile != WIRE_PROFILE or mounted.state is None:
        return None
    own = insisted(asked)
    assert isinstance(place.target, ShareTarget)
    kept = place_of(versions()["cifs"] or "", f"{place.target.server}:{place.target.port}")
    if asked.calibrate is Calibrate.ALWAYS:
        return _calibrated(asked, kept, progress)
    mount = mounted.mounts[0]
    told = _told(mounted.roots[0], place.identity, mount)
    if own is not None:
        choice: Choice | None = given(str(asked.client_profile), own, told)
    else:
        choice = _remembered(kept, told) or choose(told, platform.release(), dict(shipped()))
        if asked.calibrate is Calibrate.AUTO and (choice is None or choice.unlike):
            return _calibrated_if_possible(asked, kept, choice, progress)
    if choice is None or choice.unlike:
        progress.warn(_doubt(choice))
    return choice


def insisted(asked: Request) -> ClientProfile | None:
    """The profile that was asked for by its file. UsageError where it cannot be read."""
    return None if asked.client_profile is None else read(asked.client_profile)


def described(choice: Choice | None) -> ChosenProfile | None:
    """As a run has it."""
    if choice is None:
        return None
    return ChosenProfile(name=choice.name, how=choice.how, why=choice.why, unlike=tuple(choice.unlike))


def _told(root: Path, identity: Identity | None, mount: Mount) -> Told | None:
    """What the client sends, but for what this mount's options change."""
    options = (mount.options or "").split(",")
    fallocates = _NO_LEASE not in options and not any(one.startswith(_OLD_DIALECTS) for one in options)
    names = [name for name in TELLING if fallocates or name != _FALLOCATES]
    unsent = ("FLUSH",) if _NO_FLUSH in options else ()
    return tell(root, identity, lambda: counters_of(mount), names, unsent)


def _doubt(choice: Choice | None) -> str:
    """A sentence for what a profile says otherwise than the client did."""
    if choice is None:
        return "no client profile is known: calls are chosen as for Linux 6.1"
    shown = ", ".join(choice.unlike[:_SHOWN])
    more = len(choice.unlike) - _SHOWN
    return (
        f"the client profile {choice.name} is not this client's, which did otherwise in {shown}"
        + (f" and {more} more calls" if more > 0 else "")
        + ": expect messages more or less than captured"
    )


def _remembered(kept: Path, told: Told | None) -> Choice | None:
    """What an earlier calibration found of this client, if it still does so."""
    profile = recall(kept)
    if profile is None:
        return None
    choice = choose(told, platform.release(), {kept.stem: profile})
    return None if choice is None or choice.how is not How.CONFIRMED else choice


def _calibrated_if_possible(
    asked: Request, kept: Path, second: Choice | None, progress: Progress
) -> Choice | None:
    why = "tcpdump is not installed" if shutil.which("tcpdump") is None else ""
    if not why:
        try:
            return _calibrated(asked, kept, progress)
        except SmbenchError as error:
            why = str(error)
    progress.warn(f"{_doubt(second)}; calibrating was not possible: {why}")
    return second


def _calibrated(asked: Request, kept: Path, progress: Progress) -> Choice:
    profile = calibrate(asked, progress)
    try:
        remember(kept, profile)
        where = f"kept in {kept.parent}"
    except OSError as error:
        where = f"not kept: {kept.parent} cannot be written ({error.strerror})"
    return Choice(kept.stem, profile, How.CALIBRATED, f"made of this client before the run; {where}")


def counters_of(mount: Mount) -> Mapping[str, int]:
    """What the client has counted of one mount's connections; {} where it does not tell."""
    counters = read_counters()
    own = {connection.id for connection in mount.connections}
    total: Counter[str] = Counter()
    for tree in () if counters is None else counters.trees:
        if tree.connection in own:
            total.update(tree.counters)
    return total
