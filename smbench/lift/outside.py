"""Changes from outside: what the answers of a capture tell of names and sizes that nothing in it explains.

A process on the server, or a client that was not captured, makes, removes and changes files as well. The
evidence for it is an answer that contradicts the last one, though no request of the capture changed what it
is about. Taken for it is only what leaves no other way:

- the request was sent after the capture's own last change of that name or size was answered, and no change
  of it (or of a directory above it) is under way, by whomever of the capture;
- what a request without an answer may have changed is not known, until it is told again;
- a name with delete-on-close is neither there nor gone before its last close, and a listing tells of the
  time when it began;
- a size is judged by who reads: on an open for reading, by the answers to its CREATE, its questions and its
  READs. To nobody else does it make a difference; listings and answers to CLOSE may have an old one, or 0;
- links, reparse points, named streams and opens that are not replayed are not judged, nor are attributes,
  times and data;
- a holder is seen where an open was refused for sharing, and the capture has, and had, none on the file; or
  where something was refused for a lock, and the capture has never had one on it.

Where a change is found, it lies between the last sight of the old state and the first of the new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from smbench.lift.present import File, Name
from smbench.lift.sizes import Told
from smbench.smb2.constants import SHARE_ALL
from smbench.trace.model import Exchange


class What(StrEnum):
    """What somebody outside did."""

    APPEARED = "appeared"
    GONE = "gone"
    RESIZED = "resized"
    HELD = "held"
    LOCKED = "locked"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Change:
    """One change that nothing in the capture explains."""

    what: What
    path: str
    directory: bool
    before: int
    """Bytes before it, of a file that was resized; where what was locked begins; else 0."""
    size: int
    """Bytes after it, as far as the capture tells; how many were locked."""
    since_ns: int
    """The last sight of the old state, or the capture's own last change of where it is."""
    seen: int
    """The number of the exchange that saw the new state first."""
    holder: int = 0
    """Of what was held or locked, and released: which holder it is, from 1 on."""
    share_access: int = SHARE_ALL
    """What the holder lets others do."""


@dataclass(frozen=True, slots=True)
class Look:
    """An answer that tells: the exchange, of when it tells, and when it came."""

    exchange: Exchange
    asked_ns: int
    at_ns: int
    directory: bool | None = None
    size: int | None = None


class OutsideChanges:
    """Judges what is told of names and sizes, in the order of the answers; `found` gets each change."""

    def __init__(self, found: Callable[[Change], None]) -> None:
        self._found = found
        self._under_way: Counter[str] = Counter()
        """By path: the capture's own changes that are not answered yet."""
        self._holders = 0

    def begins(self, paths: tuple[str, ...]) -> None:
        """The capture asked for a change of these paths."""
        self._under_way.update(paths)

    def ends(self, paths: tuple[str, ...]) -> None:
        """It was answered."""
        for path in paths:
            self._under_way[path] -= 1
            if not self._under_way[path]:
                del self._under_way[path]

    def is_under_way(self, name: Name) -> bool:
        """Whether the capture is changing the name, or one above it."""
        if not self._under_way:
            return False
        path = name.path
        while path:
            if path in self._under_way:
                return True
            path = path.rpartition("/")[0]
        return False

    def there(self, name: Name, look: Look) -> None:
        """The name was there; of a file, as long as the look says."""
        if name.parent is None:
            return
        self._there_above(name, look)
        if name.doomed:
            return
        sure = self._sure(name, look)
        other = name.directory is not None and look.directory not in (None, name.directory)
        if name.exists is None or (name.no_directory and not look.directory):
            name.exists = True if sure else None
            name.no_directory = False
        elif not name.exists or other:
            if not sure or name.odd:
                name.doubt(look.at_ns)
                return
            if name.exists:
                self._gone(name, look)
            self._appeared(name, look)
        if name.directory is None:
            name.directory = look.directory
        name.seen_ns = max(name.seen_ns, look.at_ns)

    def absent(self, name: Name, look: Look) -> None:
        """The name was not there; what it would stand in was."""
        if name.parent is None:
            return
        self._there_above(name, look)
        if name.doomed:
            return
        name.no_directory = False
        sure = self._sure(name, look)
        if name.exists is None:
            name.exists = False if sure else None
        elif name.exists:
            if not sure or name.odd:
                name.doubt(look.at_ns)
                return
            self._gone(name, look)
        name.seen_ns = max(name.seen_ns, look.at_ns)

    def no_directory(self, name: Name, look: Look) -> None:
        """The name was none of a directory: it was not there, or a file."""
        if name.exists is None and not name.doomed and self._sure(name, look):
            name.exists, name.no_directory = False, True
            name.seen_ns = look.at_ns
        elif name.exists and name.directory:
            self.absent(name, look)
        elif name.exists is False:
            name.seen_ns = max(name.seen_ns, look.at_ns)

    def sized(self, name: Name, file: File, look: Look, told: Told) -> None:
        """A file, opened by that name, was as long as was told."""
        if name.directory or file.linked or name.odd:
            return
        size, known = told.size, file.size
        sure = look.asked_ns >= file.changed_ns and self._sure(name, look)
        if known is None:
            if sure and not (told.least or told.most):
                file.size = size
        elif (size > known and not told.most) or (size < known and not told.least):
            whole = sure and bool(name.exists) and name.file is file and not name.doomed
            if whole:
                seen_ns = file.seen_ns if file.seen_ns <= look.asked_ns else 0
                since_ns = max(name.since_ns(), file.changed_ns, seen_ns)
                seen = look.exchange.index
                self._found(Change(What.RESIZED, name.path, False, known, size, since_ns, seen))
            file.size = size if whole else None
        file.seen_ns = max(file.seen_ns, look.at_ns)

    def held(self, name: Name, look: Look, share_access: int) -> None:
        """An open, which was to share so much, was refused for another one of the file."""
        file = name.file
        mine = bool(file.opens) or file.streamed or look.asked_ns < file.closed_ns
        if mine or name.holder or not name.exists or name.doomed or name.odd or not self._sure(name, look):
            return
        self._holders += 1
        name.holder = self._holders
        # Who lets others do all was refused for what the holder does not let him do; else it may be his own.
        shares = SHARE_ALL if share_access != SHARE_ALL else 0
        since_ns = max(name.since_ns(), file.closed_ns)
        self._found(
            Change(What.HELD, name.path, bool(name.directory), 0, 0, since_ns, look.exchange.index,
                   name.holder, shares)
        )  # fmt: skip

    def released(self, name: Name, look: Look) -> None:
        """An open that a holder would not let be was granted, or the file has gone."""
        self._release(name, name.holder, look)
        name.holder = 0

    def locked(self, name: Name, file: File, look: Look, extent: tuple[int, int]) -> None:
        """Something was refused for another's lock of a range (its offset and length)."""
        if name.locker:
            name.seen_ns = max(name.seen_ns, look.at_ns)
        if file.locked or name.locker or name.file is not file or not name.exists or name.doomed:
            return
        if name.odd or not self._sure(name, look):
            return
        self._holders += 1
        name.locker = self._holders
        change = Change(
            What.LOCKED, name.path, False, *extent, _since_ns(name, look), look.exchange.index, name.locker
        )
        self._found(change)
        name.seen_ns = max(name.seen_ns, look.at_ns)

    def unlocked(self, name: Name, look: Look) -> None:
        """What a lock would not have let be was done."""
        self._release(name, name.locker, look)
        name.locker = 0

    def _release(self, name: Name, holder: int, look: Look) -> None:
        if holder:
            since_ns, seen = _since_ns(name, look), look.exchange.index
            self._found(Change(What.RELEASED, name.path, False, 0, 0, since_ns, seen, holder))

    def _sure(self, name: Name, look: Look) -> bool:
        """Whether nothing that the capture did can have made the difference."""
        return look.asked_ns >= name.since_ns() and not self.is_under_way(name)

    def _there_above(self, name: Name, look: Look) -> None:
        """What a name stands in must be there."""
        missing = []
        above = name.parent
        while above is not None:
            if above.exists and above.directory:
                above.seen_ns = max(above.seen_ns, look.at_ns)
            else:
                missing.append(above)
            above = above.parent
        for parent in reversed(missing):
            self.there(parent, replace(look, directory=True, size=None))

    def _gone(self, name: Name, look: Look) -> None:
        """With all that was in it."""
        every = [*name.beneath(), name]
        since_ns = max(_since_ns(one, look) for one in every)
        for one in every:
            self.released(one, look)
            self.unlocked(one, look)
            self._found(Change(What.GONE, one.path, bool(one.directory), 0, 0, since_ns, look.exchange.index))
        name.settle(False, since_ns)

    def _appeared(self, name: Name, look: Look) -> None:
        directory, since_ns = bool(look.directory), _since_ns(name, look)
        size = 0 if directory else look.size or 0
        self._found(Change(What.APPEARED, name.path, directory, 0, size, since_ns, look.exchange.index))
        name.settle(True, since_ns, directory)
        name.fresh = directory
        name.file.size = size


def _since_ns(name: Name, look: Look) -> int:
    """The latest time at which the old state was there still, as far as it lies before the question."""
    listed_ns = 0 if name.exists or name.parent is None else name.parent.listed_ns
    told = [ns for ns in (name.seen_ns, name.file.seen_ns, listed_ns) if ns <= look.asked_ns]
    return max([name.since_ns(), *told])
