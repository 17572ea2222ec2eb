"""A comparison as the document that docs/cli.md ("compare") promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from smbench.fidelity.comparison import Comparison, Order, Score
from smbench.fidelity.differences import EXTRA, MISSING
from smbench.fidelity.latency import LatencyDifference
from smbench.fidelity.outcomes import KindOutcomes, RunOutcomes
from smbench.fidelity.rows import Rows
from smbench.fidelity.sides import Side
from smbench.trace.grade import Use
from smbench.trace.quality import graded

SCHEMA = 1
_JUDGED = ("executed", "matched", "unanswered", "mismatched", "approximated")
"""What there is none of where nothing was carried out."""
DISTANCES = {
    "distance": "two-sample Kolmogorov-Smirnov statistic: 0 the same, 1 nothing in common",
    "factor": "10^(first Wasserstein distance of log10(latency)): by what factor they lie apart",
}


def document(reference: dict[str, Any], candidates: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The whole result."""
    return {"schema": SCHEMA, "reference": reference, "candidates": list(candidates), "distances": DISTANCES}


def reference_document(side: Side, rows: Rows | None) -> dict[str, Any]:
    """The reference, for the result; `rows` where anything was compared by wire."""
    about: dict[str, Any] = {
        "name": side.name,
        "captures": side.info.captures,
        "duration_s": side.info.duration_ns / 1e9,
        "exchanges": side.info.exchanges,
        "users": [user.name for user in side.info.users],
        **graded(side.info, Use.REFERENCE),
    }
    if rows is not None:
        about["answerable"] = len(rows)
    return about


def candidate_document(
    name: str, compared: Comparison | None, run: RunOutcomes | None, notes: Iterable[str], limit: int | None
) -> dict[str, Any]:
    """One candidate. `limit`: how many paths and differences are listed; None: all."""
    found: dict[str, Any] = {"name": name, "notes": list(notes), "warnings": []}
    if compared is not None:
        found |= _wire(compared, limit) | graded(compared.candidate.info, Use.CANDIDATE)
    elif run is not None:
        total = run.total
        found |= {"wire": None, "outcomes": None, "bytes": None}
        if run.compared:
            counted = asdict(total)
            found["outcomes"] = {name: counted[name] for name in ("matched", "mismatched", "unanswered")}
            found["bytes"] = {"read": list(run.read_bytes), "written": list(run.written_bytes)}
    found["run"] = None if run is None else _run(run)
    return found


def _wire(compared: Comparison, limit: int | None) -> dict[str, Any]:
    ours, theirs = compared.rows
    tallies = ours.tally, theirs.tally
    return {
        "wire": {
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
        },
        **_users(compared),
        "folders": {
            "reference": compared.reference.folder or compared.folders.reference,
            "candidate": compared.candidate.folder or compared.folders.candidate,
        },
        "unnamed_shares": {
            side: [asdict(one) for one in taken]
            for side, taken in zip(("reference", "candidate"), compared.unnamed_shares, strict=True)
        },
        "left_out": theirs.left_out,
        "order": {
            **_order(compared.order),
            "by_user": {name: _order(order) for name, order in compared.order_by_user.items()},
        },
        "outcomes": {
            "matched": compared.outcomes.matched,
            "mismatched": compared.outcomes.mismatched,
            "unanswered": compared.outcomes.unanswered,
            "differing": [
                {"command": command, "reference": mine, "candidate": its, "count": count}
                for command, mine, its, count in islice(compared.outcomes.differing, limit)
            ],
        },
        "leases": {
            "requested": _pairs(*(tally.requested for tally in tallies)),
            "granted": _pairs(*(tally.granted for tally in tallies)),
            "breaks": [tally.breaks.total() for tally in tallies],
            "breaks_by_state": _pairs(*(tally.breaks for tally in tallies)),
            "acknowledged": [tally.acknowledged for tally in tallies],
        },
        "credits": _pairs(*(tally.credits for tally in tallies)),
        "compounds": {
            "exchanges": [tally.compounded for tally in tallies],
            "chains": [tally.compounds.total() for tally in tallies],
            "by_shape": _pairs(*(tally.compounds for tally in tallies)),
        },
        "bytes": {
            "read": [tally.read_bytes for tally in tallies],
            "written": [tally.written_bytes for tally in tallies],
        },
        "latency": _latencies(compared.latency, compared.failed),
        **{
            side: {
                "count": count,
                "alike": alike,
                "reasons": [
                    {"command": command, "rule": rule, "reason": reason, "count": number}
                    for command, rule, reason, number in compared.differences.reasons(side)
                ],
                "exchanges": [asdict(one) for one in islice(compared.differences.all(side), limit)],
            }
            for side, count, alike in (
                (MISSING, compared.differences.missing, compared.matching.alike[0]),
                (EXTRA, compared.differences.extra, compared.matching.alike[1]),
            )
        },
    }


def _users(compared: Comparison) -> dict[str, Any]:
    """Who was held against whom, and what says so."""
    names = [rows.users for rows in compared.rows]
    paired = [{pair.reference for pair in compared.users}, {pair.candidate for pair in compared.users}]
    alone = {
        side: [name[user] for user in rows.senders() if user not in known]
        for side, name, rows, known in zip(
            ("reference", "candidate"), names, compared.rows, paired, strict=True
        )
    }
    pairs = [
        {
            "reference": names[0][pair.reference],
            "candidate": names[1][pair.candidate],
            "by": pair.by,
            "common": pair.common,
            "exchanges": list(pair.sent),
            "common_with_namesake": None if pair.namesake is None else pair.namesake.common,
        }
        for pair in compared.users
    ]
    return {"users": pairs, "users_alone": alone}


def _score(score: Score) -> dict[str, Any]:
    return {"recall": score.recall, "precision": score.precision, **asdict(score)}


def _order(order: Order) -> dict[str, int]:
    return asdict(order)


def _pairs(reference: dict[str, int], candidate: dict[str, int]) -> dict[str, list[int]]:
    """What is counted on either side, the reference's first."""
    names = sorted({*reference, *candidate}, key=lambda name: (-reference.get(name, 0), name))
    return {name: [reference.get(name, 0), candidate.get(name, 0)] for name in names}


def _latencies(
    whole: Mapping[str, LatencyDifference], failed: Mapping[str, LatencyDifference]
) -> dict[str, Any]:
    """By command or kind; `failed`, what is in no other figure: one side failed, the other not so."""
    return {
        name: {**_latency(one), "failed": _latency(failed[name]) if name in failed else None}
        for name, one in whole.items()
    }


def _latency(one: LatencyDifference) -> dict[str, Any]:
    return {
        "count": [one.reference, one.candidate],
        **{f"{name}_ns": list(values) for name, values in one.percentiles_ns.items()},
        **{f"{name}_ratio": value for name, value in one.ratios.items()},
        "distance": one.distance,
        "factor": one.factor,
    }


def _run(run: RunOutcomes) -> dict[str, Any]:
    """Where nothing was carried out, nothing is compared: null."""
    return {
        "executor": run.executor,
        "profile": run.profile,
        "pace": run.pace,
        "valid": run.valid,
        "compared": run.compared,
        "operations": {**_kind(run, run.total), "skipped": sum(row["count"] for row in run.skipped)},
        "by_kind": {name: _kind(run, kind) for name, kind in run.by_kind.items()},
        "differing": [
            {"kind": kind, "expected": expected, "got": got, "count": count}
            for kind, expected, got, count in run.differing
        ],
        "losses": run.losses,
        "skipped": run.skipped,
        "latency": _latencies(run.latency, run.failed) if run.compared else None,
    }


def _kind(run: RunOutcomes, kind: KindOutcomes) -> dict[str, Any]:
    return asdict(kind) | ({} if run.compared else dict.fromkeys(_JUDGED))
