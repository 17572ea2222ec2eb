"""`smbench-mount replay`: a workload, carried out on a target and measured."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from smbench.cli import amounts
from smbench.cli.capacity import searched
from smbench.cli.common import Console, common_options
from smbench.cli.config import OptionalValue
from smbench.cli.dryrun import dry_run_document, show_dry_run
from smbench.cli.effects import refuse_without_effect
from smbench.cli.replay_effects import replay_needs
from smbench.cli.report import written_page
from smbench.cli.statuses import status_of
from smbench.cli.targets import complete_target, target_options
from smbench.errors import UsageError
from smbench.executors.registry import names
from smbench.pipeline.artefacts import claim, default_output
from smbench.pipeline.ingest import opened
from smbench.pipeline.limits import read_limits
from smbench.pipeline.partial import claim_run
from smbench.pipeline.replay import Replayer
from smbench.pipeline.request import (
    DEFAULTS,
    WIRE_OF_ONE_RUN,
    Calibrate,
    LoopNamespace,
    Namespace,
    Request,
)
from smbench.plan import CLOSED_NS, Pace
from smbench.prepare.content import Content
from smbench.report.outside import outside_document
from smbench.report.run import show_run
from smbench.run.store import CAPACITY, document_of
from smbench.units import format_size
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations

_GAP = f"{CLOSED_NS // 10**9}s"


class _Command(click.Command):
    """`--close-gaps` takes what comes next only where that is a time."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, amounts.with_default(args, "--close-gaps", _GAP))


@click.command(short_help=__doc__, cls=_Command)
@click.argument("source", metavar="WORKLOAD|CAPTURE", type=click.Path(path_type=Path, readable=False))
@click.argument("target", shell_complete=complete_target)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The run to write (default: NAME.run).")
@click.option("--force", is_flag=True, help="Replace an existing run; prepare beside files of others.")
@click.option("--shared-target", is_flag=True, help="Also where another replay works in TARGET just now.")
@target_options
@click.option(
    "--executor",
    type=click.Choice(names()),
    default=DEFAULTS["executor"],
    show_default=True,
    help="What carries the calls out; null measures the harness itself, simulated takes known times.",
)
@click.option(
    "--pace",
    type=click.Choice([pace.value for pace in Pace]),
    default=DEFAULTS["pace"].value,
    show_default=True,
    help="original: as captured, open loop; think: the captured time between an answer and the "
    "next request; fast: as soon as order allows.",
)
@click.option(
    "--speed",
    type=float,
    default=DEFAULTS["speed"],
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
@click.option(
    "--users-per-process",
    type=click.IntRange(min=1),
    default=DEFAULTS["users_per_process"],
    show_default=True,
)
@click.option(
    "--clone",
    "clones",
    metavar="N",
    type=click.IntRange(min=1),
    default=DEFAULTS["clones"],
    show_default=True,
    help="Replay N clones of the workload at once; alice of the second is alice@2, accounts are dealt round "
    "over all. With --find-capacity: where the search begins.",
)
@click.option(
    "--namespace",
    type=click.Choice(list(map(str, Namespace))),
    default=DEFAULTS["namespace"].value,
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
    default=DEFAULTS["loops"],
    show_default=True,
    help="Replay N times, into one result; between loops its clock stands still.",
)
@click.option(
    "--loop-namespace",
    type=click.Choice(list(map(str, LoopNamespace))),
    default=DEFAULTS["loop_namespace"].value,
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
    default=DEFAULTS["prepare"],
    show_default=True,
    help="Make the files that the workload presumes first.",
)
@click.option(
    "--content",
    type=click.Choice([kind.value for kind in Content]),
    default=DEFAULTS["content"].value,
    show_default=True,
    help="Of the prepared files. auto: data where the workload reads, holes elsewhere; full: data "
    "everywhere; sparse: sizes only.",
)
@click.option(
    "--max-bytes",
    metavar="SIZE",
    default=format_size(DEFAULTS["max_bytes"]).replace(" ", ""),
    show_default=True,
    help="The most content that may be written.",
)
@click.option(
    "--outside/--no-outside",
    default=DEFAULTS["outside"],
    show_default=True,
    help="Change as well what the capture shows to have been changed by somebody outside it (a process on "
    "the server, a client that was not captured): by a user of its own, whom no figure has.",
)
@click.option(
    "--client-profile",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Choose calls by this client profile (smbench-mount calibrate). Default: the one that fits what the "
    "client does on the first mount. Only for CIFS mounts in the profile wire.",
)
@click.option(
    "--calibrate",
    type=click.Choice(list(map(str, Calibrate))),
    default=DEFAULTS["calibrate"].value,
    show_default=True,
    help="auto: calibrate first where no client profile that is known fits, and remember what was found; "
    "always; never: go by the nearest. Needs tcpdump and a quarter of a minute.",
)
@click.option(
    "--wire", is_flag=True, help="Capture the run itself (wire.pcapng), for compare; needs tcpdump."
)
@click.option(
    "--deadline",
    metavar="SECONDS",
    help="Stop the replay after this time (what mounts take, also between loops, is not counted); results "
    "are written, and say that they were cut off. Status 0, or 5 where operations were overdue or nothing "
    "was measured.",
)
@click.option(
    "--give-up",
    metavar="SECONDS",
    default=f"{DEFAULTS['give_up_s']:g}s",
    show_default=True,
    help="End the replay, with status 5, when the server is dead: for so long no call of any user was "
    "answered, or every one failed with a connection error. 0: never.",
)
@click.option("--max-mismatch", metavar="N|N%", help="Exit with status 4 when more outcomes differ.")
@click.option(
    "--threshold",
    "thresholds",
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
def replay(console: Console, source: Path, **options: Any) -> None:
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
    --max-mismatch allows; 5 the run is not valid (the harness itself was late, a call hangs, the server is
    dead, …); 99 a threshold was missed.
    Where several apply, the first of 130 (or 143, 129), 5, 99, 4. The result is written in every case but
    2 and 3. Ctrl-C stops it: results are written, everything is unmounted, status 130; so do SIGTERM (143)
    and a terminal that is closed (129). A second Ctrl-C stops it at once.
    """  # fmt: skip
    capacity, most, dry_run = options["find_capacity"], options["max_clones"], options["dry_run"]
    request = _request(source, options)
    if request.wire and capacity is not None:
        raise UsageError(WIRE_OF_ONE_RUN)
    if capacity is not None and request.clones > most:
        raise UsageError(
            f"--clone {request.clones}, where the search begins, lies beyond --max-clones {most}"
        )
    refuse_without_effect(replay_needs(click.get_current_context().params))
    limits = read_limits(request, console, capacity, options["max_mismatch"])
    assert request.output is not None
    if not dry_run:
        if capacity is None:
            claim_run(request.output, request.force)
        else:
            claim(request.output, ".run", CAPACITY, request.force)
    with opened(source, console) as workload:
        replayer = Replayer(request, workload, console, limits)
        if dry_run:
            _show_plan(console, replayer)
            return
        if limits.capacity is not None:
            sys.exit(searched(console, replayer, limits.capacity, most, request.output))
        run = replayer.carry_out()
        # Only now: the result is there, whatever becomes of the page.
        written_page(console, run, workload=_stored_in(workload))
    console.result(document_of(run), lambda out: show_run(run, out))
    console.note(f"written: {run.directory}")
    if status := status_of(run, limits.too_many_mismatches(run, console)):
        sys.exit(status)


_READ: Mapping[str, str] = {
    "deadline": "deadline_s",
    "give_up": "give_up_s",
    "stagger": "stagger_s",
    "close_gaps": "close_gaps_s",
    "warm_up": "warm_up_s",
}
"""Options that are durations in words, and the fields that have them in seconds."""


def _request(source: Path, options: Mapping[str, Any]) -> Request:
    """What the options ask for: each that a request has a field for, by its name."""
    asked = {name: value for name, value in options.items() if name in DEFAULTS}
    for name, field in _READ.items():
        if options[name] is not None:
            option = f"--{name.replace('_', '-')}"
            asked[field] = amounts.duration_s(option, options[name], above_s=0 if name == "deadline" else -1)
    asked["max_bytes"] = amounts.size("--max-bytes", options["max_bytes"])
    asked["output"] = options["output"] or default_output(source, ".run")
    asked["source"] = source.name
    return Request(target=options["target"], **asked)


def _show_plan(console: Console, replayer: Replayer) -> None:
    place, plan = replayer.placed()
    replayer.warn(place)
    files = replayer.files.amount(replayer.request, plan.clones)
    outside = outside_document(replayer.workload)
    document = dry_run_document(plan, place, replayer.request, replayer.gaps(), files, outside)
    console.result(document, lambda out: show_dry_run(document, out))


def _stored_in(workload: Workload) -> Path | None:
    operations = workload.operations
    return operations.path.parent if isinstance(operations, StoredOperations) else None
