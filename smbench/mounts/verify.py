"""Whether every user has a connection of its own, and which of the wished options took effect."""

from __future__ import annotations

import fcntl
import os
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from smbench.errors import SetupError
from smbench.mounts.debugdata import ClientConnection, ClientSession
from smbench.mounts.dfs import DFS
from smbench.mounts.mountinfo import MountEntry
from smbench.mounts.options import DIALECT_OPTIONS, Option
from smbench.run.surroundings import Asked, Connection, Mount

# CIFS_IOC_GET_TCON_INFO (fs/smb/client/cifs_ioctl.h): struct { __u32 tid; __u64 session_id; } __packed.
_GET_TREE = 0x800CCF0C
_TREE_INFO = struct.Struct("=IQ")

# Options that mountinfo shows under another name, or not at all (cifs_show_options, fs/smb/client/cifsfs.c).
_UNSEEN = {"nosharesock", "noserverino", "nomapposix", "port", "cruid", "nocase", "multichannel", DFS}
_SIZES = ("rsize", "wsize")


@dataclass(frozen=True, slots=True)
class TreeId:
    """Which session and tree connect a mount is, as the wire numbers them."""

    tree_id: int
    session_id: int


def tree_of(root: Path) -> TreeId | None:
    """Asks the client which tree a mount is; None where it cannot tell (before Linux 6.1, not CIFS)."""
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    buffer = bytearray(_TREE_INFO.size)
    try:
        fcntl.ioctl(descriptor, _GET_TREE, buffer)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return TreeId(*_TREE_INFO.unpack(buffer))


@dataclass(frozen=True, slots=True)
class MountFacts:
    """One user's mount with what was asked for and what the kernel says of it."""

    user: str
    account: str
    asked: tuple[Option, ...]
    entry: MountEntry
    tree: TreeId | None
    leads_to: str | None = None


def describe(mounts: Sequence[MountFacts], connections: Sequence[ClientConnection]) -> list[Mount]:
    """The mounts, as a run has them. Pure.

    `connection` is None where the kernel does not tell which connection a mount has. Raises SetupError
    where two users share one: a lease of the one would never break for the other.
    """
    described = []
    owners: dict[int, MountFacts] = {}
    for mount in mounts:
        found = _find(mount.tree, connections)
        other = owners.setdefault(found[0].connection_id, mount) if found else mount
        if other.user != mount.user:
            raise SetupError(
                f"{other.user} and {mount.user} share one connection to {mount.entry.source}, so leases "
                "would not break between them: mount with nosharesock (check the given mount options)."
            )
        described.append(
            Mount(
                user=mount.user,
                account=mount.account,
                share=mount.entry.source,
                leads_to=mount.leads_to,
                root=str(mount.entry.path),
                options=_text(mount.entry),
                asked=tuple(Asked(name=o.name, value=o.value, reason=o.reason) for o in mount.asked),
                differences=tuple(differences(mount.asked, mount.entry)),
                connection=_connection(*found) if found else None,
            )
        )
    _refuse_too_few(mounts, connections)
    return described


def _refuse_too_few(mounts: Sequence[MountFacts], connections: Sequence[ClientConnection]) -> None:
    """Where the kernel tells no ids, at least there must be a connection for each mount."""
    if not connections or all(mount.tree for mount in mounts):
        return
    own = Counter(c.nosharesock for c in connections)[True]
    if own < len(mounts):
        raise SetupError(
            f"only {own} of {len(mounts)} users have a connection of their own to {mounts[0].entry.source}: "
            "mount with nosharesock (check the given mount options)."
        )


def _find(
    tree: TreeId | None, connections: Iterable[ClientConnection]
) -> tuple[ClientConnection, ClientSession] | None:
    if tree is None:
        return None
    return next(
        (
            (connection, session)
            for connection in connections
            for session in connection.sessions
            if session.session_id == tree.session_id
        ),
        None,
    )


def _connection(connection: ClientConnection, session: ClientSession) -> Connection:
    return Connection(
        id=connection.connection_id,
        session=f"{session.session_id:#x}",
        dialect=DIALECT_OPTIONS.get(connection.dialect or 0, connection.dialect),
        nosharesock=connection.nosharesock,
        signed=connection.signed or session.signed,
        encrypted=session.encrypted,
        channels=session.channels,
        credits=connection.credits,
    )


def differences(asked: Iterable[Option], entry: MountEntry) -> list[str]:
    """What was asked for and did not take effect, as far as the kernel shows it. Pure."""
    found = []
    for option in asked:
        if option.name in _UNSEEN or option.name in entry.flags:
            continue
        if option.name not in entry.options:
            found.append(f"{option} asked, not in effect")
            continue
        effective = entry.options[option.name]
        if option.name in _SIZES and option.value and effective and int(effective) < int(option.value):
            found.append(f"{option} asked, {effective} is what the server allows")
        elif (
            option.name not in (*_SIZES, "vers")
            and option.value is not None
            and not _same(option.value, effective)
        ):
            found.append(f"{option} asked, {option.name}={effective} in effect")
    return found


def _same(asked: str, effective: str | None) -> bool:
    if effective is None:
        return False
    both = asked.isdecimal() and effective.isdecimal()
    # 0600 shows as 0600 or 600.
    return int(asked) == int(effective) if both else asked == effective


def _text(entry: MountEntry) -> str:
    return ",".join(name if value is None else f"{name}={value}" for name, value in entry.options.items())
