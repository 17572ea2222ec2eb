"""What opening a target takes and gives, the same on every system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smbench.errors import SetupError, SmbenchError
from smbench.mounts.accounts import Account
from smbench.run.surroundings import Mount

if TYPE_CHECKING:
    from smbench.mounts.options import Option
    from smbench.mounts.state import RunState


class NotSupportedError(SetupError):
    """A mount was refused for its dialect, or its encryption."""


@dataclass(frozen=True, slots=True)
class UserMount:
    """Which account stands for a user, and what its mount is to be like; neither matters for a directory."""

    user: str
    account: Account | None = None
    options: tuple[Option, ...] = ()
    streams: tuple[Option, ...] | None = None
    """Of a second mount, for alternate data streams; None: there is none."""


@dataclass(slots=True)
class Mounted:
    """An open target. `roots` has a directory for each user, in their order."""

    roots: list[Path]
    mounts: list[Mount]
    """As a run has them, one a user."""
    state: RunState | None = None
    """None for a directory."""
    streams: list[Path | None] = field(default_factory=list)
    """By user, the directory of its second mount, where it has one; empty: nobody has."""
    notes: list[str] = field(default_factory=list)
    """What went less than well, for the result; after the end also of unmounting."""
    cut_off: bool = False
    """Processes were killed in the middle of their calls."""
    acting: list[Any] = field(default_factory=list)
    """Who each user's threads have to act as (`runner.worker.Acting`), where not whoever runs this."""

    def entered(self, user: int) -> AbstractContextManager[None]:
        """The calling thread acts as that user meanwhile."""
        acting: AbstractContextManager[None] = nullcontext()
        if self.acting and self.acting[user] is not None:
            acting = self.acting[user].entered()
        return acting

    @contextmanager
    def naming(self, target: object) -> Iterator[None]:
        """What fails meanwhile is said of the target as the user named it, not of where it is mounted."""
        try:
            yield
        except SmbenchError as error:
            said = self._named(str(error), target)
            raise (type(error)(said) if said != str(error) else error) from error.__cause__
        except OSError as error:
            if isinstance(error.filename, str):
                error.filename = self._named(error.filename, target)
            raise

    def _named(self, text: str, target: object) -> str:
        if self.state is None:
            return text
        # The longest first: one root's name may begin another's.
        roots = [*self.roots, *(root for root in self.streams if root is not None)]
        for root in sorted(map(str, roots), key=len, reverse=True):
            text = text.replace(root, str(target))
        return text
