"""Calibrating: a share is mounted, every call of the trials is made on it, and its wire becomes a profile."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from smbench.capture.decode import DecodeOptions, decode
from smbench.clients.profile import ClientProfile
from smbench.errors import SetupError, UsageError
from smbench.identity import Identity, acting_as
from smbench.mounts.target import ShareTarget
from smbench.pipeline.machine import versions
from smbench.pipeline.place import place_accounts
from smbench.pipeline.preparing import find_out
from smbench.pipeline.progress import Progress
from smbench.pipeline.request import Destination
from smbench.prepare.manifest import TRIAL_FOLDERS
from smbench.scratch import scratch
from smbench.trace.model import Command

_WHOSE = re.compile(r"(username|domain|addr|uid|gid|cruid|(no)?force[ug]id)\b")
"""Options that say nothing of the client, and much of who called it."""


def calibrate(asked: Destination, progress: Progress, server: str = "") -> ClientProfile:
    """What this system's client puts on the wire of a mount as `asked`, by the first of its accounts. Works
    in a folder of its own there, which is gone afterwards. `server`: what that is; the wire does not tell.

    UsageError where the target is no share, SetupError where it cannot be mounted or captured.
    """
    if sys.platform == "win32":
        raise SetupError(
            "calibrate needs a capture of what the redirector sends, by pktmon or dumpcap, which it cannot "
            "take itself on Windows yet: calibrate clients of Linux, or take a capture there and ingest it"
        )
    from smbench.clients.calibration import calls_of, try_all
    from smbench.measure.wire import capture_wire
    from smbench.mounts.cifs import require_client
    from smbench.mounts.session import open_target

    place = place_accounts(asked, progress)
    require_client()
    find_out(place, progress)
    where = place.where
    assert isinstance(where, ShareTarget)
    with scratch() as here:
        capture = here / "wire.pcapng"
        with (
            capture_wire(where.server, where.port, capture) as wire,
            open_target(place.target, place.users[:1], place.identity, leads=place.leads) as mounted,
            mounted.naming(place.target),
            _own_folder(mounted.roots[0], place.identity) as folder,
            progress.stage("calling") as counter,
        ):
            tried = try_all(folder, wire.mark, counter, place.identity)
        for note in (*wire.notes, *mounted.notes):
            progress.warn(note)
        unseen = SetupError(
            f"nothing of what was called on {place.target} could be seen on the wire: is the share's traffic "
            "encrypted? Then calibrate on one whose is not"
        )
        try:
            trace = decode([capture], here, DecodeOptions(ports=(where.port,)))
        except UsageError:  # nothing was plain but how the connection began, as on Linux 6.12
            raise unseen from None
        calls = calls_of(tried, trace.exchanges, trace.info.start_epoch_ns)
    if not trace.info.commands.get(Command.CREATE.name):
        raise unseen
    (mount,) = mounted.mounts
    dialect = "?" if mount.connection is None else mount.connection.dialect
    return ClientProfile(
        kernel=platform.release(),
        module=versions()["cifs"] or "?",
        server=f"{server}, SMB {dialect}".lstrip(", "),
        options=",".join(each for each in (mount.options or "").split(",") if not _WHOSE.match(each)),
        calls=calls,
    )


@contextmanager
def _own_folder(root: Path, identity: Identity | None) -> Iterator[Path]:
    """A new folder on the share, which goes with all that is in it."""
    try:
        with acting_as(identity):
            folder = Path(mkdtemp(prefix=TRIAL_FOLDERS, dir=root))
    except OSError as error:
        raise SetupError(
            f"no folder can be made on the share ({error.strerror}): calibrate where one may"
        ) from error
    try:
        yield folder
    finally:
        with acting_as(identity):
            shutil.rmtree(folder, ignore_errors=True)
