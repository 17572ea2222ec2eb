"""Who watches for changes from outside: takes every exchange on a file, keeps the present, and lets
`outside.py` judge what each answer tells of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from smbench.lift.evidence import ABSENT, action_of
from smbench.lift.listing import learn_listing
from smbench.lift.names import Names
from smbench.lift.outside import Change, Look, OutsideChanges
from smbench.lift.present import Name, Present
from smbench.lift.rule import Opened, refused
from smbench.lift.rules.data import extent
from smbench.lift.rules.set_info import set_of
from smbench.lift.sight import Sight
from smbench.lift.sizes import (
    Holding,
    Told,
    change_size,
    changed_by,
    keeps_size,
    locks_something,
    tells_no_size,
    told_by,
)
from smbench.paths.stream_names import is_stream
from smbench.smb2.constants import (
    ATTRIBUTE_DIRECTORY,
    ATTRIBUTE_REPARSE_POINT,
    CREATED,
    DIRECTORY_FILE,
    DISPOSITIONS,
    INFO_FILE,
    LINKS,
    LOOK_ONLY,
    OPENED,
    RENAMES,
    SHARE_ALL,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import (
    CreateResponse,
    LockRequest,
)
from smbench.trace.model import Command, Exchange

_PRESENT = frozenset((Status.OBJECT_NAME_COLLISION, Status.SHARING_VIOLATION))
"""Refusals of an open that say that there is a file of its name, whoever asks."""


class OutsideWatch:
    """Told of every exchange when it was sent (`asked`) and when it was answered (`learn`), in that order;
    `found` gets each change. Memory follows the number of distinct names and of open handles."""

    def __init__(self, names: Names, found: Callable[[Change], None]) -> None:
        self._names = names
        self._present = Present()
        self._changes = OutsideChanges(found)
        self._opens: dict[int, Holding] = {}
        self._opening: Counter[str] = Counter()
        """By path: opens that are not answered yet."""
        self._readers: dict[int, Callable[[Sight, Holding], None]] = {
            Command.CLOSE: self._closed,
            Command.READ: self._asked_size,
            Command.QUERY_INFO: self._asked_size,
            Command.WRITE: self._written,
            Command.LOCK: self._lock,
            Command.QUERY_DIRECTORY: self._listed,
            Command.SET_INFO: self._set,
            Command.IOCTL: change_size,
        }

    def tells_nothing(self, exchange: Exchange, opened: Opened) -> bool:
        """Whether an exchange is a READ or WRITE that neither tells of a size nor changes one."""
        its = self._opens.get(opened.handle)
        if its is not None and (its.name.locker or exchange.status == Status.FILE_LOCK_CONFLICT):
            return False
        if its is None or exchange.command == Command.READ:
            return its is not None and tells_no_size(exchange, its)
        return keeps_size(exchange, its) and not self._changes.is_under_way(its.name)

    def not_replayed(self, opened: Opened) -> None:
        """What is done on an open that is not replayed is nobody's to judge by."""
        if (name := self._present.find(opened.path)) is not None and name.parent is not None:
            name.odd = True
            name.exists = name.file.size = None

    def asked(self, sight: Sight) -> None:
        """It was sent."""
        if sight.exchange.command == Command.CREATE:
            self._opening[sight.path] += 1
        sight.changes = changed_by(sight, self._opens.get(sight.opened.handle))
        self._changes.begins(sight.changes)

    def learn(self, sight: Sight) -> None:
        """It was answered, or never will be."""
        exchange, opened = sight.exchange, sight.opened
        self._changes.ends(sight.changes)
        if exchange.command == Command.CREATE:
            self._opening[sight.path] -= 1
            if not self._opening[sight.path]:
                del self._opening[sight.path]
        if exchange.retransmission or exchange.replayed:
            return
        if exchange.command == Command.CREATE:
            self._opened(sight)
            return
        its = self._opens.get(opened.handle)
        if its is None and not opened.failed and not is_stream(sight.path):
            its = self._adopted(sight)
        reader = self._readers.get(exchange.command)
        if its is not None and reader is not None:
            reader(sight, its)

    def left(self, opened: Opened, time_ns: int) -> None:
        """The server closed the open, some time before or after."""
        its = self._opens.pop(opened.handle, None)
        if its is None:
            return
        its.file.opens -= 1
        its.file.closed_ns = max(its.file.closed_ns, time_ns)
        if (its.deletes or its.name.doomed) and its.name.file is its.file:
            its.name.doubt(time_ns)

    # CREATE

    def _opened(self, sight: Sight) -> None:
        exchange, opened = sight.exchange, sight.opened
        name = self._present.find(sight.path)
        if name is None or opened.handle in self._opens:  # a reconnect goes on with what it had
            return
        stream = is_stream(sight.path)
        if opened.failed:
            self._failed(sight, name, stream)
            return
        response = exchange.response if isinstance(exchange.response, CreateResponse) else CreateResponse()
        attributes = response.attributes
        directory = None if attributes is None or stream else bool(attributes & ATTRIBUTE_DIRECTORY)
        name.odd |= bool((attributes or 0) & ATTRIBUTE_REPARSE_POINT)
        look = Look(exchange, exchange.time_ns, sight.answered_ns, directory, response.size)
        if stream:
            # The file itself may have come with its stream.
            if action_of(exchange, response) == OPENED or name.exists:
                self._changes.there(name, Look(exchange, look.asked_ns, look.at_ns))
            else:
                self._settle(name, True, look)
            name.file.streamed = True
            return
        if (opened.request.access or 0) & ~LOOK_ONLY:
            self._changes.released(name, look)
        self._made_or_found(name, action_of(exchange, response), look)
        for meant in self._present.moved_since(name, exchange.time_ns):
            meant.odd = name.mixed = True  # the open may be of it, and do to it whatever it does
        its = Holding.of(name, opened.request)
        name.file.opens += 1
        self._opens[opened.handle] = its
        if response.size is not None:
            self._sized(its, sight, Told(response.size))

    def _made_or_found(self, name: Name, action: int | None, look: Look) -> None:
        if action == CREATED:
            # Whoever opened it meanwhile, or made something in it, was answered first.
            if name.file.opens or any(name.beneath()):
                name.doubt(look.at_ns)
                return
            self._changes.absent(name, look)
            if self._settle(name, True, look):
                name.fresh = bool(look.directory)
                name.file.size = look.size or 0
        elif action is None:
            name.doubt(look.at_ns)
        else:
            self._changes.there(name, look)
            if action != OPENED:
                name.file.cut(look.size or 0, look.asked_ns, look.at_ns)

    @staticmethod
    def _settle(name: Name, exists: bool, look: Look) -> bool:
        """The capture made or removed a name, unless something else that it did at the same time came later;
        returns whether that is known."""
        if look.asked_ns < name.since_ns():
            name.doubt(look.at_ns)
            return False
        name.settle(exists, look.at_ns, look.directory)
        return True

    def _failed(self, sight: Sight, name: Name, stream: bool) -> None:
        exchange = sight.exchange
        look = Look(exchange, exchange.time_ns, sight.answered_ns)
        status = exchange.status
        if status is None:
            if sight.changes:
                name.doubt(look.at_ns)
        elif status == Status.OBJECT_PATH_NOT_FOUND:
            if name.parent is not None and name.parent.parent is not None:
                self._changes.no_directory(name.parent, look)
        elif stream:
            return
        elif status in ABSENT:
            self._changes.absent(name, look)
        elif status == Status.FILE_IS_A_DIRECTORY:
            self._changes.there(name, replace(look, directory=True))
        elif status == Status.NOT_A_DIRECTORY and (sight.opened.request.options or 0) & DIRECTORY_FILE:
            self._changes.there(name, replace(look, directory=False))
        elif status in _PRESENT:
            self._changes.there(name, look)
            others = self._opening[sight.path]
            if status == Status.SHARING_VIOLATION and not others:
                share_access = sight.opened.request.share_access
                self._changes.held(name, look, SHARE_ALL if share_access is None else share_access)

    def _adopted(self, sight: Sight) -> Holding | None:
        """An open from before the capture: nobody knows what it is to do. One of the capture whose close was
        answered earlier than this: nor what came first."""
        opened = sight.opened
        if opened.create is not None:
            for path in sight.changes:
                if (meant := self._present.find(path)) is not None and meant.parent is not None:
                    meant.doubt(sight.answered_ns)
            return None
        name = self._present.find(sight.path)
        if name is None:
            return None
        name.file.opens += 1
        name.file.locked = True
        its = self._opens[opened.handle] = Holding(name, name.file)
        return its

    # On an open

    def _closed(self, sight: Sight, its: Holding) -> None:
        exchange, name, file = sight.exchange, its.name, its.file
        if exchange.status is not None and refused(exchange.status):
            return
        at_ns = sight.answered_ns
        del self._opens[sight.opened.handle]
        file.opens -= 1
        file.closed_ns = max(file.closed_ns, at_ns)
        if name.file is not file:
            return
        name.doomed |= its.deletes
        # What is not answered yet may have been done before, and have doomed or spared it.
        under_way = self._changes.is_under_way(name)
        if not (name.doomed or under_way) or file.opens > 0:
            return
        # A directory that is not empty stays, and nobody is told: by the option, or as something came in.
        stays = name.directory is not False and (not name.dismissed or any(name.beneath()))
        if exchange.status is None or name.mixed or stays or under_way:
            name.doubt(at_ns)
            name.doomed = name.dismissed = False
        else:
            self._settle(name, False, Look(exchange, exchange.time_ns, at_ns))

    def _written(self, sight: Sight, its: Holding) -> None:
        self._moved(sight, its)
        change_size(sight, its)

    def _moved(self, sight: Sight, its: Holding) -> None:
        """What a READ or WRITE tells of locks."""
        exchange = sight.exchange
        look = Look(exchange, exchange.time_ns, sight.answered_ns)
        if exchange.status == Status.FILE_LOCK_CONFLICT:
            self._changes.locked(its.name, its.file, look, extent(exchange))
        elif its.name.locker and not refused(exchange.status):
            self._changes.unlocked(its.name, look)

    def _lock(self, sight: Sight, its: Holding) -> None:
        exchange = sight.exchange
        if not locks_something(exchange):
            return
        request = exchange.request
        look = Look(exchange, exchange.time_ns, sight.answered_ns)
        if exchange.status == Status.LOCK_NOT_GRANTED and isinstance(request, LockRequest):
            if len(request.locks) == 1:
                (element,) = request.locks
                self._changes.locked(its.name, its.file, look, (element.offset, element.length))
        elif exchange.status is None or not refused(exchange.status):
            self._changes.unlocked(its.name, look)
            its.file.locked = True

    def _asked_size(self, sight: Sight, its: Holding) -> None:
        if sight.exchange.command == Command.READ:
            self._moved(sight, its)
        if (told := told_by(sight.exchange)) is not None:
            self._sized(its, sight, told)

    def _sized(self, its: Holding, sight: Sight, told: Told) -> None:
        if its.reads:
            look = Look(sight.exchange, sight.exchange.time_ns, sight.answered_ns)
            self._changes.sized(its.name, its.file, look, told)

    def _listed(self, sight: Sight, its: Holding) -> None:
        where = f"{sight.path}/" if sight.path else ""
        learn_listing(
            sight, its, self._changes,
            lambda name: self._present.child(its.name, self._names.spell_in(where, name)),
        )  # fmt: skip

    def _set(self, sight: Sight, its: Holding) -> None:
        exchange, name, file = sight.exchange, its.name, its.file
        request = set_of(exchange)
        level = request.level
        if request.info_type not in (INFO_FILE, None):
            return
        if level in RENAMES or level in LINKS:
            self._placed(sight, its)
        elif exchange.status is not None and refused(exchange.status):
            return
        elif level in DISPOSITIONS:
            if name.file is file:
                # Of two that were under way at once nobody knows which came last.
                crossed = exchange.time_ns < name.disposed_ns
                name.disposed_ns = max(name.disposed_ns, sight.answered_ns)
                name.mixed |= crossed
                name.doomed = bool(request.delete) or exchange.status is None or crossed
                name.dismissed = bool(request.delete) and exchange.status is not None
        else:
            change_size(sight, its)

    def _placed(self, sight: Sight, its: Holding) -> None:
        """A rename or a hard link."""
        exchange, name = sight.exchange, its.name
        target = self._present.find(sight.target)
        request, at_ns = set_of(exchange), sight.answered_ns
        if target is name and not refused(exchange.status):
            name.changed_ns = max(name.changed_ns, at_ns)  # what was under way meanwhile may have come first
        if target is None or target is name or is_stream(sight.target):
            return
        look = Look(exchange, exchange.time_ns, at_ns)
        if exchange.status == Status.OBJECT_NAME_COLLISION:
            self._changes.there(target, look)
        if exchange.status is not None and refused(exchange.status):
            return
        meanwhile = look.asked_ns < max(name.since_ns(), target.since_ns())
        if exchange.status is None or name.file is not its.file or name.mixed or meanwhile:
            for one in (name, target):
                one.doubt_all(at_ns)
            return
        if not request.replace:
            self._changes.absent(target, look)
        if request.level in RENAMES:
            self._present.move(name, target, at_ns)
        else:
            target.settle(True, at_ns, name.directory)
            target.file = its.file
            its.file.linked = True
