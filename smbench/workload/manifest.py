"""manifest.json of a workload: its form, typed, read and written.

It tells of the files beside it how long they are and what their last bytes (where Parquet keeps all that it
says of its columns and parts) add up to, so that one that was cut, swapped or written anew is not taken for
the workload's own.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from msgspec import Struct, field, structs

from smbench.errors import UsageError
from smbench.stored import (
    Count,
    decoded,
    open_stored,
    read_content,
    refuse_unreadable,
    size_of,
    write_document,
)
from smbench.tables import fault
from smbench.trace.description import SCHEMA_VERSION, StoredTrace, description_of
from smbench.trace.model import TraceInfo
from smbench.trace.store import REMEDY, REMEDY_OF_TWO
from smbench.workload.model import CaptureFile, Coverage, Outside, WorkloadInfo

SCHEMA = 3
"""2: `by_client`. A version that does not know it would replay what its own client does anyway. 3: operations
of nobody who was captured; a workload that has none is written as one of schema 2."""
READABLE = (1, 2, 3)
MANIFEST = "manifest.json"
_KIND = "workload"
_TAIL = 8
"""The last bytes of a Parquet file: how long its footer is, and the magic word."""
_LONGEST_FOOTER = 1 << 28
_PART = 1 << 20


class StoredFile(Struct, frozen=True):
    """A file beside the manifest, as it was when the manifest was written."""

    bytes: Count
    footer_crc32: Count


class Manifest(Struct, frozen=True):
    schema: int
    kind: str
    trace: StoredTrace
    coverage: list[Coverage]
    operations: dict[str, Count]
    lanes: list[Count]
    operations_by_user: list[Count]
    client_calls: Count = 0
    """Of schema 2."""
    outside: Outside = Outside()
    """Of schema 3."""
    capture_files: list[CaptureFile] = field(default_factory=list)
    files: dict[str, StoredFile] = field(default_factory=dict)
    """By name; older workloads do not tell."""

    @property
    def rows(self) -> int:
        """Of operations.parquet."""
        return sum(self.operations.values()) + self.client_calls + self.outside.operations

    def fault(self) -> str | None:
        """What of it contradicts itself; None: nothing."""
        if wrong := self.trace.fault():
            return wrong
        users = {len(self.trace.users), len(self.lanes), len(self.operations_by_user)}
        if len(users) > 1:
            return "its users, their lanes and their operations are not as many"
        asked = sum(self.operations.values())
        if sum(self.operations_by_user) != asked:
            return f"it counts {asked:,} operations by kind and {sum(self.operations_by_user):,} by user"
        covered = {
            sum(row.count for row in self.coverage), sum(self.trace.commands.values()), self.trace.exchanges
        }  # fmt: skip
        if len(covered) > 1:
            return "its coverage, its commands and its exchanges do not add up"
        return None

    def info(self) -> WorkloadInfo:
        return WorkloadInfo(
            trace=self.trace.info(),
            coverage=self.coverage,
            operations=self.operations,
            lanes=self.lanes,
            operations_by_user=self.operations_by_user,
            client_calls=self.client_calls,
            outside=self.outside,
            capture_files=self.capture_files,
        )


class _TraceHeader(Struct, frozen=True):
    schema: Any = None


class _Header(Struct, frozen=True):
    kind: Any = None
    schema: Any = None
    trace: _TraceHeader = _TraceHeader()


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a workload directory. UsageError where there is none of a schema that is read, or it is
    damaged."""
    path = directory / MANIFEST
    try:
        content = read_content(path, f"it is to be a workload's; {REMEDY}")
        header = decoded(content, path, _Header, REMEDY)
    except FileNotFoundError:
        raise UsageError(_no_workload(directory)) from None
    if header.kind != _KIND:
        raise UsageError(
            f"{directory} is no workload: its {MANIFEST} is another tool's, or damaged; {REMEDY}"
        )
    if header.schema not in READABLE:
        raise UsageError(
            f"{directory} has schema {header.schema}, this version reads {SCHEMA} ({path}): {REMEDY}"
        )
    version = header.trace.schema
    if version is not None and version != SCHEMA_VERSION:
        raise UsageError(
            f"the trace in {path} has schema version {version}, this program reads {SCHEMA_VERSION}: {REMEDY}"
        )
    manifest = decoded(content, path, Manifest, REMEDY)
    if wrong := manifest.fault():
        raise fault(path, wrong, REMEDY)
    return manifest


def _no_workload(directory: Path) -> str:
    if not directory.exists():
        return f"{directory} does not exist; make it with: smbench-mount ingest CAPTURE -o {directory}"
    if not directory.is_dir():
        return f"{directory} is a file: give the directory of a workload"
    return f"{directory} is no workload: it has no {MANIFEST}; {REMEDY}"


def write_manifest(directory: Path, info: WorkloadInfo, files: Iterable[str], tool: str) -> None:
    """Write `manifest.json`: last of all, because its presence says that the directory is whole. `files`:
    those beside it, where they are there."""
    stored = {name: _stored_file(directory / name) for name in files if (directory / name).exists()}
    document = {
        "schema": SCHEMA if info.outside.operations else SCHEMA - 1,
        "kind": _KIND,
        "tool": tool,
        **_told(info),
        "trace": description_of(info.trace),
        "files": {name: structs.asdict(file) for name, file in stored.items()},
    }
    write_document(directory / MANIFEST, document, ascii_only=True)


def _told(info: WorkloadInfo) -> dict[str, Any]:
    told = asdict(replace(info, trace=TraceInfo()))
    if not info.outside.operations:
        del told["outside"]
    return told


def refuse_changed(directory: Path, manifest: Manifest) -> None:
    """UsageError where a file beside the manifest is not the one that was there when it was written. One that
    is missing is somebody else's to miss."""
    for name, told in manifest.files.items():
        if name != Path(name).name:
            raise fault(directory / MANIFEST, "it names files elsewhere", REMEDY)
        path = directory / name
        try:
            found = _stored_file(path)
        except FileNotFoundError:
            continue
        if found.bytes != told.bytes:
            raise fault(path, f"it has {found.bytes:,} bytes, and {told.bytes:,} were written", REMEDY_OF_TWO)
        if found.footer_crc32 != told.footer_crc32:
            raise fault(path, "its footer is not the one that was written", REMEDY_OF_TWO)


def _stored_file(path: Path) -> StoredFile:
    with open_stored(path, REMEDY) as file:
        try:
            size = size_of(file)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
            footer = min(int.from_bytes(tail[:4], "little") + _TAIL, size, _LONGEST_FOOTER)
            file.seek(size - footer)
            crc32 = 0
            while part := file.read(_PART):
                crc32 = zlib.crc32(part, crc32)
        except OSError as error:
            refuse_unreadable(path, error)
    return StoredFile(size, crc32)
