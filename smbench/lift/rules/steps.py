"""Steps of one call on one handle, as the Linux kernel's client makes them one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smbench.lift.rule import refused
from smbench.lift.rules.control import function_of
from smbench.lift.rules.set_info import set_of
from smbench.smb2.constants import BASIC, END_OF_FILE, FSCTL_SET_SPARSE, INFO_FILE
from smbench.trace.messages import IoctlRequest
from smbench.trace.model import Command, Exchange

Shape = tuple[Callable[[Exchange], bool], ...]
"""Steps that follow one another."""


def starts(waiting: Sequence[Exchange], shapes: tuple[Shape, ...]) -> bool:
    """Whether exchanges are the first steps of one of the shapes."""
    return any(
        len(waiting) <= len(shape)
        and all(step(exchange) for step, exchange in zip(shape, waiting, strict=False))
        for shape in shapes
    )


def is_whole(waiting: Sequence[Exchange], shapes: tuple[Shape, ...]) -> bool:
    """Whether exchanges are all steps of one of the shapes."""
    return starts(waiting, tuple(shape for shape in shapes if len(shape) == len(waiting)))


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
