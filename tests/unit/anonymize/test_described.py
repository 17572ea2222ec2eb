"""The description of a copy: no id, port or time of the captured house."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from smbench.anonymize.classes import EPOCH_NS
from smbench.anonymize.described import anonymized_info, session_numbers
from smbench.anonymize.keep import Keep
from smbench.anonymize.pseudonyms import Pseudonyms
from smbench.trace.model import Connection, Session, TraceInfo, Tree, User
from smbench.workload.model import CaptureFile, Coverage, Disposition, WorkloadInfo

TRACE = TraceInfo(
    captures=["monday.pcap"],
    start_epoch_ns=1_700_000_000_123_456_789,
    connections=[
        Connection("10.0.0.1", 49_999, "10.0.0.2", 10_445), Connection("10.0.0.1", 5, "10.0.0.2", 139),
    ],
    sessions=[Session(0xFEED, [0], "asmith", "CORP", "PC7"), Session(0xBEEF, [1]), Session(0xFEED, [1])],
    trees=[Tree(0xABC, 0, "projects"), Tree(0xABC, 1, "IPC$")],
    users=[User("CORP\\asmith", "10.0.0.1", [0])],
)  # fmt: skip
INFO = WorkloadInfo(
    trace=TRACE,
    coverage=[Coverage(Disposition.EXACT, "READ", "read", 1)],
    capture_files=[CaptureFile("monday.pcap", 5, "plain", "00")],
)


def test_sessions_of_one_id_stay_one() -> None:
    assert session_numbers(TRACE.sessions) == {0xFEED: 1, 0xBEEF: 2}


@pytest.mark.parametrize("keep", Keep)
def test_nothing_of_the_house_is_left(keep: Keep) -> None:
    made = anonymized_info(INFO, Pseudonyms(b"k" * 16, frozenset({"read"})), keep)
    trace = made.trace
    assert trace.start_epoch_ns == (TRACE.start_epoch_ns if keep is Keep.ALL else EPOCH_NS)
    assert [session.session_id for session in trace.sessions] == [1, 2, 1]
    assert [tree.tree_id for tree in trace.trees] == [1, 2]
    assert [(c.client_port, c.server_port) for c in trace.connections] == [(49_152, 445), (49_153, 139)]
    assert made.capture_files == []
    text = repr(asdict(made)).lower()
    for word in ("monday", "10.0.0.", "asmith", "corp", "pc7", "projects", "49999", "10445"):
        assert word not in text
    assert made.coverage == INFO.coverage
    assert replace(trace, users=[]).users == []
