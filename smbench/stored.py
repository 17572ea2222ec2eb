"""Files of stored artefacts, as they are opened: damaged, cut or swapped ones end in one sentence.

Every file of an artefact is opened here (`open_stored`), so that no link, FIFO or device is ever read; its
JSON and TOML are read here too, within bounds, and what is wrong is said with the file's name and what to do.
Its Parquet files are read by `smbench.tables`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn, TypeVar

import msgspec

from smbench.errors import SetupError, UsageError

MOST_BYTES = 1 << 26
"""No document of an artefact is as large: ten thousand users take 10 MB. It is something else that bears its
name. What is read of it takes 25 times as much memory at worst."""
MOST_TEXT_BYTES = 1 << 22
"""Of TOML, that people write: accounts of ten thousand users take 2 MB."""
MOST_KEY_BYTES = 16 << 20
"""Of a file of keys: a hundred thousand of them. A device has no end."""
_COPIED_AT_ONCE = 1 << 20
DEEPEST = 64
"""No document of an artefact is as deep: nested a thousand times it would exhaust who walks over it."""

Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
"""How many of something, as a document has it: no more than a column of numbers holds."""

_FLAGS = sum(getattr(os, name, 0) for name in ("O_RDONLY", "O_BINARY", "O_CLOEXEC", "O_NONBLOCK"))
"""Those of them that a system has. Nothing waits for a FIFO's writer."""
_SURROUNDINGS = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.EAGAIN}

_Model = TypeVar("_Model")


def open_stored(path: Path, remedy: str, *, given: bool = False) -> BinaryIO:
    """Open a file of an artefact to read it: an ordinary file, and nothing else that its name leads to.

    `given`: it was named by whoever called, by a link of theirs too; what lies in an artefact's folder is
    followed through no link. UsageError for what is no such file; FileNotFoundError where there is none.
    """
    try:
        # To open a device may set it going, and a file can be exchanged for one meanwhile: looked at twice.
        _refuse_irregular(path.stat() if given else path.lstat(), path, remedy)
        descriptor = os.open(path, _FLAGS | (0 if given else getattr(os, "O_NOFOLLOW", 0)))
    except OSError as error:
        refuse_unreadable(path, error)
    except ValueError as error:  # a name that no file can have
        raise UsageError(f"cannot read {str(path)!r}: {error}") from None
    try:
        _refuse_irregular(os.fstat(descriptor), path, remedy)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _refuse_irregular(found: os.stat_result, path: Path, remedy: str) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise UsageError(f"{path} is a link, which leads out of its folder: put the file there, or {remedy}")
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} is no ordinary file: {remedy}")


def copy_stored(path: Path, target: Path, remedy: str) -> None:
    """Copy a file of an artefact to the new file `target`."""
    with open_stored(path, remedy) as file, target.open("xb") as copied:
        shutil.copyfileobj(file, copied, _COPIED_AT_ONCE)


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def refuse_unreadable(path: Path, error: OSError) -> NoReturn:
    """Raise what tells of a file that the system does not let us read: UsageError, SetupError where it is
    the surroundings' fault; FileNotFoundError where there is none."""
    if isinstance(error, FileNotFoundError):
        raise error
    kind = SetupError if error.errno in _SURROUNDINGS else UsageError
    raise kind(f"cannot read {path}: {error.strerror or error}") from None


def read_content(path: Path, remedy: str, most_bytes: int = MOST_BYTES, *, given: bool = False) -> bytes:
    """All of a document. UsageError where it is no ordinary file, or larger than any, of which nothing is
    read; FileNotFoundError where there is none. `given` as in `open_stored`."""
    with open_stored(path, remedy, given=given) as file:
        try:
            content = file.read(most_bytes + 1) if size_of(file) <= most_bytes else None
        except OSError as error:
            refuse_unreadable(path, error)
    if content is None or len(content) > most_bytes:
        raise UsageError(f"{path} is far larger than any document of its name: {remedy}")
    return content


def read_given(path: Path, what: str) -> bytes:
    """All of a file of keys that whoever called named, read once. `what` it is, as "key file". It may be a
    pipe, as shells make one of `<(command)`, which is waited for; a FIFO that has a name may have no writer.
    UsageError where it cannot be read."""
    try:
        # Where a pipe's name leads to (`pipe:[…]`) there is nothing of that name.
        if path.is_fifo() and os.path.lexists(os.path.realpath(path)):
            raise UsageError(f"the {what} {path} is a FIFO, whose writer may never come: name a file")
        with path.open("rb") as file:
            data = file.read(MOST_KEY_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the {what} {path}: {getattr(error, 'strerror', error)}") from None
    if len(data) > MOST_KEY_BYTES:
        raise UsageError(f"the {what} {path} holds more than {MOST_KEY_BYTES >> 20} MiB: name another file")
    return data


def read_document(path: Path, model: type[_Model], remedy: str) -> _Model:
    """The JSON document at `path` as a value of `model`; keys that the model has not are left aside.

    `remedy` says what to do, as "replay again". UsageError where it cannot be read or is not whole;
    FileNotFoundError where there is none.
    """
    return decoded(read_content(path, remedy), path, model, remedy)


def write_document(path: Path, document: Mapping[str, Any], *, ascii_only: bool = False) -> None:
    """Write a JSON document, for people to read too. `ascii_only`: what is no ASCII by its escape, as names
    need that UTF-8 cannot hold."""
    text = json.dumps(document, indent=1, ensure_ascii=ascii_only)
    path.write_text(text + "\n", encoding="utf-8")


def decoded(content: bytes, path: Path | str, model: type[_Model], remedy: str) -> _Model:
    """What the file at `path` holds, `content`, as a value of `model`. UsageError where it is no such."""
    try:
        return _converted(content, model)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is not whole ({_lacks(str(error))}): {remedy}") from None
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        why = "too deep" if isinstance(error, RecursionError) else error
        raise UsageError(f"{path} is no JSON ({why}): {remedy}") from None


def _converted(content: bytes, model: type[_Model]) -> _Model:
    try:
        return msgspec.json.decode(content, type=model)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if b"\\ud" not in content.lower():
            raise
    # A name of NTFS may hold half of a surrogate pair, which UTF-8 may not: its escape is read by json alone.
    return msgspec.convert(json.loads(content, parse_constant=_no_number), model)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def read_toml(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """The TOML document at `path`. `what` it is, as "the configuration". UsageError where it cannot be read,
    or is no TOML."""
    try:
        content = read_content(path, remedy, MOST_TEXT_BYTES, given=True)
    except FileNotFoundError as error:
        raise UsageError(f"cannot read {what} {path}: {error.strerror}") from None
    if _LONG_KEY.search(content):
        raise UsageError(f"{what} {path} has a key of more than {DEEPEST} parts: {remedy}")
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{what} {path} is no TOML ({error}): {remedy}") from None
    except (RecursionError, ValueError) as error:  # nested a thousand times; a year 0, a number too long
        why = "too deep" if isinstance(error, RecursionError) else error
        raise UsageError(f"{what} {path} is no TOML ({why}): {remedy}") from None
    if _depth(document) > DEEPEST:
        raise UsageError(f"{what} {path} is nested too deep: {remedy}")
    return document


_LONG_KEY = re.compile(rb"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}""" % DEEPEST)
"""Parts of a dotted key: for each tomllib goes through all before it, and a file of them takes minutes."""


def _depth(document: object) -> int:
    """How deep tables and lists are nested, without a call a level."""
    deepest, waiting = 0, [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(value, dict | list):
            waiting.extend(
                (each, depth + 1) for each in (value.values() if isinstance(value, dict) else value)
            )
    return deepest


def _lacks(said: str) -> str:
    """The library's sentence, as ours go on: it names the key as `$.latency.all`."""
    return said.replace("Object missing required field", "it lacks").replace(" - at `$.", " in `")
