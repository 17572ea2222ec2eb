"""Where names led in the beginning, after renames and links. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Name:
    """`origin`: the path that it had in the beginning; None: it was made on the way."""

    origin: str | None
    beneath: dict[str, _Name] = field(default_factory=dict)


class Moved:
    """The names that something was moved from or to, as a tree; all others lead where they led."""

    def __init__(self) -> None:
        self._root = _Name("")

    def origin(self, path: str) -> str | None:
        """The path that this one's file had in the beginning; None where it was made on the way."""
        name, parts = self._root, _parts(path)
        for at, part in enumerate(parts):
            below = name.beneath.get(part)
            if below is None:
                return None if name.origin is None else _joined(name.origin, parts[at:])
            name = below
        return name.origin

    def move(self, path: str, target: str, *, stays: bool = False) -> None:
        """What `path` leads to is at `target` from now on; with `stays` (a link) there as well."""
        source = self._name(path)
        parent, last = self._parent(target)
        if stays:
            parent.beneath[last] = _Name(source.origin)
            return
        before, own = self._parent(path)
        before.beneath[own] = _Name(None)
        parent.beneath[last] = source

    def _name(self, path: str) -> _Name:
        name = self._root
        for part in _parts(path):
            below = name.beneath.get(part)
            if below is None:
                origin = None if name.origin is None else _joined(name.origin, [part])
                below = name.beneath[part] = _Name(origin)
            name = below
        return name

    def _parent(self, path: str) -> tuple[_Name, str]:
        parts = _parts(path)
        last = parts.pop() if parts else ""
        return self._name("/".join(parts)), last


def _parts(path: str) -> list[str]:
    """The components; a stream is one beneath its file."""
    folder, slash, name = path.rpartition("/")
    base, colon, stream = name.partition(":")
    parts = folder.split("/") if slash else []
    return [*parts, *([base] if base else []), *([colon + stream] if colon else [])]


def _joined(origin: str, parts: list[str]) -> str:
    for part in parts:
        origin = f"{origin}{'' if not origin or part.startswith(':') else '/'}{part}"
    return origin
