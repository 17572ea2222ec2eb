"""Reads scripts/requirements.txt, which scripts/lock makes: the packages that development and CI run with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "requirements.txt"
_PIN = re.compile(r"([a-z0-9-]+)==([\w.+!]+)(?: ; (.+?))?((?:\s+--hash=sha256:\w+)+)")


@dataclass(frozen=True, slots=True)
class Pin:
    """A version of a package, where it is wanted (a marker, or nothing), the SHA-256 of each of its files."""

    name: str
    version: str
    marker: str
    sha256: tuple[str, ...]


def pins(text: str) -> Iterator[Pin]:
    """Every pin, in order. ValueError: a line is none, or has no hash."""
    for line in text.replace("\\\n", "").splitlines():
        if not line or line.startswith("#"):
            continue
        found = _PIN.fullmatch(line)
        if not found:
            raise ValueError(f"{FILE.name} has a line that is no version with hashes: {line}")
        name, version, marker, hashes = found.groups()
        yield Pin(name, version, marker or "", tuple(re.findall(r"sha256:(\w+)", hashes)))


def read() -> list[Pin]:
    return list(pins(FILE.read_text(encoding="utf-8")))
