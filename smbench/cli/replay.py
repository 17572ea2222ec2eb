"""`smbench-mount replay`: a workload, carried out on a target and measured."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from smbench.cli.artefacts import claim, default_output, whole
from smbench.cli.clients import described, share_access
from smbench.cli.common import Console, common_options
from smbench.cli.dryrun import dry_run_document, show_dry_run
from smbench.cli.guard import INTERRUPTED
from smbench.cli.live import live_view
from smbench.cli.prepare import one_root, prepare_root
from smbench.cli.report import written_page
from smbench.cli.targets import Place, place_workload, target_options
from smbench.cli.versions import versions
from smbench.cli.wire import RunWire, refuse_without_wire, run_wire
from smbench.errors import UsageError
from smbench.executors.registry import executor_class, names
from smbench.measure.client import diff, read_counters
from smbench.measure.thresholds import parse_thresholds
from smbench.mounts.opened import Mounted
from smbench.mounts.opening import open_target
from smbench.plan import Pace, Plan, plan_run
from smbench.prepare.content import DEFAULT_MAX_BYTES, Content
from smbench.report.run import show_run
from smbench.runner.result import DOCUMENT
from smbench.runner.run import RunOptions, RunResult, run
from smbench.units import format_size, parse_duration_s, parse_size
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations, read

_MISMATCHED = 4
_NOT_VALID = 5
_MISSED = 99
_STOPPED = {"SIGINT": INTERRUPTED, "SIGTERM": 143}
_WITHOUT_FILES = ("null", "memory")
"""Executors that touch no file of the target, so that nothing is prepared there."""
_CLIENT_SHOWN = {"lease_break_acknowledgements": "lease_breaks_acknowledged"}


@click.command(short_help=__doc__)
@click.argument("source", metavar="WORKLOAD|CAPTURE", type=click.Path(path_type=Path))
@click.argument("target")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The run to write (default: NAME.run).")
@click.option("--force", is_flag=True, help="Replace an existing run; prepare beside files of others.")
@target_options
@click.option(
    "--executor",
    type=click.Choice(names()),
    default="win32" if os.name == "nt" else "posix",
    show_default=True,
    help="What carries the calls out; null measures the harness itself.",
)
@click.option(
    "--pace",
    type=click.Choice([pace.value for pace in Pace]),
    default=Pace.ORIGINAL.value,
    show_default=True,
    help="original: as captured, open loop; fast: as soon as order allows.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Divides the captured times.",
)
@click.option("--users-per-process", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--prepare/--no-prepare",
    "prepares",
    default=True,
    show_default=True,
    help="Make the files that the workload presumes first.",
)
@click.option(
    "--content",
    type=click.Choice([kind.value for kind in Content]),
    default=Content.FULL.value,
    show_default=True,
    help="Of the prepared files.",
)
@click.option(
    "--max-bytes",
    metavar="SIZE",
    default=format_size(DEFAULT_MAX_BYTES).replace(" ", ""),
    show_default=True,
    help="The most that full content may write.",
)
@click.option(
    "--wire", "wired", is_flag=True, help="Capture the run itself (wire.pcapng), for compare; needs tcpdump."
)
@click.option("--deadline", metavar="SECONDS", help="Stop the replay after this time; results are written.")
@click.option("--max-mismatch", metavar="N|N%", help="Exit with status 4 when more outcomes differ.")
@click.option(
    "--threshold",
    "threshold_texts",
    metavar="WHAT<VALUE",
    multiple=True,
    help="What the run must keep to, as read.response.p99<20ms, errors.rate<0.1% or mismatches.count==0 "
    "(repeatable); exit with status 99 where it does not.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done; touch nothing.")
@common_options
def replay(
    console: Console,
    source: Path,
    target: str,
    output: Path | None,
    force: bool,
    users_file: Path | None,
    profile: str,
    mount_options: tuple[str, ...],
    executor: str,
    pace: str,
    speed: float,
    users_per_process: int,
    prepares: bool,
    content: str,
    max_bytes: str,
    wired: bool,
    deadline: str | None,
    max_mismatch: str | None,
    threshold_texts: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Carry out a workload (or a capture, ingested on the way) on TARGET: //server/share[/folder], where
    every captured user gets a CIFS mount of its own, or a directory that exists.

    \b
    Examples:
      smbench-mount replay customer.workload /srv/scratch
      sudo smbench-mount replay customer.workload //server/share --users users.toml -o first.run
      sudo smbench-mount replay customer.pcap //server/share --users users.toml --profile application
      smbench-mount replay customer.workload /srv/scratch --threshold 'all.response.p99<50ms'
      smbench-mount replay customer.workload /dev/shm --executor null --pace fast

    \b
    Exit status: 0; 2 usage; 3 environment (no tshark, mount refused, …); 4 more outcomes differ than
    --max-mismatch allows; 5 the run is not valid (the harness itself was late); 99 a threshold was missed.
    Where several apply, the first of 130, 5, 99, 4. The result is written in every case but 2 and 3.
    Ctrl-C stops it: results are written, everything is unmounted, status 130.
    """  # fmt: skip
    output = output or default_output(source, ".run")
    limit = _mismatch_limit(max_mismatch)
    thresholds = parse_thresholds(threshold_texts)
    deadline_s = None if deadline is None else parse_duration_s(deadline)
    most = parse_size(max_bytes)
    if not dry_run:
        claim(output, ".run", DOCUMENT, force)
    with _workload(console, source) as workload:
        place = place_workload(console, workload, target, users_file, profile, mount_options)
        users = [user.user for user in place.users]
        plan = plan_run(workload, users, pace=Pace(pace), speed=speed, users_per_process=users_per_process)
        if dry_run:
            document = dry_run_document(plan, place, executor, profile)
            console.result(document, lambda out: show_dry_run(document, out))
            return
        if wired:
            refuse_without_wire(place.target)
        client = executor_class(executor).needs_share
        shares = share_access(place, workload.info.trace) if client else []
        with whole(output, ".run", DOCUMENT, force) as draft:
            if prepares and executor not in _WITHOUT_FILES:
                # By a mount of its own: the users' have nothing of it in their caches.
                with one_root(console, place) as root:
                    prepare_root(console, workload, place, root, Content(content), most, force)
            with ExitStack() as stack:
                wire = stack.enter_context(run_wire(place.target, wired, draft))
                if client:
                    mounted = described(place)
                else:
                    with console.progress("mounting") as progress:
                        opening = open_target(place.target, place.users, place.identity, progress)
                        mounted = stack.enter_context(opening)
                options = RunOptions(
                    executor=executor,
                    roots=mounted.roots,
                    profile=profile,
                    identity=_ids(place),
                    deadline_s=deadline_s,
                    acting=mounted.acting,
                    shares=shares,
                )
                result, counters = _carry_out(console, plan, workload, options, mounted, wire)
            shown = {name: counters[its] for its, name in _CLIENT_SHOWN.items() if its in counters}
            about = {
                "configuration": {
                    "workload": source.name,
                    "target": str(place.target),
                    "prepared": prepares,
                },
                "mounts": mounted.describe(),
                "client": shown,
                "versions": versions(),
                "notes": mounted.notes,
                **wire.describe(),
            }
            document = result.write(draft, about, counters, thresholds)
        # Only now: the result is there, whatever becomes of the page.
        written_page(console, output, document, workload=_stored_in(workload))
    console.result(document, lambda out: show_run(document, out))
    console.note(f"written: {output}")
    _end(document, limit)


@contextmanager
def _workload(console: Console, source: Path) -> Iterator[Workload]:
    """The workload of a directory, or of a capture that is ingested for this run alone."""
    if source.is_dir():
        yield read(source)
        return
    from smbench.capture.decode import DecodeOptions
    from smbench.cli.ingest import ingest_captures

    with tempfile.TemporaryDirectory(prefix="smbench-") as folder:
        yield ingest_captures(console, [source], Path(folder) / "w.workload", DecodeOptions(), None, False)


def _carry_out(
    console: Console, plan: Plan, workload: Workload, options: RunOptions, mounted: Mounted, wire: RunWire
) -> tuple[RunResult, dict[str, Any]]:
    """The run itself, between two readings of the client's counters, and two marks on the wire."""
    own = {mount["connection"]["id"] for mount in mounted.describe() if mount.get("connection")}
    before = read_counters()
    wire.mark()
    with live_view(console) as watch:
        result = run(plan, workload, options, watch=watch)
    wire.mark()
    return result, diff(before, read_counters(), own or None)


def _stored_in(workload: Workload) -> Path | None:
    operations = workload.operations
    return operations.path.parent if isinstance(operations, StoredOperations) else None


def _ids(place: Place) -> tuple[int, int] | None:
    return None if place.identity is None else (place.identity.uid, place.identity.gid)


def _mismatch_limit(text: str | None) -> Callable[[dict[str, Any]], bool] | None:
    """Whether a result has more mismatches than `N` or `N%` of the executed operations allows."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text)
    if match is None:
        raise UsageError(f"--max-mismatch {text!r} cannot be read: give a number, or a share as 0.5%")
    number, share = float(match[1]), bool(match[2])

    def exceeded(document: dict[str, Any]) -> bool:
        operations = document["operations"]
        allowed = operations["executed"] * number / 100 if share else number
        return bool(operations["mismatched"] > allowed)

    return exceeded


def _end(document: dict[str, Any], exceeded: Callable[[dict[str, Any]], bool] | None) -> None:
    """The exit status that the result asks for; the first that applies."""
    if document["stopped"] in _STOPPED:
        sys.exit(_STOPPED[document["stopped"]])
    if not document["valid"]:
        sys.exit(_NOT_VALID)
    if any(not threshold["met"] for threshold in document["thresholds"]):
        sys.exit(_MISSED)
    if exceeded is not None and exceeded(document):
        sys.exit(_MISMATCHED)
