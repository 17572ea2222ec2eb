"""What a lift rule is: one pattern of exchanges, what becomes of it, and why.

Three spans of pattern, each a frozen value:

- `OpenRule`: all exchanges of one open, from its CREATE to its CLOSE, are one call;
- `RunRule`: consecutive exchanges of one open are one call;
- `ExchangeRule`: one exchange is one call, several, or none.

Predicates and makers are plain functions of exchanges and of the open that they belong to. They keep
nothing and change nothing; `smbench.lift.recogniser` runs them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from smbench.smb2.ntstatus import is_error
from smbench.trace.messages import CreateRequest
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import Call
from smbench.workload.model import Disposition

_ENDS = frozenset((Command.CREATE, Command.CLOSE))


@dataclass(slots=True, eq=False)
class Opened:
    """One open of the capture, as far as the lift has followed it."""

    handle: int
    path: str
    user: int
    tree: int
    session: int
    create: Exchange | None = None
    """None: the capture began, or the selection, after the CREATE."""
    directory: bool = False
    pipe: bool = False
    failed: bool = False
    """The CREATE was refused: what follows in its compound was never carried out."""
    first_query: int = -1
    """The number of the first QUERY_DIRECTORY on it, which began at the directory's beginning; -1: none yet,
    or the capture may lack earlier ones."""
    not_replayed: str = ""
    """Why the CREATE is not replayed, and so nothing else on this open."""
    announced: bool = False
    """An Open operation stands for it (or the call that took all of it)."""
    linux: bool = False
    """The Linux kernel's client opened it."""
    nth: int = -1
    """How many opens of its tree came before it, while all of them were of the share's root; else -1."""
    follows_mkdir: bool = False
    """The open before it in its session made the directory that it names."""
    retries_removal: bool = False
    """The open before it in its session was to remove the file that it names, and was refused."""
    renamed_before: str | None = None
    """Where an open that asked for the same was to rename it, just before in its session, and was refused."""
    removed_for_rename: bool = False
    """It has the name that a rename was denied, and may be removed by the client for that."""
    completes: Opened | None = None
    """The open that a call of its client works on, of which it sets the times, by the name."""
    copied: int = -1
    """The handle whose data a server-side copy that waits takes."""
    patterns: tuple[OpenRule, ...] = ()
    """What it may still turn out to be."""
    runs: tuple[RunRule, ...] = ()
    """What the exchanges that wait may still be, where they are not the whole open."""
    waiting: list[Exchange] = field(default_factory=list)
    """Exchanges that wait for a decision, all of them of `path`."""

    @property
    def body(self) -> list[Exchange]:
        """What waits, without CREATE and CLOSE."""
        return [exchange for exchange in self.waiting if exchange.command not in _ENDS]

    @property
    def request(self) -> CreateRequest:
        """What the CREATE asked for; empty where it was not captured."""
        request = None if self.create is None else self.create.request
        return request if isinstance(request, CreateRequest) else CreateRequest()


class Context(Protocol):
    """What a rule may ask about the rest of the trace."""

    def source_of(self, resume_key: str | None) -> int | None:
        """The handle whose resume key this is (FSCTL_SRV_REQUEST_RESUME_KEY)."""

    def reconnects(self, create: Exchange) -> bool:
        """Whether this CREATE takes up an open that the trace knows."""

    def share_type(self, tree: int) -> int:
        """1 disk, 2 pipe, 3 printer ([MS-SMB2] 2.2.10); 1 where it is unknown."""

    def place(self, tree: int, path: str) -> str:
        """A path within the tree's share as a path relative to the target."""

    def spell(self, path: str) -> str:
        """The one spelling of a path relative to the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A pattern's name, what becomes of its exchanges, and the evidence."""

    name: str
    """Stored in workloads: a rule that is renamed is unknown there."""
    disposition: Disposition
    reason: str = ""
    """What the replay does otherwise (approximate), what the client does (client), why not
    (unsupported); an exact rule needs none and counts under its name."""
    evidence: str
    """Where it is known from: a section of [MS-SMB2] or [MS-FSCC], or what was seen on the wire."""
    answerable: bool | None = None
    """Whether a comparison counts such exchanges as missing or extra. Of what a client does by itself every
    rule says it: what it adds to a call (a look-up, a resume key) counts, because a client that does not
    send it makes another wire; sessions, connections and mounting do not. Of other rules: yes, unless they
    say no."""
    no_counterpart: str | Callable[[Exchange], str] = ""
    """Why no call of POSIX sends such exchanges again, or what tells it of one of them; empty: nothing but
    their parameters does (`smbench.fidelity.counterpart`)."""

    def __post_init__(self) -> None:
        if self.answerable is not None:
            return
        if self.disposition is Disposition.CLIENT:
            raise TypeError(f"lift rule {self.name}: say whether a replay is `answerable` for what it takes")
        object.__setattr__(self, "answerable", True)

    def lacks_counterpart(self, exchange: Exchange) -> str:
        """Why no call of POSIX sends an exchange of this rule again; empty where the rule does not say."""
        said = self.no_counterpart
        return said if isinstance(said, str) else said(exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRule(Rule):
    begins: Callable[[Opened], bool]
    """Whether the CREATE can start this pattern."""
    body: Callable[[Exchange], bool] | None = None
    """Whether this exchange may stand between CREATE and CLOSE; None: nothing may."""
    longest: int = 0
    """How many exchanges may."""
    complete: Callable[[Opened], bool] | None = None
    """Whether the exchanges that wait, now that the open is over, are the whole pattern; None: always."""
    call: Callable[[Opened], Call] | None = None
    """None: no operation stands for it. Of what the client does: the call that another client can repeat."""
    undecided_for: int | None = None
    """Of a pattern that a Linux client may have made by itself: how many CREATEs of its session may come
    before the one that tells. None: it is its caller's."""
    undecided_if_done: bool = False
    """It may have been made by the client where the server did it; else where the server refused it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRule(Rule):
    command: Command
    """Of the first exchange."""
    begins: Callable[[Case], bool]
    continues: Callable[[Opened, Exchange], bool]
    """Whether this exchange may follow those that wait."""
    ends: Callable[[Opened], bool]
    """Whether nothing can follow those that wait."""
    complete: Callable[[Opened], bool]
    """Whether those that wait are the pattern; if not, they are left to the rules for single exchanges."""
    call: Callable[[Opened], Call]
    """The call that stands for all exchanges that wait."""
    flushes: bool = False
    """Its client flushes by itself, in between, another open of the file that may write."""
    complete_by_name: Callable[[Opened], bool] | None = None
    """Whether those that wait are the pattern, but for the times, which other clients set by the name."""
    call_by_name: Callable[[Opened, Opened], Call] | None = None
    """The call that stands for them and the open by which the times are set."""


@dataclass(slots=True, eq=False)
class Case:
    """One exchange before the rules, with what they may ask."""

    exchange: Exchange
    found: Opened | None
    """The open that the exchange works on or makes; None where it names none, or one that is gone."""
    context: Context

    @property
    def opened(self) -> Opened:
        """The open, for rules that stand where there must be one."""
        if self.found is None:
            raise LookupError(f"exchange {self.exchange.index} works on no open")
        return self.found


Applies = Callable[[Case], bool]
Calls = Callable[[Case], tuple[Call, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRule(Rule):
    commands: frozenset[int] = frozenset()
    """Empty: all commands."""
    applies: Applies | None = None
    """None: every exchange of the commands that came so far down the table."""
    calls: Calls | None = None
    """None: no operation stands for the exchange."""
    detail: Callable[[Case], str] | None = None
    """What stands after the reason (a class, a function code, a pipe's name)."""


def refused(status: int | None) -> bool:
    """Whether the server refused, or never answered; warnings such as BUFFER_OVERFLOW are answers."""
    return status is None or is_error(status)


@dataclass(slots=True, eq=False)
class Taken:
    """What a rule took: exchanges with one disposition, and the calls that stand for them. Calls of what the
    client does by itself are there for an executor that is a client itself."""

    rule: Rule
    reason: str
    exchanges: tuple[Exchange, ...]
    """Empty for a call that the rest of the capture implies."""
    calls: tuple[Call, ...]
    path: str
    at: Exchange
    """Where it belongs: its first exchange, or the one that implies it."""
    beside: int
    """-1: just before that exchange, 1: just after."""
    amounts: tuple[int | None, ...] = ()
    """Of each call, what it moved in the capture (`smbench.lift.amounts`); empty where none moves any."""
