"""What a run is said to be of and by: the request, the workload and its capture, the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from smbench.measure.likeness import Circumstances
from smbench.measure.quality import graded
from smbench.mounts.target import parse_target
from smbench.pipeline.machine import machine, versions
from smbench.pipeline.request import Request
from smbench.plan.model import Plan
from smbench.run.model import Configuration
from smbench.run.outcomes import WarmUp
from smbench.run.surroundings import CaptureQuality, Coverage, Reason
from smbench.trace.grade import Use
from smbench.workload.model import Disposition, Workload, WorkloadInfo
from smbench.workload.store import StoredOperations

_STAGGER_RULE = "the workload's mean time between two arrivals, divided by the clones"
_NOT_AS_THEY_WERE = (Disposition.APPROXIMATE, Disposition.UNSUPPORTED)


def source_of(request: Request, workload: Workload) -> str:
    """What the workload is called."""
    if request.source or not isinstance(workload.operations, StoredOperations):
        return request.source
    return workload.operations.path.parent.name


def asked_for(request: Request, workload: Workload, clones: int) -> Configuration:
    """What was asked for, as a run says it: what of its configuration is known before."""
    several, backend = clones > 1, request.backend
    return Configuration(
        executor=request.executor,
        profile=request.profile,
        pace=request.pace.value,
        speed=request.speed,
        workload=source_of(request, workload),
        target=str(parse_target(request.target)),
        clones=clones,
        loops=request.loops,
        seed=request.seed,
        deadline_s=request.deadline_s,
        give_up_s=request.give_up_s,
        mount_options=tuple(request.mount_options),
        users_per_process=request.users_per_process,
        prepared=request.prepare and (backend.touches_files or backend.own_files),
        content=request.content.value if request.prepare and backend.touches_files else None,
        close_gaps_s=request.close_gaps_s,
        namespace=request.namespace.value if several else None,
        stagger_s=request.stagger_s if several else None,
        loop_namespace=request.loop_namespace.value if request.loops > 1 else None,
        client_calls=workload.info.client_calls,
        client_calls_replayed=backend.sends_client_calls,
    )


def configuration(request: Request, workload: Workload, plan: Plan) -> Configuration:
    """What was asked for, and what the plan made of that."""
    several, closed = plan.clones > 1, request.close_gaps_s is not None
    rule = "given" if request.stagger_s is not None else _STAGGER_RULE
    return msgspec.structs.replace(
        asked_for(request, workload, plan.clones),
        users=plan.captured_users,
        processes=plan.processes,
        lanes=plan.lanes // plan.loops,
        gaps_closed=len(plan.closed) if closed else None,
        gaps_lasted_s=sum(plan.closed) / 1e9 if closed else None,
        stagger_s=plan.stagger_ns / 1e9 if several else None,
        stagger_rule=rule if several else None,
    )


def told_before(request: Request, workload: Workload, clones_known: bool) -> Circumstances:
    """How the run is going to come about, as far as it is known before."""
    return Circumstances(
        configuration=asked_for(request, workload, request.clones if clones_known else 1),
        warm_up=WarmUp(seconds=request.warm_up_s),
        capture_files=tuple(workload.info.capture_files),
        machine=machine(),
        versions=versions(),
        clones_known=clones_known,
    )


def coverage(info: WorkloadInfo) -> Coverage:
    """What became of the capture's exchanges; reasons of those alone that a replay does not repeat as they
    were."""
    reasons = tuple(
        Reason(disposition=row.disposition.value, command=row.command, reason=row.reason, count=row.count)
        for row in info.reasons()
        if row.disposition in _NOT_AS_THEY_WERE
    )
    return Coverage(exchanges=info.trace.exchanges, **info.by_disposition(), reasons=reasons)


def quality(info: WorkloadInfo) -> CaptureQuality:
    """What the capture lacks for a replay."""
    return graded(info.trace, Use.REPLAY)


def client_shown(counters: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What the operating system's client counted of all loops that a run shows."""
    return {
        name: sum(one[its] for one in counters)
        for its, name in _CLIENT_SHOWN.items()
        if all(its in one for one in counters)
    }


_CLIENT_SHOWN = {"lease_break_acknowledgements": "lease_breaks_acknowledged"}
