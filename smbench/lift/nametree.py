"""The tree of names as the workload changes it, and what it must have been before the first change.

Every name is a node. What is learned about a node for the first time, while nothing of the workload has
touched it, was so in the beginning: it goes into the node's entry. A rename moves a node with all below
it; what is learned there afterwards still tells of the name that it had in the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator

from smbench.lift.names import DEEPEST, without_default_stream
from smbench.workload.model import Kind, NamespaceEntry

LONGEST = 4096
"""Characters of a path beyond which no file system has it (PATH_MAX)."""


class Entry:
    """What a name must have been before the replay."""

    __slots__ = (
        "accessed_ns", "attributes", "created_ns", "eas", "hint", "kind", "path", "present", "size",
        "size_known", "written_ns",
    )  # fmt: skip

    def __init__(self, path: str) -> None:
        self.path = path
        self.kind: Kind | None = None
        self.hint: Kind | None = None
        self.present: bool | None = None
        self.size = 0
        self.size_known = False
        self.attributes: int | None = None
        self.created_ns: int | None = None
        self.accessed_ns: int | None = None
        self.written_ns: int | None = None
        self.eas: tuple[tuple[str, int], ...] | None = None
        """Its extended attributes, with the lengths of their values; None: not known."""


class Node:
    """One name as it is now. `exists` is None where nothing is known yet; `entry` is None where the
    workload itself made it (or what it stands in), so that it says nothing about the beginning."""

    __slots__ = (
        "children",
        "data_touched",
        "doomed",
        "ea_touched",
        "entry",
        "exists",
        "info_touched",
        "name",
        "no_directory",
        "opens",
        "parent",
    )

    def __init__(
        self, name: str, parent: Node | None, entry: Entry | None, exists: bool | None = None
    ) -> None:
        self.name = name
        self.parent = parent
        self.entry = entry
        self.exists = exists
        self.children: dict[str, Node] | None = None
        self.data_touched = False
        self.info_touched = False
        self.ea_touched = False
        self.opens = 0
        self.no_directory = False
        """It does not exist, or is a file: nothing more is known."""
        self.doomed = False
        """Delete-on-close is set: it goes with its last open."""

    @property
    def is_stream(self) -> bool:
        return self.name.startswith(":")


class NameTree:
    """All names of a target. Memory follows the number of distinct names."""

    def __init__(self) -> None:
        entry = Entry("")
        entry.present, entry.kind = True, Kind.DIRECTORY
        self.root = Node("", None, entry, True)
        self.contradictions = 0
        """Names that came or went with nothing in the capture to cause it."""
        self._entries: list[Entry] = []

    def find(self, path: str) -> Node | None:
        """The node of a path, made if need be; None for a path that no file system could have."""
        if not path:
            return self.root
        if len(path) > LONGEST or path.count("/") >= DEEPEST:
            return None
        node = self.root
        head, _, leaf = path.rpartition("/")
        if head:
            for name in head.split("/"):
                node = self.child(node, name)
        base, _, stream = without_default_stream(leaf).partition(":")
        if base:
            node = self.child(node, base)
        return self.child(node, f":{stream}") if stream else node

    def child(self, parent: Node, name: str) -> Node:
        """The node of a name in a directory, or of a stream (`:name`) of a file."""
        if parent.children is None:
            parent.children = {}
        node = parent.children.get(name)
        if node is None:
            origin = parent.entry
            entry = None
            if origin is not None and origin.present is not False:
                between = "" if not origin.path or name.startswith(":") else "/"
                entry = Entry(f"{origin.path}{between}{name}")
            node = parent.children[name] = Node(name, parent, entry)
        return node

    def note(self, node: Node, exists: bool, kind: Kind | None = None, hint: Kind | None = None) -> Node:
        """It is known that the name is there now, or is not; returns the node that stands for it."""
        if exists:
            node = self._note_above(node)
            if node.is_stream:
                kind = Kind.STREAM
        else:
            node.no_directory = False
        if node.exists is None:
            node.exists = exists
            if node.entry is not None:
                node.entry.present = exists
                self._entries.append(node.entry)
        elif exists and node.no_directory and kind is not Kind.DIRECTORY and node.entry is not None:
            node.exists = node.entry.present = True
            node.no_directory = False
        elif node.exists != exists:
            self.contradictions += 1
            node = self._renew(node, exists)
        entry = node.entry
        if exists and entry is not None and entry.kind is None:
            entry.kind = kind
            entry.hint = entry.hint or hint
        return node

    def note_absent(self, node: Node) -> Node:
        """The name is not there, but what it would stand in is."""
        return self.note(self._note_above(node), False)

    def create(self, node: Node) -> Node:
        """The workload made it: it was not there before."""
        if node.is_stream and node.parent is not None and node.parent.exists is None:
            # The file itself may have come with its stream.
            node.parent.exists = True
        if node.exists is None:
            self.note_absent(node)
        self._touch_parent(node)
        return self._renew(node, True)

    def delete(self, node: Node) -> Node:
        self._touch_parent(node)
        return self._renew(node, False)

    def move(self, node: Node, target: Node) -> None:
        """A rename: `node` with all below it takes the place of `target`."""
        above: Node | None = target
        while above is not None:
            if above is node:
                return  # onto itself, or below itself
            above = above.parent
        self._touch_parent(node)
        self._touch_parent(target)
        self._renew(node, False)
        assert target.parent is not None
        assert target.parent.children is not None
        target.parent.children[target.name] = node
        node.parent, node.name = target.parent, target.name

    def hold_something(self, node: Node) -> None:
        """A directory that could not be removed because it was not empty: something was in it."""
        if node.entry is None or any(child.exists is not False for child in (node.children or {}).values()):
            return
        self.note(self.child(node, "smbench-not-empty"), True, Kind.FILE)

    def entries(self) -> Iterator[NamespaceEntry]:
        """What must have been before, and what must not; sorted, parents before children. Of what a folder
        is called and a stream of another (`a:b`), the first that was seen."""
        seen: str | None = None
        for entry in sorted(self._entries, key=lambda entry: entry.path.split("/")):
            if entry.path == seen:
                continue
            seen = entry.path
            kind = entry.kind or entry.hint or Kind.FILE
            yield NamespaceEntry(
                path=entry.path,
                kind=kind,
                present=bool(entry.present),
                size=0 if kind is Kind.DIRECTORY else entry.size,
                size_known=entry.size_known and kind is not Kind.DIRECTORY,
                attributes=entry.attributes,
                created_ns=entry.created_ns,
                accessed_ns=entry.accessed_ns,
                written_ns=entry.written_ns,
                ea_names=None if entry.eas is None else tuple(name for name, _ in entry.eas),
                ea_lengths=None if entry.eas is None else tuple(length for _, length in entry.eas),
            )

    def _note_above(self, node: Node) -> Node:
        """What the name stands in must be there; returns the node that stands for the name then."""
        chain = [node]
        while chain[-1].parent is not None:
            chain.append(chain[-1].parent)
        chain.reverse()
        for at, parent in enumerate(chain[:-1]):
            if parent.exists is True:
                continue
            # Of a stream it is the file itself.
            kind = None if node.is_stream and parent is node.parent else Kind.DIRECTORY
            found = self.note(parent, True, kind)
            if found is not parent:
                # Another directory bears that name by now: what was known of the one before is not of this.
                for below in chain[at + 1 :]:
                    found = self.child(found, below.name)
                return self._note_above(found)
        parent_entry = node.parent.entry if node.parent is not None else None
        if parent_entry is not None and parent_entry.kind is None:
            parent_entry.kind = Kind.FILE if node.is_stream else Kind.DIRECTORY
        return node

    def _renew(self, node: Node, exists: bool) -> Node:
        """Another file bears the name from now on (or none): it tells nothing of the beginning."""
        parent = node.parent
        if parent is None:
            return node
        fresh = Node(node.name, parent, None, exists)
        if parent.children is None:
            parent.children = {}
        parent.children[node.name] = fresh
        return fresh

    @staticmethod
    def _touch_parent(node: Node) -> None:
        if node.parent is not None:
            node.parent.info_touched = True
