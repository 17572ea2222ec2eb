"""The mount options that the profile and the capture ask for, each with its reason. Pure.

Passwords never stand here: `smbench.mounts.cifs` hands them to mount.cifs by a file of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smbench.errors import UsageError
from smbench.identity import Identity
from smbench.mounts.accounts import Account
from smbench.mounts.facts import CaptureFacts
from smbench.mounts.target import ShareTarget
from smbench.privileged.allowed import checked
from smbench.quoting import quoted
from smbench.smb2.constants import (
    DIALECT_2_0_2,
    DIALECT_2_1,
    DIALECT_3_0,
    DIALECT_3_0_2,
    DIALECT_3_1_1,
    PORT,
)
from smbench.trace.model import Connection, Session, TraceInfo

WIRE_PROFILE = "wire"
PROFILES = (WIRE_PROFILE, "application")

DIALECT_OPTIONS: Mapping[int, str] = {
    DIALECT_2_0_2: "2.0",
    DIALECT_2_1: "2.1",
    DIALECT_3_0: "3.0",
    DIALECT_3_0_2: "3.0.2",
    DIALECT_3_1_1: "3.1.1",
}
"""NEGOTIATE's DialectRevision ([MS-SMB2] 2.2.4) as `vers=` takes it."""

_AS_A_STREAM = "file:stream is to reach the server as a stream"
GIVEN = "given"
"""The reason of an option that the user asked for."""
_PAGE = 4096
_LEAST_IO = 64 << 10

# Options that undo one another: a given one drops its rivals.
_RIVALS = (
    {"serverino", "noserverino"},
    {"mapposix", "nomapposix", "mapchars", "nomapchars"},
    {"dfs", "nodfs"},
    {"handlecache", "nohandlecache"},
    {"perm", "noperm"},
    {"lease", "nolease"},
    {"sparse", "nosparse"},
    {"strictsync", "nostrictsync"},
    {"soft", "hard"},
    {"nocase", "ignorecase"},
    {"sharesock", "nosharesock"},
    {"unix", "nounix", "posix", "noposix", "linux", "nolinux"},
    {"vers"},
    {"multichannel", "nomultichannel"},
)


@dataclass(frozen=True, slots=True)
class Option:
    """One mount option; `value` is None for a flag."""

    name: str
    value: str | None
    reason: str

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value}"


def to_argument(options: Iterable[Option]) -> str:
    """What stands after `-o`."""
    return ",".join(map(str, options))


def derive_options(
    profile: str,
    info: TraceInfo,
    facts: CaptureFacts,
    *,
    user: int | None = None,
    given: Sequence[str] = (),
) -> tuple[Option, ...]:
    """The options of one user's mount (`user` indexes `info.users`; None: those of the whole capture). The
    profile `application` is the client's defaults, whatever the capture shows.

    `given` are the user's own, `K=V` or `K`, which win (`smbench.privileged.allowed`). Raises UsageError for
    a profile or a given option that cannot be.
    """
    if profile not in PROFILES:
        raise UsageError(f"there is no profile {quoted(profile)}; it is wire or application.")
    options = [
        Option("nosharesock", None, "a user is a connection of its own, so that leases break between users"),
        Option("iocharset", "utf8", "names are UTF-8, whatever this kernel's default is"),
        Option("noperm", None, "the server decides who may do what, not modes that are made up here"),
    ]
    if profile == WIRE_PROFILE:
        connections, sessions = _of_user(info, user)
        options += [
            *_dialect(connections),
            *_security(connections, sessions),
            *_channels(sessions),
            *_names(facts),
            *_wire(facts),
        ]
    else:
        options.append(Option("cache", "strict", "the client's default"))
    return override(options, given)


def stream_options(options: Sequence[Option]) -> tuple[Option, ...] | None:
    """Those of a second mount for alternate data streams, beside one with these options: `file:stream` is a
    stream only to a mount that leaves colons alone, and without the server's inode numbers, which a stream
    shares with its file; but without them listings are of another class, so that all else goes by the first.

    None where the given options have the first one reach streams, or forbid it.
    """
    names = {option.name for option in options}
    given = {option.name for option in options if option.reason == GIVEN}
    if given & {"mapposix", "mapchars", "serverino"} or {"noserverino", "nomapposix"} <= names:
        return None
    kept = [option for option in options if option.name not in {"serverino", "noserverino", "nomapposix"}]
    return (
        *kept,
        Option("noserverino", None, "a stream has its file's inode number, and would be taken for the file"),
        Option("nomapposix", None, _AS_A_STREAM),
    )


def keeps_directories(options: Iterable[Option]) -> bool:
    """Whether a mount in the profile `wire` lets its client keep directories open, where the server leases
    them."""
    names = {option.name for option in options}
    return bool(names) and "nohandlecache" not in names


def override(options: Sequence[Option], given: Sequence[str]) -> tuple[Option, ...]:
    """The user's own options instead of those that they contradict, with the reason `given`."""
    kept = list(options)
    for text in given:
        name, value = checked(text)
        rivals = next((group for group in _RIVALS if name in group), {name})
        kept = [option for option in kept if option.name not in rivals | {name}]
        kept.append(Option(name, value, GIVEN))
    return tuple(kept)


def account_options(account: Account, target: ShareTarget, identity: Identity | None) -> tuple[Option, ...]:
    """What the account, the target and the worker's identity add; those of the profile come after."""
    mechanism = "krb5" if account.kerberos else "ntlmssp"
    options = [Option("sec", mechanism, "the account's kind of credentials")]
    if target.port != PORT:
        options.append(Option("port", str(target.port), "the target's port"))
    if identity is not None:
        who = f"the workers run as {identity.name}"
        options += [Option("uid", str(identity.uid), who), Option("gid", str(identity.gid), who)]
        if account.kerberos:
            options.append(Option("cruid", str(identity.uid), f"{who}: its ticket is taken"))
    private = "the mount is for the workers alone"
    options += [Option("file_mode", "0600", private), Option("dir_mode", "0700", private)]
    harmless = "nothing that a share holds is run here, or a device of this machine"
    return (*options, *(Option(flag, None, harmless) for flag in ("nosuid", "nodev", "noexec")))


def merge(*layers: Iterable[Option]) -> tuple[Option, ...]:
    """Layers of options in one, a later one of the same name winning at the earlier one's place."""
    merged: dict[str, Option] = {}
    for layer in layers:
        for option in layer:
            merged[option.name] = option
    return tuple(merged.values())


def _of_user(info: TraceInfo, user: int | None) -> tuple[list[Connection], list[Session]]:
    sessions = [session for session in info.sessions if user is None or session.user == user]
    numbers = {number for session in sessions for number in session.connections}
    connections = [connection for number, connection in enumerate(info.connections) if number in numbers]
    # A capture that began after the session set-up knows no sessions: then all of it speaks.
    return connections or info.connections, sessions


def _dialect(connections: Sequence[Connection]) -> list[Option]:
    spoken = Counter(c.dialect for c in connections if c.dialect in DIALECT_OPTIONS)
    if not spoken:
        return []
    dialect, _ = spoken.most_common(1)[0]
    return [Option("vers", DIALECT_OPTIONS[dialect or 0], "the captured dialect")]


def _security(connections: Sequence[Connection], sessions: Sequence[Session]) -> list[Option]:
    if any(session.encrypted for session in sessions):
        return [Option("seal", None, "the captured sessions were encrypted")]
    if any(connection.signing_required for connection in connections):
        return [Option("sign", None, "the captured server required signing")]
    return []


def _channels(sessions: Sequence[Session]) -> list[Option]:
    channels = max((len(set(session.connections)) for session in sessions), default=1)
    if channels < 2:
        return []
    reason = f"a captured session was bound to {channels} connections"
    return [Option("multichannel", None, reason), Option("max_channels", str(channels), reason)]


def _names(facts: CaptureFacts) -> list[Option]:
    reason = "inode numbers are the server's, and listings ask for them, as by default"
    options = [Option("serverino", None, reason)]
    if facts.lists_without_ids:
        options = [Option("noserverino", None, "the user's listings asked for no inode numbers")]
    if facts.lists_without_ids and facts.streams:
        # Then it reaches streams, and no second one is needed.
        options.append(Option("nomapposix", None, _AS_A_STREAM))
    elif facts.mapped_characters and not facts.reserved_characters:
        options.append(Option("nomapposix", None, "the user's names were mapped already"))
    if facts.case_variants:
        options.append(Option("nocase", None, "the user writes one path in several cases"))
    return options


def _wire(facts: CaptureFacts) -> list[Option]:
    options = [
        Option("cache", "none", "reads and writes go on the wire as they are asked for"),
        Option("actimeo", "3600", "attributes are asked for by forced statx only"),
        Option("closetimeo", "0", "a close is sent at once"),
        Option("nodfs", None, "no referrals that nobody asked for, unless the target holds DFS links"),
    ]
    if not facts.keeps_directories:
        held = "the user's client kept no directory open to answer from memory"
        options.append(Option("nohandlecache", None, held))
    if not facts.sparse:
        options.append(Option("nosparse", None, "the capture marks no file sparse, and the client would"))
    if facts.largest_read:
        options.append(Option("rsize", _io_size(facts.largest_read), "the user's largest captured read"))
    if facts.largest_write:
        options.append(Option("wsize", _io_size(facts.largest_write), "the user's largest captured write"))
    if not facts.asked_for_caching:
        options.append(
            Option(
                "nolease",
                None,
                "the user's opens asked for no oplock or lease, or for fewer than locks were sent",
            )
        )
    if not facts.flushes:
        options.append(
            Option("nostrictsync", None, "the user sent no FLUSH, and the client adds some to truncations")
        )
    return options


def _io_size(largest: int) -> str:
    # Newer kernels round down to whole pages; a floor, so that small captures do not hobble the client.
    return str(max(_LEAST_IO, -(-largest // _PAGE) * _PAGE))
