"""`smbench-mount replay`: a workload, carried out on a target and measured."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from smbench.cli import amounts
from smbench.cli.artefacts import claim, default_output, whole
from smbench.cli.capacity import find_capacity as search_capacity
from smbench.cli.common import Console, common_options
from smbench.cli.config import OptionalValue
from smbench.cli.dryrun import dry_run_document, show_dry_run
from smbench.cli.effects import refuse_without_effect
from smbench.cli.kept import Kept, read_kept
from smbench.cli.replay_effects import replay_needs
from smbench.cli.replaying import FRESH, ISOLATED, SAME, SHARED, Replay
from smbench.cli.report import written_page
from smbench.cli.targets import complete_target, target_options
from smbench.cli.wire import refuse_without_wire
from smbench.errors import UsageError
from smbench.executors.registry import executor_class, names, native
from smbench.plan import CLOSED_NS, Pace
from smbench.prepare.content import DEFAULT_MAX_BYTES, Content
from smbench.report.run import show_run
from smbench.run.store import CAPACITY, DOCUMENT
from smbench.signals import exit_status
from smbench.units import format_size
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations, read, with_client_calls

_MISMATCHED = 4
_NOT_VALID = 5
_MISSED = 99
_GAP = f"{CLOSED_NS // 10**9}s"


class _Command(click.Command):
    """`--close-gaps` takes what comes next only where that is a time."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, amounts.with_default(args, "--close-gaps", _GAP))


@click.command(short_help=__doc__, cls=_Command)
@click.argument("source", metavar="WORKLOAD|CAPTURE", type=click.Path(path_type=Path))
@click.argument("target", shell_complete=complete_target)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The run to write (default: NAME.run).")
@click.option("--force", is_flag=True, help="Replace an existing run; prepare beside files of others.")
@target_options
@click.option(
    "--executor",
    type=click.Choice(names()),
    default=native(),
    show_default=True,
    help="What carries the calls out; null measures the harness itself, simulated takes known times.",
)
@click.option(
    "--pace",
    type=click.Choice([pace.value for pace in Pace]),
    default=Pace.ORIGINAL.value,
    show_default=True,
    help="original: as captured, open loop; think: the captured time between an answer and the "
    "next request; fast: as soon as order allows.",
)
@click.option(
    "--speed",
    type=float,
    default=1.0,
    show_default=True,
    help="Divides the captured times.",
)
@click.option(
    "--close-gaps",
    cls=OptionalValue,
    alone=_GAP,
    metavar="[SECONDS]",
    help="Shorten every stretch of the capture without an operation that lasts longer, as between captures "
    f"that lie hours apart, to SECONDS of the capture's time ({_GAP} where none are given).",
)
@click.option("--users-per-process", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--clone",
    "clones",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Replay N clones of the workload at once; alice of the second is alice@2, accounts are dealt round "
    "over all. With --find-capacity: where the search begins.",
)
@click.option(
    "--namespace",
    type=click.Choice([ISOLATED, SHARED]),
    default=ISOLATED,
    show_default=True,
    help="isolated: each clone has a folder and files of its own (clone-0001, …); shared: all meet on the "
    "same files, and mismatches have to be expected. Order is kept within each clone.",
)
@click.option(
    "--stagger",
    metavar="SECONDS",
    help="How long after a clone the next one begins. Default: the workload's mean time between two "
    "arrivals, divided by the clones, so that their arrivals interleave evenly. Not for the pace fast.",
)
@click.option(
    "--loop",
    "loops",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Replay N times, into one result; between loops its clock stands still.",
)
@click.option(
    "--loop-namespace",
    type=click.Choice([FRESH, SAME]),
    default=FRESH,
    show_default=True,
    help="fresh: the files are prepared, and the target is mounted, anew for each loop; same: it goes on "
    "with what the last one left.",
)
@click.option(
    "--warm-up",
    metavar="SECONDS",
    help="What is due within this time is carried out, and stays out of histograms and throughput.",
)
@click.option(
    "--find-capacity",
    metavar="WHAT<VALUE",
    help="Find how many clones keep to a threshold, as all.response.p99<50ms: doubles, then halves the "
    "clones, prints the curve, and writes each run as NAME.run/001, ….",
)
@click.option(
    "--max-clones",
    metavar="N",
    type=click.IntRange(min=1),
    default=1024,
    show_default=True,
    help="Where --find-capacity ends.",
)
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
@click.option(
    "--baseline",
    metavar="OLD.run",
    type=click.Path(path_type=Path),
    help="The run that thresholds as read.response.p99<1.1x are multiples of.",
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
    close_gaps: str | None,
    users_per_process: int,
    clones: int,
    namespace: str,
    stagger: str | None,
    loops: int,
    loop_namespace: str,
    warm_up: str | None,
    find_capacity: str | None,
    max_clones: int,
    prepares: bool,
    content: str,
    max_bytes: str,
    wired: bool,
    deadline: str | None,
    max_mismatch: str | None,
    threshold_texts: tuple[str, ...],
    baseline: Path | None,
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
      smbench-mount replay customer.workload /srv/scratch --clone 50 --users-per-process 5 --warm-up 10
      smbench-mount replay customer.workload /srv/scratch --find-capacity 'all.response.p99<50ms'
      smbench-mount replay customer.workload /dev/shm --executor null --pace fast

    \b
    Exit status: 0; 2 usage; 3 environment (no tshark, mount refused, …); 4 more outcomes differ than
    --max-mismatch allows; 5 the run is not valid (the harness itself was late); 99 a threshold was missed.
    Where several apply, the first of 130 (or 143, 129), 5, 99, 4. The result is written in every case but 2
    and 3. Ctrl-C stops it: results are written, everything is unmounted, status 130; so do SIGTERM (143) and
    a terminal that is closed (129). A second Ctrl-C stops it at once.
    """  # fmt: skip
    output = output or default_output(source, ".run")
    kept = read_kept(threshold_texts, find_capacity, max_mismatch)
    speed = amounts.speed(speed)
    deadline_s = None if deadline is None else amounts.duration_s("--deadline", deadline, above_s=0)
    most = amounts.size("--max-bytes", max_bytes)
    stagger_s = None if stagger is None else amounts.duration_s("--stagger", stagger)
    close_gaps_s = None if close_gaps is None else amounts.duration_s("--close-gaps", close_gaps)
    warm_up_s = 0.0 if warm_up is None else amounts.duration_s("--warm-up", warm_up)
    if wired and (loops > 1 or find_capacity is not None):
        raise UsageError("--wire captures one run: leave --loop and --find-capacity")
    if find_capacity is not None and clones > max_clones:
        raise UsageError(f"--clone {clones}, where the search begins, lies beyond --max-clones {max_clones}")
    refuse_without_effect(replay_needs(click.get_current_context().params))
    kept = kept.against(console, baseline)
    if not dry_run:
        claim(output, ".run", DOCUMENT if find_capacity is None else CAPACITY, force)
    with _workload(console, source) as workload:
        if executor_class(executor).sends_client_calls:
            workload = with_client_calls(workload)
        kept.refuse_unmeasurable(workload, executor)
        asked = Replay(
            console=console,
            workload=workload,
            source=source.name,
            target=target,
            users_file=users_file,
            mount_options=mount_options,
            profile=profile,
            executor=executor,
            pace=Pace(pace),
            speed=speed,
            close_gaps_s=close_gaps_s,
            users_per_process=_together(
                workload, executor, users_per_process, clones if find_capacity is None else max_clones
            ),
            prepares=prepares,
            content=Content(content),
            max_bytes=most,
            force=force,
            wired=wired,
            deadline_s=deadline_s,
            namespace=namespace,
            stagger_s=stagger_s,
            loops=loops,
            loop_namespace=loop_namespace,
            warm_up_s=warm_up_s,
        )
        notes = kept.unlike(asked.told_before(clones if kept.capacity is None else None))
        for note in notes:
            console.warn(note)
        asked = replace(asked, notes=notes)
        if kept.capacity is not None and not dry_run:
            sys.exit(search_capacity(asked, kept.capacity, clones, max_clones, output))
        place, plan = asked.placed(clones)
        if dry_run:
            asked.warn(place)
            document = dry_run_document(plan, place, executor, profile, asked.gaps(), close_gaps_s)
            console.result(document, lambda out: show_dry_run(document, out))
            return
        if wired:
            refuse_without_wire(place.target)
        with whole(output, ".run", DOCUMENT, force) as draft:
            document = asked.carry_out(place, plan, draft, kept.thresholds)
        # Only now: the result is there, whatever becomes of the page.
        written_page(console, output, document, workload=_stored_in(workload))
    console.result(document, lambda out: show_run(document, out))
    console.note(f"written: {output}")
    _end(console, document, kept)


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


def _together(workload: Workload, executor: str, users_per_process: int, most_clones: int) -> int:
    """How many users share a process: all, where they would not meet else."""
    all_users = len(workload.info.trace.users) * most_clones
    return all_users if executor_class(executor).one_process else users_per_process


def _stored_in(workload: Workload) -> Path | None:
    operations = workload.operations
    return operations.path.parent if isinstance(operations, StoredOperations) else None


def _end(console: Console, document: dict[str, Any], kept: Kept) -> None:
    """The exit status that the result asks for; the first that applies."""
    if (status := exit_status(document["stopped"])) is not None:
        sys.exit(status)
    if not document["valid"]:
        sys.exit(_NOT_VALID)
    if any(not threshold["met"] for threshold in document["thresholds"]):
        sys.exit(_MISSED)
    if kept.too_many_mismatches(console, document):
        sys.exit(_MISMATCHED)
