"""Comparing: candidates held against a reference, each a capture, a workload or a run."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from smbench.capture.decode import DecodeOptions
from smbench.capture.logons import unfit
from smbench.errors import UsageError
from smbench.fidelity.comparison import Comparison
from smbench.fidelity.comparison import compare as compare_sides
from smbench.fidelity.copies import Copy, copy_of
from smbench.fidelity.loading import Loaded, load_capture, load_run, load_workload
from smbench.fidelity.outcomes import RunOutcomes, run_outcomes
from smbench.fidelity.result import Candidate, Result
from smbench.fidelity.settling import notes as share_notes
from smbench.fidelity.users import notes as user_notes
from smbench.pipeline.progress import SILENT, Progress
from smbench.pipeline.who import check_users
from smbench.run.model import Run
from smbench.run.store import CAPACITY, DOCUMENT, WIRE, no_run, read
from smbench.scratch import PREFIX, scratch
from smbench.trace.grade import sealed
from smbench.units import format_ns
from smbench.workload.store import MANIFEST

_TOPS = 10
"""Files and folders of a share's root that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """How candidates are read and held against the reference; as the options of `smbench-mount compare`."""

    decoding: DecodeOptions = field(default_factory=DecodeOptions)
    """Of captures."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Who stands for whom: the reference's name, the candidate's. The others are found."""
    folder: str | None = None
    """Beneath which folder of the share the candidates' files lie; None: it is found."""
    clone: int | None = None
    loop: int | None = None
    """Which of a run of several is compared; None: the first."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What reading a side takes."""

    options: DecodeOptions
    progress: Progress
    stack: ExitStack

    def folder(self) -> Path:
        """A folder for what a capture is decoded to, which lasts as long as the result."""
        return self.stack.enter_context(scratch(f"{PREFIX}compare-"))


def compare(
    reference: Path, candidates: Sequence[Path], request: CompareRequest | None = None,
    progress: Progress = SILENT,
) -> Result:  # fmt: skip
    """Hold candidates against a reference, exchange by exchange where there is a wire.

    What captures were decoded to is kept in temporary folders, for as long as the result is. UsageError where
    one is none of what can be compared, or not of the reference's workload; SetupError where tshark is
    needed and missing.
    """
    request = request or CompareRequest()
    with ExitStack() as stack:
        reading = _Reading(request.decoding, progress, stack)
        ours = _load(reference, reading)
        if ours is None:
            raise UsageError(
                f"{reference} has no wire capture: give the capture or the workload that it replayed as the "
                "reference, and the run as a candidate"
            )
        result = Result(ours.side, [_compare(ours, path, reading, request) for path in candidates])
        sides = [ours.side, *(compared.candidate for _, compared in result.wired)]
        for sentence in unfit(request.decoding.logons, [side.info.sessions for side in sides]):
            progress.warn(sentence)
        check_users(request.users, ours.side.name, result.wired)
        weakref.finalize(result, stack.pop_all().close)
    return result


def _load(path: Path, reading: _Reading, run: Run | None = None, copy: Copy | None = None) -> Loaded | None:
    """One side, a run by its `copy`; None for a run without a wire capture."""
    if (path / MANIFEST).is_file():
        return load_workload(path)
    if (path / DOCUMENT).is_file() and not (path / WIRE).is_file():
        return None
    if (path / CAPACITY).is_file():
        raise UsageError(no_run(path))
    if path.is_dir() and not (path / DOCUMENT).is_file():
        raise UsageError(f"{path} is neither a workload nor a run: it has no {MANIFEST} and no {DOCUMENT}")
    scratch = reading.folder()
    warn = reading.progress.warn
    with reading.progress.stage(f"reading {path.name}") as counter:
        if path.is_dir():
            return load_run(run or read(path), scratch, reading.options, counter, copy, warn=warn)
        return load_capture(path, scratch, reading.options, counter, warn=warn)


def _compare(ours: Loaded, path: Path, reading: _Reading, asked: CompareRequest) -> Candidate:
    record = read(path) if (path / DOCUMENT).is_file() else None
    copy = None if record is None else copy_of(record, asked.clone, asked.loop)
    theirs = _load(path, reading, record, copy)
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
    _refuse_sealed(compared)
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


def _refuse_sealed(compared: Comparison) -> None:
    """UsageError where what stays encrypted of a side is all that could be compared."""
    for side, rows in zip((compared.reference, compared.candidate), compared.rows, strict=True):
        if not len(rows) and (closed := sealed(side.info)) is not None:
            raise UsageError(f"nothing of {side.name} can be compared, and there is no recall: {closed}")


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
    if of_outside := compared.rows[1].of_outside:
        notes.append(f"{of_outside:,} exchanges that were sent for somebody outside the capture are left out")
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
