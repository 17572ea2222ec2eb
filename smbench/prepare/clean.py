"""Removing what prepare made, and what replays then made of it.

Removed are: the files and directories of the manifest, however they were changed; everything beneath a
directory that prepare made, since a replay works in there and the directory cannot go without; and names
that were not there when prepare ran and that the workload makes. Everything else stays: what else is in the
target's root, or in a directory that was there before (prepared with --force). What a replay renamed out
of the prepared directories to a name that its capture never had is not known as prepare's, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.prepare import manifest as manifests
from smbench.prepare import tree
from smbench.prepare.manifest import OWN_NAMES
from smbench.prepare.outcome import Progress
from smbench.prepare.system import Beneath


@dataclass(slots=True)
class Cleaned:
    """`removed` names went; `left` could not be removed, with the reason; `others` are not prepare's."""

    removed: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """What else is in the target's root."""


def clean(root: Path, *, progress: Progress | None = None) -> Cleaned:
    """Remove what prepare made beneath `root`.

    Raises UsageError where nothing was prepared, SetupError where the target cannot be read.
    """
    cleaned = Cleaned()
    try:
        beneath = Beneath(root)
        try:
            manifest = manifests.load(beneath)
            if manifest is None:
                raise UsageError(f"nothing was prepared in {root}: it has no {manifests.MANIFEST}.")
            # A directory takes all beneath it along, so only the topmost are asked for.
            everything = manifest.directories | manifest.files | manifest.absent
            topmost = sorted(
                path for path in everything if not any(p in everything for p in manifests.parents(path))
            )
            for number, path in enumerate(topmost, 1):
                try:
                    cleaned.removed += tree.remove(beneath, path)
                except OSError as error:
                    cleaned.left.append((path, error.strerror or str(error)))
                if progress is not None:
                    progress(number, len(topmost))
            if not cleaned.left:
                manifests.remove(beneath)
            cleaned.others = [
                found.path for found in tree.walk(beneath, lambda _: False) if found.path not in OWN_NAMES
            ]
        finally:
            beneath.close()
    except OSError as error:
        raise SetupError(f"cannot clean the target {root}: {error.strerror}; is it still mounted?") from error
    return cleaned
