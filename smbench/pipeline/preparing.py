"""Preparing: the files that a workload presumes, made beneath the target's root, or beneath each clone's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from smbench.errors import UsageError
from smbench.mounts.opening import open_target, stream_options
from smbench.mounts.target import DirectoryTarget, ShareTarget
from smbench.pipeline.place import Place
from smbench.pipeline.progress import Progress
from smbench.pipeline.request import Filling
from smbench.prepare.check import content_differences
from smbench.prepare.content import Content
from smbench.prepare.layout import lay_out
from smbench.prepare.make import prepare as make
from smbench.prepare.noted import load
from smbench.prepare.outcome import Prepared
from smbench.prepare.reads import Reads, what_is_read
from smbench.prepare.roots import Roots
from smbench.prepare.system import Beneath
from smbench.prepare.wanted import Amount, Wanted, refuse_too_much
from smbench.privileged.client import helper
from smbench.workload.model import Kind, Workload
from smbench.workload.store import StoredOperations


@contextmanager
def one_root(place: Place, progress: Progress, workload: Workload) -> Iterator[Roots]:
    """Where the workload's files are made, for as long as the block lasts."""
    if not place.users:
        raise UsageError("the workload has no users, so there is nothing to prepare")
    first = place.users[0]
    if any(entry.present and entry.kind is Kind.STREAM for entry in workload.namespace):
        # Whatever the profile, and whoever uses them.
        first = replace(first, streams=stream_options(first.options))
    else:
        first = replace(first, streams=None)
    with progress.stage("mounting") as counter, \
            open_target(place.target, [first], place.identity, counter, place.leads) as mounted, \
            mounted.naming(place.target), mounted.entered(0):  # fmt: skip
        yield Roots(mounted.roots[0], mounted.streams[0] if mounted.streams else None)


def try_accounts(place: Place, progress: Progress) -> None:
    """Mount the share once by every account but the first, which prepares: who may not use it is known before
    anything is made there. SetupError where one may not."""
    if isinstance(place.target, DirectoryTarget):
        return
    others = {user.account: replace(user, streams=None) for user in reversed(place.users)}
    others.pop(place.users[0].account, None)
    if others:
        with progress.stage("trying the accounts") as counter, \
                open_target(
                    place.target, list(others.values()), place.identity, counter, place.leads
                ):  # fmt: skip
            pass


def find_out(place: Place, progress: Progress) -> None:
    """Where the target's files are, by a mount of its own where nothing was mounted yet and may be."""
    if sys.platform == "win32" or not isinstance(place.target, ShareTarget):
        return
    if place.target not in place.leads and helper() is not None:
        first = replace(place.users[0], streams=None)
        with progress.stage("mounting") as counter, \
                open_target(place.target, [first], place.identity, counter, place.leads):  # fmt: skip
            pass


def reads_of(workload: Workload) -> Reads:
    """What the workload reads of each file."""
    operations = workload.operations
    assert isinstance(operations, StoredOperations)
    return what_is_read(operations, workload.namespace)


def wanted_content(workload: Workload, content: Content) -> Wanted:
    """Where files are to have content: the workload is gone through where that depends on it."""
    return Wanted(content, reads_of(workload) if content is Content.AUTO else {})


def amount_of(workload: Workload, wanted: Wanted, clones: int = 1) -> Amount:
    """How much would be made, and how much of it written."""
    return wanted.amount(lay_out(workload.namespace).entries).times(clones)


def prepare_root(
    workload: Workload, place: Place, roots: Roots, filling: Filling, progress: Progress,
    wanted: Wanted | None = None,
) -> Prepared:  # fmt: skip
    """Make the workload's namespace beneath a root. What could not be made is in what comes back."""
    wanted = wanted_content(workload, filling.content) if wanted is None else wanted
    with progress.stage("preparing") as counter:
        return make(
            roots,
            workload.namespace,
            wanted=wanted,
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


def refuse_too_large(workload: Workload, clones: int, filling: Filling, wanted: Wanted) -> None:
    """UsageError where more content would be written for all clones together than may be."""
    whose = "the workload" if clones == 1 else f"{clones} clones"
    refuse_too_much(wanted, amount_of(workload, wanted, clones), filling.max_bytes, whose)


def without_content(workload: Workload, root: Path, wanted: Wanted) -> str | None:
    """What is to be known of files that are taken as they are: that they were prepared without content.

    UsageError where the folder is missing, or was prepared for a workload that read something else: holes
    would be read for data.
    """
    try:
        beneath = Beneath(root, captured=False)
    except OSError as error:
        if root.is_symlink():
            raise UsageError(
                f"{root} is a link, and a clone needs a folder of its own: move it away, and prepare it by a "
                "replay with the same --clone"
            ) from error
        raise UsageError(
            f"there is no folder {root} ({error.strerror}), which was to be prepared: leave --no-prepare, or "
            "prepare it by a replay with the same --clone"
        ) from error
    try:
        manifest = load(beneath)
    finally:
        beneath.close()
    if manifest is None:
        return None
    if manifest.content is Content.SPARSE:
        return "the files were prepared sparse: what was not written since is read as holes"
    differences = content_differences(manifest, lay_out(workload.namespace), wanted.reads)
    if differences:
        first = differences[0]
        raise UsageError(
            f"the files in {root} were prepared for other reads: of {len(differences)} this workload reads "
            f"what was not written, e.g. of {first.path} {first.expected} (written: {first.found}); leave "
            "--no-prepare, or prepare them again"
        )
    return None
