"""A decoder that ended before the end of what it was to read: how, and what to do, in a sentence."""

from __future__ import annotations

import re
import signal

from smbench.capture.limits import Limits
from smbench.errors import SetupError
from smbench.units import format_size

_NO_MEMORY = re.compile(r"memory|failed to allocate|bad_alloc", re.IGNORECASE)
"""How tshark (GLib, Lua, C++) says that it got none."""
_OURS = {name for name in ("SIGXCPU", "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)}
"""Signals that come from outside; the others are crashes."""


class StoppedError(SetupError):
    """`who` (which tshark) `how` while it read `what`, with what to do about it.

    `crashed`: by itself, so that the same may happen at the same place again.
    """

    def __init__(
        self, who: str, how: str, what: str, mend: str, *, said: str = "", crashed: bool = False
    ) -> None:
        self.who, self.how, self.mend, self.said, self.crashed = who, how, mend, said, crashed
        super().__init__(self.at(what))

    def __reduce__(self) -> tuple[type[SetupError], tuple[str]]:
        """Across processes goes the sentence."""
        return SetupError, (str(self),)

    def at(self, what: str) -> str:
        """The sentence, with the place in a capture where it was."""
        return (
            f"{self.who} {self.how} while it read {what}{': ' + self.said if self.said else ''}; {self.mend}"
        )


def stopped(who: str, status: int, what: str, said: str, limits: Limits, size: int) -> StoppedError:
    """Of a process that ended with `status` (as of subprocess), and read `size` bytes within limits."""
    if status == 0:
        return StoppedError(
            who, "ended without a word", what, f"is there enough memory? T{TRY[1:]}", said=said
        )
    name = _signal(-status)
    if name == "SIGXCPU":
        how = f"used more than the {limits.cpu(size):,} s of CPU that it may take, and was ended,"
        return StoppedError(who, how, what, "raise --decoder-cpu, if that is no loop", said=said)
    if name == "SIGXFSZ":
        how = f"made more of it than the {format_size(limits.unpacked(size))} that it may, and was ended,"
        return StoppedError(who, how, what, TO_UNPACK_MORE, said=said)
    if _NO_MEMORY.search(said):
        how = f"found no more memory (it may take {format_size(limits.memory())}), and ended,"
        return StoppedError(who, how, what, "raise --decoder-memory, or try --jobs 1", said=said)
    if status > 0:
        return StoppedError(who, f"ended with status {status}", what, f"{TRY}", said=said, crashed=True)
    how = f"was ended by signal {-status}" + (f" ({name})" if name else "")
    if name in _OURS:
        return StoppedError(who, how, what, f"is there enough memory? T{TRY[1:]}", said=said)
    how = f"crashed (signal {-status}{f', {name}' if name else ''})"
    return StoppedError(who, how, what, f"another version may not; {DOCTOR}", said=said, crashed=True)


def no_memory(what: str, limits: Limits) -> SetupError:
    """Of a process of this package."""
    return SetupError(
        f"a process that decodes {what} found no more memory (it may take {format_size(limits.memory())}); "
        "raise --decoder-memory, or try --jobs 1"
    )


TRY = "try --jobs 1, and smbench-mount doctor"
TO_UNPACK_MORE = "where it is known to be good, raise --decoder-unpacked of ingest"
DOCTOR = "smbench-mount doctor tries it on three packets"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
