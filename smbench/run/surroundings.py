"""What a run was measured of, where and by what: mounts, the capture and what became of it, machine, wire."""

from __future__ import annotations

import re

from msgspec import Struct, field

from smbench.run.numbers import Nanoseconds
from smbench.stored import Count

_HEXADECIMAL = re.compile(r"(0x)?[0-9a-fA-F]{1,16}")


class Connection(Struct, frozen=True, kw_only=True):
    """What the client says of a mount's own connection."""

    id: int
    session: str | None = None
    """Its number, in hexadecimal."""
    dialect: str | int | None = None
    nosharesock: bool | None = None
    signed: bool = False
    encrypted: bool = False
    channels: int | None = None
    credits: int | None = None

    def __post_init__(self) -> None:
        if self.session is not None and not _HEXADECIMAL.fullmatch(self.session):
            raise ValueError("`session` is no number")

    @property
    def session_id(self) -> int:
        """0 where it is not told."""
        return int(self.session or "0", 16)


class Asked(Struct, frozen=True, kw_only=True):
    """A mount option that was asked for, and why."""

    name: str
    value: str | None = None
    reason: str = ""


class StreamsMount(Struct, frozen=True, kw_only=True):
    """A user's second mount of the same share, by the same account."""

    root: str
    options: str | None = None
    asked: tuple[Asked, ...] = ()
    differences: tuple[str, ...] = ()
    connection: Connection | None = None


class Mount(Struct, frozen=True, kw_only=True):
    """Where a user worked: a share that was mounted, or a directory that was there."""

    user: str
    root: str
    account: str | None = None
    share: str | None = None
    """None for a directory."""
    leads_to: str | None = None
    """Where DFS leads the target, and its files are; None: it is where it says."""
    filesystem: str | None = None
    source: str | None = None
    logon: str | None = None
    options: str | None = None
    """Those that took effect."""
    asked: tuple[Asked, ...] = ()
    differences: tuple[str, ...] = ()
    connection: Connection | None = None
    """None where the kernel does not tell."""
    streams: StreamsMount | None = None
    """The second mount, by which the user's alternate data streams went."""

    @property
    def led(self) -> str | None:
        """The share, and where DFS leads from it."""
        return self.share if self.leads_to in (None, self.share) else f"{self.share} → {self.leads_to}"

    @property
    def connections(self) -> list[Connection]:
        """Of its mounts, those that are told; the first one's first."""
        both = (self.connection, None if self.streams is None else self.streams.connection)
        return [connection for connection in both if connection is not None]


class ChosenProfile(Struct, frozen=True, kw_only=True):
    """Which client profile calls were chosen by."""

    name: str
    how: str = ""
    """given, confirmed, calibrated or nearest."""
    why: str
    unlike: tuple[str, ...] = ()
    """The calls that were tried on the first mount, and did something else than it says."""


class Reason(Struct, frozen=True, kw_only=True):
    """Exchanges of a disposition and command, with the lift's reason."""

    disposition: str
    command: str
    reason: str
    count: Count


class Coverage(Struct, frozen=True, kw_only=True):
    """What became of the capture's exchanges; the four add up to `exchanges`. Reasons are of the approximate
    and the unsupported alone."""

    exchanges: Count
    exact: Count = 0
    approximate: Count = 0
    client: Count = 0
    unsupported: Count = 0
    reasons: tuple[Reason, ...] = ()


class CaptureQuality(Struct, frozen=True, kw_only=True):
    """What the capture lacked: its grade, the word for it, and a sentence for each count that matters."""

    grade: dict[str, Count] = field(default_factory=dict)
    quality: str = ""
    warnings: tuple[str, ...] = ()


class Machine(Struct, frozen=True, kw_only=True):
    name: str
    processors: Count | None = None
    as_root: bool | None = None
    """Whether all but the workers and tshark was root's; None: an older version wrote it."""


class Wire(Struct, frozen=True, kw_only=True):
    """The capture of the run itself."""

    file: str
    interface: str
    addresses: tuple[str, ...] = ()
    filter: str = ""
    window_ns: tuple[Nanoseconds, Nanoseconds] | None = None
    """From the first mark on the wire to the last, since 1970."""
    sealed: str = ""
    """What of it stays encrypted, in a sentence; empty where nothing does, or nobody looked."""
    packets: dict[str, Count] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
