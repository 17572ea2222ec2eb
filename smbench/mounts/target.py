"""What a replay runs against: a share that is mounted once a user, or a directory that is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from smbench.errors import UsageError
from smbench.quoting import quoted
from smbench.smb2.constants import PORT

# A host name, an IPv4 address, or an IPv6 literal in brackets; a port after any of them.
_SERVER = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[\w.-]+))(?::(?P<port>\d{1,5}))?\Z")
# An IPv6 literal without brackets cannot carry a port.
_BARE_V6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.%\w]*\Z")
# [MS-SRVS] 2.2.2.17 forbids the first group in a share's name; the comma divides mount options.
_FORBIDDEN = re.compile(r'["*:<>?|,\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class DirectoryTarget:
    """A directory that exists: a local disk, or a mount made elsewhere."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class ShareTarget:
    """A share of an SMB server, or a folder in it (`/` between components, "" for the share's root)."""

    server: str
    share: str
    folder: str = ""
    port: int = PORT

    @property
    def unc(self) -> str:
        """As mount.cifs takes it, folder included; the port is a mount option."""
        return f"//{self.server}/{self.share}" + (f"/{self.folder}" if self.folder else "")

    def __str__(self) -> str:
        """As a user writes it."""
        host = f"[{self.server}]" if ":" in self.server else self.server
        port = f":{self.port}" if self.port != PORT else ""
        return f"//{host}{port}/{self.share}" + (f"/{self.folder}" if self.folder else "")


Target = DirectoryTarget | ShareTarget


def parse_target(text: str) -> Target:
    """Read TARGET as the command line has it.

    Raises UsageError where it is neither a share nor a directory that exists.
    """
    if text.startswith(("//", "\\\\")):
        return _parse_share(text)
    path = Path(text)
    if text and path.is_dir():
        return DirectoryTarget(path.resolve())
    what = "is not a directory" if text and path.exists() else "does not exist"
    raise UsageError(
        f"the target {quoted(text)} {what}: give a share as //server/share[/folder], or a directory that "
        "exists."
    )


def _parse_share(text: str) -> ShareTarget:
    server_text, *parts = text[2:].replace("\\", "/").split("/")
    folders = [part for part in parts[1:] if part]
    if not server_text or not parts or not parts[0]:
        raise UsageError(f"the target {quoted(text)} names no share: write //server/share[/folder].")
    host, port = _parse_server(server_text, text)
    for part in (parts[0], *folders):
        if part in (".", "..") or _FORBIDDEN.search(part):
            raise UsageError(
                f"the target {quoted(text)} has the component {quoted(part)}, which a mount cannot take "
                '(no . or .., none of " * : < > ? | or a comma): name the folder otherwise.'
            )
    return ShareTarget(host, parts[0], "/".join(folders), port)


def _parse_server(server: str, text: str) -> tuple[str, int]:
    if _BARE_V6.match(server):
        return server, PORT
    match = _SERVER.match(server)
    port = int(match["port"] or PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise UsageError(
            f"the target {quoted(text)} has no server that can be read: write //host/share, "
            "//host:port/share or //[IPv6 address]:port/share."
        )
    return match["v6"] or match["host"], port
