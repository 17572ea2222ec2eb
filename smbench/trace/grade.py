"""What a capture may lack: one table of the counts that a trace's grade holds, and what each does to figures.

A decoder that counts something new adds a line here. Limits and shares are exact fractions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from smbench.ratios import format_percent
from smbench.trace.model import Session, TraceInfo


class Use(Enum):
    """What a capture is used for."""

    REFERENCE = "reference"
    CANDIDATE = "candidate"
    REPLAY = "replay"


_BOTH_LOW = "recall and precision may be too low"
"""What one side has lost is missing or extra, and so is what it says something of, by a name or a share."""
_LOST: Mapping[Use, str] = {
    Use.REFERENCE: "what was in them is not compared: where the candidate has it, it counts as extra, and "
    f"the names and shares that it told are not known; {_BOTH_LOW}",
    Use.CANDIDATE: "what was in them counts as missing, and the names and shares that it told are not known; "
    f"{_BOTH_LOW}",
    Use.REPLAY: "what was in them is not replayed",
}
_CUT: Mapping[Use, str] = {
    Use.REFERENCE: f"what was cut off (names, lengths, what was listed) may match nothing; {_BOTH_LOW}",
    Use.CANDIDATE: f"what was cut off (names, lengths, what was listed) may match nothing; {_BOTH_LOW}",
    Use.REPLAY: "what was cut off (names, lengths, what was listed) is not known and is made up",
}
_ENDLESS: Mapping[Use, str] = {
    Use.REFERENCE: "how they ended, what they moved and what they took is not compared",
    Use.CANDIDATE: "how they ended, what they moved and what they took is not compared",
    Use.REPLAY: "there is nothing to hold their outcomes against",
}
_NAMELESS: Mapping[Use, str] = {
    Use.REFERENCE: f"under the names that are made up for them they may match nothing; {_BOTH_LOW}",
    Use.CANDIDATE: f"under the names that are made up for them they may match nothing; {_BOTH_LOW}",
    Use.REPLAY: "they are replayed under names that are made up",
}
_SHARELESS: Mapping[Use, str] = {
    Use.REFERENCE: f"what is in common says which they are, and what mounting them sent counts; {_BOTH_LOW}",
    Use.CANDIDATE: f"what is in common says which they are, and what mounting them sent counts; {_BOTH_LOW}",
    Use.REPLAY: "beside other shares they are replayed under names that are made up",
}
_OF_SESSIONS, _OF_EXCHANGES, _BESIDE = "of {:,} sessions", "of {:,} exchanges", "beside {:,} exchanges"
_NAMED = 8
_SELDOM, _NEVER = Fraction(1, 100), Fraction(0)


@dataclass(frozen=True, slots=True)
class Grade:
    """One count of a grade."""

    name: str
    called: str
    """For people; of many."""
    means: Mapping[Use, str]
    """What follows for figures; nothing for what only tells."""
    limit: Fraction = _NEVER
    """The share above which it is said where figures are shown: …"""
    among: str = _BESIDE
    """… of what."""

    @property
    def lacks(self) -> bool:
        """Whether it says that something is missing."""
        return bool(self.means)


SEALED = "undecrypted"
GRADES: tuple[Grade, ...] = (
    Grade(SEALED, "encrypted sessions without a key", _LOST, among=_OF_SESSIONS),
    Grade("sealed_messages", "messages in them that no key opens", {}),
    Grade("tcp_gaps", "gaps in the TCP streams (lost packets)", _LOST),
    Grade("late_segments", "segments that came too late, by the capture's times or order, to be used", _LOST),
    Grade("lost_messages", "messages whose headers the capture has cut or lost", _LOST),
    Grade("cut_messages", "messages that the capture has cut or lost a part of", _CUT),
    Grade("cut_short", "capture files that end within a packet", _LOST),
    Grade("damaged_packets", "packets that the capture file does not say how to read", _LOST),
    Grade("malformed", "malformed messages", _LOST),
    Grade("unreadable", "messages that could not be read", _LOST),
    Grade("undecoded_frames", "frames that a decoder which stopped did not get to", _LOST),
    Grade("changed_files", "capture files that changed while they were read", _LOST),
    Grade("orphan_responses", "responses without a request", _LOST, _SELDOM),
    Grade("unanswered", "requests without a response", _ENDLESS, _SELDOM, _OF_EXCHANGES),
    Grade("unknown_handles", "files whose open is not in the capture", _NAMELESS),
    Grade("unknown_names", "opens whose name is not in the capture", _NAMELESS),
    Grade("unknown_trees", "shares whose connection is not in the capture", _SHARELESS),
    Grade("retransmissions", "requests that were sent again", {}),
    Grade("resynchronised", "places where the next message had to be searched", {}),
    Grade("snapped", "packets cut short by the snap length", {}),
    Grade("undissected", "packets that only tshark could look into, which is not installed", {}),
    Grade("smb1_frames", "frames of SMB1, which is not read", {}),
)
BY_NAME = {grade.name: grade for grade in GRADES}


def called(name: str) -> str:
    """What a count is called where people read it; its name where it is not in the table."""
    return BY_NAME[name].called if name in BY_NAME else name


def missing_share(counts: Mapping[str, int], exchanges: int) -> Fraction | None:
    """At how many exchanges something is missing, beside all of them; at most 1: more than one thing may be
    missing at each. None where nothing is there and nothing is missing."""
    lacks = [grade.name for grade in GRADES if grade.lacks and grade.among != _OF_SESSIONS]
    missing = sum(counts.get(name, 0) for name in lacks)
    return min(Fraction(1), Fraction(missing, max(1, exchanges))) if missing or exchanges else None


def warnings(info: TraceInfo, use: Use) -> list[str]:
    """A sentence for each count above its limit: how many, of how many, and what that does to figures. What
    stays encrypted comes first.

    What is counted beside the exchanges may be more than they are, and is no share of them then.
    """
    said = []
    for grade in GRADES:
        count = info.grade.get(grade.name, 0)
        whole = len(info.sessions) if grade.among == _OF_SESSIONS else info.exchanges
        if grade.lacks and count > grade.limit * whole:
            share = f" ({format_percent(Fraction(count, whole))})" if 0 < count <= whole else ""
            among = grade.among.format(whole)
            sentence = f"{grade.called}: {count:,} {among}{share}; {grade.means[use]}"
            said.append(f"{sentence}; {_closed(info)}" if grade.name == SEALED else sentence)
    return said


def sealed(info: TraceInfo) -> str | None:
    """What of a capture stays encrypted, and which keys would open it; None: nothing does."""
    if not (count := info.grade.get(SEALED, 0)):
        return None
    return f"{count:,} of {len(info.sessions):,} sessions stay encrypted; {_closed(info)}"


def _closed(info: TraceInfo) -> str:
    return f"no key opens {info.grade.get('sealed_messages', 0):,} messages: {keys_wanted(info.sessions)}"


def keys_wanted(sessions: Sequence[Session]) -> str:
    """What to give for the sessions that stay encrypted, by how they began."""
    closed = [session for session in sessions if not session.decrypted]
    kerberos = [session for session in closed if session.mechanism == "krb5"]
    unseen = [session for session in closed if session.mechanism is None and session.account is None]
    wanted = []
    if len(closed) > len(kerberos) + len(unseen):
        names = [*dict.fromkeys(one.account for one in closed if one.mechanism != "krb5" and one.account)]
        more = f" and {len(names) - _NAMED:,} others" if len(names) > _NAMED else ""
        whose = f"{', '.join(names[:_NAMED])}{more}" if names else "its accounts"
        wanted.append(f"--users (or --nt-password-file) with the passwords of {whose}")
    if kerberos:
        wanted.append("--keytab with the server's key (Kerberos)")
    if unseen or not wanted:
        wanted.append("--session-key-file (the capture lacks how they began)")
    return f"give {' and '.join(wanted)}"
