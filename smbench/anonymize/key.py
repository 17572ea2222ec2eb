"""The secret that pseudonyms are made with: who guesses it reads the names."""

from __future__ import annotations

import os
import secrets
import stat
import string
import sys
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.stored import open_stored

LEAST_BITS = 128
_KEY_BYTES = 32
_MOST_BYTES = 4096
_FEWEST_BYTES = 8
"""Different ones of a key: of 16 random bytes 13 are in all but one of a million."""
_OF_BASE64 = (string.ascii_lowercase, string.ascii_uppercase)
"""Of each of which all but one key of ten thousand has something."""
_BASE64 = {*(string.ascii_letters + string.digits + "+/=-_").encode()}
_MAKE = "name a file that is not there, and the command makes one"


def random_key() -> bytes:
    """One that is kept nowhere."""
    return secrets.token_bytes(_KEY_BYTES)


def key_of(path: Path) -> tuple[bytes, bool]:
    """The key in a file, without the line's end, and whether it was made now: where there is no file, one is
    made (0600). UsageError where it is no ordinary file, others may read it, or it can be guessed."""
    if str(path) == "-":
        raise UsageError(f"a key is not read from standard input: {_MAKE}")
    try:
        with open_stored(path, _MAKE, given=True) as file:
            if sys.platform != "win32" and os.fstat(file.fileno()).st_mode & 0o077:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                raise UsageError(
                    f"the key in {path} can be read by others (mode {mode:04o}): chmod 600 {path}"
                )
            key = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return _made(path), True
    if len(key) > _MOST_BYTES:
        raise UsageError(f"the key file {path} has more than {_MOST_BYTES:,} bytes, and is none: {_MAKE}")
    key = key.rstrip(b"\r\n")
    if why := _weak(key):
        raise UsageError(f"the key in {path} can be guessed ({why}): {_MAKE}")
    return key, False


def _made(path: Path) -> bytes:
    key = secrets.token_hex(_KEY_BYTES).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(key + b"\n")
        except OSError:
            path.unlink()  # half of a key would be refused as one that can be guessed
            raise
    except OSError as error:
        raise SetupError(f"cannot write the key file {path}: {error.strerror or error}") from None
    return key


def _weak(key: bytes) -> str:
    """Why somebody may guess it; empty: nothing is known."""
    if len({*key}) < _FEWEST_BYTES:
        return f"it has only {len({*key})} different characters"
    if key in (key + key)[1:-1]:
        return "it repeats itself"
    words = {*key} <= {*string.printable.encode()}
    hexadecimal = {*key} <= {*string.hexdigits.encode()}
    base64 = {*key} <= _BASE64 and all({*key} & {*each.encode()} for each in _OF_BASE64)
    if words and not hexadecimal and not base64:
        return "it is made of words or the like"
    bits = (4 if hexadecimal else 6 if words else 8) * len(key)
    return f"it has {bits} bits at most, {LEAST_BITS} are needed" if bits < LEAST_BITS else ""
