"""Whose exchanges belong together: the accounts of a replay are others than those of the capture.

In this order: what the caller said; what the run says of its mounts; the same name; the users whose
exchanges have most in common; the order in which they appeared. Each pair says how it was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smbench.fidelity.sides import Stand

_TELLING = 32
"""A request that more users than this sent says nothing about who is who."""


@dataclass(frozen=True, slots=True)
class UserPair:
    """Indices of the two sides' users, and how they were found to belong together."""

    reference: int
    candidate: int
    by: str


def pair_users(
    reference: Sequence[str],
    candidate: Sequence[str],
    given: Mapping[str, str],
    stands: tuple[Sequence[Stand], Sequence[Stand]],
    sent: tuple[Mapping[int, Mapping[int, int]], Mapping[int, Mapping[int, int]]],
) -> list[UserPair]:
    """Pairs of users, each used once.

    `given` maps the reference's names to the candidate's; `stands` are those of both sides, empty for what
    is no run. `sent` says of each side how often every user (by index, in order of appearance) sent each
    request.
    """
    pairs: list[UserPair] = []
    left, right = list(sent[0]), list(sent[1])

    def take(found: Iterable[tuple[int, int]], by: str) -> None:
        for one, other in found:
            if one in left and other in right:
                left.remove(one)
                right.remove(other)
                pairs.append(UserPair(one, other, by))

    take(_by_name(reference, candidate, given.items(), left, right), "given")
    captured = _captured(reference, stands[0])
    take(
        [
            (captured[stand.captured.casefold()], stand.user)
            for stand in stands[1]
            if stand.user is not None and stand.captured.casefold() in captured
        ],
        "mounts",
    )
    accounts = [(stand.captured, stand.account) for stand in stands[1] if stand.user is None]
    take(_by_name(reference, candidate, accounts, left, right), "mounts")
    take(_by_name(reference, candidate, [(name, name) for name in reference], left, right), "name")
    take(_by_content(sent, left, right), "content")
    take(list(zip(left, right, strict=False)), "order")
    return sorted(pairs, key=lambda pair: pair.reference)


def _captured(reference: Sequence[str], stands: Sequence[Stand]) -> dict[str, int]:
    """The reference's users by the name of the capture, which a run's own names hide."""
    if stands:
        return {stand.captured.casefold(): stand.user for stand in stands if stand.user is not None}
    return {name.casefold(): user for user, name in enumerate(reference)}


def _by_name(
    reference: Sequence[str],
    candidate: Sequence[str],
    names: Iterable[tuple[str, str]],
    left: list[int],
    right: list[int],
) -> list[tuple[int, int]]:
    """One account may stand for several users: the candidate's are then taken in their order."""
    found: list[tuple[int, int]] = []
    free = list(right)
    for wanted, account in names:
        one = next((user for user in left if _same(reference[user], wanted)), None)
        other = next((user for user in free if _same(candidate[user], account)), None)
        if other is None:
            other = next((user for user in free if _account(candidate[user]) == _account(account)), None)
        if one is not None and other is not None and all(one != taken for taken, _ in found):
            free.remove(other)
            found.append((one, other))
    return found


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


def _account(name: str) -> str:
    """`DOMAIN\\account#2` → `account`."""
    return name.rpartition("\\")[2].partition("#")[0].partition("@")[0].casefold()


def _by_content(
    sent: tuple[Mapping[int, Mapping[int, int]], Mapping[int, Mapping[int, int]]],
    left: list[int],
    right: list[int],
) -> list[tuple[int, int]]:
    senders: dict[int, list[int]] = {}
    for user in right:
        for request in sent[1][user]:
            senders.setdefault(request, []).append(user)
    common: dict[tuple[int, int], int] = {}
    for user in left:
        for request, count in sent[0][user].items():
            others = senders.get(request, ())
            if len(others) <= _TELLING:
                for other in others:
                    pair = (user, other)
                    common[pair] = common.get(pair, 0) + min(count, sent[1][other][request])
    places = {user: at for at, user in enumerate(left)}, {user: at for at, user in enumerate(right)}
    return sorted(
        common, key=lambda pair: (-common[pair], abs(places[0][pair[0]] - places[1][pair[1]]), pair)
    )
