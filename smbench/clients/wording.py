"""Messages in words, as client profiles have them: `FLUSH`, `CREATE+SET_INFO Rename+CLOSE`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from smbench.smb2 import constants
from smbench.smb2.ntstatus import Status
from smbench.smb2.ntstatus import name as status_name
from smbench.trace.messages import IoctlRequest, QueryDirectoryRequest, QueryInfoRequest, SetInfoRequest
from smbench.trace.model import Command, Exchange, command_name

_FILE, _FILE_SYSTEM, _SECURITY = 1, 2, 3
_CLASSES = {
    (_FILE, 4): "Basic", (_FILE, 5): "Standard", (_FILE, 6): "Internal", (_FILE, 7): "Ea",
    (_FILE, 10): "Rename", (_FILE, 11): "Link", (_FILE, 13): "Disposition",
    (_FILE, 15): "FullEa", (_FILE, 18): "All",
    (_FILE, 19): "Allocation", (_FILE, 20): "EndOfFile", (_FILE, 22): "Stream", (_FILE, 34): "NetworkOpen",
    (_FILE, 35): "AttributeTag", (_FILE, 59): "Id", (_FILE, 64): "DispositionEx", (_FILE, 100): "Posix",
    (_FILE_SYSTEM, 1): "FsVolume", (_FILE_SYSTEM, 3): "FsSize", (_FILE_SYSTEM, 4): "FsDevice",
    (_FILE_SYSTEM, 5): "FsAttribute", (_FILE_SYSTEM, 7): "FsFullSize", (_FILE_SYSTEM, 11): "FsSectorSize",
    (_FILE_SYSTEM, 100): "FsPosix",
}  # fmt: skip
"""[MS-FSCC] 2.4 and 2.5, without `File` and `Information`."""
_LISTINGS = {
    1: "Directory", 2: "FullDirectory", 3: "BothDirectory", 12: "Names", 37: "IdBothDirectory",
    38: "IdFullDirectory", 60: "IdExtdDirectory", 100: "PosixDirectory",
}  # fmt: skip
_FUNCTIONS = {
    value: name.removeprefix("FSCTL_") for name, value in vars(constants).items() if name.startswith("FSCTL_")
}


def worded(exchanges: Iterable[Exchange]) -> list[str]:
    """Each message in words, in order; a compound is one, its parts joined by `+`. What the server refused
    says so: each part of a compound, or all of it by one word, as in `(CREATE+CLOSE) = ACCESS_DENIED`."""
    parts = groupby(exchanges, key=lambda one: one.index if one.compound is None else -1 - one.compound)
    return [_compound(list(part)) for _, part in parts]


def _compound(parts: list[Exchange]) -> str:
    refused = {_refusal(part) for part in parts}
    if len(parts) > 1 and len(refused) == 1:
        (every,) = refused
        words = "+".join(map(_word, parts))
        return f"({words}){every}" if every else words
    return "+".join(f"{_word(part)}{_refusal(part)}" for part in parts)


def _word(exchange: Exchange) -> str:
    told = ["by the server"] if exchange.notification else []
    return " ".join([command_name(exchange.command), *_details(exchange), *told])


def _refusal(exchange: Exchange) -> str:
    if exchange.status in (None, Status.SUCCESS):
        return ""
    return f" = {status_name(exchange.status or 0).removeprefix('STATUS_')}"


def _details(exchange: Exchange) -> Iterable[str]:
    match exchange.request:
        case QueryInfoRequest(info_type=kind, level=level) | SetInfoRequest(info_type=kind, level=level):
            yield (
                "Security" if kind == _SECURITY else _CLASSES.get((kind or 0, level or 0), f"{kind}:{level}")
            )
        case QueryDirectoryRequest(level=level):
            yield _LISTINGS.get(level or 0, f"{level}")
        case IoctlRequest(function=function):
            yield _FUNCTIONS.get(function or 0, f"{function or 0:#010x}")


BACKGROUND = frozenset((Command.ECHO, Command.CANCEL))
"""What a client sends now and then whatever it is asked for."""
