"""A run from its first moment until its result is whole: what there is of it, whatever ends it.

Beside the result's place stands `.NAME.partial`, which claims that place for this process (owner.json), takes
the result's files as they are written, and leads by the link `records` to the run's home: the scratch folder
with the log, the plan and all else that the result is made of (`smbench.runner.kept`, partial.json). Whoever
finds them without a living owner can make the result (`smbench.pipeline.recover`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import msgspec

from smbench import __version__
from smbench.errors import SetupError, UsageError
from smbench.executors.base import Habits
from smbench.identity import hand_over
from smbench.measure.oplog import COMPLETED
from smbench.measure.thresholds import Threshold, parse_threshold
from smbench.pipeline.artefacts import as_the_umask_has_it, claim, identity_of, put, remove_in
from smbench.pipeline.described import Described
from smbench.pipeline.progress import Progress
from smbench.pipeline.request import Request
from smbench.plan.model import Plan
from smbench.plan.store import write_plan
from smbench.run.store import DOCUMENT
from smbench.runner.kept import kept_loops
from smbench.runner.options import RunOptions
from smbench.scratch import OWNER, PREFIX, forget_folder, make_scratch, ours, owner_of, remove_folder
from smbench.stored import copy_stored, read_content, write_document
from smbench.trace.store import REMEDY
from smbench.workload.store import StoredOperations

SCHEMA = 1
RECORDS, PARTIAL, PLAN, OPERATIONS = "records", "partial.json", "plan.npz", "operations.parquet"
HOMES = f"{PREFIX}run-"
"""How the names of homes begin."""
_RESULTS = f"{PREFIX}result-"
"""And those of results that were asked for without a name."""
_PARTIAL = ".partial"
_LONGEST_PATH = 1 << 17
"""Bytes, in UTF-8: Windows has paths of 32,767 characters."""


class KeptThreshold(msgspec.Struct, frozen=True):
    """A threshold with the limit that it came to."""

    text: str
    limit: str
    baseline: str | None

    @classmethod
    def of(cls, one: Threshold) -> KeptThreshold:
        return cls(one.text, str(one.limit), None if one.baseline is None else str(one.baseline))

    def threshold(self) -> Threshold:
        baseline = None if self.baseline is None else Fraction(self.baseline)
        return replace(parse_threshold(self.text), limit=Fraction(self.limit), baseline=baseline)


class PartialRun(msgspec.Struct, frozen=True, kw_only=True):
    """partial.json: what of a run stands in no other file of its home."""

    schema: int = SCHEMA
    kind: str = "partial run"
    tool: str = __version__
    output: str | None
    """Where the result was to be."""
    executor: str
    profile: str
    habits: Habits
    seed: int
    warm_up_s: float
    deadline_s: float | None
    loops: int
    thresholds: tuple[KeptThreshold, ...]
    client_calls: bool
    outside: int | None
    """As `StoredOperations` has them."""
    described: Described


def recorded_in(home: Path, plan: Plan, unreadable: list[str]) -> int:
    """How many operations of a run were completed, by its log; what cannot be read of it is added."""
    return sum(int((loop.records[:, COMPLETED] != 0).sum()) for loop in kept_loops(home, plan, unreadable))


def partial_of(output: Path) -> Path:
    """Where a run that is to become `output` stands until it is whole."""
    return output.parent / f".{output.name}{_PARTIAL}"


def output_of(partial: Path) -> Path | None:
    """What a folder of such a name becomes; None: it has another."""
    name = partial.name
    output = name[1 : -len(_PARTIAL)]
    named = name.startswith(".") and name.endswith(_PARTIAL) and output not in ("", ".", "..")
    return partial.with_name(output) if named else None


def claim_run(output: Path, force: bool) -> None:
    """As `artefacts.claim`, of a run: no other process writes it, and none was killed that did and left what
    it had measured."""
    claim(output, ".run", DOCUMENT, force)
    partial = partial_of(output)
    if not os.path.lexists(partial):
        return
    owner = owner_of(partial)
    if owner is None:
        raise UsageError(
            f"{partial} is in the way of {output}, and no replay of yours made it: remove it, or choose "
            "another name with -o"
        )
    if owner.lives:
        raise UsageError(
            f"{output} is being written by another replay ({owner.named}): choose another name with -o, or "
            "wait for it"
        )
    if not force:
        raise UsageError(
            f"{output} was begun by a replay that was cut off: make its result by smbench-mount recover "
            f"{output}, choose another name with -o, or replace it with --force"
        )


@dataclass(slots=True)
class Partial:
    """A run that is under way, of this process."""

    draft: Path
    """The folder that becomes the result."""
    home: Path
    output: Path | None
    before: tuple[int, int] | None
    """What stood in the result's place at the beginning, if it may be replaced."""

    def describe(
        self, asked: Request, options: RunOptions, thresholds: Sequence[Threshold], described: Described,
        plan: Plan, operations: StoredOperations,
    ) -> None:  # fmt: skip
        """Keep what the result is made of beside the log."""
        document = PartialRun(
            output=None if self.output is None else str(self.output),
            executor=options.executor,
            profile=options.profile,
            habits=options.habits,
            seed=options.seed,
            warm_up_s=options.warm_up_s,
            deadline_s=asked.deadline_s,
            loops=asked.loops,
            thresholds=tuple(map(KeptThreshold.of, thresholds)),
            client_calls=operations.client_calls,
            outside=operations.outside,
            described=described,
        )
        write_plan(plan, self.home / PLAN)
        copy_stored(operations.path, self.home / OPERATIONS, REMEDY)
        write_document(self.home / PARTIAL, msgspec.to_builtins(document), ascii_only=True)

    def recorded(self, plan: Plan) -> int | None:
        """How many operations were completed until now, by the log; None where it cannot be read just now."""
        if not os.path.lexists(self.home / PARTIAL):
            return 0
        unreadable: list[str] = []
        recorded = recorded_in(self.home, plan, unreadable)
        return None if unreadable else recorded

    def finish(self) -> Path:
        """The result is whole: put it into its place; where that is comes back. Until it is there nothing of
        what it could be made of anew is removed."""
        place = self.draft
        if self.output is not None:
            as_the_umask_has_it(self.draft)
            hand_over(self.draft)
            self._refuse_strange()
            place = put(self.draft, self.output, self.before)
            remove_in(place, RECORDS, OWNER)
        shutil.rmtree(self.home, ignore_errors=True)
        return place

    def _refuse_strange(self) -> None:
        """SetupError where what stands beside the result's place is another replay's: ours was removed."""
        if not self._mine():
            raise SetupError(f"{self.draft} was taken away by somebody else")

    def _mine(self) -> bool:
        try:
            return self.output is None or _led(self.draft / RECORDS) == self.home
        except OSError:
            return False

    def discard(self) -> None:
        """Nothing was measured, or nobody is to know it."""
        for folder in (self.home, *([self.draft] if self._mine() else [])):
            shutil.rmtree(folder, ignore_errors=True)

    def leave(self) -> Path:
        """What was measured stays, to be made a result of later: where it can be named."""
        with contextlib.suppress(OSError):
            hand_over(self.home)
        if self.output is None:
            shutil.rmtree(self.draft, ignore_errors=True)
            return self.home
        if not self._mine():
            return self.home
        for path in self.draft.iterdir():
            if path.name not in (OWNER, RECORDS) and not path.name.endswith(".pcapng"):
                with contextlib.suppress(OSError):  # of a disk that is read-only now
                    path.unlink()
        with contextlib.suppress(OSError):
            hand_over(self.draft)
        return self.output


@contextlib.contextmanager
def partial_run(
    output: Path | None, force: bool, plan: Plan, memory: Path | None, progress: Progress
) -> Iterator[Partial]:
    """A run that is to become `output` (None: a folder of its own). What was measured when an exception ends
    it stays; where nothing was, nothing does. `memory`: where its home is to be."""
    before = None
    if output is not None:
        output = output.absolute()
        before = identity_of(output)  # first: what is claimed then is what may be replaced
        claim_run(output, force)
    home = make_scratch(HOMES, memory)
    try:
        draft = make_scratch(_RESULTS) if output is None else _taken(output, home, force)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    partial = Partial(draft, home, output, before)
    try:
        yield partial
    except BaseException as error:
        if (recorded := partial.recorded(plan)) != 0:
            where = partial.leave()
            more = "" if where == output else " -o ELSEWHERE"
            what = (
                "what was measured is"
                if recorded is None
                else f"{recorded:,} operations were measured, and are"
            )
            progress.warn(
                f"{what} kept in {home}: smbench-mount recover {where}{more} makes the result of them"
            )
        else:
            partial.discard()
        if isinstance(error, OSError) and output is not None:
            raise SetupError(
                f"the result cannot be written to {output}: {error.strerror or error}"
            ) from error
        raise


def _taken(output: Path, home: Path, force: bool) -> Path:
    """The folder beside the result's place, with its owner in it from its first moment; UsageError where
    another one was there first."""
    partial = partial_of(output)
    draft = make_scratch(f"{partial.name}.", output.parent)
    try:
        _lead(draft / RECORDS, home)
        with alone_in(output.parent):
            claim_run(output, force)  # once more: somebody may have come first
            if os.path.lexists(partial):
                _discard_partial(partial)
            draft.rename(partial)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return partial


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Others of us who come to this folder wait meanwhile, where it may be read and its file system has
    flock(2)."""
    if sys.platform == "win32":
        yield
        return
    import fcntl  # not everywhere

    with contextlib.ExitStack() as until:
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            until.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _discard_partial(partial: Path) -> None:
    """One of a process that is dead, that --force allows to replace, with its home."""
    home = home_of(partial)
    if home is not None:
        forget_folder(home)
    remove_folder(partial)


def _lead(link: Path, home: Path) -> None:
    """A link; on Windows, which lets not everybody make one, a file with the path."""
    if sys.platform == "win32":
        link.write_text(str(home), encoding="utf-8")
    else:
        link.symlink_to(home)


def _led(link: Path) -> Path:
    if sys.platform == "win32":
        return Path(read_content(link, "", _LONGEST_PATH).decode("utf-8", "replace"))
    return link.readlink()


def home_of(partial: Path) -> Path | None:
    """The home that a partial run leads to; None where that is gone, or one of both is not ours: what
    somebody else made could lead to a third one's."""
    try:
        home = _led(partial / RECORDS)
        both = ours(home) and ours(partial)
    except (OSError, UsageError):
        return None
    return home if both and home.name.startswith(HOMES) and (home / OWNER).is_file() else None
