"""`smbench-mount compare`: what a replay, or any other tool, put on the wire beside what the capture had."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from smbench.cli.artefacts import for_caller
from smbench.cli.common import Console, common_options
from smbench.cli.effects import Needs, refuse_without_effect
from smbench.cli.who import check_users, user_pairs
from smbench.errors import SetupError, UsageError
from smbench.fidelity.result import Candidate, Result
from smbench.report.compare import document
from smbench.report.compare_text import show_comparison
from smbench.run.model import Run
from smbench.run.store import CAPACITY, DOCUMENT, WIRE, no_run, read
from smbench.units import format_ns
from smbench.workload.store import MANIFEST

if TYPE_CHECKING:
    from smbench.capture.decode import DecodeOptions
    from smbench.fidelity.comparison import Comparison
    from smbench.fidelity.copies import Copy
    from smbench.fidelity.loading import Loaded
    from smbench.fidelity.outcomes import RunOutcomes

_TOPS = 10
"""Files and folders of a share's root that a message names."""
FILE = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class _Asked:
    """How the candidates are read; as the options of those names."""

    options: DecodeOptions
    users: Mapping[str, str]
    folder: str | None
    clone: int | None
    loop: int | None


@click.command(short_help=__doc__)
@click.argument("reference", type=FILE)
@click.argument("candidates", metavar="CANDIDATE…", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", type=FILE,
              help="The page to write (default: compare.html beside the first candidate).")  # fmt: skip
@click.option("--page/--no-page", default=None, help="Whether to write the page (default: not with --json).")
@click.option("--user", "users", metavar="REFERENCE=CANDIDATE", multiple=True,
              help="Who stands for whom (repeatable); the others are found.")  # fmt: skip
@click.option("--folder", metavar="FOLDER",
              help="Beneath which folder of the share the candidates' files lie (else found).")  # fmt: skip
@click.option("--clone", metavar="N", type=click.IntRange(min=1),
              help="Which clone of a run of several is compared (default: the first).")  # fmt: skip
@click.option("--loop", metavar="N", type=click.IntRange(min=1),
              help="Which loop of a run of several is compared (default: the first).")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True,
              help="How many paths, missing and extra exchanges are listed.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="List all of them.")
@click.option("--differences", type=FILE, metavar="FILE.parquet",
              help="Write all missing and extra exchanges; of several candidates a file each.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default="the CPU count",
              help="tshark processes.")  # fmt: skip
@click.option(
    "--port", type=click.IntRange(1, 65535), multiple=True, help="SMB on this port too, beside 445 and 139."
)
@click.option("--nt-password-file", type=FILE, help="Decrypt: as for ingest.")
@click.option("--keytab", type=FILE, help="Decrypt: as for ingest.")
@click.option("--session-key-file", type=FILE, help="Decrypt: as for ingest.")
@common_options
def compare(
    console: Console, reference: Path, candidates: tuple[Path, ...], output: Path | None,
    page: bool | None, users: tuple[str, ...],
    folder: str | None, clone: int | None, loop: int | None, limit: int, everything: bool,
    differences: Path | None, jobs: int, port: tuple[int, ...], nt_password_file: Path | None,
    keytab: Path | None, session_key_file: Path | None,
) -> None:  # fmt: skip
    """Hold candidates against a reference, exchange by exchange: recall and precision by command, user and
    path, order, outcomes, leases, latency, and what is missing or extra and why. Each is a capture, a
    .workload, or a .run (by its wire capture; without one by its operations).

    \b
    Examples:
      smbench-mount compare customer.pcap first.run
      smbench-mount compare customer.workload posix.run win32.run
      smbench-mount compare original.pcap other-tool.pcap --user 'CORP\\alice=user01' -o tool.html
      smbench-mount compare customer.pcap first.run --json | jq '.candidates[0].wire.recall'
    """
    from smbench.capture.decode import DecodeOptions

    _refuse_without_effect(candidates, everything, page)
    options = DecodeOptions(jobs, port, nt_password_file, keytab, session_key_file)
    asked = _Asked(options, user_pairs(users), folder, clone, loop)
    with ExitStack() as stack:
        ours = _load(console, reference, stack, options)
        if ours is None:
            raise UsageError(
                f"{reference} has no wire capture: give the capture or the workload that it replayed as the "
                "reference, and the run as a candidate"
            )
        result = Result(ours.side, [_compare(console, ours, path, stack, asked) for path in candidates])
        check_users(asked.users, ours.side.name, result.wired)
        shown = None if everything else limit
        told = document(result, shown)
        if differences is not None:
            _write_differences(differences, result)
        wanted = output is not None or (not console.as_json if page is None else page)
        if wanted:
            from smbench.report.compare_page import page as html

            output = output or _beside(candidates[0])
            _write(output, html(result, shown))
    console.result(told, lambda out: show_comparison(result, out))
    if wanted:
        console.note(f"written: {output}")


def _refuse_without_effect(candidates: Sequence[Path], everything: bool, page: bool | None) -> None:
    runs = [path for path in candidates if (path / DOCUMENT).is_file()]
    wired = len(runs) < len(candidates) or any((path / WIRE).is_file() for path in runs)
    no_wire, no_run = "where no candidate has a wire capture", "where no candidate is a run"
    refuse_without_effect(
        [
            Needs("users", no_wire, wired),
            Needs("folder", no_wire, wired),
            Needs("differences", no_wire, wired),
            Needs("clone", no_run, bool(runs)),
            Needs("loop", no_run, bool(runs)),
            Needs("limit", "beside --all", not everything),
            Needs("output", "beside --no-page", page is not False),
        ]
    )


def _beside(candidate: Path) -> Path:
    return candidate.resolve().parent / "compare.html"


def _write(path: Path, text: str) -> None:
    try:
        with for_caller(path):
            path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise SetupError(
            f"cannot write the page {path}: {error.strerror}; name another with -o, or say --no-page"
        ) from None


def _load(
    console: Console,
    path: Path,
    stack: ExitStack,
    options: DecodeOptions,
    run: Run | None = None,
    copy: Copy | None = None,
) -> Loaded | None:
    """One side, a run by its `copy`; None for a run without a wire capture."""
    from smbench.fidelity.loading import load_capture, load_run, load_workload

    if (path / MANIFEST).is_file():
        return load_workload(path)
    if (path / DOCUMENT).is_file() and not (path / WIRE).is_file():
        return None
    if (path / CAPACITY).is_file():
        raise UsageError(no_run(path))
    if path.is_dir() and not (path / DOCUMENT).is_file():
        raise UsageError(f"{path} is neither a workload nor a run: it has no {MANIFEST} and no {DOCUMENT}")
    scratch = Path(stack.enter_context(TemporaryDirectory(prefix="smbench-compare-")))
    with console.progress(f"reading {path.name}") as progress:
        if path.is_dir():
            return load_run(run or read(path), scratch, options, progress, copy)
        return load_capture(path, scratch, options, progress)


def _compare(console: Console, ours: Loaded, path: Path, stack: ExitStack, asked: _Asked) -> Candidate:
    from smbench.fidelity.comparison import compare as compare_sides
    from smbench.fidelity.copies import copy_of
    from smbench.fidelity.outcomes import run_outcomes

    record = read(path) if (path / DOCUMENT).is_file() else None
    copy = None if record is None else copy_of(record, asked.clone, asked.loop)
    theirs = _load(console, path, stack, asked.options, record, copy)
    run: RunOutcomes | None = None
    notes = [] if copy is None else copy.notes()
    if record is not None:
        try:
            run = run_outcomes(record, ours.operations, copy)
        except UsageError as error:
            if theirs is None:
                raise
            notes.append(str(error))
    notes += _told_of_run(record, run, theirs is not None)
    if theirs is None:
        return Candidate(path.name, None, run, notes)
    side = theirs.side
    if asked.folder is not None:
        side.folder = asked.folder.strip("/").replace("\\", "/")
    if run is not None:
        side.ended, side.warm_up = run.fared, run.warm_up
    else:
        # Of another workload, if a run at all: what became of the reference's operations, nobody knows.
        side.replay = False
    compared = compare_sides(ours.side, side, asked.users)
    if asked.folder is not None:
        _check_folder(asked.folder, compared)
    return Candidate(side.name, compared, run, [*notes, *side.notes, *_told(compared)])


def _told_of_run(record: Run | None, run: RunOutcomes | None, wired: bool) -> list[str]:
    """What in a run cannot be compared, in words."""
    notes = []
    if record is not None and record.warm_up_ns:
        notes.append(
            f"what was due in its first {format_ns(record.warm_up_ns)}, the warm-up, is in no latency"
        )
    if run is not None and not run.compared:
        notes.append(
            f"not compared: the executor {run.executor} carries nothing out, its outcomes, bytes and times "
            "mean nothing"
        )
    elif not wired:
        notes.append(
            "no wire capture: compared by its operations alone (replay with --wire for the exchanges)"
        )
    return notes


def _check_folder(folder: str, compared: Comparison) -> None:
    """UsageError where the candidate has nothing in the folder that was said: nothing would be compared."""
    paths = compared.rows[1].spellings
    if paths and all(path.startswith("/") for path in paths):
        tops = [top for top, _ in Counter(path.split("/")[1] for path in paths).most_common() if top]
        named = ", ".join([*tops[:_TOPS], *["…"] * (len(tops) > _TOPS)])
        raise UsageError(
            f"--folder {folder}: {compared.candidate.name} has nothing in it; beneath its share there is "
            f"{named or 'nothing'}"
        )


def _told(compared: Comparison) -> list[str]:
    """What was taken for granted on the way, in words."""
    from smbench.fidelity.settling import notes as share_notes
    from smbench.fidelity.users import notes as user_notes

    notes = user_notes(compared.users, *(rows.users for rows in compared.rows))
    for side, taken, rows in zip(
        ("reference", "candidate"), compared.unnamed_shares, compared.rows, strict=True
    ):
        notes += share_notes(side, taken, rows.only_share)
    for side, folder in (
        ("candidate", compared.folders.candidate),
        ("reference", compared.folders.reference),
    ):
        if folder:
            notes.append(f"the {side}'s paths are compared beneath its folder {folder}")
    if of_others := compared.rows[1].of_others:
        notes.append(f"{of_others:,} exchanges of the other clones are left out")
    left_out = compared.rows[1].left_out
    if left_out:
        notes.append(f"{left_out:,} exchanges of mounting, preparing and warming are left out")
    differences = compared.differences
    for what, count, alike in zip(
        ("missing", "extra"), (differences.missing, differences.extra), compared.matching.alike, strict=True
    ):
        if alike:
            notes.append(
                f"{alike:,} of the {count:,} {what} have a like on their path that is matched: which of them "
                f"is {what}, place and time say"
            )
    return notes


def _write_differences(path: Path, result: Result) -> None:
    for number, (_, one) in enumerate(result.wired):
        name = path if len(result.wired) == 1 else path.with_stem(f"{path.stem}-{number + 1}")
        try:
            with for_caller(name):
                one.differences.write(name)
        except OSError as error:
            raise SetupError(f"cannot write {name}: {error.strerror or error}") from None
