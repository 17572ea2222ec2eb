"""Anonymised copies: searched for every name, re-linked by who has the tree, rewritten, replayed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from security.relink import Attack
from security.rewritten import rewritings
from security.row import Row
from smbench.anonymize.artefact import anonymize
from smbench.anonymize.classes import EPOCH_NS
from smbench.anonymize.columns import KEPT
from smbench.anonymize.extensions import EXTENSIONS
from smbench.anonymize.keep import Keep
from smbench.anonymize.pseudonyms import CONTEXTS, STREAM_TYPES, Pseudonyms
from smbench.errors import UsageError
from smbench.lift.vocabulary import WORDS

ROOT = Path(__file__).resolve().parents[2]
_PLACES = (ROOT / "tests" / "captures", *((ROOT.parent / "shared" / "captures") / at for at in ("", "field")))
_CAPTURE = re.compile(r".*\.(pcap|pcapng)(\.gz|\.zst)?")
_SHORTEST, _LONG, _OF_BYTES = 3, 6, 8
"""Characters from which a name is looked for as a word, within other text, and among bytes: chance makes
shorter ones."""
_BREAKS = re.compile(r"[/\\:*?<>\"|\x00-\x1f]+")
_OURS = re.compile(r"unknown(-[0-9a-f]+)?|\$[A-Z_]+|IPC\$|\.+|([0-9a-f])\2*|[. ]*", re.IGNORECASE)
_RUN = re.compile(r"[^\W_]+")
_NAMES_OF_TRACE = {
    "connections": ("client", "server", "client_guid"), "trees": ("share",), "users": ("name", "client"),
    "sessions": ("account", "domain", "workstation"),
}  # fmt: skip
_POINTS = 2.0
"""How far the printed risk may be from what the attack achieves, of a hundred paths."""
_SHORT = 4
_AGAIN = 4
"""Times that a replay whose outcomes differ is tried again, beside the original."""
_KEY = bytes(range(200, 232))


def rows(short: bool) -> Iterator[Row]:
    """A row each for what is tried of all captures that are here."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        captures = sorted(path for at in _PLACES if at.is_dir() for path in at.iterdir() if _is_capture(path))
        captures = captures[:: max(1, len(captures) // _SHORT)] if short else captures
        workloads = dict(_ingested(captures, folder))
        copies = {
            name: {keep: _copy(workload, folder, keep) for keep in Keep}
            for name, workload in workloads.items()
        }
        yield _searched(workloads, copies, len(captures) - len(workloads))
        yield from _relinked(workloads, copies)
        yield _rewritten(workloads, folder)
        yield _replayed(workloads, copies, folder)


def _is_capture(path: Path) -> bool:
    return path.is_file() and _CAPTURE.fullmatch(path.name) is not None


def _smbench(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smbench", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def _ingested(captures: Iterable[Path], folder: Path) -> Iterator[tuple[str, Path]]:
    for capture in captures:
        into = folder / f"{capture.name}.workload"
        if _smbench("ingest", capture, "-o", into, "-q").returncode == 0:
            yield capture.name, into


def _copy(workload: Path, folder: Path, keep: Keep) -> tuple[Path, dict[str, Any]]:
    key = folder / "key"
    if not key.exists():
        key.touch(0o600)
        key.write_bytes(_KEY)
    into = folder / f"{workload.stem}-{keep}.workload"
    done = _smbench("anonymize", workload, "-o", into, "--keep", keep, "--key-file", key, "--json")
    if done.returncode:
        raise RuntimeError(done.stderr)
    said: dict[str, Any] = json.loads(done.stdout)
    return into, said


Copies = dict[str, dict[Keep, tuple[Path, dict[str, Any]]]]


def _searched(workloads: dict[str, Path], copies: Copies, refused: int) -> Row:
    row = Row("names of the originals in copies: values, bytes, UTF-16, hex, digests")
    names = files = 0
    for name, workload in workloads.items():
        originals = names_of(workload)
        names += len(originals)
        for keep, (copy, _) in copies[name].items():
            files += sum(1 for _ in copy.iterdir())
            row.cases += 1
            row.wrong += [f"{name}, {keep}: {what}" for what in found_in(copy, originals)]
    row.notes.append(
        f"{names:,} names of {len(workloads)} captures ({refused} more are none to ingest), {files:,} files"
    )
    return row


def found_in(copy: Path, originals: set[str]) -> Iterator[str]:
    """What of the originals stands in a copy, and how."""
    columns = [(name, value) for name, value in _columns(copy) if name not in KEPT]
    manifest = json.loads((copy / "manifest.json").read_text())
    reasons = {value for name, value in columns if name == "reason"} | {*_leaves(manifest.pop("coverage"))}
    values = [value for name, value in columns if name != "reason"] + [*_leaves(manifest)]
    values += (_without_our_words(reason) for reason in reasons)
    text = "\0".join(values).lower()
    words = {*_RUN.findall(text), *re.split(r"[/\\:, \0]+", text)}
    raw = b"\0".join(file.read_bytes() for file in sorted(copy.iterdir()))
    ours = "".join(str(pq.read_schema(file)) for file in copy.glob("*.parquet"))
    for original in sorted(originals):
        lower = original.lower()
        if lower in words or (len(_without_extension(lower)) >= _LONG and lower in text):
            yield f"{original!r} in a value"
        for spelt in {original, lower}:
            plain = spelt.encode(errors="replace")
            if len(_without_extension(plain.decode("latin-1"))) < _OF_BYTES:
                continue
            wide = spelt.encode("utf-16-le", errors="replace")
            if (plain in raw and spelt not in ours) or wide in raw:
                yield f"{original!r} in bytes"
            if plain.hex() in text or wide.hex() in text:
                yield f"{original!r} in hexadecimal digits"
            for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
                if digest(plain).digest() in raw or digest(plain).hexdigest()[:16] in text:
                    yield f"{original!r} as its {digest.__name__}"


def _without_extension(name: str) -> str:
    """What of a name is not kept by intent."""
    stem, _, extension = name.rpartition(".")
    return stem if extension in EXTENSIONS else name


def _without_our_words(reason: str) -> str:
    """What of a reason is none of this program's texts."""
    for ours in sorted(WORDS, key=len, reverse=True):
        reason = reason.replace(ours, "")
    return reason


def names_of(workload: Path) -> set[str]:
    """Everything that a workload calls by a name of the capture, and what it is made of."""
    told = [
        value for name, value in _columns(workload)
        if name not in {*KEPT, "reason", "changes", "streams", "contexts"}
    ]  # fmt: skip
    trace = json.loads((workload / "manifest.json").read_text())["trace"]
    for of, keys in _NAMES_OF_TRACE.items():
        told += [one[key] for one in trace[of] for key in keys if one[key] is not None]
    parts = {part for value in (*told, *trace["captures"]) for part in (value, *_BREAKS.split(value))}
    kept = {word.lower() for word in (*CONTEXTS, *STREAM_TYPES, *EXTENSIONS, "krb5", "ntlmssp")}
    return {
        part for part in parts
        if len(_without_extension(part.lower())) >= _SHORTEST and part.lower() not in kept
        and not all(_OURS.fullmatch(name) for name in _BREAKS.split(part))
    }  # fmt: skip


def _columns(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.glob("*.parquet")):
        table = pq.read_table(file)
        for name in table.column_names:
            yield from set(_cells(name, table.column(name).combine_chunks()))


def _cells(name: str, array: pa.Array) -> Iterator[tuple[str, str]]:
    kind = array.type
    if pa.types.is_struct(kind):
        for at, field in enumerate(kind):
            yield from _cells(field.name, array.field(at))
    elif pa.types.is_list(kind):
        yield from _cells(name, array.flatten())
    elif pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        words = array.cast(pa.string()).unique().to_pylist()
        yield from ((name, word) for word in words if word is not None)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)


def _relinked(workloads: dict[str, Path], copies: Copies) -> Iterator[Row]:
    names = Pseudonyms(_KEY)
    for keep in Keep:
        row = Row(f"printed risk against who has the tree, --keep {keep}")
        paths = unique = found = 0
        for name, workload in workloads.items():
            copy, said = copies[name][keep]
            true = _tree_of(workload)
            start = json.loads((workload / "manifest.json").read_text())["trace"]["start_epoch_ns"]
            began = None if keep.times else start
            attack = Attack(EXTENSIONS, began, EPOCH_NS, classes=not keep.sizes)
            pairs = attack.pairs(true, _tree_of(copy))
            right = {names.path(one["path"]): one["path"] for one in true}
            hits = sum(pairs.get(pseudonym) == path for pseudonym, path in right.items())
            risk = said["risk"][keep]
            row.cases += 1
            paths, unique, found = paths + len(true), unique + risk["unique"], found + hits
            if true and abs(hits - risk["unique"]) * 100 > _POINTS * len(true):
                row.wrong.append(f"{name}: {risk['unique']} of {len(true)} paths said, {hits} found")
        row.notes.append(f"{unique:,} of {paths:,} paths said ({unique / paths:.1%}), {found:,} found")
        yield row


def _tree_of(workload: Path) -> list[dict[str, Any]]:
    """Its namespace, and how far each path was written or cut: a tree from before and one from after."""
    ends: dict[str, int] = {}
    operations = pq.read_table(workload / "operations.parquet").to_pylist()
    for row in operations:
        if row["kind"] == "Write" and not row.get("append"):
            ends[row["path"]] = max(ends.get(row["path"], 0), row["offset"] + row["length"])
        elif row["kind"] == "Truncate":
            ends[row["path"]] = max(ends.get(row["path"], 0), row["size"])
    rows: list[dict[str, Any]] = pq.read_table(workload / "namespace.parquet").to_pylist()
    return [row | {"end": ends.get(row["path"])} for row in rows]


def _rewritten(workloads: dict[str, Path], folder: Path) -> Row:
    """By other tools, in types that hold words: refused, or a copy without names."""
    row = Row("workloads that pyarrow, polars and DuckDB wrote anew")
    copied = 0
    for name, workload in workloads.items():
        originals = names_of(workload)
        for how, table in rewritings(workload, folder / "rewritten.workload"):
            into = folder / "of-rewritten.workload"
            shutil.rmtree(into, ignore_errors=True)
            into.mkdir()
            row.cases += 1
            try:
                anonymize(table, into, Pseudonyms(_KEY, WORDS), Keep.ALL, lambda _done, _rows: None)
            except UsageError:
                continue
            except Exception as error:  # whatever else it is, the command has no sentence for it
                row.wrong.append(f"{name}, {how}: {error!r}"[:300])
                continue
            copied += 1
            row.wrong += [f"{name}, {how}: {what}" for what in found_in(into, originals)]
    row.notes.append(f"{copied} copied, {row.cases - copied} refused in a sentence")
    return row


def _replayed(workloads: dict[str, Path], copies: Copies, folder: Path) -> Row:
    """On a directory, the original and the copy: the same outcome of each operation. What differs between
    replays of the original itself (its lanes race) may differ in the copy."""
    row = Row("outcomes of copies replayed on a directory")
    target, run = folder / "target", folder / "replayed.run"
    operations = 0
    for name, workload in workloads.items():
        wanted = [{outcome} for outcome in _outcomes(workload, target, run)]
        for keep, (copy, _) in copies[name].items():
            row.cases += 1
            operations += len(wanted)
            differ = _differing(_outcomes(copy, target, run), wanted)
            for _ in range(_AGAIN):
                if not differ:
                    break
                for known, outcome in zip(wanted, _outcomes(workload, target, run), strict=True):
                    known.add(outcome)
                differ = _differing(_outcomes(copy, target, run), wanted)
            if differ:
                row.wrong.append(f"{name}, {keep}: {len(differ)} of {len(wanted)} differ {differ[:3]}")
    row.notes.append(f"{operations:,} operations of copies")
    return row


def _differing(found: list[tuple[Any, ...]], wanted: list[set[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    return [one for one, known in zip(found, wanted, strict=True) if one not in known]


def _outcomes(workload: Path, target: Path, run: Path) -> list[tuple[Any, ...]]:
    target.mkdir(exist_ok=True)
    _smbench("prepare", workload, target, "--clean")
    done = _smbench("replay", workload, target, "-o", run, "--force", "--pace", "fast", "-q")
    if not (run / "operations.parquet").exists():
        return [(done.returncode,)]
    table = pq.read_table(run / "operations.parquet", columns=["operation", "outcome", "bytes", "entries"])
    made = sorted(zip(*(column.to_pylist() for column in table.columns), strict=True))
    _smbench("prepare", workload, target, "--clean")
    return made
