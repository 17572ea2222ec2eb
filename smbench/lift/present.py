"""Names and files as they are while the capture goes on: what is known of each now, and since when.

`nametree.py` keeps what was in the beginning; this keeps the present, of names and of the data behind them.
Named streams are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from smbench.lift.names import DEEPEST
from smbench.lift.nametree import LONGEST


class File:
    """What is behind one name, or several after a link. `size` is None where it is not known."""

    __slots__ = (
        "changed_ns",
        "closed_ns",
        "cut_ns",
        "linked",
        "locked",
        "opens",
        "seen_ns",
        "size",
        "streamed",
        "written_ns",
    )

    def __init__(self, size: int | None = None, changed_ns: int = 0) -> None:
        self.size = size
        self.changed_ns = changed_ns
        """When the capture's last change of the size was answered."""
        self.cut_ns = changed_ns
        """Of those the last that was not a write: writes lengthen it, in whatever order they are done."""
        self.seen_ns = 0
        """When the size was last told."""
        self.closed_ns = 0
        """When its last close was answered."""
        self.written_ns = 0
        """When the last write that did not lengthen it was answered."""
        self.opens = 0
        self.linked = False
        self.locked = False
        """The capture has, or had, a lock on it."""
        self.streamed = False
        """A stream of it was open, whose share mode counts for the file too."""

    def cut(self, size: int | None, asked_ns: int, at_ns: int) -> None:
        """The capture set the size; None: nobody knows to what, nor if something else was done meanwhile."""
        self.size = size if asked_ns >= max(self.changed_ns, self.written_ns) else None
        self.changed_ns = self.cut_ns = max(self.changed_ns, at_ns)

    def lengthen(self, size: int | None, asked_ns: int, at_ns: int) -> None:
        """It wrote, which made it that long at least; None: nobody knows how long."""
        known = size is not None and self.size is not None and asked_ns >= self.cut_ns
        self.size = max(self.size or 0, size or 0) if known else None
        self.changed_ns = max(self.changed_ns, at_ns)


class Name:
    """One name. `exists` and `directory` are None where they are not known."""

    __slots__ = (
        "changed_ns", "children", "directory", "dismissed", "disposed_ns", "doomed", "exists", "file",
        "fresh", "holder", "listed_ns", "locker", "mixed", "moved", "name", "no_directory", "odd", "parent",
        "seen_ns",
    )  # fmt: skip

    def __init__(self, name: str, parent: Name | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[str, Name] | None = None
        self.exists: bool | None = None
        self.directory: bool | None = None
        self.fresh = False
        """A directory that was made while it was watched: what is not known to be in it, is not."""
        self.no_directory = False
        """It does not exist, or is a file: nothing more is known."""
        self.doomed = False
        """It goes with its last open: until then some see it, and others do not."""
        self.dismissed = False
        """And the server has said that it can."""
        self.disposed_ns = 0
        """When the last word on whether it is to go was answered."""
        self.odd = False
        """A link, or something else of which two looks may tell two things."""
        self.locker = 0
        """Who of outside has a range of it locked; 0: nobody."""
        self.holder = 0
        """Who of outside has it open, so that others may not open it; 0: nobody."""
        self.listed_ns = 0
        """When the last whole listing of it was answered."""
        self.mixed = False
        """Some of its opens may be of another file, or nobody knows whether it is to go: what their closes do
        is not known."""
        self.moved: Name | None = None
        """What was here before, where the capture moved it away."""
        self.changed_ns = 0
        """When the capture's last change of the name was answered."""
        self.seen_ns = 0
        """When its being there, or not, was last told."""
        self.file = File()

    @property
    def path(self) -> str:
        names = []
        above: Name | None = self
        while above is not None and above.parent is not None:
            names.append(above.name)
            above = above.parent
        return "/".join(reversed(names))

    def doubt(self, at_ns: int) -> None:
        """Nobody knows any more whether it is there."""
        self.exists = self.directory = self.file.size = None
        self.changed_ns = max(self.changed_ns, at_ns)
        self.mixed = self.file.opens > 0

    def doubt_all(self, at_ns: int) -> None:
        """Nor of what is in it, or where that is."""
        self.doubt(at_ns)
        self.odd = True
        for child in (self.children or {}).values():
            child.doubt_all(at_ns)

    def settle(self, exists: bool, at_ns: int, directory: bool | None = None) -> None:
        """The name was made, or has gone: other data is behind it, if any, and nothing is in it."""
        self.exists, self.directory, self.changed_ns = exists, directory, max(self.changed_ns, at_ns)
        self.holder = self.locker = 0
        self.doomed = self.dismissed = self.odd = self.fresh = self.mixed = self.no_directory = False
        self.file = File(changed_ns=at_ns)
        for child in (self.children or {}).values():
            child.settle(False, at_ns)

    def since_ns(self) -> int:
        """When the capture last changed the name, or one that it stands in."""
        latest, above = self.changed_ns, self.parent
        while above is not None:
            latest, above = max(latest, above.changed_ns), above.parent
        return latest

    def beneath(self) -> Iterator[Name]:
        """All that is known to be in it, the deepest first."""
        for child in (self.children or {}).values():
            yield from child.beneath()
            if child.exists:
                yield child


class Present:
    """All names of a target. Memory follows the number of distinct names."""

    def __init__(self) -> None:
        self.root = Name("", None)
        self.root.exists = self.root.directory = True

    def find(self, path: str) -> Name | None:
        """The name at a path, whose stream is left away; None for a path that no file system could have."""
        if len(path) > LONGEST or path.count("/") >= DEEPEST:
            return None
        name = self.root
        head, _, leaf = path.rpartition("/")
        for part in head.split("/") if head else ():
            name = self.child(name, part)
        leaf = leaf.partition(":")[0]
        return self.child(name, leaf) if leaf else name

    def child(self, parent: Name, name: str) -> Name:
        """The name in a directory; of one that is not there, or is new, nothing unknown is there."""
        if parent.children is None:
            parent.children = {}
        child = parent.children.get(name)
        if child is None:
            child = parent.children[name] = Name(name, parent)
            if parent.exists is False or parent.fresh:
                child.exists, child.changed_ns = False, parent.changed_ns
        return child

    def moved_since(self, name: Name, asked_ns: int) -> Iterator[Name]:
        """What may have been meant by a name when it was asked for, and has moved before the answer came."""
        below: list[str] = []
        above: Name | None = name
        while above is not None and above.parent is not None:
            if above.moved is not None and asked_ns < above.changed_ns:
                meant = above.moved
                for part in reversed(below):
                    meant = self.child(meant, part)
                yield meant
            below.append(above.name)
            above = above.parent

    def move(self, name: Name, target: Name, at_ns: int) -> None:
        """A rename: `name` with all below it takes the place of `target`."""
        above: Name | None = target
        while above is not None:
            if above is name:
                return  # onto itself, or below itself
            above = above.parent
        if name.parent is None or target.parent is None or target.parent.children is None:
            return
        left = Name(name.name, name.parent)
        left.settle(False, at_ns)
        left.moved = name
        assert name.parent.children is not None
        name.parent.children[name.name] = left
        name.parent, name.name, name.changed_ns = target.parent, target.name, at_ns
        target.parent.children[target.name] = name
        name.exists = True
