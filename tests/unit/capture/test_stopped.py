"""How a decoder stopped, in a sentence: what it was, and what to do."""

from __future__ import annotations

import pickle
import signal

import pytest

from smbench.capture.limits import Limits
from smbench.capture.stopped import stopped
from smbench.errors import SetupError

LIMITS = Limits(memory_bytes=1 << 30, cpu_s=7)


@pytest.mark.parametrize(
    ("status", "said", "says", "crashed"),
    [
        (0, "", "ended without a word while it read x; is there enough memory?", False),
        (2, "no way", "ended with status 2 while it read x: no way; try --jobs 1", True),
        (1, "lua: not enough memory", r"no more memory \(it may take 1 GiB\).*raise --decoder-memory", False),
        (-5, "GLib-ERROR: failed to allocate 9 bytes", r"no more memory \(it may take 1 GiB\)", False),
        (-signal.SIGXCPU, "", "more than the 7 s of CPU that it may take.*raise --decoder-cpu", False),
        (-signal.SIGXFSZ, "", "made more of it than the 1 GiB that it may.*raise --decoder-unpacked", False),
        (-signal.SIGKILL, "", r"was ended by signal 9 \(SIGKILL\).*enough memory\? Try --jobs 1", False),
        (-signal.SIGSEGV, "", r"crashed \(signal 11, SIGSEGV\) while it read x; another version may", True),
        (-120, "", r"crashed \(signal 120\)", True),
    ],
)  # fmt: skip
def test_each_end_is_told_apart(status: int, said: str, says: str, crashed: bool) -> None:
    with pytest.raises(SetupError, match=f"^tshark 4 .*{says}") as caught:
        raise stopped("tshark 4", status, "x", said, LIMITS, 0)
    assert caught.value.crashed == crashed  # type: ignore[attr-defined]


def test_it_goes_to_another_process_as_a_sentence() -> None:
    told = stopped("tshark 4", -11, "x", "", LIMITS, 0)
    again = pickle.loads(pickle.dumps(told))
    assert (type(again), str(again)) == (SetupError, str(told))
