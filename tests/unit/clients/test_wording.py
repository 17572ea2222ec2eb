"""Exchanges in the words of a client profile."""

from __future__ import annotations

from collections.abc import Iterable

from smbench.clients.wording import worded
from smbench.smb2.constants import FSCTL_SET_SPARSE
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import (
    IoctlRequest,
    Message,
    QueryDirectoryRequest,
    QueryInfoRequest,
    SetInfoRequest,
)
from smbench.trace.model import Command, Exchange


def sent(
    *what: tuple[Command, Message | None, int | None], compound: int | None = None
) -> Iterable[Exchange]:
    return [
        Exchange(
            index=number, capture=0, frame=number, command=command, time_ns=number, connection=0,
            message_id=number, request=request, status=status, compound=compound,
        )
        for number, (command, request, status) in enumerate(what)
    ]  # fmt: skip


def test_classes_levels_and_functions_have_their_names() -> None:
    assert worded(
        sent(
            (Command.SET_INFO, SetInfoRequest(info_type=1, level=20), 0),
            (Command.QUERY_INFO, QueryInfoRequest(info_type=3, level=0), 0),
            (Command.QUERY_INFO, QueryInfoRequest(info_type=1, level=99), 0),
            (Command.QUERY_DIRECTORY, QueryDirectoryRequest(level=38), Status.NO_MORE_FILES),
            (Command.IOCTL, IoctlRequest(function=FSCTL_SET_SPARSE), None),
            (Command.IOCTL, IoctlRequest(function=0x1234), 0),
        )
    ) == [
        "SET_INFO EndOfFile",
        "QUERY_INFO Security",
        "QUERY_INFO 1:99",
        "QUERY_DIRECTORY IdFullDirectory = NO_MORE_FILES",
        "IOCTL SET_SPARSE",
        "IOCTL 0x00001234",
    ]


def test_a_compound_is_one_message() -> None:
    missing = Status.OBJECT_NAME_NOT_FOUND
    parts = (
        (Command.CREATE, None),
        (Command.SET_INFO, SetInfoRequest(info_type=1, level=4)),
        (Command.CLOSE, None),
    )

    def all_ended(status: int) -> list[str]:
        return worded(sent(*((command, request, status) for command, request in parts), compound=7))

    assert all_ended(0) == ["CREATE+SET_INFO Basic+CLOSE"]
    assert all_ended(missing) == ["(CREATE+SET_INFO Basic+CLOSE) = OBJECT_NAME_NOT_FOUND"]
    assert worded(sent((Command.CREATE, None, 0), (Command.CLOSE, None, missing), compound=7)) == [
        "CREATE+CLOSE = OBJECT_NAME_NOT_FOUND"
    ]


def test_what_the_server_said_unasked_is_the_servers() -> None:
    (told,) = sent((Command.OPLOCK_BREAK, None, None))
    told.notification = True
    assert worded([told]) == ["OPLOCK_BREAK by the server"]
