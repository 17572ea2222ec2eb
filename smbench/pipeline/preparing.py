"""Preparing: the files that a workload presumes, made beneath the target's root, or beneath each clone's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.mounts.opening import open_target
from smbench.pipeline.place import Place
from smbench.pipeline.progress import Progress
from smbench.pipeline.request import Filling
from smbench.prepare.content import Content
from smbench.prepare.make import prepare as make
from smbench.prepare.outcome import Prepared
from smbench.units import format_size
from smbench.workload.model import Workload


@contextmanager
def one_root(place: Place, progress: Progress) -> Iterator[Path]:
    """The target's directory; of a share, the first user's mount."""
    if not place.users:
        raise UsageError("the workload has no users, so there is nothing to prepare")
    with progress.stage("mounting") as counter, \
            open_target(place.target, place.users[:1], place.identity, counter) as mounted, \
            mounted.naming(place.target), mounted.entered(0):  # fmt: skip
        yield mounted.roots[0]


def prepare_root(
    workload: Workload, place: Place, root: Path, filling: Filling, progress: Progress
) -> Prepared:
    """Make the workload's namespace beneath one root. What could not be made is in what comes back."""
    with progress.stage("preparing") as counter:
        return make(
            root,
            workload.namespace,
            content=filling.content,
            max_bytes=filling.max_bytes,
            owner=place.owner,
            force=filling.force,
            progress=counter,
        )


def warn_of_losses(prepared: Prepared, progress: Progress) -> None:
    """Tell what could not be made, or was there already."""
    for what, reasons in (("not made", prepared.not_made), ("not kept", prepared.losses)):
        for reason, count in reasons.items():
            progress.warn(f"prepare: {count} {what}, e.g. {prepared.examples[reason]}: {reason}")
    if prepared.foreign:
        progress.warn(f"prepare: {prepared.foreign} paths were there already and are left as they are")


def refuse_too_large(workload: Workload, clones: int, filling: Filling) -> None:
    """UsageError where the files of all clones together hold more than may be written."""
    if clones == 1 or filling.content is not Content.FULL:
        return
    needed = clones * sum(entry.size for entry in workload.namespace if entry.present)
    if needed > filling.max_bytes:
        raise UsageError(
            f"the files of {clones} clones hold {format_size(needed)}, more than the limit of "
            f"{format_size(filling.max_bytes)}: raise --max-bytes, or take --content sparse"
        )


def made_folder(folder: Path, place: Place) -> Path:
    """The folder of a clone, made where it is not there."""
    try:
        if folder.is_symlink():
            raise UsageError(f"{folder} is a link, and a clone needs a folder of its own: move it away")
        if not folder.is_dir():
            folder.mkdir()
            if place.owner is not None:
                os.chown(folder, *place.owner)
    except OSError as error:
        raise SetupError(f"cannot make the clone's folder {folder}: {error.strerror}") from error
    return folder
