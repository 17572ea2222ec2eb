"""The files of a replay: of each clone, before each of the runs that a replay is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from smbench.clones import clone_folder
from smbench.pipeline.clients import root_in_any_dialect
from smbench.pipeline.place import Place
from smbench.pipeline.preparing import (
    amount_of,
    one_root,
    prepare_root,
    refuse_too_large,
    try_accounts,
    wanted_content,
    warn_of_losses,
    without_content,
)
from smbench.pipeline.progress import Progress
from smbench.pipeline.request import Namespace, Request
from smbench.prepare.content import Content
from smbench.prepare.wanted import Amount, Wanted
from smbench.workload.model import Workload


@dataclass(slots=True)
class Files:
    """A workload's files on a target. What one run has prepared is known to be ours in the next."""

    workload: Workload
    progress: Progress
    _prepared: set[int] = field(default_factory=set)
    """The clones whose folders were prepared; 0: the target itself."""
    _wanted: dict[Content, Wanted] = field(default_factory=dict)

    def wanted(self, content: Content) -> Wanted:
        """Where files get content; found once."""
        if content not in self._wanted:
            self._wanted[content] = wanted_content(self.workload, content)
        return self._wanted[content]

    def amount(self, asked: Request, clones: int) -> Amount | None:
        """How much a replay would have made for it, and how much of it written; None where nothing is."""
        if not asked.prepare or not asked.backend.touches_files:
            return None
        clones = clones if asked.namespace is Namespace.ISOLATED else 1
        return amount_of(self.workload, self.wanted(asked.content), clones)

    def prepare(self, asked: Request, place: Place, clones: int, *, own: bool, tells: bool) -> None:
        """By a mount of its own: the users' have nothing of it in their caches. `own`: each clone has a
        folder of its own; `tells`: what could not be made is warned of."""
        if not asked.prepare or not asked.backend.touches_files:
            return
        clones = clones if asked.namespace is Namespace.ISOLATED else 1
        wanted = self.wanted(asked.content)
        refuse_too_large(self.workload, clones, asked.filling, wanted)
        if not self._prepared and not asked.backend.needs_share:
            try_accounts(place, self.progress)
        with (root_in_any_dialect if asked.backend.needs_share else one_root)(
            place, self.progress, self.workload
        ) as roots:  # fmt: skip
            for number in range(1, clones + 1):
                folder = replace(roots, folder=clone_folder(number)) if own else roots
                key = number if own else 0
                # What lies beside the workload's files in a folder that was ours, an earlier run left.
                filling = replace(asked.filling, force=asked.force or key in self._prepared)
                prepared = prepare_root(self.workload, place, folder, filling, self.progress, wanted)
                if tells and number == 1:
                    warn_of_losses(prepared, self.progress)
                self._prepared.add(key)

    def taken(self, asked: Request, roots: Iterable[Path]) -> list[str]:
        """What is to be known of files that are taken as they are. UsageError where they cannot be the
        workload's: a clone's folder is missing, or what will be read was never written."""
        if asked.prepare or not asked.backend.touches_files or asked.backend.needs_share:
            return []
        wanted = self.wanted(Content.AUTO)
        found = [without_content(self.workload, root, wanted) for root in dict.fromkeys(roots)]
        return [note for note in dict.fromkeys(found) if note is not None]
