"""A comparison as the document that docs/cli.md ("compare") promises; it is made here, and read nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from msgspec import to_builtins

from smbench.fidelity.comparison import Comparison, Score
from smbench.fidelity.differences import EXTRA, MISSING
from smbench.fidelity.latency import LatencyDifference
from smbench.fidelity.outcomes import KindOutcomes, RunOutcomes
from smbench.fidelity.result import Candidate, Result, alone, counted
from smbench.measure.quality import graded
from smbench.trace.grade import Use

SCHEMA = 1
_JUDGED = ("executed", "matched", "unanswered", "mismatched", "approximated")
"""What there is none of where nothing was carried out."""
DISTANCES = {
    "distance": "two-sample Kolmogorov-Smirnov statistic: 0 the same, 1 nothing in common",
    "factor": "10^(first Wasserstein distance of log10(latency)): by what factor they lie apart",
}

Document = dict[str, Any]


def document(result: Result, limit: int | None) -> Document:
    """The whole result. `limit`: how many paths and differences of each candidate are listed; None: all."""
    return {
        "schema": SCHEMA,
        "reference": _reference(result),
        "candidates": [_candidate(one, limit) for one in result.candidates],
        "distances": DISTANCES,
    }


def _reference(result: Result) -> Document:
    side = result.reference
    about: Document = {
        "name": side.name,
        "captures": side.info.captures,
        "duration_s": side.info.duration_ns / 1e9,
        "exchanges": side.info.exchanges,
        "users": [user.name for user in side.info.users],
        **to_builtins(graded(side.info, Use.REFERENCE)),
    }
    if result.rows is not None:
        about["answerable"] = len(result.rows)
    return about


def _candidate(candidate: Candidate, limit: int | None) -> Document:
    compared, moved = candidate.wire, candidate.moved
    found: Document = {"name": candidate.name, "notes": list(candidate.notes), "warnings": []}
    if compared is None:
        found["wire"] = None
    else:
        found |= _wire(compared, limit) | to_builtins(graded(compared.candidate.info, Use.CANDIDATE))
    found["outcomes"] = _outcomes(candidate, limit)
    found["bytes"] = None if moved is None else {"read": list(moved[0]), "written": list(moved[1])}
    found["run"] = None if candidate.run is None else _run(candidate.run)
    return found


def _outcomes(candidate: Candidate, limit: int | None) -> Document | None:
    ended = candidate.outcomes
    if ended is None:
        return None
    told: Document = {name: getattr(ended, name) for name in ("matched", "mismatched", "unanswered")}
    if candidate.wire is not None:
        told["differing"] = [
            {"command": command, "reference": mine, "candidate": its, "count": count}
            for command, mine, its, count in islice(candidate.wire.outcomes.differing, limit)
        ]
    return told


def _wire(compared: Comparison, limit: int | None) -> Document:
    return {
        "wire": _scores(compared, limit),
        **_users(compared),
        "folders": {
            "reference": compared.reference.folder or compared.folders.reference,
            "candidate": compared.candidate.folder or compared.folders.candidate,
        },
        "unnamed_shares": {
            side: [asdict(one) for one in taken]
            for side, taken in zip(("reference", "candidate"), compared.unnamed_shares, strict=True)
        },
        "left_out": compared.rows[1].left_out,
        "order": {
            **asdict(compared.order),
            "by_user": {name: asdict(order) for name, order in compared.order_by_user.items()},
        },
        **_tallies(compared),
        "latency": _latencies(compared.latency, compared.failed),
        **{side: _one_sided(compared, side, limit) for side in (MISSING, EXTRA)},
    }


def _scores(compared: Comparison, limit: int | None) -> Document:
    return {
        **_score(compared.wire),
        "supported": _score(compared.supported),
        "posix": _score(compared.posix),
        "without_counterpart": [
            {"command": command, "reason": reason, "count": count}
            for command, reason, count in compared.lacking
        ],
        "swapped": compared.matching.swapped,
        "moved": compared.matching.moved,
        "by_command": {name: _score(score) for name, score in compared.by_command.items()},
        "by_user": {name: _score(score) for name, score in compared.by_user.items()},
        "by_path": {name: _score(score) for name, score in islice(compared.by_path.items(), limit)},
        "paths": len(compared.by_path),
        "parameters": compared.parameters,
    }


def _score(score: Score) -> Document:
    return {"recall": score.recall, "precision": score.precision, **asdict(score)}


def _users(compared: Comparison) -> Document:
    """Who was held against whom, and what says so."""
    ours, theirs = (rows.users for rows in compared.rows)
    pairs = [
        {
            "reference": ours[pair.reference],
            "candidate": theirs[pair.candidate],
            "by": pair.by,
            "common": pair.common,
            "exchanges": list(pair.sent),
            "common_with_namesake": None if pair.namesake is None else pair.namesake.common,
        }
        for pair in compared.users
    ]
    return {"users": pairs, "users_alone": alone(compared)}


def _tallies(compared: Comparison) -> Document:
    """What is counted beside the matching, the reference's first."""
    ours, theirs = tallies = [rows.tally for rows in compared.rows]
    return {
        "leases": {
            "requested": _pairs(ours.requested, theirs.requested),
            "granted": _pairs(ours.granted, theirs.granted),
            "breaks": [tally.breaks.total() for tally in tallies],
            "breaks_by_state": _pairs(ours.breaks, theirs.breaks),
            "acknowledged": [tally.acknowledged for tally in tallies],
        },
        "credits": _pairs(ours.credits, theirs.credits),
        "compounds": {
            "exchanges": [tally.compounded for tally in tallies],
            "chains": [tally.compounds.total() for tally in tallies],
            "by_shape": _pairs(ours.compounds, theirs.compounds),
        },
    }


def _pairs(reference: Mapping[str, int], candidate: Mapping[str, int]) -> dict[str, list[int]]:
    return {name: list(both) for name, both in counted(reference, candidate).items()}


def _one_sided(compared: Comparison, side: str, limit: int | None) -> Document:
    """The missing, or the extra."""
    which = (MISSING, EXTRA).index(side)
    return {
        "count": (compared.differences.missing, compared.differences.extra)[which],
        "alike": compared.matching.alike[which],
        "reasons": [
            {"command": command, "rule": rule, "reason": reason, "count": count}
            for command, rule, reason, count in compared.differences.reasons(side)
        ],
        "exchanges": [asdict(one) for one in islice(compared.differences.all(side), limit)],
    }


def _latencies(whole: Mapping[str, LatencyDifference], failed: Mapping[str, LatencyDifference]) -> Document:
    """By command or kind; `failed`, what is in no other figure: one side failed, the other not so."""
    return {
        name: {**_latency(one), "failed": _latency(failed[name]) if name in failed else None}
        for name, one in whole.items()
    }


def _latency(one: LatencyDifference) -> Document:
    return {
        "count": [one.reference, one.candidate],
        **{f"{name}_ns": list(values) for name, values in one.percentiles_ns.items()},
        **{f"{name}_ratio": value for name, value in one.ratios.items()},
        "distance": one.distance,
        "factor": one.factor,
    }


def _run(run: RunOutcomes) -> Document:
    """Where nothing was carried out, nothing is compared: null."""
    return {
        "executor": run.executor,
        "profile": run.profile,
        "pace": run.pace,
        "valid": run.valid,
        "compared": run.compared,
        "operations": {**_kind(run, run.total), "skipped": sum(row.count for row in run.skipped)},
        "by_kind": {name: _kind(run, kind) for name, kind in run.by_kind.items()},
        "differing": [
            {"kind": kind, "expected": expected, "got": got, "count": count}
            for kind, expected, got, count in run.differing
        ],
        "losses": to_builtins(run.losses),
        "skipped": to_builtins(run.skipped),
        "latency": _latencies(run.latency, run.failed) if run.compared else None,
    }


def _kind(run: RunOutcomes, kind: KindOutcomes) -> Document:
    return asdict(kind) | ({} if run.compared else dict.fromkeys(_JUDGED))
