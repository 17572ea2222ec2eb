"""What a target holds already, as far as a workload or an earlier prepare reaches: ours, or foreign."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from smbench.clones import is_clone_folder
from smbench.errors import UsageError
from smbench.prepare import tree
from smbench.prepare.filesystem import FileSystem, Made
from smbench.prepare.layout import Layout
from smbench.prepare.manifest import OWN_NAMES, TRIAL_FOLDERS, Manifest
from smbench.prepare.noted import load_ours
from smbench.prepare.system import Beneath, made_of
from smbench.prepare.tree import Found
from smbench.quoting import quoted


@dataclass(slots=True)
class There:
    """`ours` by path, of a local file system with which file each is (`made`); `foreign` paths are neither
    made nor removed."""

    ours: dict[str, Found] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    def drop(self, path: str) -> None:
        """It is gone."""
        self.ours.pop(path, None)
        self.made.pop(path, None)


@dataclass(frozen=True, slots=True)
class Looking:
    """For what, and by whose notes."""

    root: Path
    beneath: Beneath
    system: FileSystem
    layout: Layout
    earlier: Manifest
    key: bytes

    def look(self, force: bool) -> There:
        """UsageError where something is there that prepare did not make (without `force`), or that the
        workload needs not to be there."""
        there = There()
        ours = self.earlier.ours
        planned = {item.path for item in self.layout.directories}
        for found in tree.walk(self.beneath, lambda path: path in planned or self.earlier.owns(path)):
            if self._is_apart(found):
                continue
            owned = self.earlier.owns(found.path)
            if self.system.local and owned:
                made = made_of(self.beneath, found.path)
                there.made[found.path] = made
                owned = ours.has(made, found.status.st_uid)
            if owned:
                there.ours[found.path] = found
                continue
            there.drop(found.path)
            there.foreign.add(found.path)
            if not force:
                raise UsageError(
                    f"the target {self.root} holds {quoted(found.path)}, which prepare did not make: take an "
                    "empty folder, or --force to make the files beside what is there."
                )
        if in_the_way := sorted(there.foreign & self.layout.absent):
            raise UsageError(
                f"the workload needs {quoted(in_the_way[0])} not to be there, but the target {self.root} has "
                "it and prepare did not make it: move it away, or take another folder."
            )
        return there

    def _is_apart(self, found: Found) -> bool:
        """This program's own, and what clones have is theirs."""
        if found.path in OWN_NAMES or found.path.startswith(TRIAL_FOLDERS):
            return True
        if not (is_clone_folder(found.path) and found.is_directory) or self.earlier.owns(found.path):
            return False
        place = self.beneath.inside(found.path)
        folder = made_of(place, "") if self.system.local else None
        return load_ours(place, self.key, folder) is not None
