"""The one interface between the harness and whatever carries out the calls.

An executor serves one user: the harness makes it in the worker's process, looks its handlers up once
for each kind of call before the clock starts, and then does nothing per operation but
`outcome = handler(call)` between two clock reads. Handlers may be called from several threads (the
user's lanes) at once; the harness keeps the order that the plan asks for.

An outcome is one integer, so that it costs nothing to keep:

- `>= 0`: success, and the number of bytes that a Read, Write or CopyRange moved; of a List the entries,
  without `.` and `..`; 0 where nothing is counted;
- `-1 … -4095`: a failure that the operating system reports by errno (`-errno`);
- below: a failure reported by NTSTATUS, as the signed 32-bit number that it is (all error severities
  have the top bit set).

`smbench.smb2.ntstatus` compares them with what the capture expected.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from smbench.secret import Secret
from smbench.workload.calls import Call, Notify
from smbench.workload.model import NamespaceEntry

NOT_YET = "not yet: "
NEVER = "never: "
"""How the reason for a call that is not carried out begins: what a later version may do, or what the
backend's interface cannot express at all."""

Handler = Callable[[Any], int]
"""Carries out one call and says its outcome; never raises for what the file system refuses, only
UserLostError."""


@dataclass(frozen=True, slots=True)
class Armed:
    """Who wants to know that a Notify is armed."""

    tell: Callable[[], None]
    """To be called in the Notify's own thread as soon as no change escapes it any more."""
    wanted: Callable[[], bool]
    """Whether anybody waits for it just now, so that it is worth finding out."""
    followed: Callable[[], bool]
    """Whether anybody waits for the answer: what is to be kept for the next notification comes then."""


NOBODY = Armed(lambda: None, lambda: False, lambda: False)

Notifier = Callable[[Armed], Handler]
"""Makes a handler of Notify that says when it is armed."""


@dataclass(frozen=True, slots=True)
class KeptBreak:
    """The break of an open that its close answered."""

    before: int
    """How many breaks of the open came before it."""
    within_ns: int
    """By when the close is to be expected."""


def ea_value(length: int) -> bytes:
    """The value that an extended attribute is given: incompressible, the same for all of a length."""
    return Random(length).randbytes(length)


class UserLostError(Exception):
    """A handler can carry out nothing more for its user, and why: the one exception that it may raise.

    The call ends as CONNECTION_DISCONNECTED, the lane ends with it, and the result says that the user was
    lost.
    """


@dataclass(frozen=True, slots=True)
class ShareAccess:
    """How to reach a share without a mount: for executors that are SMB clients themselves."""

    server: str
    share: str
    port: int = 445
    folder: str = ""
    """In the share, `/` between components; every path resolves beneath it."""
    account: str = ""
    domain: str | None = None
    password: Secret | None = None
    """None with Kerberos."""
    kerberos: bool = False
    dialect: int | None = None
    """To ask for, 0x0202 … 0x0311; None, or where the server does not speak it: the newest that both sides
    know."""
    encrypt: bool = False
    """Whether the client insists; a server that asks for encryption gets it anyway."""
    client_guid: str | None = None
    """32 hexadecimal digits; None: a new one."""


class TimesSet(StrEnum):
    """How a client sets times of a file that it has open."""

    ON_THE_OPEN = "on the open"
    BY_THE_NAME = "by an open of their own"
    NOT_AT_ALL = "not at all"


@dataclass(frozen=True, slots=True)
class Habits:
    """Where the clients of several kernels do differently, and an executor chooses its calls by it."""

    hides_what_is_open: bool = False
    """What a descriptor still names it renames, where it is to be removed (Linux 7.2)."""
    grows_in_one: bool = True
    """To fallocate(2) beyond the end of an open file is one SET_INFO(EndOfFile)."""
    opened_apart_by: tuple[str, ...] = ("O_NOCTTY", "O_ASYNC", "O_NONBLOCK", "O_EXCL", "O_NOATIME")
    """Flags of open(2) with which an open is not given the SMB handle of another one of its file. O_NOATIME
    comes last: who does not own the file may not have it."""
    after_truncating: TimesSet | None = None
    """How it sets times behind ftruncate(2); None, here and below: not known."""
    after_emptying: TimesSet | None = None
    """How it sets them behind an open with O_TRUNC."""
    of_open: TimesSet | None = None
    """How futimens(2) sets them on what is open for writing."""


OLD_HABITS = Habits()
"""Of Linux 6.1."""


@dataclass(frozen=True, slots=True)
class ExecutorContext:
    """What an executor is given: where its user's files are, and how faithful to be."""

    root: Path
    """The user's mount (or directory); every path resolves beneath it."""
    user: int
    profile: str = "wire"
    """`wire`: ask for nothing that the workload did not; `application`: as an application would."""
    max_io_bytes: int = 8 << 20
    """The largest read or write of the workload: buffers are made before the clock starts."""
    seed: int = 0
    """Of the data that writes carry; seeded and incompressible."""
    streams: Path | None = None
    """The same by a second mount, beneath which alternate data streams resolve; None: beneath `root`."""
    share: ShareAccess | None = None
    """Set for executors that have `needs_share`; `root` then means nothing."""
    habits: Habits = OLD_HABITS
    keeps_directories: bool = False
    """The mount's client keeps directories that are listed, and answers from memory the next time."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What an executor reports of a run beside its outcomes."""

    counters: Mapping[str, int] = field(default_factory=dict)
    """The client's own, as run.json's `client` has them of the operating system's client."""
    warnings: Sequence[str] = ()
    """Sentences for run.json's `warnings`."""


class Executor(ABC):
    """One backend. Subclasses name themselves, say what they cannot do, and map calls to handlers."""

    name: ClassVar[str]
    compares: ClassVar[bool] = True
    """False where outcomes mean nothing (null): they are then neither matched nor mismatched."""
    touches_files: ClassVar[bool] = True
    """False: it touches no file of the target, so that nothing has to be prepared there."""
    own_files: ClassVar[bool] = False
    """True: its files are its own, in memory: they are made of the workload's namespace (`make_files`), and
    gone with their process."""
    one_process: ClassVar[bool] = False
    """True: its users meet only within a process, so that all of a replay's are put into one."""
    keeps_names: ClassVar[bool] = True
    """False: names mean nothing to it, so that clones need no folders of their own."""
    needs_share: ClassVar[bool] = False
    """True: it is a client of its own and is given `context.share`, not a mount."""
    sends_client_calls: ClassVar[bool] = False
    """True: it is given what the captured clients did by themselves, too; others have a client beneath them
    that does so anyway, or none."""
    has_habits: ClassVar[bool] = False
    """True: its calls are chosen by the habits of the system's client (`ExecutorContext.habits`)."""
    warms: ClassVar[bool] = False
    """True: in the wire profile it wants to see its user's paths before the clock starts (`warm`)."""
    waits: ClassVar[bool] = False
    """True: calls of it may wait for what others do (`waiting`), and it can end them (`interrupt`)."""
    keeps_breaks: ClassVar[bool] = False
    """True: a break that its open's close answered in the capture is left to that (`expect_breaks`)."""
    keeps_share_access: ClassVar[bool] = True
    """False: it can ask for no share access, so that what a capture saw refused for one (SHARING_VIOLATION)
    succeeds; what would destroy something then is not carried out (`runner.declined`)."""
    unsupported: ClassVar[Mapping[type[Call], str]] = {}
    """Calls that this backend does not carry out, each with the reason, which begins with NOT_YET or
    NEVER; the harness skips them."""

    @abstractmethod
    def __init__(self, context: ExecutorContext) -> None: ...

    @abstractmethod
    def handlers(self) -> Mapping[type[Call], Handler]:
        """A handler for every kind of call that is not in `unsupported`.

        It looks up and does nothing: the table is also read where the executor cannot run."""

    @classmethod
    def loss(cls, call: Call, habits: Habits = OLD_HABITS) -> str | None:
        """What of this call's parameters the backend cannot keep (a share mode, an access mask), or None;
        `habits`: of the client beneath it.

        Pure, and asked outside the clock.
        """
        del call, habits
        return None

    @classmethod
    def own_doing(cls, expected: int, outcome: int) -> str | None:
        """Why an outcome that is not the capture's (`expected`, an NTSTATUS) is this backend's doing and says
        nothing of the target, or None. Pure, and asked outside the clock."""
        del expected, outcome
        return None

    @classmethod
    def preload(cls, max_io_bytes: int, seed: int) -> None:
        """Make what the executors of all users can share (the data that writes carry), once, in the
        process that the workers are forked from; the arguments are those of the context."""
        del max_io_bytes, seed

    @classmethod
    def check_target(cls, target: Path) -> Sequence[str]:
        """What the user has to know of this backend on a directory, before it is used. Raises UsageError
        where what it is to find there cannot be used."""
        del target
        return ()

    @classmethod
    def make_files(cls, root: Path, namespace: Sequence[NamespaceEntry]) -> None:
        """Make the files that a workload presumes, for the users whose root that is; what was there is gone.
        Called where there are `own_files`, once a process for each root, before its first executor is made.
        """
        del root, namespace

    def warm(self, paths: Sequence[str]) -> None:
        """Let the client learn names and attributes of what is there already, so that it asks for none of
        them by itself during the run. Called once, before the clock starts; raises nothing."""
        del paths

    def expect_notifications(self, counts: Mapping[int, int], most: int) -> None:
        """Told once, before the clock starts, how many notifications each handle will have, and how many
        may wait at once; raises nothing."""
        del counts, most

    def expect_breaks(self, kept: Mapping[int, KeptBreak]) -> None:
        """Told once, before the clock starts, of the handles with a break to be left unanswered until they
        are closed; raises nothing."""
        del kept

    def await_break(self, call: Call) -> None:
        """Return when the break has come that a call answers, or is not to be expected any more; at once
        where it answers none. Called before its clock starts."""
        del call

    def notifier(self, armed: Armed) -> Handler:
        """The handler of Notify, which tells `armed`: what changes the directory may come then. By default as
        soon as it is called."""
        handler = self.handlers()[Notify]

        def notify(call: Call) -> int:
            armed.tell()
            return handler(call)

        return notify

    def waiting(self) -> int:
        """How many calls wait just now for what others do: notifications, locks."""
        return 0

    def interrupt(self) -> None:
        """End the calls that wait: their outcome is CANCELLED. Asked when nobody is left to answer them."""
        return

    def stop(self) -> None:
        """The run is stopped: give up what waits for a server to come back. Called from a signal handler, so
        that it may do no more than leave a mark."""
        return

    @abstractmethod
    def close(self) -> None:
        """Release what is still open; called once, after the last operation."""

    def statistics(self) -> Mapping[str, Any]:
        """What this user's client counted, for `client_stats.json`: values that JSON has.

        Asked once, after `close`. Nothing where the client is the operating system's.
        """
        return {}

    @classmethod
    def report(cls, users: Mapping[str, Any]) -> Reported:
        """What a reader of the result should know of the `statistics` of all users, by their names. Pure."""
        del users
        return Reported()
