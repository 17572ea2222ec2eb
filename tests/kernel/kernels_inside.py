"""Stories of one kernel, told inside a guest of it as root (see test_kernels.py)."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest
from helpers.command import run
from helpers.fidelity import Lab

from smbench.workload.calls import Stat, StatHandle
from smbench.workload.model import Operation
from smbench.workload.store import read

LAB = Lab(Path(os.environ["LAB_OUT"]))
_SIZE = 8
_ASIDE = {"handle", "source", "create", "times", "changed_ns", "written_ns", "accessed_ns"}
"""Parameters that are of one recording."""


def told(operation: Operation) -> list[object]:
    """An operation as another client's is the same: what was done to which file."""
    call = operation.call
    known = {one.name: getattr(call, one.name) for one in fields(call) if one.compare}
    return [type(call).__name__, operation.path, {k: repr(v) for k, v in known.items() if k not in _ASIDE}]


@pytest.mark.parametrize("name", ["editor", "sqlite3", "tar-sparse"])
def test_what_a_program_did(name: str) -> None:
    """Recorded without a cache, and closed at once, so that every call of the program is on the wire when it
    was made. What a client knows of attributes it keeps as long as it likes: looks are left out. 7.2 closes a
    moment later, when the next file may be open: the order is that of each file."""
    workload = LAB.application(name, _SIZE, ("cache=none", "closetimeo=0"))
    every = read(workload).operations
    operations = [told(one) for one in every if not isinstance(one.call, Stat | StatHandle)]
    assert operations
    operations.sort(key=lambda one: str(one[1]))
    (LAB.out / f"{name}.json").write_text(json.dumps(operations))


@pytest.mark.parametrize("name", ["editor", "tar-sparse"])
def test_what_was_captured_here_is_sent_again_here(name: str) -> None:
    workload = LAB.application(name, _SIZE)
    result = LAB.hold(workload, LAB.replay(name, workload, "--speed", "1"))
    assert result.posix is not None
    assert result.precision is not None
    assert result.posix >= 0.98, result.lost
    assert result.precision >= 0.98, result.extra
    assert (result.mismatched, result.breaks[0]) == (0, result.breaks[1])


def test_what_is_encrypted_is_no_profile() -> None:
    """6.12 sends nothing in the clear but how a connection begins; 6.1 does (test_calibrate.py)."""
    done = run("calibrate", LAB.share, "--users", LAB.users, "--mount-option", "seal")
    assert done.status == 3, done.err
    assert "nothing of what was called on //127.0.0.1/share could be seen on the wire" in done.sentence
