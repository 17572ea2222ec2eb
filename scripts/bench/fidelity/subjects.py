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


def captures_of(given: Iterable[Path]) -> dict[str, Path]:
    """The captures among files and folders (not in folders of those), by the name of the file, which the
    table and what is made of them bear. ValueError where one is neither, a folder has none, or two have one
    name."""
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
    named = {path.name: path for path in found}
    if len(named) < len(found):
        raise ValueError("two of the captures have one name: give them in two runs")
    return named


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
