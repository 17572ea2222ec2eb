"""Extended attributes of users (`user.…`) on open files: what SMB2 sets and asks for by class 15.

The kernel's client sends two compounds for a setxattr: it asks for all attributes, then sets the one, each
with an open and a close of its own, whatever descriptor it is given. A directory's file system may take none
(or none so large): no server refused them, so they are remembered here for this user, whose later questions
find them, and counted.
"""

from __future__ import annotations

import os
from errno import ENODATA

from smbench.executors.base import ea_value
from smbench.executors.posix.client import Client, Opened

_PREFIX = "user."


class ExtendedAttributes:
    """Those of one user's files. Methods raise OSError."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._remembered: dict[tuple[int, int], set[bytes]] = {}
        """Names by device and inode."""
        self.refused = 0
        """How many the file system did not take."""

    def set(self, file: Opened, ea_name: str, length: int) -> None:
        """Set one to a value of `length` bytes; 0 removes it, whether it is there or not."""
        name = _PREFIX.encode() + ea_name.encode("latin-1")
        taken = self._client.set_ea(file, name, ea_value(length))
        if taken and not self._remembered:
            return
        names = self._remembered.setdefault(_identity(file.name), set())
        if taken or not length:
            names.discard(name)
        else:
            self.refused += 1
            names.add(name)

    def ask(self, file: str | int) -> None:
        """Ask for all of a file's, by its descriptor or path; ENODATA where it has none."""
        if any(name.startswith(_PREFIX) for name in os.listxattr(file)):
            return
        if not (self._remembered and self._remembered.get(_identity(file))):
            raise OSError(ENODATA, os.strerror(ENODATA))


def _identity(file: str | int) -> tuple[int, int]:
    status = os.stat(file)  # noqa: PTH116 (a descriptor)
    return status.st_dev, status.st_ino
