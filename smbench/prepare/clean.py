"""Removing what prepare made, and what replays then made of it.

Removed are: the files and directories of the manifest, however they were changed; everything beneath a
directory that prepare made, since a replay works in there and the directory cannot go without; and names
that were not there when prepare ran and that the workload makes. Everything else stays: what else is in the
target's root, or in a directory that was there before (prepared with --force). What a replay renamed out
of the prepared directories to a name that its capture never had is not known as prepare's, and stays.

Clones have folders in the target, each with a manifest of its own: they are cleaned alike, and a folder in
which nothing is left then goes too.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path

from smbench.clones import is_clone_folder
from smbench.errors import SetupError, UsageError
from smbench.prepare import manifest as manifests
from smbench.prepare import tree
from smbench.prepare.manifest import OWN_NAMES, TRIAL_FOLDERS, Manifest
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
    """Remove what prepare made beneath `root`, for clones too.

    Raises UsageError where nothing was prepared, SetupError where the target cannot be read.
    """
    cleaned = Cleaned()
    try:
        beneath = Beneath(root)
        try:
            top = list(tree.walk(beneath, lambda _: False))
            clones = [found.path for found in top if found.is_directory and is_clone_folder(found.path)]
            trials = [found.path for found in top if found.path.startswith(TRIAL_FOLDERS)]
            prepared = {
                folder: manifest
                for folder in ["", *clones]
                if (manifest := manifests.load(beneath, folder)) is not None
            }
            if not prepared and not trials:
                raise UsageError(f"nothing was prepared in {root}: it has no {manifests.MANIFEST}.")
            topmost = {folder: _topmost(folder, manifest) for folder, manifest in prepared.items()}
            total, done = sum(map(len, topmost.values())), 0
            for folder, paths in topmost.items():
                before = len(cleaned.left)
                for path in paths:
                    _remove(beneath, path, cleaned)
                    done += 1
                    if progress is not None:
                        progress(done, total)
                if len(cleaned.left) == before:
                    manifests.remove(beneath, folder)
                    if folder:
                        _remove_if_empty(beneath, folder, cleaned)
            for path in trials:
                _remove(beneath, path, cleaned)
            cleaned.others = [
                found.path for found in tree.walk(beneath, lambda _: False) if found.path not in OWN_NAMES
            ]
        finally:
            beneath.close()
    except OSError as error:
        raise SetupError(f"cannot clean the target {root}: {error.strerror}; is it still mounted?") from error
    return cleaned


def _topmost(folder: str, manifest: Manifest) -> list[str]:
    """What is to be removed, from the target on. A directory takes all beneath it along."""
    everything = (manifest.directories | manifest.files | manifest.absent) - {""}
    topmost = (path for path in everything if not any(p in everything for p in manifests.parents(path)))
    return sorted(f"{folder}/{path}" if folder else path for path in topmost)


def _remove(beneath: Beneath, path: str, cleaned: Cleaned) -> None:
    try:
        cleaned.removed += tree.remove(beneath, path)
    except OSError as error:
        cleaned.left.append((path, error.strerror or str(error)))


def _remove_if_empty(beneath: Beneath, folder: str, cleaned: Cleaned) -> None:
    try:
        beneath.rmdir(folder)
        cleaned.removed += 1
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # it holds what is not prepare's
            cleaned.left.append((folder, error.strerror or str(error)))
