"""Which parameters of a request count, command by command. One table.

The *key* makes two requests the same: without it equal there is no match. What is *compared* says how
like the two of a matched pair are: what an operating system's client chooses by itself (access masks,
share modes, leases, buffer sizes) differs without making it another request, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from smbench.trace.messages import SetInfoRequest
from smbench.trace.model import Command, Exchange

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Fields of the request's message: those of the key, and those that are compared on a pair."""

    key: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()


PARAMETERS: dict[int, Parameters] = {
    Command.CREATE: Parameters(
        ("disposition",),
        ("access", "share_access", "options", "attributes", "oplock", "lease_state", "contexts"),
    ),
    Command.CLOSE: Parameters((), ("flags",)),
    Command.FLUSH: Parameters(),
    Command.READ: Parameters(("offset", "length"), ("minimum",)),
    Command.WRITE: Parameters(("offset", "length"), ("flags",)),
    Command.LOCK: Parameters(("locks",)),
    Command.IOCTL: Parameters(("function", "offset", "length", "chunks", "sparse"), ("output_length",)),
    Command.QUERY_DIRECTORY: Parameters(("level", "pattern"), ("flags", "output_length")),
    Command.CHANGE_NOTIFY: Parameters(("filter", "watch_tree"), ("output_length",)),
    Command.QUERY_INFO: Parameters(("info_type", "level"), ("output_length", "additional")),
    Command.SET_INFO: Parameters(
        ("info_type", "level", "size", "delete"),
        ("replace", "attributes", "created_ns", "accessed_ns", "written_ns", "changed_ns", "additional"),
    ),
}
"""A rename's target belongs to its key too, as a path (`target_of`)."""

_PLAIN: dict[str, Callable[[Any], Any]] = {
    "locks": lambda locks: tuple((lock.offset, lock.length, lock.flags) for lock in locks or ()),
    "chunks": lambda chunks: tuple((c.source_offset, c.target_offset, c.length) for c in chunks or ()),
    "pattern": lambda pattern: (pattern or "*").casefold(),
    "contexts": lambda contexts: tuple(sorted(contexts or ())),
}
"""Fields that need another form to be compared: a client spells an empty pattern as `*`."""

_NOTHING = Parameters()


def _values(exchange: Exchange, names: tuple[str, ...]) -> Key:
    request = exchange.request
    return tuple(
        [
            _PLAIN[name](getattr(request, name, None)) if name in _PLAIN else getattr(request, name, None)
            for name in names
        ]
    )


def key_of(exchange: Exchange) -> Key:
    """The command and the parameters that must be equal; without paths."""
    return (exchange.command, *_values(exchange, PARAMETERS.get(exchange.command, _NOTHING).key))


def compared_of(exchange: Exchange) -> Key:
    """The values of `compared_names`, in their order."""
    return _values(exchange, PARAMETERS.get(exchange.command, _NOTHING).compared)


def compared_names(command: int) -> tuple[str, ...]:
    """The parameters that are compared on a matched pair of this command."""
    return PARAMETERS.get(command, _NOTHING).compared


def target_of(exchange: Exchange) -> str | None:
    """The new name of a rename or link as sent; None for anything else."""
    request = exchange.request
    return request.target if isinstance(request, SetInfoRequest) else None


def describe(key: Key) -> str:
    """A key for people: `READ offset=0 length=4096`."""
    names = PARAMETERS.get(key[0], _NOTHING).key
    said = [
        f"{name}={_shown(name, value)}"
        for name, value in zip(names, key[1:], strict=True)
        if value not in (None, ())
    ]
    return " ".join(said)


def _shown(name: str, value: Any) -> str:
    return f"{value:#x}" if name in ("function", "filter") else str(value)
