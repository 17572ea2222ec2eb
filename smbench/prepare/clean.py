"""Removing what prepare made, and what replays then made of it.

Removed are: the files and directories of the manifest, however they were changed; everything beneath a
directory that prepare made, since a replay works in there and the directory cannot go without; and names that
were not there when prepare ran and that the workload makes. Everything else stays: what else is in the
target's root, or in a directory that was there before (prepared with --force), and what on a local file
system is none of what was made or replayed there (`ours`). What a replay renamed out of the prepared
directories to a name that its capture never had is not known as prepare's, and stays.

Clones have folders in the target, each with a manifest of its own: they are cleaned alike, and a folder in
which nothing is left then goes too.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path

from smbench.clones import is_clone_folder
from smbench.errors import SetupError, UsageError
from smbench.prepare import manifest as manifests
from smbench.prepare import tree
from smbench.prepare.filesystem import FileSystem, Made
from smbench.prepare.manifest import OWN_NAMES, TRIAL_FOLDERS, Manifest
from smbench.prepare.noted import load_ours
from smbench.prepare.ours import Ours
from smbench.prepare.outcome import Progress
from smbench.prepare.signing import caller_key
from smbench.prepare.system import Beneath, made_of, probe, remove
from smbench.prepare.tree import Found


@dataclass(slots=True)
class Cleaned:
    """`removed` names went; `left` could not be removed, with the reason; `others` are not prepare's."""

    removed: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """What else is in the target's root."""


def clean(root: Path, *, progress: Progress | None = None) -> Cleaned:
    """Remove what prepare made beneath `root`, for clones too.

    Raises UsageError where nothing was prepared, or not by the caller; SetupError where the target cannot be
    read.
    """
    cleaned = Cleaned()
    key = caller_key()
    try:
        beneath = Beneath(root, captured=False)
        try:
            cleaning = _Cleaning(beneath, probe(beneath), key, cleaned, progress)
            cleaning.run(root)
            cleaned.others = [
                found.path for found in tree.walk(beneath, lambda _: False) if found.path not in OWN_NAMES
            ]
        finally:
            beneath.close()
    except OSError as error:
        raise SetupError(f"cannot clean the target {root}: {error.strerror}; is it still mounted?") from error
    return cleaned


@dataclass(slots=True)
class _Cleaning:
    beneath: Beneath
    system: FileSystem
    key: bytes
    cleaned: Cleaned
    progress: Progress | None
    done: int = 0
    total: int = 0

    def run(self, root: Path) -> None:
        top = list(tree.walk(self.beneath, lambda _: False))
        trials = [found.path for found in top if found.path.startswith(TRIAL_FOLDERS)]
        prepared = self.manifests([found for found in top if found.is_directory])
        if not prepared and not trials:
            if self.cleaned.left:
                raise UsageError(self.cleaned.left[0][1])
            raise UsageError(f"nothing was prepared in {root}: it has no {manifests.MANIFEST}.")
        topmost = {folder: _topmost(manifest) for folder, (_, manifest) in prepared.items()}
        self.total = sum(map(len, topmost.values()))
        for folder, (place, manifest) in prepared.items():
            before = len(self.cleaned.left)
            for path in topmost[folder]:
                self.remove(place, path, manifest.ours, f"{folder}/{path}" if folder else path)
                self.count()
            if len(self.cleaned.left) == before:
                manifests.remove(place)
                if folder:
                    self.remove_if_empty(folder)
        self.remove_trials(trials)

    def manifests(self, folders: list[Found]) -> dict[str, tuple[Beneath, Manifest]]:
        """The target's and those of clones' folders, each with its folder; of others' folders nothing
        goes."""
        found: dict[str, tuple[Beneath, Manifest]] = {}
        if (manifest := load_ours(self.beneath, self.key, self.folder(self.beneath))) is not None:
            found[""] = self.beneath, manifest
        for folder in (each.path for each in folders if is_clone_folder(each.path)):
            try:
                place = self.beneath.inside(folder)
                if (manifest := load_ours(place, self.key, self.folder(place))) is not None:
                    found[folder] = place, manifest
            except (OSError, UsageError) as error:
                self.cleaned.left.append((folder, getattr(error, "strerror", None) or str(error)))
        return found

    def folder(self, place: Beneath) -> Made | None:
        return made_of(place, "") if self.system.local else None

    def remove(self, place: Beneath, path: str, ours: Ours, named: str) -> None:
        try:
            self.cleaned.removed += remove(place, path, self.system, ours)
        except OSError as error:
            self.cleaned.left.append((named, error.strerror or str(error)))

    def remove_trials(self, trials: list[str]) -> None:
        """Made by whoever replays there: the target's owner, or the caller."""
        owners = frozenset([self.beneath.stat("").st_uid, getattr(os, "geteuid", int)()])
        for path in trials:
            self.remove(self.beneath, path, Ours(frozenset(), owners), path)

    def remove_if_empty(self, folder: str) -> None:
        try:
            self.beneath.rmdir(folder)
            self.cleaned.removed += 1
        except OSError as error:
            # It holds what is not prepare's, or went with the target's own names.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                self.cleaned.left.append((folder, error.strerror or str(error)))

    def count(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


def _topmost(manifest: Manifest) -> list[str]:
    """What is to be removed. A directory takes all beneath it along."""
    everything = manifest.directories | manifest.files | manifest.absent
    return sorted(path for path in everything if not any(p in everything for p in manifests.parents(path)))
