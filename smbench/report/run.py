"""A run for a person: the verdict first, then latencies, then what differed and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from smbench.measure.judging import judged_value
from smbench.report.gaps import gaps_closed
from smbench.report.harness import UNFINISHED, harness_notes, unfinished_rows
from smbench.report.outside import outside_notes
from smbench.report.text import STATISTICS, bytes_text, plain_table, rate_text, statistics, time_text
from smbench.run.measures import Failures, Judged
from smbench.run.model import Run
from smbench.run.outcomes import Cause, Mismatch, Outcomes, Shortfall
from smbench.run.status import in_words
from smbench.run.surroundings import Connection
from smbench.trace.grade import SEALED, called
from smbench.units import format_ns, format_s
from smbench.workload import amounts

_SHOWN = 10

Example = tuple[str, str | None, str]
"""What all mismatches of a cause have in common: kind, expectation, outcome."""


def show_run(run: Run, out: Console) -> None:
    """Print the report of one run."""
    _verdict(run, out)
    _thresholds(run, out)
    _mounts(run, out)
    _latency(run, out)
    _client(run, out)
    _wire(run, out)
    _outside(run, out)
    _mismatches(run, out)
    _unfinished(run, out)


def _verdict(run: Run, out: Console) -> None:
    asked, outcomes, throughput = run.configuration, run.outcomes, run.throughput
    pace = asked.pace + (f" ×{asked.speed:g}" if asked.pace != "fast" else "")
    valid = Text("valid", "green") if run.valid else Text("NOT VALID", "red")
    if how := in_words(run.stopped):
        valid.append(f", {how}", "yellow")
    out.print(
        Text.assemble(
            valid,
            f"  {asked.workload} on {asked.target}, executor {asked.executor}, profile {asked.profile}, "
            f"pace {pace}",
        )
    )
    for sentence in sealed_in(run):
        out.print(f"  {sentence}", markup=False)
    if run.stopped:
        out.print(f"  stopped before its end: {run.stopped}", markup=False)
    for reason in run.reasons:
        out.print(f"  not valid: {reason}", markup=False)
    for warning in lacks_of_capture(run):
        out.print(f"  {warning}", markup=False)
    for warning in run.warnings:
        out.print(f"  warning: {warning}", markup=False)
    for note in harness_notes(run):
        out.print(f"  {note}", markup=False)
    took = f" in {format_s(run.elapsed_s)}" if outcomes.executed else ""
    out.print(
        f"{outcomes.executed:,} of {outcomes.planned:,} operations{took}: "
        f"{_outcomes(outcomes)}, {outcomes.skipped:,} skipped"
        + (f", {outcomes.unfinished:,} unfinished" if outcomes.unfinished else "")
        + (f"; {run.loops_begun:,} of {asked.loops:,} loops began" if outcomes.not_begun else "")
    )
    out.print(
        f"{rate_text(throughput.operations_per_s)} operations/s, "
        f"read {bytes_text(throughput.read_bytes_per_s)}, "
        f"written {bytes_text(throughput.write_bytes_per_s)}"
    )
    for note in (*warm_up_notes(run), *gaps_notes(run)):
        out.print(f"  {note}", markup=False)


def _outcomes(outcomes: Outcomes) -> str:
    if (why := outcomes.uncompared) is not None:
        return f"not compared ({why})"
    told = f"{outcomes.alike:,} ended as in the capture, {outcomes.mismatched or 0:,} otherwise"
    if outcomes.other_amounts:
        told += f" ({outcomes.other_amounts:,} by their bytes or entries alone)"
    if outcomes.unanswered:
        told += f", {outcomes.unanswered:,} not compared (the capture has no answer)"
    return told


def sealed_in(run: Run) -> list[str]:
    """What stays encrypted, of the capture and of the run's own wire: a sentence each."""
    own = [] if run.wire is None or not run.wire.sealed else [f"of the run's own wire: {run.wire.sealed}"]
    return [*_of_capture(run, sealed=True), *own]


def lacks_of_capture(run: Run) -> list[str]:
    """What else the capture lacked, a sentence each."""
    return _of_capture(run, sealed=False)


def _of_capture(run: Run, *, sealed: bool) -> list[str]:
    said = () if run.capture is None else run.capture.warnings
    return [f"the capture has {one}" for one in said if one.startswith(called(SEALED)) is sealed]


def gaps_notes(run: Run) -> list[str]:
    """What --close-gaps did, where it was given."""
    asked = run.configuration
    told = gaps_closed(asked.close_gaps_s, asked.gaps_closed or 0, asked.gaps_lasted_s or 0.0)
    return [] if told is None else [told]


def warm_up_notes(run: Run) -> list[str]:
    """What became of the warm-up, where there was one."""
    if not run.warm_up_ns:
        return []
    return [
        f"the {run.warm_up.operations:,} operations due in the first {format_ns(run.warm_up_ns)}, the "
        "warm-up, are compared like all others, and are in no time and no rate"
    ]


def _unfinished(run: Run, out: Console) -> None:
    if run.unfinished:
        out.print()
        out.print(plain_table(UNFINISHED, unfinished_rows(run, _SHOWN), right=(4, 5)))
        if (more := (run.outcomes.unfinished or 0) - _SHOWN) > 0:
            out.print(f"… and {more:,} more")


def _thresholds(run: Run, out: Console) -> None:
    if run.thresholds:
        rows = [(one.text, judged_value(one), "met" if one.met else missed(one)) for one in run.thresholds]
        out.print()
        out.print(plain_table(("threshold", "measured", ""), rows, right=(1,)))


def missed(threshold: Judged) -> str:
    """That a threshold was missed, and why, where nothing was measured for it."""
    return f"MISSED: {threshold.reason}" if threshold.reason else "MISSED"


def _mounts(run: Run, out: Console) -> None:
    mounts = run.mounts[:_SHOWN]
    if not mounts:
        return
    out.print()
    if mounts[0].share is not None:
        headings = ["captured user", "account", "mounted", "connection", "dialect", "signed", "encrypted"]
        rows = [
            (whose, one.account or "", one.led or "", *_connection(connection))
            for one in mounts
            for whose, connection in (
                (one.user, one.connection),
                *([] if one.streams is None else [(f"{one.user}, streams", one.streams.connection)]),
            )
        ]
    else:
        headings = ["captured user", "directory", "file system"]
        rows = [(m.user, m.root, m.filesystem or "") for m in mounts]
    out.print(plain_table(headings, rows))
    if len(run.mounts) > _SHOWN:
        out.print(f"… and {len(run.mounts) - _SHOWN} more users")
    if (told := client_profile_note(run)) is not None:
        out.print(told, markup=False)


def client_profile_note(run: Run) -> str | None:
    """Which client profile calls were chosen by, and what the client does otherwise."""
    chosen = run.client_profile
    if chosen is None:
        return None
    told = f"client profile {chosen.name}, {chosen.how}: {chosen.why}"
    return told if not chosen.unlike else f"{told}; otherwise in {', '.join(chosen.unlike)}"


def _connection(connection: Connection | None) -> tuple[str, ...]:
    if connection is None:
        return "not told by this kernel", "", "", ""
    flags = ["yes" if flag else "no" for flag in (connection.signed, connection.encrypted)]
    return f"own, {connection.id:#x}", f"SMB {connection.dialect}", *flags


def _latency(run: Run, out: Console) -> None:
    rows = []
    for kind, one in run.latency.items():
        times = [*statistics(one.service), one.response.p99_ns]
        rows.append((kind, f"{one.count:,}", *(time_text(time if one.count else None) for time in times)))
    out.print()
    headings = ("service time", "count", *STATISTICS, "response p99")
    out.print(plain_table(headings, rows, right=range(1, len(headings))))
    if failed := failed_by_kind(run):
        rows = [(kind, f"{one.count:,}", *map(time_text, statistics(one))) for kind, one in failed]
        out.print()
        headings = ("failed, and the capture has no such failure", "count", *STATISTICS)
        out.print(plain_table(headings, rows, right=range(1, len(headings))))
    lateness = run.lateness
    out.print(
        f"issued late by p50 {time_text(lateness.p50_ns)}, p99 {time_text(lateness.p99_ns)}, "
        f"max {time_text(lateness.max_ns)} (the harness's own share)"
    )


def failed_by_kind(run: Run) -> list[tuple[str, Failures]]:
    """The service times of failed calls by kind, where there are any; older runs do not tell them."""
    return [
        (kind, one.failed) for kind, one in run.latency.items() if one.failed is not None and one.failed.count
    ]


def _client(run: Run, out: Console) -> None:
    if run.client:
        out.print()
        told = (f"{name.replace('_', ' ')} {count:,}" for name, count in run.client.items())
        out.print("the client's own counters: " + ", ".join(told), markup=False)


def _wire(run: Run, out: Console) -> None:
    wire = run.wire
    if wire is None:
        return
    out.print()
    packets = wire.packets.get("captured", 0)
    out.print(f"captured on {wire.interface}: {packets:,} packets, {wire.file}", markup=False)
    for note in wire.notes:
        out.print(f"  {note}", markup=False)


def _outside(run: Run, out: Console) -> None:
    for note in outside_notes(run):
        out.print()
        out.print(note, markup=False)
    if run.outside is not None and run.outside.first:
        rows = [(one.kind, one.path or "/", one.got or "not carried out") for one in run.outside.first]
        out.print(plain_table(("from outside", "path", "here"), rows))
        if run.outside.planned > len(rows):
            out.print(f"… and {run.outside.planned - len(rows):,} more")


def _mismatches(run: Run, out: Console) -> None:
    if run.causes:
        found = examples(run)
        rows = [
            (count_of(one), one.kind, one.expected or "no answer", got_of(one), where(found.get(key_of(one))))
            for one in run.causes[:_SHOWN]
        ]
        out.print()
        headings = ("not as captured", "kind", "in the capture", "here", "for example")
        out.print(plain_table(headings, rows, right=(0,)))
    if run.skipped:
        _reasons(("skipped", "kind", "why"), run.skipped, out)
    if run.losses:
        _reasons(("approximate", "kind", "what this executor could not keep"), run.losses, out)


def _reasons(headings: tuple[str, str, str], counted: Sequence[Shortfall], out: Console) -> None:
    rows = [(f"{row.count:,}", row.kind, row.reason) for row in counted[:_SHOWN]]
    out.print()
    out.print(plain_table(headings, rows, right=(0,)))


def examples(run: Run) -> Mapping[Example, Mismatch]:
    """The first mismatch of each cause that is listed."""
    return {key_of(one): one for one in reversed(run.mismatches)}


def key_of(one: Cause | Mismatch) -> Example:
    """By which a cause and its mismatches are found."""
    return one.kind, one.expected, one.got


def count_of(cause: Cause) -> str:
    """How often a cause came up, for people."""
    return f"{cause.count:,}" + (f" ({cause.warm_up:,} in the warm-up)" if cause.warm_up else "")


def got_of(cause: Cause) -> str:
    """What a cause ended with here, for people."""
    # Both succeeded: the capture read data where there is none here (where it does not tell how much).
    got = f"{cause.got}, no data" if cause.got == cause.expected else cause.got
    return f"{got}: {cause.why}" if cause.why else got


def where(mismatch: Mismatch | None) -> str:
    """A mismatch, for people."""
    if mismatch is None:
        return "–"
    place = f"operation {mismatch.operation}, {mismatch.user}, {mismatch.path or '/'}"
    if mismatch.captured_amount is None or mismatch.amount is None:
        return place
    counted = amounts.unit(mismatch.kind)
    return f"{place}: expected {mismatch.captured_amount:,} {counted}, got {mismatch.amount:,}"
