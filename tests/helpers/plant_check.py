"""A comparison held against what was planted: equal, or wherever it is not, the ambiguity is named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil
from typing import Any

from helpers.planting import Ground, Planted, parameters_of

from smbench.fidelity.comparison import Comparison, compare
from smbench.fidelity.differences import EXTRA, MISSING
from smbench.fidelity.parameters import PARAMETERS, Parameters
from smbench.smb2.ntstatus import name as status_name
from smbench.trace.model import Command, Exchange, command_name

PERCENTILES = {
    "p50": Fraction(50), "p90": Fraction(90), "p99": Fraction(99), "p99_9": Fraction(999, 10),
    "max": Fraction(100),
}  # fmt: skip
_WAITS = (Command.CHANGE_NOTIFY, Command.LOCK)


@dataclass(slots=True)
class Found:
    """How a comparison stands to what was planted."""

    wrong: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    """Not to the letter, and the comparison says that it could be otherwise."""


def held(ground: Ground, planted: Planted) -> Found:
    """Compare both ways, and hold both against the plant."""
    found = Found()
    original = replace(ground.side, exchanges=ground.exchanges)
    there = compare(original, planted.candidate)
    _judge(found, ground, planted, there, turned=False)
    back = compare(planted.candidate, original)
    _judge(found, ground, planted, back, turned=True)
    return found


def _judge(found: Found, ground: Ground, planted: Planted, compared: Comparison, *, turned: bool) -> None:
    way = "back: " if turned else ""

    def same(what: str, got: Any, wanted: Any) -> None:
        if got != wanted:
            found.wrong.append(f"{way}{what}: {_shown(got)}, planted {_shown(wanted)}")

    missing, extra = _frames(compared, MISSING), _frames(compared, EXTRA)
    if turned:
        missing, extra = extra, missing
    also = [len(planted.missing) + len(planted.either), len(planted.extra) + len(planted.either)]
    same("how many are missing and extra", [len(missing), len(extra)], also)
    same("moved", compared.matching.moved, len(planted.either))
    _places(found, ground, planted, compared, missing, extra, way, turned)
    matched = len(ground.counted) - also[0]
    score = compared.wire
    sent = len(ground.counted) - also[0] + also[1]
    sides = (sent, len(ground.counted)) if turned else (len(ground.counted), sent)
    same("the score", (score.reference, score.candidate, score.matched), (*sides, matched))
    if _users(found, ground, compared, way):
        same("pairs inverted", compared.order.inverted, planted.inverted)
    same("pairs", compared.order.pairs, matched * (matched - 1) // 2)
    statuses: Counter[tuple[str, str, str]] = Counter()
    for (command, *values), count in planted.statuses.items():
        mine, its = map(status_name, values[::-1] if turned else values)
        statuses[(command, mine, its)] += count
    same("other outcomes", Counter({row[:3]: row[3] for row in compared.outcomes.differing}), statuses)
    same("mismatches", compared.outcomes.mismatched, statuses.total())
    parameters = {
        (command, name): n for command, names in compared.parameters.items() for name, n in names.items()
    }
    same("other parameters", parameters, dict(planted.parameters))
    _latency(found, ground, planted, compared, way, turned)


def _shown(value: Any) -> str:
    return str(value) if len(str(value)) < 200 else f"{str(value)[:200]}…"


def _frames(compared: Comparison, side: str) -> list[int]:
    return [one.frame for one in compared.differences.all(side)]


def _places(
    found: Found, ground: Ground, planted: Planted, compared: Comparison, missing: list[int],
    extra: list[int], way: str, turned: bool,
) -> None:  # fmt: skip
    """Which ones are missing and extra: those that were planted, or ones that are alike and said to be."""
    alike = compared.matching.alike[::-1] if turned else compared.matching.alike
    frames = {one.frame: one for one in [*ground.exchanges, *planted.candidate.exchanges]}
    for which, what, got, wanted in (
        (0, "missing", missing, planted.missing),
        (1, "extra", extra, planted.extra),
    ):
        strange = sorted((Counter(got) - Counter(wanted)).elements())
        lacking = sorted((Counter(wanted) - Counter(got)).elements())
        for either in planted.either:
            taken = next((frame for frame in strange if frame in either[which]), None)
            if taken is not None:
                strange.remove(taken)
        if not strange and not lacking:
            continue
        kinds = [Counter(_kind(frames[frame]) for frame in some) for some in (strange, lacking)]
        if kinds[0] == kinds[1] and alike[which] >= len(strange):
            found.named.append(f"{way}{what}: {len(strange)} of {len(wanted)} are others that are alike")
        else:
            found.wrong.append(f"{way}{what}: frames {strange[:5]} in place of {lacking[:5]}")


def _kind(one: Exchange) -> tuple[Any, ...]:
    told = PARAMETERS.get(one.command, Parameters())
    values = parameters_of(one, (*told.key, *told.compared))
    return one.user, (one.path or "?").casefold(), one.command, *values, one.status


def _users(found: Found, ground: Ground, compared: Comparison, way: str) -> bool:
    """Each user with itself, by number; whoever sent the same as another one may be that one, and then nobody
    is sure of the order in which they did."""
    sure = True
    work: dict[int, Counter[Any]] = {}
    for at in ground.counted:
        work.setdefault(ground.exchanges[at].user, Counter())[ground.word(at)[1:]] += 1
    for pair in compared.users:
        if pair.reference == pair.candidate:
            continue
        mine, its = work.get(pair.reference), work.get(pair.candidate)
        if mine == its and pair.by in ("name", "order"):
            found.named.append(f"{way}user {pair.reference} is paired with {pair.candidate} by {pair.by}")
            sure = False
        else:
            found.wrong.append(f"{way}user {pair.reference} is paired with {pair.candidate} by {pair.by}")
    return sure


def _latency(
    found: Found, ground: Ground, planted: Planted, compared: Comparison, way: str, turned: bool
) -> None:
    """Percentiles by their definition, of both sides; without what was made to fail, and what it was."""
    answerable = ground.side.dispositions.answerable()
    sides = [ground.exchanges, list(planted.candidate.exchanges)]
    was = {one.frame: one.status for one in ground.exchanges}
    refused = {
        one.frame
        for one in sides[1]
        if None not in (one.status, was.get(one.frame)) and one.status != was[one.frame]
    }
    for which, exchanges in enumerate(sides[::-1] if turned else sides):
        took: dict[str, list[int]] = {"all": []}
        for one in exchanges:
            if ground.side.dispositions[one.index] in answerable:
                mine = took.setdefault(command_name(one.command), [])
                if one.response_ns is not None and one.frame not in refused:
                    mine.append(one.response_ns - one.time_ns)
                    if one.command not in _WAITS:
                        took["all"].append(one.response_ns - one.time_ns)
        for command, values in took.items():
            told = compared.latency[command]
            ordered = sorted(values)
            wanted = {
                name: ordered[max(ceil(percent * len(ordered) / 100), 1) - 1] if ordered else None
                for name, percent in PERCENTILES.items()
            }
            got = {name: pair[which] for name, pair in told.percentiles_ns.items()}
            if got != wanted or (told.reference, told.candidate)[which] != len(ordered):
                found.wrong.append(f"{way}latency of {command}: {got}, by definition {wanted}")
