"""Messages in words, as client profiles have them: `FLUSH`, `CREATE+SET_INFO Rename+CLOSE`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from smbench.smb2 import constants
from smbench.smb2.ntstatus import Status
from smbench.smb2.ntstatus import name as status_name
from smbench.trace.messages import IoctlRequest, QueryDirectoryRequest, QueryInfoRequest, SetInfoRequest
from smbench.trace.model import Command, Exchange, command_name

_FILES = {
    constants.BASIC: "Basic", constants.STANDARD: "Standard", constants.INTERNAL: "Internal",
    constants.EA: "Ea", constants.RENAME: "Rename", constants.LINK: "Link",
    constants.DISPOSITION: "Disposition", constants.FULL_EA: "FullEa", constants.ALL_INFORMATION: "All",
    constants.ALLOCATION: "Allocation", constants.END_OF_FILE: "EndOfFile", constants.STREAM: "Stream",
    constants.NETWORK_OPEN: "NetworkOpen", constants.ATTRIBUTE_TAG: "AttributeTag", constants.ID: "Id",
    constants.DISPOSITION_EX: "DispositionEx", constants.POSIX: "Posix",
}  # fmt: skip
_FILE_SYSTEMS = {
    constants.FS_VOLUME: "FsVolume", constants.FS_SIZE: "FsSize", constants.FS_DEVICE: "FsDevice",
    constants.FS_ATTRIBUTE: "FsAttribute", constants.FS_FULL_SIZE: "FsFullSize",
    constants.FS_SECTOR_SIZE: "FsSectorSize", constants.FS_POSIX: "FsPosix",
}  # fmt: skip
_CLASSES = {constants.INFO_FILE: _FILES, constants.INFO_FILESYSTEM: _FILE_SYSTEMS}
"""[MS-FSCC] 2.4 and 2.5, without `File` and `Information`."""
_LISTINGS = {
    constants.DIRECTORY_INFORMATION: "Directory", constants.FULL_DIRECTORY: "FullDirectory",
    constants.BOTH_DIRECTORY: "BothDirectory", constants.NAMES: "Names",
    constants.ID_BOTH_DIRECTORY: "IdBothDirectory", constants.ID_FULL_DIRECTORY: "IdFullDirectory",
    constants.ID_EXTD_DIRECTORY: "IdExtdDirectory", constants.POSIX: "PosixDirectory",
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
            known = _CLASSES.get(kind or 0, {}).get(level or 0, f"{kind}:{level}")
            yield "Security" if kind == constants.INFO_SECURITY else known
        case QueryDirectoryRequest(level=level):
            yield _LISTINGS.get(level or 0, f"{level}")
        case IoctlRequest(function=function):
            yield _FUNCTIONS.get(function or 0, f"{function or 0:#010x}")


BACKGROUND = frozenset((Command.ECHO, Command.CANCEL))
"""What a client sends now and then whatever it is asked for."""
