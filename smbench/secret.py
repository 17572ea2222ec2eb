"""Passwords on their way: in a file in memory (memfd_create(2)), and in no other memory of this process.

Workers are copies of this process, what was freed included. So a password is read from its file into that
one, and copied from there to where it is used, by no object of Python's; a worker keeps those of its users
(`keep`) and lets go of the file. Where the system has no such files (Windows, macOS) they are in its memory.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_UTF_8 = re.compile(
    rb"(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2})*"
)
"""The Unicode Standard, table 3-7."""
_LINES = re.compile(rb"[\x00\r\n]")
MOST_BYTES = 1 << 16
"""What has more is no password: a device, perhaps."""
_IN_MEMORY = hasattr(os, "memfd_create")
_MOST_IN_ALL = 1 << 26
"""Bytes of them all, where there is no such file."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Secret:
    """Where a password stands."""

    vault: Vault
    start: int
    length: int

    def __reduce__(self) -> tuple[Callable[[str], Secret], tuple[str]]:
        """To a process that is no copy of this one."""
        return secret, (self.text(),)

    def text(self) -> str:
        """The password, for whoever has to have it itself. ValueError in a copy that kept others."""
        return _kept[self] if self in _kept else self.vault.read(self)

    def write_to(self, descriptor: int) -> None:
        """Append it to a file."""
        self.vault.write(self, descriptor)


def secret(text: str) -> Secret:
    """A password that is known already."""
    data = text.encode()

    def given(room: memoryview) -> int:
        room[: len(data)] = data
        return len(data)

    return _OURS.take(given)


def secret_in(descriptor: int, vault: Vault | None = None) -> Secret:
    """What an open file holds, to its end, without the end of its line. ValueError where that is no password,
    in words."""

    def read(room: memoryview) -> int:
        size = 0
        while size < len(room) and (more := _read_into(descriptor, room[size:])):
            size += more
        return size

    return (vault or _OURS).take(read)


def _read_into(descriptor: int, room: memoryview) -> int:
    if sys.platform != "win32":
        return os.readv(descriptor, [room])
    data = os.read(descriptor, len(room))
    room[: len(data)] = data
    return len(data)


def secret_of(variable: str) -> Secret:
    """What a variable of the environment holds, which has it no more. KeyError where it is not set,
    ValueError where that is no password."""
    if sys.platform == "win32":
        return secret(os.environ.pop(variable))
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    libc.strlen.argtypes = [ctypes.c_void_p]
    libc.strlen.restype = ctypes.c_size_t
    known = os.environb[os.fsencode(variable)]
    address = libc.getenv(os.fsencode(variable))
    if address is None:
        raise KeyError(variable)
    size = libc.strlen(address)

    def moved(room: memoryview) -> int:
        target = (ctypes.c_char * len(room)).from_buffer(room)
        ctypes.memmove(target, address, min(size, len(room)))
        return min(int(size), len(room))

    found = _OURS.take(moved)
    # Where the kernel shows it (/proc/PID/environ), and where Python has it since it began.
    ctypes.memset(address, 0, size)
    ctypes.memset(id(known) + bytes.__basicsize__ - 1, 0, len(known))
    del os.environ[variable]
    return found


def place_of(one: Secret) -> tuple[int, int, int] | None:
    """For a program that is handed the file: its descriptor, where the password begins in it, and how many
    bytes it has. None where there is no such file (any more)."""
    descriptor = one.vault.descriptor
    return None if descriptor < 0 or one in _kept else (descriptor, one.start, one.length)


def keep(own: Iterable[Secret | None]) -> None:
    """In a process that is a copy: of all passwords it can have these, and no other any more."""
    _kept.update({one: one.text() for one in own if one is not None})
    _OURS.close()


class Vault:
    """Passwords, one behind the other, in a file that is made when the first one comes."""

    def __init__(self) -> None:
        self.descriptor = -1
        """Of the file; -1: there is none."""
        self._memory: mmap.mmap | None = None
        self._size = 0

    def take(self, fill: Callable[[memoryview], int]) -> Secret:
        """What `fill` puts into the room that it is given, as a password. ValueError where it is none."""
        start, room = self._size, MOST_BYTES + 1
        if not _IN_MEMORY:
            self._memory = self._memory or mmap.mmap(-1, _MOST_IN_ALL)
        else:
            if self.descriptor < 0:
                self.descriptor = os.memfd_create("smbench-secrets", os.MFD_CLOEXEC)
            os.ftruncate(self.descriptor, start + room)
        with self._mapped() as mapping, memoryview(mapping) as view:
            with view[start : start + room] as place:
                size = fill(place)
            end = start + size
            for last in b"\n\r":
                if end > start and mapping[end - 1] == last:
                    end -= 1
            try:
                _refuse(mapping, start, end)
            except ValueError:
                view[start : start + size] = bytes(size)
                raise
        self._size = end
        return Secret(self, start, end - start)

    def read(self, one: Secret) -> str:
        with self._mapped() as mapping:
            return mapping[one.start : one.start + one.length].decode()

    def write(self, one: Secret, descriptor: int) -> None:
        with (
            self._mapped() as mapping,
            memoryview(mapping) as view,
            view[one.start : one.start + one.length] as part,
        ):
            os.write(descriptor, part)

    def close(self) -> None:
        """What is in it can be had no more."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor, self._memory, self._size = -1, None, 0

    @contextmanager
    def _mapped(self) -> Iterator[mmap.mmap]:
        if self._memory is not None:
            yield self._memory
            return
        if self.descriptor < 0:
            raise ValueError("that password was let go of")
        with mmap.mmap(self.descriptor, 0) as mapping:
            yield mapping


def _refuse(mapping: mmap.mmap, start: int, end: int) -> None:
    if end - start > MOST_BYTES:
        raise ValueError("is far longer than any password")
    if _UTF_8.fullmatch(mapping, start, end) is None:
        raise ValueError("is not UTF-8 text")
    if _LINES.search(mapping, start, end) is not None:
        raise ValueError("has more than one line, or a null character")


_OURS = Vault()
"""Of this process."""
_kept: dict[Secret, str] = {}
