"""What mount.cifs and the kernel say when a mount fails, in words that tell what to do. Pure."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """`why` it failed and what to do `next`, both parts of one sentence each."""

    why: str
    next: str


_PASSWORD = "check its name and password in users.toml"
_ACCOUNT = "mend the account on the server, or take another"
_SHARE = "check the share's name; smbclient -L lists what the server has"
_SERVER = "check that it runs and can be reached"

# Names that the kernel logs ("Status code returned 0xc000006d STATUS_LOGON_FAILURE").
_BY_STATUS: Mapping[str, Failure] = {
    "STATUS_LOGON_FAILURE": Failure("wrong user name or password", _PASSWORD),
    "STATUS_WRONG_PASSWORD": Failure("wrong password", _PASSWORD),
    "STATUS_NO_SUCH_USER": Failure("the server has no such user", _PASSWORD),
    "STATUS_PASSWORD_EXPIRED": Failure("its password has expired", _ACCOUNT),
    "STATUS_PASSWORD_MUST_CHANGE": Failure("its password must be changed first", _ACCOUNT),
    "STATUS_ACCOUNT_DISABLED": Failure("the account is disabled", _ACCOUNT),
    "STATUS_ACCOUNT_LOCKED_OUT": Failure("the account is locked", _ACCOUNT),
    "STATUS_ACCOUNT_RESTRICTION": Failure("the account may not log on like this", _ACCOUNT),
    "STATUS_LOGON_TYPE_NOT_GRANTED": Failure("the account may not log on over the network", _ACCOUNT),
    "STATUS_BAD_NETWORK_NAME": Failure("the server has no such share", _SHARE),
    "BAD_NETWORK_NAME": Failure("the server has no such share", _SHARE),
    "STATUS_ACCESS_DENIED": Failure(
        "the server denies it the share", "give the account the right to it, or take another"
    ),
}

_GONE = Failure("the server does not answer", _SERVER)
_NEGATIVE_SESSION_RESPONSE = b"\x83"
"""What smbd sends to an address that it denies, before it closes (RFC 1002, 4.3.4)."""
_ADDRESS = "allow this machine's address there, as by hosts allow and hosts deny in smb.conf"
_ATTEMPT = "Attempting to mount"
"""What the kernel logs of every mount: where it stands, refusals of a session would stand, too."""
_BY_ERRNO: Mapping[int, Failure] = {
    errno.ENOENT: Failure("the server has no such share", _SHARE),
    errno.ENXIO: Failure("the server has no such share", _SHARE),
    errno.EACCES: Failure(
        "permission denied",
        f"{_PASSWORD}, and that the server allows the share to this account and this machine",
    ),
    errno.EPERM: Failure("the kernel does not permit it", "mount as root of the machine, not of a container"),
    errno.EINVAL: Failure("the kernel does not take a mount option", "look at the given mount options"),
    errno.EOPNOTSUPP: Failure(
        "the server does not support the dialect or the encryption asked for",
        "give another --mount-option vers=…",
    ),
    errno.EKEYREJECTED: Failure("the Kerberos ticket was refused", "get a new one with kinit"),
    errno.ENOKEY: Failure("there is no Kerberos ticket for it", "get one with kinit, and install keyutils"),
    errno.ENODEV: Failure(
        "the kernel has no cifs module", "install the kernel's extra modules and run modprobe cifs"
    ),
    errno.EBUSY: Failure("the directory is in use", "run smbench-mount umount"),
    errno.ECONNREFUSED: Failure("the server refuses the connection", _SERVER),
    errno.ECONNABORTED: Failure("the server broke off the connection", _SERVER),
    errno.ECONNRESET: Failure("the server broke off the connection", _SERVER),
    errno.EHOSTDOWN: _GONE,
    errno.EHOSTUNREACH: Failure("there is no route to the server", _SERVER),
    errno.ENETUNREACH: Failure("there is no route to the server", _SERVER),
    errno.ETIMEDOUT: _GONE,
    errno.EINPROGRESS: _GONE,
    errno.EAGAIN: _GONE,
}
_KERBEROS = Failure(
    "there is no Kerberos ticket for it, or nothing that fetches it",
    "get one with kinit, and install keyutils (cifs.upcall)",
)


_SHARE_DENIED = Failure(
    "permission denied by the share, as the kernel logged no refused password",
    "look there at who may use it and from where, in smb.conf at valid users, hosts allow and hosts deny",
)


def mount_errno(stderr: str) -> int | None:
    """The errno in `mount error(13): Permission denied`."""
    found = re.search(r"mount error\((\d+)\)", stderr)
    return int(found[1]) if found else None


def explain(stderr: str, kernel_log: str, *, kerberos: bool = False) -> Failure:
    """The kernel's log is the more exact, where it may be read; then mount.cifs's own words."""
    for status, failure in _BY_STATUS.items():
        if re.search(rf"\b{status}\b", kernel_log):
            return failure
    number = mount_errno(stderr)
    if kerberos and number in (errno.ENOENT, errno.ENOKEY):
        return _KERBEROS
    if number == errno.EINVAL and (
        said := re.search(r"(Unknown parameter '[^']*'|[^:\n]*option[^\n]*)", kernel_log)
    ):
        return Failure(
            f"the kernel does not take a mount option ({said[1].strip()})", "look at the given mount options"
        )
    if number == errno.EACCES and _ATTEMPT in kernel_log and not kerberos:
        # The kernel logs why a session is refused, and nothing of a tree.
        return _SHARE_DENIED
    if number is not None and number in _BY_ERRNO:
        return _BY_ERRNO[number]
    said_last = [line for line in stderr.splitlines() if line.strip() and not line.startswith("Refer to")]
    return Failure(said_last[-1].strip() if said_last else "mount.cifs gave no reason", "look at dmesg")


def hung_up(greeting: bytes | None) -> Failure:
    """Why a server took a connection and ended it (EHOSTDOWN), by what it says to one that says nothing:
    `greeting`, b"" where it closes at once, None where it waits to be spoken to."""
    if greeting is None:
        return Failure(
            "the server ended the connection when it was asked for a dialect",
            "give another --mount-option vers=…, or look at the server's log",
        )
    if greeting.startswith(_NEGATIVE_SESSION_RESPONSE):
        return Failure("the server denies this machine all sessions", _ADDRESS)
    if not greeting:
        return Failure(
            "the server takes the connection and closes it at once",
            "look at its log; or " + _ADDRESS,
        )
    return Failure("what answers there is no SMB server", "check the server's name and port")
