"""Keyed pseudonyms of what a capture calls things: pure, the same for the same key, of no use without it.

A pseudonym is made of HMAC-SHA256 (RFC 2104) of the name in lower case, so that names that are equal to a
server stay equal. It has the length of the name's class, rounded up, and 60 bits at least: of a million
names two meet once in two million workloads.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from datetime import UTC, datetime

from smbench.anonymize.extensions import EXTENSIONS

LENGTHS = (12, 24, 48, 96, 192)
"""What a name's length is rounded up to; a longer one keeps its length, because servers refuse some."""
_LONG_EXTENSION = 8
_EXTENSION_LENGTH = 12
"""Of one that is no known one; with fewer characters two of many would meet."""
_LONGEST_NAME = 255
"""Characters of a name that servers take ([MS-FSCC] 2.1.5)."""
CONTEXTS = frozenset(
    """ExtA SecD DHnQ DHnC AlSi MxAc TWrp QFid RqLs DH2Q DH2C AAPL AppInstanceId AppInstanceVersion SVHDX
    POSIX""".split()  # noqa: SIM905
)
"""Tags of CREATE contexts ([MS-SMB2] 2.2.13.2) as the trace spells them."""
PIPE_SHARE = "IPC$"

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_SNAPSHOT = re.compile(r"@GMT-(\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d|-?\d+)", re.IGNORECASE)
_SNAPSHOT_SECONDS = 946_684_800
"""From 1970 to 2000, where they stand in a copy."""
_MADE_UP = re.compile(r"unknown(-[0-9a-f]+)?")
"""What the decoder calls what the capture never named."""
_WILDCARDS = frozenset('*?<>"')
_MEANING = re.compile(r"([\x00-\x1f:*?<>\"|]+)")
"""What is no part of a name: streams' colons, wildcards ([MS-FSCC] 2.1.4.4), what Windows refuses."""
_EDGES = re.compile(r"(~\$|~|\.+)?(.*?)([. ]*)", re.DOTALL)
STREAM_TYPES = frozenset(
    """$DATA $INDEX_ALLOCATION $BITMAP $ATTRIBUTE_LIST $EA $EA_INFORMATION $FILE_NAME $LOGGED_UTILITY_STREAM
    $OBJECT_ID $PROPERTY_SET $REPARSE_POINT $SECURITY_DESCRIPTOR $STANDARD_INFORMATION $SYMBOLIC_LINK
    $TXF_DATA $VOLUME_INFORMATION $VOLUME_NAME""".split()  # noqa: SIM905
)
_SEPARATORS = re.compile(r"([/\\]+)")
_HEX = re.compile(r"[0-9a-f-]+")
_USER_NUMBER = re.compile(r"(.*?)(#\d+)?", re.DOTALL)
_UNKNOWN_NAME = "of unknown name"
_TECHNICAL = re.compile(
    rf"FSCTL 0x[0-9A-F]{{8}}|class \d+|File\w+Information|(0x[0-9A-F]+ ?)+|{_UNKNOWN_NAME}|"
    + "|".join(sorted(CONTEXTS))
)
_ROUNDS = 4


class Pseudonyms:
    """All pseudonyms of one key. `words`: texts of this program, which are kept in reasons; `before_names`:
    those behind which a name stands, whatever it looks like."""

    def __init__(
        self, key: bytes, words: frozenset[str] = frozenset(), before_names: frozenset[str] = frozenset()
    ) -> None:
        self._key = key
        self._words = words
        self._before_names = before_names
        self.partial_patterns: set[str] = set()
        """Patterns with a part of a name, which fit nothing in the copy: pseudonyms of parts of
        names would tell everybody what names have in common."""
        self._known: dict[str, str] = {}
        self.replaced: set[str] = set()
        """What was, in lower case, …"""
        self.made: set[str] = set()
        """… and what stands in its place, by runs of letters and digits."""

    def path(self, path: str) -> str:
        """A path with `/` or `\\` between its components; `..`, streams and snapshots keep their meaning."""
        return "".join(
            part if at % 2 else self.component(part) for at, part in enumerate(_SEPARATORS.split(path))
        )

    def component(self, name: str) -> str:
        """One name of a file, folder or share."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._component(name)
        return known

    def pattern(self, pattern: str) -> str:
        """A pattern of names, as a listing asks for them."""
        stem, _, extension = pattern.rpartition(".")
        asked = (stem, extension if _WILDCARDS & {*extension} else "")
        if _WILDCARDS & {*pattern} and any(map(str.isalnum, "".join(asked))):
            self.partial_patterns.add(pattern)
        return self.component(pattern)

    def asked_name(self, name: str) -> str:
        """What a request calls a file, or a referral request a path: `\\server\\share\\path`."""
        return self.share_path(name) if name.startswith("\\") else self.path(name)

    def host(self, name: str) -> str:
        """A server's, client's or machine's name or address."""
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return self.plain(name)
        if isinstance(address, ipaddress.IPv4Address):
            return self._note(name, str(ipaddress.IPv4Address(self._permuted(int(address)))))
        made = ipaddress.IPv6Address(b"\xfd" + self._digest("address", address.compressed)[:15])
        return self._note(name.lower(), str(made))

    def plain(self, name: str) -> str:
        """A name without an extension: an account, a domain, a machine, an extended attribute."""
        if not name or _MADE_UP.fullmatch(name):
            return name
        lower = _lower(name)
        return self._word(lower, _length(lower))

    def user(self, name: str) -> str:
        """`DOMAIN\\account#2`."""
        match = _USER_NUMBER.fullmatch(name)
        assert match is not None
        return "\\".join(map(self.plain, match[1].split("\\"))) + (match[2] or "")

    def share_path(self, path: str) -> str:
        """`\\\\server\\share`."""
        parts, named = _SEPARATORS.split(path), False
        for at in range(0, len(parts), 2):
            if parts[at]:
                parts[at] = self.component(parts[at]) if named else self.host(parts[at])
                named = True
        return "".join(parts)

    def identifier(self, value: str) -> str:
        """A GUID, key or number in hexadecimal digits, of the same length; all zeros or ones say "none"."""
        digits = value.replace("-", "").lower()
        if len(set(digits)) <= 1:
            return value
        if not _HEX.fullmatch(value.lower()):
            return self.component(value)
        made = self._digest("identifier", digits).hex()
        while len(made) < len(digits):
            made += self._digest("identifier", made).hex()
        fresh = iter(made)
        return self._note(value.lower(), "".join("-" if digit == "-" else next(fresh) for digit in value))

    def context(self, tags: str) -> str:
        """The tag of a CREATE context, or several with commas between them."""
        return ",".join(tag if tag in CONTEXTS else self.identifier(tag) for tag in tags.split(","))

    def change(self, change: str) -> str:
        """`ACTION name` of a change notification."""
        action, blank, name = change.partition(" ")
        return action + blank + self.path(name)

    def stream(self, stream: str) -> str:
        """`:name:$DATA size` of a list of streams; the size goes, which no call needs."""
        name, blank, size = stream.rpartition(" ")
        return self.component(name) + blank + "0" if blank and size.isdigit() else self.component(stream)

    def reason(self, reason: str) -> str:
        """Why an exchange met its fate: this program's words are kept, names in it are not."""
        if not reason or reason in self._words:
            return reason
        cuts = [at for at in range(len(reason)) if reason.startswith(": ", at)]
        for cut in reversed(cuts):
            if reason[:cut] in self._before_names and reason[cut + 2 :] != _UNKNOWN_NAME:
                return f"{reason[:cut]}: {self.path(reason[cut + 2 :])}"
            if reason[:cut] in self._words:
                return f"{reason[:cut]}: {self.reason(reason[cut + 2 :])}"
        parts = reason.split(", ")
        return ", ".join(part if _TECHNICAL.fullmatch(part) else self.path(part) for part in parts)

    def _component(self, name: str) -> str:
        if name in ("", ".", "..") or name.upper() == PIPE_SHARE:
            return name
        if _MADE_UP.fullmatch(name):
            return name
        if _SNAPSHOT.fullmatch(name):
            return self._snapshot(name)
        parts = _MEANING.split(name)
        for at in range(0, len(parts), 2):
            before = parts[at - 1][-1:] if at else ""
            if before == ":" and parts[at].upper() in STREAM_TYPES:
                parts[at] = parts[at].upper()
            else:
                parts[at] = self._run(parts[at], behind_wildcard=before not in ("", ":"))
        return "".join(parts)

    def _snapshot(self, name: str) -> str:
        """Another moment for each: whose snapshots are made when tells them from others."""
        self.replaced.add(name.lower())
        seconds = int.from_bytes(self._digest("snapshot", name.upper())[:4]) % _SNAPSHOT_SECONDS
        if "." in name:
            return datetime.fromtimestamp(seconds, UTC).strftime("@GMT-%Y.%m.%d-%H.%M.%S")
        return f"@GMT-{seconds * 1_000_000_000}"

    def _run(self, run: str, behind_wildcard: bool) -> str:
        """Characters of a name that stand together."""
        match = _EDGES.fullmatch(run)
        assert match is not None
        before, middle, after = match[1] or "", match[2], match[3]
        if not middle:
            return run
        if behind_wildcard and before == "." and "." not in middle:
            return before + self._extension(middle) + after
        stem, dot, extension = middle.rpartition(".")
        if not stem or not extension.isalnum() or len(extension) > _LONG_EXTENSION:
            stem, dot, extension = middle, "", ""
        end = dot + self._extension(extension) if dot else ""
        room = _LONGEST_NAME - len(before) - len(end) - len(after)
        lower = _lower(stem)
        return before + self._word(lower, min(_length(lower), max(room, LENGTHS[0]))) + end + after

    def _extension(self, extension: str) -> str:
        lower = _lower(extension)
        if lower in EXTENSIONS:
            return lower
        return self._word(f".{lower}", _EXTENSION_LENGTH)

    def _word(self, text: str, length: int) -> str:
        made = ""
        while len(made) < length:
            digest = self._digest(f"name {len(made)}", text)
            made += "".join(_ALPHABET[byte & 31] for byte in digest)
        return self._note(text, made[:length])

    def _note(self, original: str, made: str) -> str:
        self.replaced.add(original)
        self.made.update(re.findall(r"[^\W_]+", made.lower()))
        return made

    def _permuted(self, address: int) -> int:
        """Another IPv4 address for each: a Feistel network, so that no two become one."""
        left, right = address >> 16, address & 0xFFFF
        for turn in range(_ROUNDS):
            mixed = int.from_bytes(self._digest(f"address {turn}", str(right))[:2])
            left, right = right, left ^ mixed
        return left << 16 | right

    def _digest(self, what: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{what}\0{text}".encode(errors="surrogatepass"), "sha256")


def _length(name: str) -> int:
    return next((length for length in LENGTHS if len(name) <= length), len(name))


def _lower(name: str) -> str:
    """In lower case, each character by itself as servers compare: `str.lower` writes a sigma by its place."""
    return "".join(map(str.lower, name))
