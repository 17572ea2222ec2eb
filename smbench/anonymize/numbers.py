"""Which number of a stored workload tells of the house that was captured, and what stands in its place.

Like words (`smbench.anonymize.columns`) every column of numbers is judged by its name. What an operation
needs stays to the bit: offsets, lengths, the times between them, statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from smbench.anonymize.classes import time_class
from smbench.anonymize.keep import Keep

TIMES = frozenset(("created_ns", "accessed_ns", "written_ns", "changed_ns", "times"))
"""Of files, since 1970; -1 in `times` is none."""
_NO_TIME = -1
_OF_A_FILE = (
    "size", "allocation", "attributes", "created_ns", "accessed_ns", "written_ns", "changed_ns",
)  # fmt: skip
TOLD = frozenset(
    f"response.{name}"
    for name in (
        *_OF_A_FILE, *(f"entries.{name}" for name in _OF_A_FILE), "max_access", "reparse_tag",
        "delete_pending",
    )
)  # fmt: skip
"""What a server said of a file: no operation needs it."""
GONE = frozenset(("message_id", "async_id", "snapshot_ns", "capacity", "available", "links", "input_length"))
"""What nothing reads again, and what tells the server, the connection, the file or how long its name is."""
_NEVER_NULL = frozenset(("message_id",))
SESSIONS = frozenset(("previous_session_id",))
KEPT_NUMBERS = frozenset(
    """
    index capture frame command time_ns connection session tree user response_frame response_ns pending_ns
    status compound compound_position related credit_charge credits_requested credits_granted signed
    encrypted notification handle replayed retransmission dfs dialects security_mode capabilities dialect
    max_transact max_read max_write binding session_flags share_type share_flags max_access access
    share_access disposition options attributes impersonation oplock lease_state lease_epoch
    durable_timeout_ms allocation lease_flags persistent posix_mode ea_lengths action size reparse
    reparse_tag flags offset length minimum count function source_offset target_offset sparse
    output_length level filter watch_tree info_type additional directory delete_pending
    delete replace current_state operation lane arrival_ns service_ns expected received exchanges
    by_client allocated append calls denied_on_linux exclusive flushed granted insert lease_version levels
    listed on_close request restart seek source through times_by_name wait present size_known notified_ns
    answered_ns exchange state
    """.split()  # noqa: SIM905
)
"""What operations are, when they came, and how they ended."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the numbers of one workload are rewritten."""

    keep: Keep
    start_ns: int
    """When its capture began, since 1970."""
    sessions: Mapping[int, int]
    """The number of each session id."""

    def of(self, place: str, array: pa.Array) -> pa.Array:
        """A column of numbers, by where it stands: the columns and fields above it and its own name, with
        points between them. TypeError where nobody has judged it."""
        name = place.rpartition(".")[2]
        if place in TOLD or name in GONE:
            return _nothing(name, array)
        if name in TIMES:
            return array if self.keep.times else self._times(array)
        if name in SESSIONS:
            numbers = [None if was is None else self.sessions.get(was, 0) for was in array.to_pylist()]
            return pa.array(numbers, array.type)
        if name not in KEPT_NUMBERS:
            raise TypeError(f"nobody has judged what stands in {name}, of {array.type}")
        return array

    def _times(self, array: pa.Array) -> pa.Array:
        times = pc.fill_null(array, _NO_TIME).to_numpy(zero_copy_only=False)
        classes = np.where(times == _NO_TIME, times, time_class(times, self.start_ns))
        absent = array.is_null().to_numpy(zero_copy_only=False)
        return pa.array(classes, array.type, mask=absent)


def _nothing(name: str, array: pa.Array) -> pa.Array:
    """Nulls, or zeros where a null has no meaning (`trace.store`)."""
    if name in _NEVER_NULL:
        return pa.array(np.zeros(len(array)), array.type, mask=array.is_null().to_numpy(zero_copy_only=False))
    return pa.nulls(len(array), array.type)
