"""Steps of one call on one handle, as the Linux kernel's client makes them one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smbench.lift.rule import Opened, refused
from smbench.lift.rules.control import function_of
from smbench.lift.rules.set_info import set_of
from smbench.smb2.constants import BASIC, END_OF_FILE, FSCTL_SET_SPARSE, INFO_FILE
from smbench.trace.messages import IoctlRequest
from smbench.trace.model import Command, Exchange

Shape = tuple[Callable[[Exchange], bool], ...]
"""Steps that follow one another."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one call, in any of some shapes; `first`: the exchange of a run that they begin with."""

    shapes: tuple[Shape, ...]
    first: int = 0

    def begin_with(self, exchange: Exchange) -> bool:
        """Whether it is the first step."""
        return self._start((exchange,))

    def continue_with(self, opened: Opened, exchange: Exchange) -> bool:
        """Whether it is the next step after those that wait."""
        return self._start((*opened.waiting[self.first :], exchange))

    def are_made(self, opened: Opened) -> bool:
        """Whether those that wait are all steps of a shape."""
        made = opened.waiting[self.first :]
        return any(len(shape) == len(made) for shape in self.shapes if _follows(shape, made))

    def _start(self, made: Sequence[Exchange]) -> bool:
        return any(_follows(shape, made) for shape in self.shapes)


def _follows(shape: Shape, made: Sequence[Exchange]) -> bool:
    """Whether exchanges are the first steps of a shape."""
    return len(made) <= len(shape) and all(
        step(exchange) for step, exchange in zip(shape, made, strict=False)
    )


def flushes(exchange: Exchange) -> bool:
    return exchange.command == Command.FLUSH and not refused(exchange.status)


def sets_size(exchange: Exchange) -> bool:
    request = set_of(exchange)
    return request.info_type == INFO_FILE and request.level == END_OF_FILE and request.size is not None


def empties(exchange: Exchange) -> bool:
    return sets_size(exchange) and set_of(exchange).size == 0


def sets_times(exchange: Exchange) -> bool:
    request = set_of(exchange)
    return request.info_type == INFO_FILE and request.level == BASIC and not request.attributes


def marks_sparse(exchange: Exchange) -> bool:
    """Whether it says that the file is sparse; what says that it is not, is another call's."""
    request = exchange.request
    return (
        isinstance(request, IoctlRequest)
        and function_of(exchange) == FSCTL_SET_SPARSE
        and request.sparse is not False
    )
