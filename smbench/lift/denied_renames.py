"""Renames that a server denied a Linux client, and what that does about it by itself: it tries three times
more, then removes what has the new name, and tries once more (fs/smb/client/inode.c, cifs_rename2)."""

from __future__ import annotations

from dataclasses import dataclass

from smbench.lift.rule import Opened
from smbench.lift.rules.set_info import is_denied_rename
from smbench.smb2.constants import DELETE
from smbench.trace.messages import CreateRequest
from smbench.trace.model import Exchange

_TRIES = 3


@dataclass(slots=True)
class DeniedRename:
    """One rename, from its denial on."""

    path: str
    target: str
    request: CreateRequest
    tries: int = _TRIES
    """How often the client may still try again."""
    removed: bool = False
    """It has removed what had the new name, or tried to."""

    def is_over_by(self, opened: Opened) -> bool:
        """An open of the session has come, and is told if it belongs to the rename: whether nothing more of
        it can follow. What names neither of its files has nothing to do with it."""
        again, before = opened.request, self.request
        if opened.path == self.path and (again.access, again.disposition, again.options) == (
            before.access,
            before.disposition,
            before.options,
        ):
            opened.renamed_before = self.target if self.tries else None
            self.tries -= 1
            return self.tries < 0 or self.removed
        if opened.path == self.target and not (self.tries or self.removed) and (again.access or 0) & DELETE:
            opened.removed_for_rename = self.removed = True
            self.tries = 1
            return False
        return opened.path in (self.path, self.target)


def is_denied(exchange: Exchange, opened: Opened) -> bool:
    """Whether a Linux client was denied to rename an open file."""
    return opened.linux and is_denied_rename(exchange)
