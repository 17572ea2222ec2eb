"""Keys for encrypted SMB3 traffic, from files: a password, a keytab, session keys.

A session key file has a line a session, in the order of Wireshark's own table; `#` begins a comment:

    SESSIONID,SESSIONKEY             for sessions whose authentication is in the capture
    SESSIONID,,S2CKEY,C2SKEY         for sessions that began before it: server-to-client, client-to-server

SESSIONID is the number that logs and Wireshark show (`0x…`), or its eight bytes as they are on the wire; keys
are 16 or 32 bytes in hex.
"""

from __future__ import annotations

import re
from pathlib import Path

from smbench.errors import UsageError
from smbench.stored import read_given

_KEY = re.compile(r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{64})?")
_WIRE_ID = re.compile(r"[0-9a-fA-F]{16}")
_COLUMNS = 4


def read_password(path: Path) -> str:
    """The NT password: the file's first line."""
    lines = _text(path, "NT password").splitlines()
    if not lines or not lines[0]:
        raise UsageError(f"the NT password file {path} has no password in its first line")
    return lines[0]


def read_keytab(path: Path) -> bytes:
    """What the keytab holds, if it can be read and is one."""
    data = read_given(path, "keytab")
    if data[:1] != b"\5":
        raise UsageError(
            f"{path} is no Kerberos keytab: make one with ktutil or samba-tool domain exportkeytab"
        )
    return data


def read_session_keys(path: Path) -> tuple[tuple[str, ...], ...]:
    """The rows of a session key file as Wireshark's table `smb2_seskey_list` has them."""
    rows = []
    for number, line in enumerate(_text(path, "session key").splitlines(), 1):
        line = line.partition("#")[0].strip()
        if line:
            rows.append(_row(line, f"{path}, line {number}"))
    if not rows:
        raise UsageError(f"the session key file {path} holds no keys: give lines SESSIONID,SESSIONKEY")
    return tuple(rows)


def _row(line: str, where: str) -> tuple[str, ...]:
    session, *keys = (part.strip().strip('"') for part in line.split(","))
    keys += [""] * (_COLUMNS - 1 - len(keys))
    if len(keys) >= _COLUMNS or not any(keys) or not all(map(_KEY.fullmatch, keys)):
        raise UsageError(f"{where}: give SESSIONID,SESSIONKEY or SESSIONID,,S2CKEY,C2SKEY with keys in hex")
    if session.lower().startswith("0x"):
        try:
            session = int(session, 16).to_bytes(8, "little").hex()
        except (ValueError, OverflowError):
            session = ""
    if not _WIRE_ID.fullmatch(session):
        raise UsageError(f"{where}: the session id is 0x and a number, or 16 hex digits as on the wire")
    return (session, *(key or '""' for key in keys))


def _text(path: Path, what: str) -> str:
    try:
        return read_given(path, f"{what} file").decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"the {what} file {path} is no text") from None
