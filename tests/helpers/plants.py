"""The plants: each changes one thing of a capture, or some of everything; None where there is no place."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from helpers.planting import YES_OR_NO, Bed, Ground, Planted, alter, double, drop, exchange, refuse

from smbench.fidelity.parameters import PARAMETERS
from smbench.trace.model import Command, Exchange, command_name

Plant = Callable[[Ground, random.Random], Planted | None]


def _chosen(ground: Ground, dice: random.Random, most: int, once: bool = False) -> list[int]:
    """Some places; `once`: no two of one word, so that what is done to one cannot make good another."""
    places = dice.sample(ground.counted, min(most, len(ground.counted)))
    if once:
        places = list({ground.word(at): at for at in places}.values())
    return sorted(places)


def dropped(ground: Ground, dice: random.Random) -> Planted | None:
    places = _chosen(ground, dice, dice.choice((1, 3, 10)))
    bed = Bed(ground)
    drop(bed, places)
    return bed.done(f"{len(places)} dropped") if places else None


def doubled(ground: Ground, dice: random.Random) -> Planted | None:
    places = _chosen(ground, dice, dice.choice((1, 5)))
    bed = Bed(ground)
    double(bed, places)
    return bed.done(f"{len(places)} sent twice") if places else None


def refused(ground: Ground, dice: random.Random) -> Planted | None:
    bed = Bed(ground)
    refuse(bed, _chosen(ground, dice, 5))
    return bed.done("other statuses") if bed.planted.statuses else None


def across(ground: Ground, dice: random.Random) -> Planted | None:
    """Neighbours of different paths or users change places: each such pair is one the other way round."""
    pairs = [
        (one, next_)
        for one, next_ in pairwise(ground.counted)
        if next_ == one + 1 and ground.word(one)[:4] != ground.word(next_)[:4]
    ]
    bed, taken = Bed(ground), set[int]()
    for one, next_ in dice.sample(pairs, min(4, len(pairs))):
        if not taken & {one, next_}:
            taken |= {one, next_}
            exchange(bed, one, next_)
    return bed.done("neighbours of other paths change places") if taken else None


def within(ground: Ground, dice: random.Random) -> Planted | None:
    """Two requests of a path, each the only one of its kind there, change places: one of them is not where it
    was, and nobody can say which; had they been in flight together, none."""
    often = Counter(map(ground.word, ground.counted))
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at in ground.counted:
        groups[ground.word(at)[:4]].append(at)
    pairs = [
        (one, next_)
        for group in groups.values()
        for one, next_ in pairwise(group)
        if next_ == one + 1
        and often[ground.word(one)] == often[ground.word(next_)] == 1
        and _together(ground, one, next_) == _together(ground, next_, one)
    ]
    if not pairs:
        return None
    one, next_ = dice.choice(pairs)
    bed = Bed(ground)
    exchange(bed, one, next_)
    first, second = ground.exchanges[one], ground.exchanges[next_]
    if _together(ground, one, next_):
        return bed.done("neighbours in flight together change places")
    bed.planted.either.append(({first.frame, second.frame}, {first.frame, second.frame}))
    planted = bed.done("neighbours of one path change places")
    planted.inverted = 0
    return planted


def _together(ground: Ground, first: int, second: int) -> bool:
    """Whether the later of two neighbours would be sent before the earlier one is answered, in this order."""
    one, other = ground.exchanges[first], ground.exchanges[second]
    took_ns = 0 if one.response_ns is None else one.response_ns - one.time_ns
    return abs(other.time_ns - one.time_ns) < took_ns


def changeable(ground: Ground) -> list[tuple[int, str, bool]]:
    """Command, name, whether it belongs to the key: all that can be changed in this capture."""
    commands = {ground.exchanges[at].command for at in ground.counted}
    return [
        (command, name, key)
        for command, told in PARAMETERS.items()
        if command in commands
        for names, key in ((told.key, True), (told.compared, False))
        for name in names
    ] + [(Command.SET_INFO, "target", True)] * (Command.SET_INFO in commands)


def parameter(command: int, name: str, key: bool) -> Plant:
    """Another value of one parameter, in one exchange; one that has it, if there is any."""

    def plant(ground: Ground, dice: random.Random) -> Planted | None:
        places = [
            at
            for at in ground.counted
            if ground.exchanges[at].command == command and hasattr(ground.exchanges[at].request, name)
        ]
        having = [at for at in places if getattr(ground.exchanges[at].request, name) not in (None, ())]
        if not places or (name == "target" and not having):
            return None
        bed = Bed(ground)
        alter(bed, dice.choice(having or places), name, key)
        return bed.done(f"{command_name(command)} {name} changed")

    return plant


def mixed(ground: Ground, dice: random.Random) -> Planted | None:
    """Some of everything, never twice at requests that are alike."""
    places = _chosen(ground, dice, 24, once=True)
    if len(places) < 8:
        return None
    dice.shuffle(places)
    bed = Bed(ground)
    changing = [at for at in places[:2] if PARAMETERS[ground.exchanges[at].command].key]
    comparing = [at for at in places[2:4] if PARAMETERS[ground.exchanges[at].command].compared]
    for chosen, key in ((changing, True), (comparing, False)):
        for at in chosen:
            one = ground.exchanges[at]
            told = PARAMETERS[one.command].key if key else PARAMETERS[one.command].compared
            # What is yes or no has only one other value, which may stand elsewhere.
            names = [name for name in told if not (key and name in YES_OR_NO)]
            if one.request is not None:
                alter(bed, at, dice.choice(names), key)
    rest = places[4:]
    third = len(rest) // 3
    refuse(bed, rest[:third])
    drop(bed, sorted(rest[third : 2 * third]))
    double(bed, sorted(rest[2 * third :]))
    if dice.random() < 0.5:
        pace = dice.choice((1, 2, 5))
        bed.rows = [(at, _at(one, lambda ns: 1_000_000 + pace * ns)) for at, one in bed.rows]
    users = [replace(user, name=f"account{number}") for number, user in enumerate(ground.side.info.users)]
    return bed.done("a mix, by renamed users", info=replace(ground.side.info, users=users))


def later(ground: Ground, dice: random.Random) -> Planted | None:
    """Everything the same, five seconds later and at a third of the pace."""
    bed = Bed(ground)
    bed.rows = [(at, _at(one, lambda ns: 5_000_000_000 + 3 * ns)) for at, one in bed.rows]
    return bed.done("later, and three times as slow")


def slow_answers(ground: Ground, dice: random.Random) -> Planted | None:
    """Some answers come late, some behind the next requests."""
    wanted = {at: dice.randrange(1_000, 2_000_000_000) for at in _chosen(ground, dice, 6)}
    bed = Bed(ground)
    bed.rows = [
        (at, replace(one, response_ns=one.response_ns + wanted[at]))
        if at in wanted and one.response_ns is not None
        else (at, one)
        for at, one in bed.rows
    ]
    return bed.done("late answers")


def _at(one: Exchange, moved: Callable[[int], int]) -> Exchange:
    answered = None if one.response_ns is None else moved(one.response_ns)
    return replace(one, time_ns=moved(one.time_ns), response_ns=answered)


def renamed(ground: Ground, dice: random.Random) -> Planted | None:
    """All accounts have other names."""
    users = [replace(user, name=f"LAB\\u{number}") for number, user in enumerate(ground.side.info.users)]
    return Bed(ground).done("all users renamed", info=replace(ground.side.info, users=users))


def changed_places(ground: Ground, dice: random.Random) -> Planted | None:
    """Every account does what the next one did."""
    users = ground.side.info.users
    if len(users) < 2:
        return None
    names = [user.name for user in users]
    swapped = [replace(user, name=name) for user, name in zip(users, names[1:] + names[:1], strict=True)]
    return Bed(ground).done("accounts changed places", info=replace(ground.side.info, users=swapped))


ONCE: tuple[Plant, ...] = (later, renamed, changed_places)
BY_CHANCE: tuple[Plant, ...] = (dropped, doubled, refused, across, within, slow_answers, mixed)


def every(ground: Ground, seed: int, rounds: int) -> Iterator[Planted]:
    """All plants that a capture has a place for, those by chance `rounds` times."""
    dice = random.Random(seed)
    plants = [*ONCE, *(parameter(*told) for told in changeable(ground)), *BY_CHANCE * rounds]
    for plant in plants:
        if (planted := plant(ground, dice)) is not None:
            yield planted
