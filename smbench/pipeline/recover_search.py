"""The result of a search for a capacity whose controller did not come to write it: of the runs it left."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from smbench.errors import UsageError
from smbench.owner import Owner
from smbench.pipeline.artefacts import whole
from smbench.pipeline.capacity import Capacity, Try, capacity_of
from smbench.pipeline.progress import SILENT, Progress
from smbench.pipeline.recover import cut_off, recover, refuse_living
from smbench.run.status import KILLED
from smbench.run.store import CAPACITY, DOCUMENT, read
from smbench.scratch import forget_folder, ours, owner_of
from smbench.stored import write_document


@dataclass(frozen=True, slots=True)
class CutSearch:
    """A search that has no result yet."""

    draft: Path
    """The folder beside the result's place, with a folder a run."""
    output: Path
    """Where the result was to go."""
    owner: Owner


def cut_search(path: Path) -> CutSearch | None:
    """What a search left that was to become `path`, or whose folder that is; None where it left nothing."""
    for draft in (path, *sorted(path.parent.glob(f".{escape(path.name)}.*"))):
        output = search_of(draft)
        owner = owner_of(draft)
        if output is not None and owner is not None and ours(draft):
            return CutSearch(draft, output, owner)
    return None


def measured_in(draft: Path) -> int:
    """How many operations the runs have that had ended."""
    return sum(read(path.parent).outcomes.executed for path in draft.glob(f"[0-9]*/{DOCUMENT}"))


def search_of(draft: Path) -> Path | None:
    """What the folder of a search under way was to become; None where it is none."""
    begun = any(draft.glob(f"[0-9]*/{DOCUMENT}")) or any(draft.glob(".[0-9]*.partial"))
    if not begun or (draft / CAPACITY).exists() or not draft.name.startswith("."):
        return None
    output = draft.name[1:].rpartition(".")[0]
    return None if output in ("", ".", "..") else draft.with_name(output)


def recover_search(
    found: CutSearch, output: Path | None = None, force: bool = False, progress: Progress = SILENT
) -> Capacity:
    """Make the result, in `output` or where it was to go: all runs that had ended, and the one that was cut
    off. What the search left is removed then.

    UsageError where its process still lives, or where nothing was measured.
    """
    refuse_living(found.draft, found.owner, force)
    output = output or found.output
    for partial in sorted(found.draft.glob(".[0-9]*.partial")):
        left = cut_off(found.draft / partial.name[1:].partition(".")[0])
        if left is None:
            continue
        try:
            recover(left, progress=progress)
        except UsageError as error:
            progress.warn(f"{error}; the search is told without it")
    names = sorted(path.parent.name for path in found.draft.glob(f"[0-9]*/{DOCUMENT}"))
    if not names:
        raise UsageError(
            f"{found.draft} ended before anything was measured: remove it by smbench-mount clean --discard"
        )
    runs = [read(found.draft / name) for name in names]
    for run in runs:
        if not run.thresholds:
            raise UsageError(f"{run.directory} was judged by nothing, as no run of a search: name it alone")
    judged = runs[0].thresholds[0]
    curve = [Try.of(name, run) for name, run in zip(names, runs, strict=True)]
    capacity = capacity_of(judged.text, judged.unit, curve, KILLED)
    with whole(output, ".run", CAPACITY, force) as draft:
        for name in names:
            shutil.copytree(found.draft / name, draft / name, symlinks=True, copy_function=_linked)
        write_document(draft / CAPACITY, capacity.document())
    forget_folder(found.draft)
    return capacity


def _linked(source: str, target: str) -> str:
    """The same file under another name too, which takes no room; a copy where that cannot be."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
    return target
