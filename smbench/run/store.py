"""The run directory: the names of its files, and run.json read and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from smbench.errors import UsageError
from smbench.run.columns import REMEDY
from smbench.run.model import OPERATIONS, SCHEMA, Run
from smbench.stored import decoded, read_content, write_document

DOCUMENT = "run.json"
"""Written last of all: its presence says that the directory is whole."""
LATENCY = "latency.hlog"
RESOURCES = "resources.parquet"
CLIENT_STATS = "client_stats.json"
WIRE = "wire.pcapng"
OPENED_WIRE = "wire.workload"
"""The workload of a wire that was encrypted, decoded while its run had the accounts."""
PAGE = "report.html"
FILES = (DOCUMENT, OPERATIONS, LATENCY, RESOURCES, CLIENT_STATS, WIRE, OPENED_WIRE, PAGE)
"""All that a run directory may hold."""
CAPACITY = "capacity.json"
"""What a directory holds instead that is a search for the capacity: its runs lie in folders of it."""


class _Header(msgspec.Struct, frozen=True):
    schema: int | None = None


def read(directory: Path) -> Run:
    """The run in a directory. UsageError where there is none of this schema, or it is not whole."""
    path = directory / DOCUMENT
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file: give the directory of a run")
    try:
        content = read_content(path, REMEDY)
    except FileNotFoundError:
        raise UsageError(no_run(directory)) from None
    if decoded(content, path, _Header, REMEDY).schema != SCHEMA:
        raise UsageError(f"{path} has another schema than {SCHEMA}: {REMEDY}")
    run = decoded(content, path, Run, REMEDY)
    return msgspec.structs.replace(run, directory=directory)


def no_run(directory: Path) -> str:
    """Why a directory is no run, in a sentence."""
    if (directory / CAPACITY).is_file():
        return f"{directory} is a search for the capacity: name one of its runs, as {directory / '001'}"
    return f"{directory} is no run: it has no {DOCUMENT}; make one with replay -o"


def document_of(run: Run) -> dict[str, Any]:
    """What run.json holds of a run, as the values that JSON has."""
    document: dict[str, Any] = _plain(
        msgspec.to_builtins(msgspec.structs.replace(run, directory=None), str_keys=True)
    )
    del document["directory"]
    return document


def _plain(value: Any) -> Any:
    """Lists for tuples, as JSON has it. The library's encoder refuses what a name of NTFS may be: half of a
    surrogate pair."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def write(run: Run, directory: Path) -> Run:
    """Write run.json into `directory`, whose other files are there; the run comes back with its directory."""
    write_document(directory / DOCUMENT, document_of(run))
    return msgspec.structs.replace(run, directory=directory)
