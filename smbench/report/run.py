"""A run for a person: the verdict first, then latencies, then what differed and why.

Input is the document `run.json` (docs/formats.md), so that a report never knows more than the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from smbench.measure.judging import judged_value
from smbench.report.gaps import gaps_closed
from smbench.report.text import bytes_told, plain_table, rate_told, time_told
from smbench.run.warm_up import warm_up_of
from smbench.units import format_ns, format_s

_SHOWN = 10
_PERCENTILES = ("p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns")
_HEADINGS = ("p50", "p90", "p99", "p99.9", "max")


def show_run(document: dict[str, Any], out: Console) -> None:
    """Print the report of one run."""
    _verdict(document, out)
    _thresholds(document, out)
    _mounts(document, out)
    _latency(document, out)
    _client(document, out)
    _wire(document, out)
    _mismatches(document, out)


def _verdict(document: dict[str, Any], out: Console) -> None:
    operations = document["operations"]
    configuration = document["configuration"]
    speed = configuration.get("speed", 1)
    pace = configuration["pace"] + (f" ×{speed:g}" if configuration["pace"] != "fast" else "")
    valid = Text("valid", "green") if document["valid"] else Text("NOT VALID", "red")
    out.print(
        Text.assemble(
            valid,
            f"  {configuration['workload']} on {configuration['target']}, executor "
            f"{configuration['executor']}, profile {configuration['profile']}, pace {pace}",
        )
    )
    if document.get("stopped"):
        out.print(f"  stopped before its end: {document['stopped']}", markup=False)
    for reason in document.get("reasons", []):
        out.print(f"  not valid: {reason}", markup=False)
    for warning in document.get("capture", {}).get("warnings", []):
        out.print(f"  the capture has {warning}", markup=False)
    for warning in document.get("warnings", []):
        out.print(f"  warning: {warning}", markup=False)
    took = f" in {format_s(document['elapsed_s'])}" if operations["executed"] else ""
    out.print(
        f"{operations['executed']:,} of {operations['planned']:,} operations{took}: "
        f"{_outcomes(operations)}, {operations['skipped']:,} skipped"
    )
    throughput = document["throughput"]
    out.print(
        f"{rate_told(throughput['operations_per_s'])} operations/s, "
        f"read {bytes_told(throughput['read_bytes_per_s'])}, "
        f"written {bytes_told(throughput['write_bytes_per_s'])}"
    )
    for note in (*warm_up_notes(document), *gaps_notes(document)):
        out.print(f"  {note}", markup=False)


def _outcomes(operations: Mapping[str, Any]) -> str:
    if (why := uncompared(operations)) is not None:
        return f"not compared ({why})"
    told = f"{alike(operations):,} ended as in the capture, {operations['mismatched']:,} otherwise"
    if unanswered := operations.get("unanswered"):
        told += f", {unanswered:,} not compared (the capture has no answer)"
    return told


def uncompared(operations: Mapping[str, Any]) -> str | None:
    """Why no outcome was compared; None where some were."""
    if not operations.get("compared", True):
        return "this executor has no outcomes"
    if not operations["executed"]:
        return "nothing was carried out"
    return None if _compared(operations) else "the capture has no answer"


def alike(operations: Mapping[str, Any]) -> int:
    """How many ended as in the capture; older runs count what it has no answer for among them."""
    return _compared(operations) - int(operations["mismatched"] or 0)


def _compared(operations: Mapping[str, Any]) -> int:
    return int(operations["executed"]) - int(operations.get("unanswered") or 0)


def gaps_notes(document: Mapping[str, Any]) -> list[str]:
    """What --close-gaps did, where it was given."""
    asked = document["configuration"]
    if (close_gaps_s := asked.get("close_gaps_s")) is None:
        return []
    told = gaps_closed(close_gaps_s, asked["gaps_closed"], asked["gaps_lasted_s"])
    return [] if told is None else [told]


def warm_up_notes(document: Mapping[str, Any]) -> list[str]:
    """What became of the warm-up, where there was one."""
    warm_up_ns = warm_up_of(document)
    if not warm_up_ns:
        return []
    count = document["warm_up"]["operations"]
    return [
        f"the {count:,} operations due in the first {format_ns(warm_up_ns)}, the warm-up, are compared like "
        "all others, and are in no time and no rate"
    ]


def _thresholds(document: dict[str, Any], out: Console) -> None:
    thresholds = document.get("thresholds", [])
    if thresholds:
        rows = [(one["text"], judged_value(one), "met" if one["met"] else missed(one)) for one in thresholds]
        out.print()
        out.print(plain_table(("threshold", "measured", ""), rows, right=(1,)))


def missed(threshold: Mapping[str, Any]) -> str:
    """That a threshold was missed, and why, where nothing was measured for it."""
    return f"MISSED: {threshold['reason']}" if threshold.get("reason") else "MISSED"


def _mounts(document: dict[str, Any], out: Console) -> None:
    mounts = document.get("mounts", [])
    if not mounts:
        return
    out.print()
    if "share" in mounts[0]:
        headings = ["captured user", "account", "mounted", "connection", "dialect", "signed", "encrypted"]
        rows = [(m["user"], m["account"], m["share"], *_connection(m["connection"])) for m in mounts[:_SHOWN]]
    else:
        headings = ["captured user", "directory", "file system"]
        rows = [(m["user"], m["root"], m["filesystem"] or "") for m in mounts[:_SHOWN]]
    out.print(plain_table(headings, rows))
    if len(mounts) > _SHOWN:
        out.print(f"… and {len(mounts) - _SHOWN} more users")


def _connection(connection: dict[str, Any] | None) -> tuple[str, ...]:
    if connection is None:
        return "not told by this kernel", "", "", ""
    flags = ["yes" if connection[name] else "no" for name in ("signed", "encrypted")]
    return f"own, {connection['id']:#x}", f"SMB {connection['dialect']}", *flags


def _latency(document: dict[str, Any], out: Console) -> None:
    rows = []
    for kind, measures in document["latency"].items():
        service, response = measures["service"], measures["response"]
        times = [*(service[name] for name in _PERCENTILES), response["p99_ns"]]
        told = (time_told(time if measures["count"] else None) for time in times)
        rows.append((kind, f"{measures['count']:,}", *told))
    out.print()
    headings = ("service time", "count", *_HEADINGS, "response p99")
    out.print(plain_table(headings, rows, right=range(1, len(headings))))
    failed = failed_by_kind(document)
    if failed:
        failures = [(kind, f"{one['count']:,}", *(format_ns(one[name]) for name in _PERCENTILES))
                    for kind, one in failed]  # fmt: skip
        out.print()
        heads = ("failed, and not so in the capture", "count", *_HEADINGS)
        out.print(plain_table(heads, failures, right=range(1, len(heads))))
    lateness = document["lateness"]
    out.print(
        f"issued late by p50 {time_told(lateness['p50_ns'])}, p99 {time_told(lateness['p99_ns'])}, "
        f"max {time_told(lateness['max_ns'])} (the harness's own share)"
    )


def failed_by_kind(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The service times of failed calls by kind, where there are any; older runs do not tell them."""
    told = [(kind, one["failed"]) for kind, one in document["latency"].items() if "failed" in one]
    return [(kind, failed) for kind, failed in told if failed["count"]]


def _client(document: dict[str, Any], out: Console) -> None:
    counters = document.get("client", {})
    if counters:
        out.print()
        told = (f"{name.replace('_', ' ')} {count:,}" for name, count in counters.items())
        out.print("the client's own counters: " + ", ".join(told), markup=False)


def _wire(document: dict[str, Any], out: Console) -> None:
    wire = document.get("wire")
    if wire is None:
        return
    out.print()
    packets = wire["packets"].get("captured", 0)
    out.print(f"captured on {wire['interface']}: {packets:,} packets, {wire['file']}", markup=False)
    for note in wire["notes"]:
        out.print(f"  {note}", markup=False)


def _mismatches(document: dict[str, Any], out: Console) -> None:
    causes = document.get("causes", [])
    if causes:
        example = {
            (row["kind"], row["expected"], row["got"]): row for row in reversed(document["mismatches"])
        }
        rows = [
            (count_of(one), one["kind"], one["expected"] or "no answer", got_of(one),
             where(example.get((one["kind"], one["expected"], one["got"]))))
            for one in causes[:_SHOWN]
        ]  # fmt: skip
        out.print()
        headings = ("not as captured", "kind", "in the capture", "here", "for example")
        out.print(plain_table(headings, rows, right=(0,)))
    skipped = document.get("skipped", [])
    if skipped:
        _reasons(("skipped", "kind", "why"), skipped, out)
    losses = document.get("losses", [])
    if losses:
        _reasons(("approximate", "kind", "what this executor could not keep"), losses, out)


def _reasons(headings: tuple[str, str, str], counted: list[dict[str, Any]], out: Console) -> None:
    rows = [(f"{row['count']:,}", row["kind"], row["reason"]) for row in counted[:_SHOWN]]
    out.print()
    out.print(plain_table(headings, rows, right=(0,)))


def count_of(cause: Mapping[str, Any]) -> str:
    """How often a cause of `causes` came up, for people."""
    warm = cause.get("warm_up", 0)
    return f"{cause['count']:,}" + (f" ({warm:,} in the warm-up)" if warm else "")


def got_of(cause: Mapping[str, Any]) -> str:
    """What a cause of `causes` ended with here, for people."""
    # Both succeeded: the capture read data where there is none here.
    return f"{cause['got']}, no data" if cause["got"] == cause["expected"] else str(cause["got"])


def where(mismatch: Mapping[str, Any] | None) -> str:
    """One of `mismatches`, for people."""
    if mismatch is None:
        return "–"
    return f"operation {mismatch['operation']}, {mismatch['user']}, {mismatch['path'] or '/'}"
