"""Two sides compared. Reads as: gather, place, pair the users, match, count. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity import latency, order
from smbench.fidelity.differences import Differences
from smbench.fidelity.latency import LatencyDifference
from smbench.fidelity.matching import Matching, match, parameters_that_differ
from smbench.fidelity.paths import Folders
from smbench.fidelity.placing import Placed, place
from smbench.fidelity.rows import NONE, Rows, Vocabulary, gather
from smbench.fidelity.settling import SettledShare, settle
from smbench.fidelity.sides import Side
from smbench.fidelity.users import UserPair, pair_users
from smbench.ratios import share_of
from smbench.smb2.ntstatus import FIRST_WARNING, Status
from smbench.smb2.ntstatus import name as status_name
from smbench.trace.model import Command, command_name
from smbench.workload.model import Disposition

Numbers = NDArray[np.int64]
_WAITS = (Command.CHANGE_NOTIFY, Command.LOCK)
"""Their latency is what they waited for, not what the server needed."""


@dataclass(slots=True)
class Score:
    """Exchanges that a replay is answerable for."""

    reference: int = 0
    candidate: int = 0
    matched: int = 0

    @property
    def recall(self) -> float | None:
        """matched/reference; None where there was nothing to match."""
        return share_of(self.matched, self.reference)

    @property
    def precision(self) -> float | None:
        """matched/candidate; None where nothing was sent."""
        return share_of(self.matched, self.candidate)


@dataclass(slots=True)
class Order:
    """Pairs of matched exchanges, and how many of them stand the other way round."""

    pairs: int = 0
    inverted: int = 0


@dataclass(slots=True)
class Outcomes:
    """NTSTATUS against NTSTATUS, of matched exchanges that both sides answered."""

    matched: int = 0
    mismatched: int = 0
    unanswered: int = 0
    differing: list[tuple[str, str, str, int]] = field(default_factory=list)
    """Command, the reference's status, the candidate's, how often."""


@dataclass(slots=True)
class Comparison:
    """One candidate compared with the reference."""

    reference: Side
    candidate: Side
    rows: tuple[Rows, Rows]
    placed: tuple[Placed, Placed]
    matching: Matching
    users: list[UserPair]
    folders: Folders
    unnamed_shares: tuple[list[SettledShare], list[SettledShare]]
    """Of either side the shares whose name is not in the capture, and where they were compared."""
    wire: Score
    supported: Score
    """Only what the lift of the reference could turn into an operation."""
    posix: Score
    """Only what has a POSIX counterpart (`counterpart.py`)."""
    lacking: list[tuple[str, str, int]]
    """What has none: command, why, how many; most first."""
    by_command: dict[str, Score]
    by_user: dict[str, Score]
    by_path: dict[str, Score]
    """Worst first."""
    parameters: dict[str, dict[str, int]]
    """By command: how many matched pairs differ in which parameter."""
    order: Order
    order_by_user: dict[str, Order]
    outcomes: Outcomes
    latency: dict[str, LatencyDifference]
    """By command, without what is in `failed`."""
    failed: dict[str, LatencyDifference]
    """By command, of the pairs of which one failed and the other not, or otherwise: a refusal says nothing of
    what a request costs. Commands that have none are not in it."""
    differences: Differences


def compare(reference: Side, candidate: Side, users: Mapping[str, str] | None = None) -> Comparison:
    """Compare two sides. `users`: the reference's name → the candidate's, where the caller knows."""
    vocabulary = Vocabulary()
    ours, theirs = gather(reference, vocabulary), gather(candidate, vocabulary)
    settled = settle(ours, theirs, (reference, candidate))
    placed = place(ours, settled.texts[0], vocabulary), place(theirs, settled.texts[1], vocabulary)
    sent = _sent(ours, placed[0]), _sent(theirs, placed[1])
    pairs = pair_users(ours.users, theirs.users, users or {}, (reference.mappings, candidate.mappings), sent)
    matching = match(ours, theirs, placed, pairs)
    _warm_up_on_both_sides(reference, candidate, (ours, theirs), matching)
    _failed_apart(ours, theirs, matching)
    by_user, user_rows = _by_user(ours, theirs, matching, pairs)
    whole = _order(matching, np.arange(len(ours)))
    return Comparison(
        reference,
        candidate,
        (ours, theirs),
        placed,
        matching,
        pairs,
        settled.folders,
        settled.shares,
        Score(len(ours), len(theirs), int(np.count_nonzero(matching.of_reference != NONE))),
        _supported(reference, ours, theirs, matching),
        _chosen(ours["counterpart"] == NONE, theirs, matching),
        _lacking(ours),
        _by_command(ours, theirs, matching),
        by_user,
        _by_path(vocabulary, placed, matching),
        {
            command_name(command): names
            for command, names in sorted(parameters_that_differ(ours, theirs, matching, vocabulary).items())
        },
        whole,
        {name: _order(matching, rows) for name, rows in user_rows.items()},
        _outcomes(ours, theirs, matching),
        _latency(ours, theirs, np.union1d(ours["command"], theirs["command"])),
        _latency(ours, theirs, np.unique(ours["command"][ours["apart"] != 0]), apart=True),
        Differences(reference, candidate, (ours, theirs), placed, matching, vocabulary, pairs),
    )


def _sent(rows: Rows, placed: Placed) -> dict[int, dict[int, int]]:
    """How often each user sent each request; users in the order in which they appear."""
    sent: dict[int, Counter[int]] = {}
    # A request and its path as one number.
    words = (placed.path << 32) + placed.request
    for user, word in zip(rows["user"].tolist(), words.tolist(), strict=True):
        sent.setdefault(user, Counter())[word] += 1
    return {user: dict(counted) for user, counted in sent.items()}


def _supported(reference: Side, ours: Rows, theirs: Rows, matching: Matching) -> Score:
    unsupported = [
        at
        for at, kind in enumerate(reference.dispositions.kinds)
        if kind.disposition == Disposition.UNSUPPORTED
    ]
    return _chosen(~np.isin(ours["disposition"], unsupported), theirs, matching)


def _chosen(counts: NDArray[np.bool_], theirs: Rows, matching: Matching) -> Score:
    """The score over some rows of the reference."""
    matched = matching.of_reference != NONE
    return Score(int(counts.sum()), len(theirs), int((counts & matched).sum()))


def _lacking(ours: Rows) -> list[tuple[str, str, int]]:
    without = ours["counterpart"] != NONE
    counted = Counter(
        zip(ours["command"][without].tolist(), ours["counterpart"][without].tolist(), strict=True)
    )
    return [(command_name(command), ours.lacking[why], n) for (command, why), n in counted.most_common()]


def _by_command(ours: Rows, theirs: Rows, matching: Matching) -> dict[str, Score]:
    scores: dict[int, Score] = {}
    for command, count in _counted(ours["command"]):
        scores.setdefault(command, Score()).reference = count
    for command, count in _counted(theirs["command"]):
        scores.setdefault(command, Score()).candidate = count
    for command, count in _counted(ours["command"][matching.of_reference != NONE]):
        scores[command].matched = count
    return {command_name(command): scores[command] for command in sorted(scores)}


def _by_user(
    ours: Rows, theirs: Rows, matching: Matching, pairs: Sequence[UserPair]
) -> tuple[dict[str, Score], dict[str, Numbers]]:
    """Scores by the reference's users, then those of the candidate alone; and the rows of each."""
    other = {pair.reference: pair.candidate for pair in pairs}
    sent = dict(_counted(theirs["user"]))
    matched = matching.of_reference != NONE
    scores: dict[str, Score] = {}
    rows: dict[str, Numbers] = {}
    for user, count in _counted(ours["user"]):
        own = ours["user"] == user
        name = ours.users[user]
        rows[name] = np.flatnonzero(own)
        scores[name] = Score(count, sent.pop(other.get(user, NONE), 0), int((own & matched).sum()))
    for user, count in sent.items():
        name = theirs.users[user]
        scores[name if name not in scores else f"{name} (candidate)"] = Score(0, count, 0)
    return scores, rows


def _by_path(vocabulary: Vocabulary, placed: tuple[Placed, Placed], matching: Matching) -> dict[str, Score]:
    scores: dict[int, Score] = {}
    for path, count in _counted(placed[0].path):
        scores.setdefault(path, Score()).reference = count
    for path, count in _counted(placed[1].path):
        scores.setdefault(path, Score()).candidate = count
    for path, count in _counted(placed[0].path[matching.of_reference != NONE]):
        scores[path].matched = count
    worst = sorted(
        scores, key=lambda at: (2 * scores[at].matched - scores[at].reference - scores[at].candidate, at)
    )
    return {vocabulary.paths.values[path]: scores[path] for path in worst}


def _counted(values: Numbers) -> list[tuple[int, int]]:
    numbers, counts = np.unique(values, return_counts=True)
    return list(zip(numbers.tolist(), counts.tolist(), strict=True))


def _order(matching: Matching, rows: Numbers) -> Order:
    there = matching.of_reference[rows]
    there = there[there != NONE]
    return Order(len(there) * (len(there) - 1) // 2, order.inversions(there))


def _outcomes(ours: Rows, theirs: Rows, matching: Matching) -> Outcomes:
    here = np.flatnonzero(matching.of_reference != NONE)
    there = matching.of_reference[here]
    one, other = ours["status"][here], theirs["status"][there]
    pending = int(Status.PENDING)
    answered = ~np.isin(one, (NONE, pending)) & ~np.isin(other, (NONE, pending))
    differ = answered & (one != other)
    kinds = np.stack((ours["command"][here][differ], one[differ], other[differ]))
    found, counts = np.unique(kinds, axis=1, return_counts=True)
    differing = [
        (command_name(command), status_name(mine), status_name(its), count)
        for command, mine, its, count in zip(*found.tolist(), counts.tolist(), strict=True)
    ]
    return Outcomes(
        int((answered & ~differ).sum()),
        int(differ.sum()),
        int((~answered).sum()),
        sorted(differing, key=lambda row: -row[3]),
    )


def _warm_up_on_both_sides(
    reference: Side, candidate: Side, rows: tuple[Rows, Rows], matching: Matching
) -> None:
    """What the candidate did in its warm-up is no time of the reference either: latencies are compared with
    those of the same operations."""
    ours, theirs = (one["warm"] for one in rows)
    ours |= np.isin(reference.dispositions.operation[rows[0]["index"]], candidate.warm_up)
    here = np.flatnonzero(matching.of_reference != NONE)
    there = matching.of_reference[here]
    # Where only one of a pair is known to be warm, its operation was due in the warm-up and came late.
    ours[here] = theirs[there] = ours[here] | theirs[there]


def _failed_apart(ours: Rows, theirs: Rows, matching: Matching) -> None:
    """Latencies are compared with those of what ended the same, or well."""
    here = np.flatnonzero(matching.of_reference != NONE)
    there = matching.of_reference[here]
    one, other = ours["status"][here], theirs["status"][there]
    answered = (one != NONE) & (other != NONE)
    apart = answered & (one != other) & (np.maximum(one, other) >= FIRST_WARNING)
    ours["apart"][here[apart]] = theirs["apart"][there[apart]] = 1


def durations(rows: Rows, command: int | None = None, apart: bool = False) -> Numbers:
    """Nanoseconds from request to final response, of answered exchanges outside of a warm-up, without those
    that are `apart` or those alone; None: of all commands but those that wait for something to happen."""
    chosen = (rows["answered_ns"] != NONE) & (rows["warm"] == 0) & (rows["apart"] == apart)
    chosen &= ~np.isin(rows["command"], _WAITS) if command is None else rows["command"] == command
    return np.asarray(rows["answered_ns"][chosen] - rows["time_ns"][chosen], np.int64)


def _latency(
    ours: Rows, theirs: Rows, commands: Numbers, apart: bool = False
) -> dict[str, LatencyDifference]:
    chosen: list[tuple[str, int | None]] = [(command_name(one), one) for one in commands.tolist()]
    return {
        name: latency.difference(durations(ours, command, apart), durations(theirs, command, apart))
        for name, command in [*chosen, *([("all", None)] if chosen or not apart else [])]
    }
