"""Files, directories, streams and opens of the in-memory server: what [MS-FSA] 1.3 calls its abstract data.

Contents are sizes only: no outcome depends on bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from smbench.paths.beneath import UnsafePathError, split
from smbench.smb2.constants import ATTRIBUTE_DIRECTORY
from smbench.smb2.ntstatus import Status

_LONGEST_COMPONENT = 255
_FORBIDDEN = frozenset('*?<>"|') | {chr(code) for code in range(32)}


class RefusedError(Exception):
    """The server refuses; `status` says how."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(slots=True, eq=False)
class Lock:
    """A byte-range lock: [start, end)."""

    owner: Handle
    start: int
    end: int
    exclusive: bool

    def refuses(self, wanted: Lock) -> bool:
        """Whether they overlap and one is exclusive; a shared one may lie on one's own exclusive one."""
        if not (self.start < wanted.end and wanted.start < self.end):
            return False
        if self.exclusive and not wanted.exclusive:
            return self.owner is not wanted.owner
        return self.exclusive or wanted.exclusive


@dataclass(slots=True, eq=False)
class Stream:
    """One stream of data: the unnamed one of a file (key `""`), or an alternate one."""

    name: str
    size: int = 0
    delete_pending: bool = False
    handles: list[Handle] = field(default_factory=list)
    locks: list[Lock] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Node:
    """A file or directory. `children` of a directory and `streams` are by folded name."""

    directory: bool
    attributes: int
    children: dict[str, Link] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    eas: dict[str, int] = field(default_factory=dict)
    """Lengths of its extended attributes, by folded name."""

    def __post_init__(self) -> None:
        self.streams.setdefault("", Stream(""))

    @property
    def data(self) -> Stream:
        return self.streams[""]

    def handles(self) -> Iterator[Handle]:
        for stream in self.streams.values():
            yield from stream.handles


@dataclass(slots=True, eq=False)
class Link:
    """A name of a node in a directory; deletion is pending for a name ([MS-FSA] 2.1.1.4)."""

    name: str
    parent: Link | None
    node: Node
    delete_pending: bool = False

    def beneath(self, ancestor: Link) -> bool:
        """Whether it is that name, or stands below it."""
        link: Link | None = self
        while link is not None:
            if link is ancestor:
                return True
            link = link.parent
        return False


@dataclass(slots=True, eq=False)
class Handle:
    """An open ([MS-FSA] 2.1.1.6)."""

    link: Link
    stream: Stream
    access: int
    share: int
    delete_on_close: bool
    brought_eas: bool = False
    """Its CREATE brought extended attributes, which are set after it."""
    listing: list[str] | None = None
    """What a directory scan has yet to return; None before the first query."""
    found_any: bool = False

    @property
    def node(self) -> Node:
        return self.link.node


def parse(path: str) -> tuple[tuple[str, ...], str]:
    """A path's components and its stream (`""`: the file's data), or what a server refuses in it."""
    base, colon, stream = path.partition(":")
    stream, _, kind = stream.partition(":")
    if kind.upper() not in ("", "$DATA") or "/" in stream or (colon and not stream and not kind):
        raise RefusedError(Status.OBJECT_NAME_INVALID)
    try:
        components = split(base)
    except UnsafePathError as error:
        raise RefusedError(Status.OBJECT_NAME_INVALID) from error
    for component in components:
        if len(component) > _LONGEST_COMPONENT or not _FORBIDDEN.isdisjoint(component):
            raise RefusedError(Status.OBJECT_NAME_INVALID)
    return components, stream


class Tree:
    """The names of one share."""

    def __init__(self) -> None:
        self.root = Link("", None, Node(directory=True, attributes=ATTRIBUTE_DIRECTORY))
        self.on_change: Callable[[Link, bool], None] = lambda _directory, _of_directory: None
        """Told of a name that came or went: in which directory, and whether it is a directory's."""

    def parent_of(self, components: tuple[str, ...]) -> Link:
        """The directory that the last component is in, or OBJECT_PATH_NOT_FOUND."""
        link = self.root
        for component in components[:-1]:
            below = link.node.children.get(component.casefold())
            if below is None or not below.node.directory:
                raise RefusedError(Status.OBJECT_PATH_NOT_FOUND)
            link = below
        return link

    def find(self, components: tuple[str, ...]) -> Link | None:
        """The name itself, None where its directory has no such."""
        if not components:
            return self.root
        return self.parent_of(components).node.children.get(components[-1].casefold())

    def add(self, parent: Link, name: str, node: Node) -> Link:
        link = Link(name, parent, node)
        self.put(link, parent)
        return link

    def put(self, link: Link, parent: Link) -> None:
        """Let it be one of the directory's names."""
        link.parent = parent
        parent.node.children[link.name.casefold()] = link
        self.on_change(parent, link.node.directory)

    def remove(self, link: Link) -> None:
        if link.parent is not None:
            link.parent.node.children.pop(link.name.casefold(), None)
            self.on_change(link.parent, link.node.directory)

    def move(self, link: Link, parent: Link, name: str) -> None:
        """Give it another name: one change, of both directories where they are two."""
        before = link.parent
        if before is not None:
            before.node.children.pop(link.name.casefold(), None)
            if before is not parent:
                self.on_change(before, link.node.directory)
        link.name = name
        self.put(link, parent)

    def open_beneath(self, ancestor: Link) -> bool:
        """Whether anything below a directory is open."""
        return any(
            next(link.node.handles(), None) is not None or self.open_beneath(link)
            for link in ancestor.node.children.values()
        )
