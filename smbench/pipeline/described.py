"""What a run is said to be of, where and by what: all that is known when it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from smbench.pipeline import origin
from smbench.pipeline.machine import machine, versions
from smbench.pipeline.request import Namespace, Request
from smbench.plan.model import Plan
from smbench.run.model import Configuration, Run
from smbench.run.outside import Outside
from smbench.run.surroundings import CaptureQuality, ChosenProfile, Coverage, Machine, Mount, Wire
from smbench.workload.model import CaptureFile, Workload


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of run.json."""

    configuration: Configuration
    mounts: tuple[Mount, ...]
    client_profile: ChosenProfile | None
    outside_changes: dict[str, int]
    """What somebody outside changed in the capture, by what it is."""
    coverage: Coverage
    capture: CaptureQuality
    capture_files: tuple[CaptureFile, ...]
    machine: Machine
    versions: dict[str, str | None]
    notes: tuple[str, ...]

    def of(self, measured: Run, counters: Sequence[Mapping[str, Any]], wire: Wire | None = None) -> Run:
        """What was measured, with what it was measured of. `counters` are the client's, of each loop."""
        done = None
        if self.outside_changes:
            done = measured.outside or Outside(changes={}, replayed=False)
            done = msgspec.structs.replace(done, changes=self.outside_changes)
        return msgspec.structs.replace(
            measured,
            configuration=self.configuration,
            mounts=self.mounts,
            client_profile=self.client_profile,
            client=measured.client or origin.client_shown(counters),
            outside=done,
            coverage=self.coverage,
            capture=self.capture,
            capture_files=self.capture_files,
            machine=self.machine,
            versions=self.versions,
            notes=self.notes,
            wire=wire,
        )


def describe(
    asked: Request, workload: Workload, plan: Plan, mounts: Sequence[Mount], chosen: ChosenProfile | None,
    told: Sequence[str],
) -> Described:  # fmt: skip
    """What a run that is to begin is a run of; `chosen` is its client profile, `told` as in `notes_of`."""
    info = workload.info
    return Described(
        configuration=origin.configuration(asked, workload, plan),
        mounts=tuple(mounts),
        client_profile=chosen,
        outside_changes=dict(info.outside.changes),
        coverage=origin.coverage(info),
        capture=origin.quality(info),
        capture_files=tuple(info.capture_files),
        machine=machine(),
        versions=versions(),
        notes=notes_of(asked, plan, told),
    )


def notes_of(asked: Request, plan: Plan, told: Sequence[str]) -> tuple[str, ...]:
    """What a reader of the result has to know: what was told, and what follows from what was asked for."""
    if plan.clones > 1 and asked.namespace is Namespace.SHARED:
        told = [*told, "the clones share all files, which the captured users did not: expect mismatches"]
    return tuple(told)
