"""Passwords → the entries of a keytab with their NT hashes, by which tshark opens what began with NTLM.

A program of its own, run by path, so that neither a password nor its hash, which is worth as much, is in the
memory of whoever wants it:

    python -I -S nt_keytab.py PARENT PASSWORDS KEYTAB      the last two: open files, by their descriptors

On its standard input stands a JSON list of [account, where its password begins, bytes of it].

tshark tries every key of 16 bytes of a keytab on every such session, whatever principal it is of (4.0.17 was
tried; `get_md4pass_list` in packet-ntlmssp.c of 3.6 to 4.6 does it): names are for people alone.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

HEADER = b"\5\2"
"""Of MIT's second version, with numbers in network order."""
_REALM = b"SMBENCH"
_PRINCIPAL, _VERSION = 1, 1
_RC4_HMAC = 23
"""The NT hash is its key (RFC 4757, section 2)."""
_WORD = 0xFFFFFFFF
_BLOCK = 64

_Mix = Callable[[int, int, int], int]
_ROUNDS: tuple[tuple[_Mix, int, tuple[int, ...], tuple[int, ...]], ...] = (
    (lambda x, y, z: x & y | ~x & z, 0, (3, 7, 11, 19), tuple(range(16))),
    (
        lambda x, y, z: x & y | x & z | y & z,
        0x5A827999,
        (3, 5, 9, 13),
        (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    ),
    (
        lambda x, y, z: x ^ y ^ z,
        0x6ED9EBA1,
        (3, 9, 11, 15),
        (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
    ),
)
"""RFC 1320, section 3.4: the function, what is added, by how much is turned, in which order words come."""


def md4(data: bytes) -> bytes:
    """RFC 1320. OpenSSL 3, and so Python's hashlib, has it in a provider that is rarely loaded."""
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    padded = data + b"\x80" + bytes(-(len(data) + 9) % _BLOCK) + struct.pack("<Q", 8 * len(data))
    for at in range(0, len(padded), _BLOCK):
        words = struct.unpack_from("<16I", padded, at)
        a, b, c, d = state
        for mix, constant, turns, order in _ROUNDS:
            for step, word in enumerate(order):
                found = (a + mix(b, c, d) + words[word] + constant) & _WORD
                turn = turns[step % 4]
                a, b, c, d = d, (found << turn | found >> (32 - turn)) & _WORD, b, c
        state = [(old + new) & _WORD for old, new in zip(state, (a, b, c, d), strict=True)]
    return struct.pack("<4I", *state)


def entry(account: str, password: str) -> bytes:
    """An account's entry ([MS-NLMP] 3.3.1 says what an NT hash is)."""
    key = md4(password.encode("utf-16-le"))
    body = struct.pack(">H", 1) + _counted(_REALM) + _counted(account.encode())
    body += struct.pack(">IIBH", _PRINCIPAL, 0, _VERSION, _RC4_HMAC) + _counted(key)
    return struct.pack(">i", len(body)) + body


def _counted(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _main(parent: int, passwords: int, keytab: int) -> None:
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from smbench.confined import end_with, give_up

    give_up()  # no core dump, and no other process of this user reads its memory
    end_with(parent)
    for account, start, length in json.load(sys.stdin):
        os.write(keytab, entry(account, os.pread(passwords, length, start).decode()))


if __name__ == "__main__":
    _main(*map(int, sys.argv[1:]))
