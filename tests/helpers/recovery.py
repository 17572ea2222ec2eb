"""What is left of a damaged capture: exchanges that a decoder finds, beside those that tshark shows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from smbench.smb2.constants import UNSOLICITED_MESSAGE_ID
from smbench.smb2.ntstatus import Status
from smbench.trace.model import Command, Exchange

_UNSOLICITED = str(UNSOLICITED_MESSAGE_ID)


class Recovered(NamedTuple):
    """Requests, and how many of them are answered; a CANCEL, which nothing answers, is none."""

    requests: int
    answered: int


def content(exchange: Exchange) -> tuple[object, ...]:
    """What an exchange asks for, wherever and whenever it stands."""
    return exchange.command, exchange.message_id, exchange.request


def recovered(exchanges: Iterable[Exchange]) -> Recovered:
    """Of a trace."""
    counted = [e for e in exchanges if not e.notification and e.command != Command.CANCEL]
    names = {(e.connection, e.command, e.message_id) for e in counted}
    answered = {(e.connection, e.command, e.message_id) for e in counted if e.response_ns is not None}
    return Recovered(len(names), len(answered))


def tshark_sees(capture: Path, *preferences: str) -> Recovered:
    """As tshark shows them without any setting but `preferences`, `name:value`."""
    argv = ["tshark", "-n", "-r", str(capture), "-Y", "smb2", "-T", "fields"]
    for preference in preferences:
        argv += ["-o", preference]
    for name in ("tcp.stream", "smb2.cmd", "smb2.flags.response", "smb2.msg_id", "smb2.nt_status"):
        argv += ["-e", name]
    requests, responses = set(), set()
    for line in subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines():
        stream, *values = line.split("\t")
        *columns, statuses = (value.split(",") for value in values)
        states = iter(statuses)
        for command, response, number in zip(*columns, strict=False):
            if response in ("1", "True"):
                if int(next(states, "0") or "0", 0) != Status.PENDING and number != _UNSOLICITED:
                    responses.add((stream, command, number))
            elif command and int(command) != Command.CANCEL:
                requests.add((stream, command, number))
    return Recovered(len(requests), len(requests & responses))
