"""The key with which prepare signs its notes in a target: the caller's own, in the caller's state folder.

Whoever may write in a target may write notes there too. Only what was signed with the caller's key is
believed where something is to be removed, or brought back to what it was.
"""

from __future__ import annotations

import errno
import hmac
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from secrets import token_bytes

from smbench.errors import SetupError, UsageError
from smbench.identity import acting_as, sudo_caller
from smbench.renaming import rename_new

KEY = "prepare.key"
_OURS = "smbench"
_OF_HOMELESS = Path("/var/tmp")
"""Where accounts without a home keep it: there whatever has its folder's name has to be the account's own."""
_BYTES = 32
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_REMEDY = "remove it, and by hand what was prepared with it"
_ELSEWHERE = "name a folder of yours in XDG_STATE_HOME"


class Signature:
    """HMAC-SHA256 of what is told, with a key."""

    def __init__(self, key: bytes) -> None:
        self._of = hmac.new(key, digestmod="sha256")

    def update(self, content: bytes) -> None:
        self._of.update(content)

    def __str__(self) -> str:
        return self._of.hexdigest()

    def fits(self, told: str) -> bool:
        return hmac.compare_digest(str(self).encode(), told.encode())


def caller_key() -> bytes:
    """The key of whoever called, by sudo as well; made where there is none yet.

    UsageError where something else has its name, or others may read it; SetupError where it cannot be kept.
    """
    place = _place()
    with acting_as(sudo_caller()):
        try:
            with suppress(FileNotFoundError):
                return _read(place)
            _make(place)
            return _read(place)
        except OSError as error:
            raise SetupError(
                f"cannot keep the key that signs what prepare notes in a target ({place}: "
                f"{error.strerror or error}): {_ELSEWHERE}"
            ) from error


def _place() -> Path:
    """XDG Base Directory Specification; what sudo leaves of the environment, the caller's account else."""
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if state.is_absolute():
        return state / _OURS / KEY
    try:
        home = _home()
    except (KeyError, RuntimeError):
        home = None
    if home is not None and (home.is_dir() or sys.platform == "win32"):
        return home / ".local" / "state" / _OURS / KEY
    # An account of the system's, as nobody is.
    caller = sudo_caller()
    return _OF_HOMELESS / f"{_OURS}-{os.getuid() if caller is None else caller.uid}" / KEY


def _home() -> Path:
    caller = sudo_caller()
    if caller is None or sys.platform == "win32":
        return Path.home()
    import pwd  # not everywhere

    return Path(pwd.getpwuid(caller.uid).pw_dir)


def _read(place: Path) -> bytes:
    try:
        descriptor = os.open(place, os.O_RDONLY | _NO_FOLLOW | _NO_WAITING | _BINARY)
    except FileNotFoundError:
        raise
    except OSError as error:
        remedy = _ELSEWHERE if error.errno == errno.EACCES else _REMEDY
        raise UsageError(f"cannot read the key {place} ({error.strerror}): {remedy}") from error
    try:
        status = os.fstat(descriptor)
        key = os.read(descriptor, _BYTES + 1) if stat.S_ISREG(status.st_mode) else b""
    finally:
        os.close(descriptor)
    if len(key) != _BYTES:
        raise UsageError(f"{place} is no key as prepare makes one: {_REMEDY}")
    if sys.platform != "win32" and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
        raise UsageError(f"the key {place} is not yours alone (it needs to be yours, mode 0600): {_REMEDY}")
    return key


def _refuse_of_others(folder: Path) -> None:
    """UsageError where somebody else may put something into it."""
    if sys.platform == "win32":
        return
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise UsageError(
            f"{folder}, where the key that signs what prepare notes is kept, is not yours alone: remove it, "
            f"or {_ELSEWHERE}"
        )


def _make(place: Path) -> None:
    """Whole or not at all, and never over another one's: the first of several keeps the place."""
    place.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.parent.mkdir(exist_ok=True, mode=0o700)
    _refuse_of_others(place.parent)
    draft = place.with_name(f".{KEY}.{os.getpid()}.{token_bytes(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(token_bytes(_BYTES))
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            rename_new(draft, place)
    finally:
        draft.unlink(missing_ok=True)
