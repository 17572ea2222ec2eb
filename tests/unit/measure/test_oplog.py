"""The operation log: what one process records, another sees, and what was never recorded is nothing."""

from __future__ import annotations

import os

import pytest

from smbench.errors import SetupError
from smbench.measure.oplog import COMPLETED, ISSUED, OUTCOME, RECORD, RECORD_BYTES, OperationLog


def test_what_a_killed_process_recorded_is_there(tmp_path):
    log = OperationLog(tmp_path / "log", 3)
    child = os.fork()
    if not child:
        RECORD.pack_into(log.buffer, 1 * RECORD_BYTES, 10, -2, 20)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert log.records[1].tolist() == [10, -2, 20]
    assert (ISSUED, OUTCOME, COMPLETED) == (0, 1, 2)
    assert log.records[[0, 2], COMPLETED].tolist() == [0, 0]
    assert OperationLog(tmp_path / "log", 3).records[1, OUTCOME] == -2


def test_no_room_for_it_is_a_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(SetupError, match=r"1,000 operations need 24,000 bytes"):
        OperationLog(tmp_path / "log", 1000)
