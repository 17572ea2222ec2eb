"""Client profiles that a calibration has found, kept in the caller's cache: by kernel, module and server."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from smbench.clients.profile import ClientProfile, read, to_toml
from smbench.errors import SmbenchError
from smbench.identity import acting_as, sudo_caller

_DIGITS = 12
_OURS = ("smbench", "clients")
_OF_NOBODY = "/var/cache"
"""Where the system keeps what is nobody's own."""


def place_of(module: str, server: str, folder: Path | None = None) -> Path:
    """Where the profile of this system's client with that server is kept, whether it is there or not.

    `module`: the client's own version. A kernel of the same release that was built anew has another one:
    distributions patch it (`uname -v`)."""
    build = f"{platform.release()}\n{platform.version()}\n{module}\n{server}"
    digest = hashlib.sha256(build.encode()).hexdigest()[:_DIGITS]
    return (folder or _folder()) / f"linux-{platform.release()}-{digest}.toml"


def _folder() -> Path:
    """Of whoever called, by sudo as well; XDG Base Directory Specification."""
    caller = sudo_caller()
    if caller is not None and sys.platform != "win32":
        import pwd

        try:
            return Path(pwd.getpwuid(caller.uid).pw_dir, ".cache", *_OURS)
        except KeyError:
            return Path(_OF_NOBODY, *_OURS)
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return Path(cache if cache.is_absolute() else Path.home() / ".cache", *_OURS)
    except RuntimeError:  # no home is known
        return Path(_OF_NOBODY, *_OURS)


def recall(place: Path) -> ClientProfile | None:
    """What was kept there; None where nothing is, or nothing that can be read."""
    with acting_as(sudo_caller()):
        try:
            return read(place) if place.is_file() else None
        except (SmbenchError, OSError):
            return None


def remember(place: Path, profile: ClientProfile) -> None:
    """Keep it there, whole or not at all. OSError where it cannot be kept."""
    with acting_as(sudo_caller()):
        place.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=place.parent, suffix=".new", encoding="utf-8", delete=False) as file:
            try:
                file.write(to_toml(profile))
                file.flush()
                Path(file.name).rename(place)
            except BaseException:
                with suppress(OSError):
                    Path(file.name).unlink()
                raise
