"""What is replayed: applications that are recorded in the lab, and captures that are there already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_CAPTURE = re.compile(r"\.(pcap|pcapng|cap)(\.(gz|zst))?\Z")
NOT_READ = {
    "is encrypted": "all of it is encrypted, and no key is known",
    "SMB1 only": "it holds SMB1 only",
}
"""What ingest says of captures that nobody can replay, and what the table does."""
NOTHING = "it asks for nothing but sessions and pipes"


def captures_of(given: Iterable[Path]) -> list[Path]:
    """The captures among files and folders (not in folders of those). ValueError where one is neither, or a
    folder has none."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.is_file() and _CAPTURE.search(one.name))
            if not inside:
                raise ValueError(
                    f"no capture lies in {path} (*.pcap, *.pcapng, *.cap, and these as .gz and .zst)"
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise ValueError(f"{path} is neither a capture nor a folder of captures")
    return found


def name_of(capture: Path) -> str:
    """What a capture is called in the table and in the files that are made of it."""
    return _CAPTURE.sub("", capture.name)


def chosen_of(only: Iterable[str], names: Iterable[str]) -> set[str]:
    """The names that are asked for: those that have a part of their name in `only`, all where that is empty.
    ValueError where nothing is."""
    parts = list(only)
    chosen = {name for name in names if not parts or any(part in name for part in parts)}
    if parts and not chosen:
        raise ValueError(f"nothing is called {' or '.join(parts)}")
    return chosen


def why_not(said: str) -> str | None:
    """Why nobody can replay a capture, by what ingest said; None where it should be replayed."""
    return next((why for sign, why in NOT_READ.items() if sign in said), None)
