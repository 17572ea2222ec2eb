"""Files of stored artefacts, as they are opened: damaged, cut or swapped ones end in one sentence.

Whatever reads an artefact's JSON does so here, so that no FIFO or device is ever read, and what is wrong is
said with the file's name and what to do.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TypeVar

import msgspec

from smbench.errors import UsageError

_MOST_BYTES = 1 << 30
"""No document of an artefact is as large: it is something else that bears its name."""

_Model = TypeVar("_Model")


def refuse_irregular(path: Path, remedy: str) -> None:
    """UsageError where `path` is there and no ordinary file: nothing else is ever opened. FileNotFoundError
    where there is nothing."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} is no ordinary file: {remedy}")
    if found.st_size > _MOST_BYTES and path.suffix == ".json":
        raise UsageError(f"{path} is far larger than any document of its name: {remedy}")


def read_document(path: Path, model: type[_Model], remedy: str) -> _Model:
    """The JSON document at `path` as a value of `model`; keys that the model has not are left aside.

    `remedy` says what to do, as "replay again". UsageError where it cannot be read or is not whole;
    FileNotFoundError where there is none.
    """
    refuse_irregular(path, remedy)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    return decoded(content, path, model, remedy)


def decoded(content: bytes, path: Path, model: type[_Model], remedy: str) -> _Model:
    """What the file at `path` holds, `content`, as a value of `model`. UsageError where it is no such."""
    try:
        return msgspec.json.decode(content, type=model)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is not whole ({_lacks(str(error))}): {remedy}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no JSON ({error or 'too deep'}): {remedy}") from None


def _lacks(said: str) -> str:
    """The library's sentence, as ours go on: it names the key as `$.latency.all`."""
    return said.replace("Object missing required field", "it lacks").replace(" - at `$.", " in `")
