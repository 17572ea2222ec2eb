"""Who comes before whom for the sake of leases and oplocks, also where what they do gets on with each other.

What a server grants follows from who has the file open; what it takes back, from who opens or changes it
while others hold leases ([MS-SMB2] 3.3.4.7, [MS-FSA] 2.1.4.12, 2.1.5.1.2). So between two users of one
file, where at least one has a lease, these keep their order:

- opens, where one breaks the other's lease or asks for a write lease, which only the first one gets (a look
  by name is an open, too);
- an open and a close, for the same reasons; and an open and a lock or its end, as nobody is granted to read
  from a cache while a range is locked (2.1.5.18);
- a change (data, size, lock) and the open or close of who may cache reads, which it breaks; and what a
  client writes back before it acknowledges a break, and the open that broke;
- what broke, and the holder's next look at the file.

Opens without a lease, closes and changes do not mind each other, and all of one user share their lease.

What overlapped is ordered by when it took effect at the server: with its arrival, unless a break tells more.
An open that broke waited for the holder's acknowledgement or close; a close that a break crossed with came
after what broke. Of two opens the one that got the write lease was first; others are left free.

A close that was the answer to a break let the open go on that broke. The kernel's client acknowledges at once
whatever happens, so that there it comes after that open has ended, or nothing would be broken. An executor
that keeps the break unanswered as the captured client did closes while the open waits.

It cannot deadlock: every edge runs from what took effect earlier to what did later, each of them between its
arrival and its answer; so do those of `smbench.plan.order` that run from answered to asked. Of those that
have no such condition `freeze` is told.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from smbench.plan.breaks import NOTIFIED, Told
from smbench.plan.knowledge import Access, BriefEdges, Edges, Requirement, require, require_always
from smbench.plan.lease_modes import CHANGES, CLOSES, LOOK, LOOKS, OPENS, alone, mode_of, tied
from smbench.plan.names import conflict
from smbench.smb2.leases import ALL, READ, WRITE
from smbench.workload.lanes import FOREVER_NS
from smbench.workload.model import Break

_UNTIL_TOLD_NS = 20_000_000
"""By when a client knows of a break that nobody waits for."""

_LANES = 32
"""The bits of a lane's number below those of a mode."""

_NONE: frozenset[int] = frozenset()

Effect = tuple[int, int, int]
"""When something took effect: its time; at one time first what a break tells (0), and the answer that a clash
of share modes waits for last (2); then the row."""


@dataclass(slots=True)
class _Held:
    """One open of a file."""

    user: int
    lease: int
    share: int
    """Its mode among share modes (`smbench.plan.names`)."""
    asked_ns: int
    since_ns: int
    """When it was known to be open."""
    effect_ns: int
    """When it was at the server."""
    seen: int = 0
    """How many of its breaks its user has looked after."""


@dataclass(slots=True)
class _Coming:
    """An access, until it is answered."""

    access: Access
    user: int
    mode: int
    effect: Effect
    handle: int = -1
    """Of an open."""
    broke: frozenset[int] = _NONE
    """The opens whose breaks it waited for."""
    late: dict[int, int] = field(default_factory=dict)
    """As `Edges.add_late` has them."""

    def keeps_order_with(self, other: _Coming) -> bool:
        """Whether two that overlapped are of a kind that is told which of them was first."""
        if self.mode & 3 != OPENS or other.mode & 3 != OPENS:
            return True
        if self.handle in other.broke or other.handle in self.broke:
            return True
        first, second = (self, other) if self.effect < other.effect else (other, self)
        return alone(first.mode, second.mode)


class _File:
    """What is remembered of a file; there are many, most of them of one user and closed."""

    __slots__ = ("last", "opens", "under_way")

    def __init__(self) -> None:
        self.opens: dict[int, _Held] | None = None
        self.last: dict[int, Access] = {}
        """By mode and lane, the latest."""
        self.under_way: list[_Coming] | None = None

    def held(self) -> Iterable[tuple[int, _Held]]:
        return self.opens.items() if self.opens else ()

    def users(self) -> set[int]:
        return {held.user for held in self.opens.values()} if self.opens else set()


class Leases:
    """Told of the accesses to files in order of arrival, it adds what they wait for. `lane_user`: whose each
    lane is; `breaks`: the capture's; `kept` takes what a close waits for that answers a break, where the
    executor leaves the answer to it. Memory: a few accesses a file and lane, and the breaks."""

    def __init__(
        self, edges: Edges, lane_user: Sequence[int], breaks: Told, kept: BriefEdges | None = None
    ) -> None:
        self._edges = edges
        self._breaks = breaks
        self._kept = kept
        self._user = lane_user
        self._files: dict[str, _File] = {}
        self._of: dict[int, _File] = {}

    def freeze(self, row: int) -> None:
        """This row has an edge that does not run from answered to asked: whatever came before it waits for
        nothing that comes later."""
        self._edges.floor = row

    def opened(
        self, path: str, handle: int, breaks: int, share: int, lease: tuple[int, int | None],
        access: Access, arrival_ns: int, into: list[Requirement],
    ) -> None:  # fmt: skip
        """An open, which takes back `breaks` of others; `lease`: what it asked for, and what it got."""
        asked, granted = lease
        has = asked if granted is None else granted
        file = self._file(path)
        user = self._user[access.lane]
        mode = mode_of(OPENS, breaks=breaks, lease=has, wants_write=bool(asked & WRITE and has))
        effect, broke = self._effect(file, path, share, breaks, access, arrival_ns)
        self._come(file, _Coming(access, user, mode, effect, handle, broke), arrival_ns, into)
        if file.opens is None:
            file.opens = {}
        file.opens[handle] = _Held(user, has, share, arrival_ns, access.end_ns, effect[0])
        self._of[handle] = file

    def removed(self, path: str, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """The name was removed or changed."""
        file = self._files.get(path.lower())
        if file is not None:
            effect, broke = self._effect(file, path, 0, ALL, access, arrival_ns)
            removal = _Coming(access, self._user[access.lane], mode_of(OPENS, breaks=ALL), effect, -1, broke)
            self._come(file, removal, arrival_ns, into)

    def renamed(self, path: str, target: str) -> None:
        file = self._files.pop(path.lower(), None)
        if file is not None:
            self._files[target.lower()] = file

    def changed(self, handle: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """Data or the size were changed by way of a handle."""
        if (file := self._of.get(handle)) is not None:
            mode = mode_of(CHANGES, lease=self._held(file, handle).lease)
            effect = self._effect_of_change(file, access, arrival_ns)
            self._come(file, _Coming(access, self._user[access.lane], mode, effect), arrival_ns, into)

    def locked(self, handle: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """A range was locked, which breaks as a change does: when it was granted (`smbench.plan.locks`)."""
        if (file := self._of.get(handle)) is not None:
            mode = mode_of(CHANGES, lease=self._held(file, handle).lease)
            end_ns = access.end_ns if access.end_ns < FOREVER_NS else arrival_ns
            granted = _Coming(access, self._user[access.lane], mode, (end_ns, 1, access.row))
            self._come(file, granted, arrival_ns, into)

    def unlocked(self, handle: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """A range was given back: as with a close, who opens afterwards may get more."""
        if (file := self._of.get(handle)) is not None:
            mine = _Coming(access, self._user[access.lane], mode_of(CLOSES), (arrival_ns, 1, access.row))
            self._come(file, mine, arrival_ns, into)

    def closed(self, handle: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        file = self._of.pop(handle, None)
        if file is None:
            return
        held = self._held(file, handle)
        self._is_told(handle, held, access, arrival_ns)
        last_ns, end_ns = arrival_ns, access.end_ns
        for broken in self._told(file, arrival_ns, end_ns, of=held.user) if end_ns < FOREVER_NS else ():
            last_ns = max(last_ns, broken.notified_ns)
        mode = left = mode_of(CLOSES, lease=held.lease)
        if self._breaks and self._state(file, held.user, arrival_ns) & READ and last_ns == arrival_ns:
            # What was changed meanwhile did not break it; or the break was still on its way.
            left = mode_of(CLOSES, lease=held.lease & ~READ)
        answers = self._kept if self._answers(handle, access, arrival_ns) else None
        close = _Coming(access, held.user, mode, (last_ns, 1, access.row))
        self._come(file, close, arrival_ns, into, left, answers)
        assert file.opens is not None
        del file.opens[handle]
        if not file.opens:
            file.opens = None

    def _answers(self, handle: int, access: Access, arrival_ns: int) -> bool:
        """Whether a close is the answer to a break that is kept for it; then it comes after that."""
        if self._kept is None or (found := self._breaks.answered_by_close(handle, arrival_ns)) is None:
            return False
        self._edges.lag(access, min(arrival_ns - found[1].notified_ns, _UNTIL_TOLD_NS))
        return True

    def opened_and_closed(self, path: str, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """A look by name: it breaks nothing, but who opens meanwhile is not alone and gets no write lease."""
        self.looked(path, access, arrival_ns, into)
        if (file := self._files.get(path.lower())) is not None:
            look = _Coming(access, self._user[access.lane], LOOK, (arrival_ns, 1, access.row))
            self._come(file, look, arrival_ns, into)

    def looked(self, path: str, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """A read, or a look at attributes: the first one after a break comes after what broke."""
        if not self._breaks or (file := self._files.get(path.lower())) is None:
            return
        user = self._user[access.lane]
        for handle, held in file.held():
            if held.user == user and self._is_told(handle, held, access, arrival_ns):
                self._after(file, user, mode_of(LOOKS, lease=held.lease), access, arrival_ns, into)

    def _is_told(self, handle: int, held: _Held, access: Access, arrival_ns: int) -> bool:
        """Whether an access is the first one that its user makes after a break of the handle.

        Whoever took the right to read from a cache was answered without waiting for the holder, whom the
        server tells by the way: the replay's is to know by then, but is held no longer than the capture's."""
        breaks = self._breaks.of(handle)
        if not breaks or (told := bisect_right(breaks, arrival_ns, key=NOTIFIED)) == held.seen:
            return False
        held.seen, last = told, breaks[told - 1]
        if not last.state & READ:
            self._edges.lag(access, min(arrival_ns - last.notified_ns, _UNTIL_TOLD_NS))
        return True

    @staticmethod
    def _held(file: _File, handle: int) -> _Held:
        assert file.opens is not None
        return file.opens[handle]

    def _file(self, path: str) -> _File:
        path = path.lower()
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = _File()
        return file

    def _told(self, file: _File, after_ns: int, until_ns: int, *, of: int) -> list[Break]:
        """The breaks of one user's leases on a file, after one time and until another."""
        found: list[Break] = []
        if self._breaks:
            for handle, held in file.held():
                if held.user == of:
                    found += self._breaks.between(handle, after_ns, until_ns)
        return found

    def _effect(
        self, file: _File, path: str, share: int, breaks: int, access: Access, arrival_ns: int
    ) -> tuple[Effect, frozenset[int]]:
        """When an open that takes back `breaks` of others took effect, and of which opens it did."""
        at, end_ns, user = arrival_ns, access.end_ns, self._user[access.lane]
        if not breaks or end_ns >= FOREVER_NS:
            return (at, 1, access.row), _NONE
        unexplained, broken = False, set()
        for other in {held.user for _, held in file.held() if held.effect_ns < end_ns} - {user}:
            told = self._told(file, arrival_ns - 1, end_ns, of=other)
            for one in told:
                at = max(at, one.answered_ns if one.answered_ns <= end_ns else one.notified_ns)
            if not told and breaks & WRITE and self._state(file, other, arrival_ns) & WRITE:
                unexplained = True
        for one in self._breaks.of_others(path, user, arrival_ns - 1, end_ns):
            if breaks & ~one.state and arrival_ns <= one.answered_ns <= end_ns:
                # Also of who came later, and was there first: nothing else lets an open wait.
                broken.add(one.handle)
                at = max(at, one.answered_ns)
        if at == arrival_ns and unexplained:
            at = end_ns
        if at == arrival_ns:
            return (at, 1, access.row), _NONE
        clashes = any(conflict(share, held.share) for _, held in file.held())
        return (at, 2 if clashes and at < end_ns else 0, access.row), frozenset(broken)

    def _effect_of_change(self, file: _File, access: Access, arrival_ns: int) -> Effect:
        """A change that broke nothing of who could read from the cache, and never was to be told, came after
        that one had closed the file."""
        user, end_ns = self._user[access.lane], access.end_ns
        if self._breaks and end_ns < FOREVER_NS:
            there = {held.user for _, held in file.held() if held.since_ns <= arrival_ns}
            for other in there - {user}:
                unbroken = self._state(file, other, arrival_ns) & READ
                if unbroken and not self._told(file, arrival_ns - 1, FOREVER_NS, of=other):
                    return end_ns, 0, access.row
        return arrival_ns, 1, access.row

    def _state(self, file: _File, user: int, now_ns: int) -> int:
        """What a user may cache of a file."""
        granted_ns, state = max((held.asked_ns, held.lease) for _, held in file.held() if held.user == user)
        told = self._told(file, granted_ns, now_ns - 1, of=user)
        return max(told, key=NOTIFIED).state if told else state

    def _come(
        self, file: _File, mine: _Coming, arrival_ns: int, into: list[Requirement],
        left: int | None = None, answers: BriefEdges | None = None,
    ) -> None:  # fmt: skip
        """Let an access wait for what came before it, towards which it has the mode `left`, and those under
        way that took effect after it wait for it. What it `answers` waits for it at the server."""
        access, mode = mine.access, mine.mode
        left = mode if left is None else left
        self._after(file, mine.user, left, access, arrival_ns, into)
        if file.under_way:
            file.under_way = [one for one in file.under_way if one.access.end_ns > arrival_ns]
        for one in file.under_way or ():
            comes_first = one.effect < mine.effect
            if one.user == mine.user or not tied(left if comes_first else mode, one.mode):
                continue
            if not mine.keeps_order_with(one):
                continue
            if comes_first and answers is not None and one.effect[0] == arrival_ns:
                answers.add(access, one.access, answered=False)
            elif comes_first:
                require_always(one.access, access.lane, into)
            elif access.end_ns < FOREVER_NS:
                self._edges.add_late(one.access, one.late, access)
        mine.access = access = access.own()
        if access.end_ns < FOREVER_NS:
            file.under_way = [mine] if not file.under_way else [*file.under_way, mine]
        key = mode << _LANES | access.lane
        if (previous := file.last.get(key)) is not None:
            access.succeed(previous)
        file.last[key] = access

    def _after(
        self, file: _File, user: int, mode: int, access: Access, arrival_ns: int, into: list[Requirement]
    ) -> None:
        """Whatever was answered before it and is tied to it."""
        lane = access.lane
        for key, earlier in file.last.items():
            if earlier.lane != lane and tied(mode, key >> _LANES) and self._user[earlier.lane] != user:
                require(earlier, lane, arrival_ns, into)
