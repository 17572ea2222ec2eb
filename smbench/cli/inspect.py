"""`smbench-mount inspect`: what is in a workload."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console as RichConsole

from smbench.cli.common import Console, common_options
from smbench.cli.effects import Needs, refuse_without_effect
from smbench.errors import UsageError
from smbench.plan import find_gaps, gaps_warning
from smbench.quoting import quoted
from smbench.report.frame import frame_exchanges, show_frame
from smbench.report.inspection import inspection, show_inspection
from smbench.report.text import plain_table
from smbench.trace.store import EXCHANGES_FILE, read_exchanges
from smbench.units import format_ns
from smbench.workload.model import Operation, Workload
from smbench.workload.store import StoredOperations, read, with_client_calls


@click.command(short_help=__doc__)
@click.argument("workload", type=click.Path(path_type=Path))
@click.option("--operations", is_flag=True, help="The operations as a table, in order of arrival.")
@click.option("--user", metavar="NAME", help="With --operations: of this user only.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=200, show_default=True, help="With --operations: how many."
)
@click.option(
    "--frame",
    type=click.IntRange(min=1),
    metavar="N",
    help="This frame of --capture, what became of it, and its dissection.",
)
@click.option("--capture", type=click.Path(path_type=Path), help="The capture that --frame is in.")
@common_options
def inspect(
    console: Console, workload: Path, operations: bool, user: str | None, limit: int, frame: int | None,
    capture: Path | None,
) -> None:  # fmt: skip
    """What is in a workload: what became of every exchange and why, users, operations, the files that
    it presumes, and how good the capture was.

    \b
    Examples:
      smbench-mount inspect customer.workload
      smbench-mount inspect customer.workload --operations --user 'CORP\\alice' --limit 50
      smbench-mount inspect customer.workload --frame 4711 --capture customer.pcap
      smbench-mount inspect customer.workload --json | jq .coverage
    """
    refuse_without_effect(
        (
            Needs("user", "without --operations: add it, or leave this", operations),
            Needs("limit", "without --operations: add it, or leave this", operations),
            Needs("operations", "with --frame: leave one of them", frame is None),
        )
    )
    if (frame is None) != (capture is None):
        raise UsageError(
            "--frame and --capture belong together: a frame number, and the capture that it is in"
        )
    if frame is not None and capture is not None:
        document = _frame(console, workload, capture, frame)
        console.result(document, lambda out: show_frame(document, out))
        return
    loaded = read(workload)
    if operations:
        rows = _operations(with_client_calls(loaded), user, limit)
        console.result({"schema": 1, "operations": rows}, lambda out: _show_operations(rows, out))
        return
    gaps = find_gaps(loaded.operations)
    document = inspection(loaded, gaps)
    if (warning := gaps_warning(gaps)) is not None:
        console.warn(warning)
    console.result(document, lambda out: show_inspection(document, out))


def _frame(console: Console, workload: Path, capture: Path, frame: int) -> dict[str, Any]:
    """A frame with what the workload made of it. UsageError where the capture is another one."""
    from smbench.capture.fingerprint import find_capture
    from smbench.capture.frame import dissect_frame

    loaded = read(workload)
    info = loaded.info
    assert isinstance(loaded.operations, StoredOperations)
    captures = find_capture(capture, info.trace.captures, info.capture_files)
    if not info.capture_files:
        console.note(f"{workload} does not say which {capture.name} it was made from: taken for granted")
    dissection = dissect_frame(capture, frame)
    return {
        "schema": 1,
        "capture": info.trace.captures[captures[0]],
        "frame": frame,
        "exchanges": frame_exchanges(workload, info.trace, loaded.operations, captures, frame),
        "dissection": dissection,
    }


def _operations(workload: Workload, user: str | None, limit: int) -> list[dict[str, Any]]:
    names = [known.name for known in workload.info.trace.users]
    if user is not None and user not in names:
        raise UsageError(f"no user {quoted(user)} in this workload; it has {', '.join(names)}")
    chosen = (op for op in workload.operations if user is None or names[op.user] == user)
    shown = list(islice(chosen, limit))
    frames = _frames(workload, shown)
    return [_row(operation, names, frames) for operation in shown]


def _frames(workload: Workload, shown: list[Operation]) -> dict[int, int]:
    """The frames of the requests that the operations stand for, where the exchanges were kept."""
    assert isinstance(workload.operations, StoredOperations)
    stored = workload.operations.path.with_name(EXCHANGES_FILE)
    wanted = {exchange for operation in shown for exchange in operation.exchanges}
    if not wanted or not stored.is_file():
        return {}
    last, frames = max(wanted), {}
    for index, frame in read_exchanges(stored).fields("index", "frame"):
        if index in wanted:
            frames[index] = frame
        if index >= last:
            break
    return frames


def _row(operation: Operation, names: list[str], frames: dict[int, int]) -> dict[str, Any]:
    from smbench.smb2.ntstatus import name

    return {
        "operation": operation.index,
        "arrival_ns": operation.arrival_ns,
        "user": names[operation.user],
        "lane": operation.lane,
        "kind": type(operation.call).__name__,
        "path": operation.path,
        "offset": getattr(operation.call, "offset", None),
        "length": getattr(operation.call, "length", None),
        "expected": None if operation.expected is None else name(operation.expected),
        "service_ns": operation.service_ns,
        "rule": operation.rule,
        "by_client": operation.by_client,
        "exchanges": list(operation.exchanges),
        "frames": [frames[exchange] for exchange in operation.exchanges if exchange in frames],
    }


def _show_operations(rows: list[dict[str, Any]], out: RichConsole) -> None:
    headings = (
        "operation",
        "at",
        "user",
        "lane",
        "kind",
        "path",
        "offset",
        "length",
        "outcome",
        "took",
        "rule",
        "frame",
    )
    cells = [
        (
            str(row["operation"]), f"{row['arrival_ns'] / 1e9:.6f}", row["user"], str(row["lane"]),
            row["kind"], row["path"] or "/",
            *("" if row[key] is None else f"{row[key]:,}" for key in ("offset", "length")),
            row["expected"] or "unanswered", format_ns(row["service_ns"]) if row["service_ns"] >= 0 else "",
            row["rule"], str(row["frames"][0]) if row["frames"] else "",
        )
        for row in rows
    ]  # fmt: skip
    out.print(plain_table(headings, cells, right=(0, 1, 3, 6, 7, 9, 11)))
