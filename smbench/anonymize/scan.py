"""The copy searched for every original that was replaced, before it is called done.

A pseudonym is a run of letters and digits that was made here: what is left of a text without those is
searched for originals, at any place in it. Originals of fewer than six characters are looked for as whole
words: chance, and the extensions that are kept, make shorter ones anywhere. Reasons are not searched, which
are this program's words but for names, nor what a column of words keeps.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from smbench.anonymize.columns import KEPT
from smbench.workload.manifest import MANIFEST

_LONG = 6
_SHORTEST = 3
_RUN = re.compile(r"[^\W_]+")
_MADE_UP = re.compile(r"(?<![^\W_])unknown-[0-9a-f]+(?![^\W_])|@gmt-[\d.-]+")
"""In lower case, what a capture never named, and moments: a folder may be called by such a number."""
_OWN_WORDS = frozenset(("reason",))
_OF_TRACE = ("captures", "connections", "sessions", "trees", "users")
_BATCH = 16_384


class Originals:
    """What was replaced, in lower case, and what was made of it."""

    def __init__(self, replaced: Iterable[str], made: Collection[str], kept: Collection[str]) -> None:
        self._made = made
        self._kept = kept
        self._words: set[str] = set()
        self._long: dict[str, list[str]] = defaultdict(list)
        self.count = 0
        for word in replaced:
            if len(word) < _SHORTEST or word in kept:
                continue
            self.count += 1
            if len(word) < _LONG:
                self._words.add(word)
            else:
                self._long[word[:_LONG]].append(word)

    def found_in(self, text: str) -> str | None:
        """An original that stands in a text of the copy; None: none does."""
        left = _RUN.sub(self._without_made, _MADE_UP.sub(self._unless_original, text.lower()))
        for run in _RUN.findall(left):
            if run in self._words:
                return str(run)
        for at in range(len(left) - _LONG + 1):
            for word in self._long.get(left[at : at + _LONG], ()):
                if left.startswith(word, at):
                    return word
        return None

    def _unless_original(self, text: re.Match[str]) -> str:
        return text[0] if text[0] in self._long.get(text[0][:_LONG], ()) else "\0"

    def _without_made(self, run: re.Match[str]) -> str:
        return "\0" if run[0] in self._made or run[0] in self._kept else run[0]


@dataclass(slots=True)
class Scan:
    """What was searched, and where something was found."""

    originals: int = 0
    texts: int = 0
    files: int = 0
    found: str | None = None
    """Where the first one stands."""


def scan(folder: Path, originals: Originals) -> Scan:
    """Search the copy of a workload."""
    done = Scan(originals.count)
    for path in (*sorted(folder.glob("*.parquet")), folder / MANIFEST):
        done.files += 1
        texts = _of_table(path) if path.suffix == ".parquet" else _of_document(path)
        for where, text in texts:
            done.texts += 1
            if done.found is None and originals.found_in(text) is not None:
                done.found = f"{path.name}, {where}"
    return done


def _of_table(path: Path) -> Iterator[tuple[str, str]]:
    """Each column's texts, once in a batch."""
    with pq.ParquetFile(path) as file:
        for word, of in (file.schema_arrow.metadata or {}).items():
            yield "metadata", f"{word!r} {of!r}"
        for batch in file.iter_batches(_BATCH):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                yield from _texts(name, column)


def _texts(name: str, array: pa.Array) -> Iterator[tuple[str, str]]:
    kind = array.type
    if pa.types.is_struct(kind):
        for at, field in enumerate(kind):
            yield from _texts(field.name, array.field(at))
    elif pa.types.is_list(kind):
        yield from _texts(name, array.flatten())
    elif (pa.types.is_string(kind) or pa.types.is_dictionary(kind)) and name not in KEPT | _OWN_WORDS:
        words = array.dictionary if pa.types.is_dictionary(kind) else pc.unique(array)
        yield from ((name, word) for word in words.to_pylist() if word is not None)


def _of_document(path: Path) -> Iterator[tuple[str, str]]:
    """What the manifest tells of the trace: the rest of it are this program's words and numbers."""
    trace = json.loads(path.read_text(encoding="utf-8"))["trace"]
    for name in _OF_TRACE:
        yield from ((name, text) for text in _leaves(trace[name]))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        told = [of for name, of in value.items() if name not in KEPT] if isinstance(value, dict) else value
        for inner in told:
            yield from _leaves(inner)
