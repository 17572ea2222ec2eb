"""No test asks the network: whatever this process sends elsewhere than to itself is stopped, and told.

An audit hook, so that nothing has to be put in anything's place. It sees no other process, judges sockets of
the internet's families alone, and hears of a name that `connect` itself looks up only when that is done.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

NOWHERE = ("invalid", "test", "localhost")
"""Top-level domains that lead nowhere else (RFC 6761): what cannot be resolved is tried with them."""
INTERNET = (socket.AF_INET, socket.AF_INET6)

reached: list[str] = []
"""What was stopped since somebody looked: code may have caught the error."""


class OutsideError(OSError):
    """A test has reached for the network. An OSError, so that what was opened for it is closed."""


def watch() -> None:
    """From now on, in this process."""
    sys.addaudithook(_judge)


def address_of(host: str | bytes | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A host that is written in numbers."""
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host or "")
    except ValueError:
        return None


def is_here(host: str | bytes | None) -> bool:
    """Whether it is of this machine alone, or a name that leads there or nowhere."""
    if address := address_of(host):
        return address.is_loopback or address.is_unspecified
    name = host.decode() if isinstance(host, bytes) else host or "localhost"
    return name.rpartition(".")[2].lower() in NOWHERE


def leads_out(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether what Python is about to do (its table of audit events) reaches elsewhere, or asks there."""
    match event:
        case "socket.connect" | "socket.sendto" | "socket.sendmsg":
            one, address = arguments
            return one.family in INTERNET and address is not None and not is_here(address[0])
        case "socket.getaddrinfo" | "socket.gethostbyname":
            return not is_here(arguments[0]) and not address_of(arguments[0])  # numbers ask nobody
        case "socket.gethostbyaddr":
            return not is_here(arguments[0])
        case "socket.getnameinfo":
            return not is_here(arguments[0][0])
    return False


def _judge(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith("socket.") and leads_out(event, arguments):
        reached.append(f"{event}{arguments}")
        raise OutsideError(f"a test may connect to this machine only: {reached[-1]}")
