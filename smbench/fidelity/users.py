"""Whose exchanges belong together: the accounts of a replay are others than those of the capture.

In this order: what the caller said; what the run says of its mounts; what the users sent, so that together
the pairs have most exchanges in common; of what is equal by that, the same names; the order in which they
appeared. Each pair says how it was found, and how much its two have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.assignment import assign
from smbench.fidelity.shares import MADE_UP
from smbench.fidelity.sides import AccountMapping

_TELLING = 32
"""A request that more users than this sent says nothing about who is who."""

GIVEN, MOUNTS, CONTENT, NAME, ORDER = "given", "mounts", "content", "name", "order"
LEFT = "left"
"""What they sent says it only among those whom the caller left: one of the two is more like one he took."""

Sent = Mapping[int, Mapping[int, int]]
"""How often every user (by index, in order of appearance) sent each request."""
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Namesake:
    """The user of the candidate that has the name of the reference's, and is paired otherwise."""

    candidate: int
    common: int


@dataclass(frozen=True, slots=True)
class UserPair:
    """Indices of the two sides' users, and how they were found to belong together."""

    reference: int
    candidate: int
    by: str
    common: int = 0
    """Exchanges that both sent, each as often as both did."""
    sent: tuple[int, int] = (0, 0)
    """Exchanges of either."""
    namesake: Namesake | None = None


def pair_users(
    reference: Sequence[str],
    candidate: Sequence[str],
    given: Mapping[str, str],
    mappings: tuple[Sequence[AccountMapping], Sequence[AccountMapping]],
    sent: tuple[Sent, Sent],
) -> list[UserPair]:
    """Pairs of users, each used once.

    `given` maps the reference's names to the candidate's; `mappings` are those of both sides, empty for what
    is no run; `sent` is by side.
    """
    found: list[tuple[int, int, str]] = []
    left, right = list(sent[0]), list(sent[1])

    def take(pairs: Iterable[tuple[int, int]], by: str) -> None:
        for one, other in pairs:
            if one in left and other in right:
                left.remove(one)
                right.remove(other)
                found.append((one, other, by))

    take(_by_name(reference, candidate, given.items(), left, right), GIVEN)
    captured = _captured(reference, mappings[0])
    take(
        [
            (captured[mapping.captured.casefold()], mapping.user)
            for mapping in mappings[1]
            if mapping.user is not None and mapping.captured.casefold() in captured
        ],
        MOUNTS,
    )
    for account, wanted in _accounts(mappings[1], captured).items():
        ours = [user for user in left if user in wanted]
        theirs = [user for user in right if _same(candidate[user], account)]
        theirs = theirs or [user for user in right if _account(candidate[user]) == _account(account)]
        # One account may stand for several users: what they sent says which is whose, then the order.
        take([pair[:2] for pair in _assigned(reference, candidate, ours, theirs, sent)], MOUNTS)
        rest = [user for user in ours if user in left], [user for user in theirs if user in right]
        take(list(zip(*rest, strict=False)), MOUNTS)
    given_away = [(one, other) for one, other, by in found if by == GIVEN]
    for one, other, by in _assigned(reference, candidate, left, right, sent):
        forced = by == CONTENT and _more_alike(one, other, given_away, sent)
        take([(one, other)], LEFT if forced else by)
    take(list(zip(left, right, strict=False)), ORDER)
    return [_with_common(pair, reference, candidate, sent) for pair in sorted(found)]


def notes(pairs: Sequence[UserPair], reference: Sequence[str], candidate: Sequence[str]) -> list[str]:
    """What of a pairing somebody may want to know, in words."""
    said = []
    for pair in pairs:
        mine, its = reference[pair.reference], candidate[pair.candidate]
        if pair.namesake is not None and pair.by == CONTENT:
            said.append(
                f"{mine} is compared with {its}, by what they sent: they have {pair.common:,} exchanges in "
                f"common, with its namesake {pair.namesake.common:,} (--user '{mine}={mine}' pairs by name)"
            )
    unsure = [reference[pair.reference] for pair in pairs if pair.by == ORDER]
    if len(unsure) > 1:
        said.append(
            f"neither what they sent nor their names say who is who of {len(unsure):,} users "
            f"({', '.join(unsure[:3])}{', …' if len(unsure) > 3 else ''}): they are paired in the order in "
            "which they appeared (--user REFERENCE=CANDIDATE pairs them otherwise)"
        )
    return said


def _captured(reference: Sequence[str], mappings: Sequence[AccountMapping]) -> dict[str, int]:
    """The reference's users by the name of the capture, which a run's own names hide."""
    if mappings:
        return {mapping.captured.casefold(): mapping.user for mapping in mappings if mapping.user is not None}
    return {name.casefold(): user for user, name in enumerate(reference)}


def _accounts(mappings: Sequence[AccountMapping], captured: Mapping[str, int]) -> dict[str, set[int]]:
    """By account, whom of the reference it stood for, where the session is not known."""
    accounts: dict[str, set[int]] = {}
    for mapping in mappings:
        user = captured.get(mapping.captured.casefold())
        if mapping.user is None and user is not None:
            accounts.setdefault(mapping.account, set()).add(user)
    return accounts


def named(names: Sequence[str], users: Iterable[int], wanted: str) -> list[int]:
    """Which of the `users` a name says: whole, else without its domain where one of the two has none, else by
    the account alone."""
    users = list(users)
    found = [user for user in users if names[user].casefold() == wanted.casefold()]
    if found:
        return found
    users = [user for user in users if "\\" not in names[user] or "\\" not in wanted]
    for form in (_without_domain, _account):
        found = [user for user in users if form(names[user]) == form(wanted)]
        if found:
            return found
    return []


def _by_name(
    reference: Sequence[str],
    candidate: Sequence[str],
    names: Iterable[tuple[str, str]],
    left: Sequence[int],
    right: Sequence[int],
) -> list[tuple[int, int]]:
    """Pairs whose names were said, each user once."""
    return [
        (one, other)
        for wanted, account in names
        for one in named(reference, left, wanted)[:1]
        for other in named(candidate, right, account)[:1]
    ]


def _is_made_up(name: str) -> bool:
    """Whether a user's name is not from the capture: `unknown-3` of one may be anybody of another."""
    return name == "unknown" or name.startswith(MADE_UP)


def _same(name: str, account: str) -> bool:
    """Whether a user is a client of the account: `DOMAIN\\account#2` is one of `DOMAIN\\account`."""
    return name.partition("#")[0].casefold() == account.partition("#")[0].casefold()


def _without_domain(name: str) -> str:
    """`DOMAIN\\account#2` → `account#2`."""
    return name.rpartition("\\")[2].casefold()


def _account(name: str) -> str:
    """`DOMAIN\\account#2` → `account`."""
    return name.rpartition("\\")[2].partition("#")[0].partition("@")[0].casefold()


def _assigned(
    reference: Sequence[str], candidate: Sequence[str], left: Sequence[int], right: Sequence[int],
    sent: tuple[Sent, Sent],
) -> list[tuple[int, int, str]]:  # fmt: skip
    """Pairs that have something in common, what they sent or their names; and which of it tells."""
    if not left or not right:
        return []
    common = _common(sent, left, right)
    ours, theirs = [reference[user] for user in left], [candidate[user] for user in right]
    names = _equal(ours, theirs, _account) + _equal(ours, theirs, str.casefold)
    places = np.eye(*common.shape, dtype=np.int64)
    many = min(common.shape) + 1
    chosen = assign((common * (2 * many) + names) * many + places)
    found = []
    for at, place in chosen:
        if common[at, place] and not _tied(common, chosen, at, place):
            found.append((left[at], right[place], CONTENT))
        elif names[at, place]:
            found.append((left[at], right[place], NAME))
        elif common[at, place]:
            found.append((left[at], right[place], ORDER))
    return found


def _more_alike(one: int, other: int, taken: Sequence[tuple[int, int]], sent: tuple[Sent, Sent]) -> bool:
    """Whether one of a pair has more in common with somebody who was taken before."""
    common = _shared(sent[0][one], sent[1][other])
    return any(
        _shared(sent[0][one], sent[1][its]) > common or _shared(sent[0][mine], sent[1][other]) > common
        for mine, its in taken
    )


def _equal(ours: Sequence[str], theirs: Sequence[str], form: Callable[[str], str]) -> Numbers:
    """1 where two names are the same in a form; what is made up says nothing."""
    mine, its = (np.array([form(name) for name in names]) for names in (ours, theirs))
    captured = np.array([not _is_made_up(name) for name in ours], bool)
    return np.asarray((mine[:, None] == its[None, :]) & captured[:, None], np.int64)


def _tied(common: Numbers, chosen: Sequence[tuple[int, int]], at: int, place: int) -> bool:
    """Whether a pair could be exchanged with another one, or its user with one that has none, and as much
    would be in common."""
    mine = common[at, place]
    rows, columns = (np.array(values) for values in zip(*chosen, strict=True))
    swapped = common[at, columns] + common[rows, place] == mine + common[rows, columns]
    swapped[rows == at] = False
    free_columns = np.setdiff1d(np.arange(common.shape[1]), columns)
    free_rows = np.setdiff1d(np.arange(common.shape[0]), rows)
    alone = bool((common[at, free_columns] == mine).any() or (common[free_rows, place] == mine).any())
    return alone or bool(swapped.any())


def _common(sent: tuple[Sent, Sent], left: Sequence[int], right: Sequence[int]) -> Numbers:
    """How many exchanges each two users have in common; what nearly all sent is left out."""
    senders: dict[int, list[int]] = {}
    for place, user in enumerate(right):
        for request in sent[1][user]:
            senders.setdefault(request, []).append(place)
    common = np.zeros((len(left), len(right)), np.int64)
    for at, user in enumerate(left):
        for request, count in sent[0][user].items():
            others = senders.get(request, ())
            if len(others) <= _TELLING:
                for place in others:
                    common[at, place] += min(count, sent[1][right[place]][request])
    return common


def _with_common(
    found: tuple[int, int, str], reference: Sequence[str], candidate: Sequence[str], sent: tuple[Sent, Sent]
) -> UserPair:
    """A pair with how much its two have in common, all requests counted."""
    one, other, by = found
    name = "" if _is_made_up(reference[one]) else reference[one].casefold()
    namesake = next((user for user in sent[1] if candidate[user].casefold() == name), None)
    return UserPair(
        one,
        other,
        by,
        _shared(sent[0][one], sent[1][other]),
        (sum(sent[0][one].values()), sum(sent[1][other].values())),
        None
        if namesake is None or namesake == other
        else Namesake(namesake, _shared(sent[0][one], sent[1][namesake])),
    )


def _shared(one: Mapping[int, int], other: Mapping[int, int]) -> int:
    return sum(min(count, other.get(request, 0)) for request, count in one.items())
