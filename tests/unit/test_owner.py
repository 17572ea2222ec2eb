"""Whose something is: a living process's, or a dead one's."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from smbench.owner import started_ticks, this_process


def test_this_process_lives() -> None:
    assert this_process().lives
    assert this_process().pid == os.getpid()


def test_a_process_that_has_ended_does_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner = msgspec.structs.replace(
        this_process(), pid=child.pid, started_ticks=started_ticks(child.pid)
    )  # fmt: skip
    assert owner.lives
    child.kill()
    child.wait()
    assert not owner.lives


def test_its_number_alone_is_not_enough() -> None:
    mine = this_process()
    assert not msgspec.structs.replace(mine, started_ticks=(mine.started_ticks or 0) + 1).lives
    assert not msgspec.structs.replace(mine, started_ticks=None).lives


GONE = {"pid": 2**22 + 1, "started_ticks": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells its starts and process tables")
def test_who_cannot_be_looked_for_is_taken_to_live() -> None:
    dead = msgspec.structs.replace(this_process(), **GONE)
    assert (dead.here, dead.lives) == (True, False)
    for elsewhere in ({"processes": "pid:[1]"}, {"boot": "another", "host": "elsewhere"}):
        other = msgspec.structs.replace(dead, **elsewhere)
        assert (other.here, other.lives) == (False, True)
    assert "of elsewhere" in msgspec.structs.replace(dead, boot="another", host="elsewhere").named


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells its starts and process tables")
def test_a_machine_may_have_another_name_now_and_nobody_survives_its_next_start() -> None:
    assert not msgspec.structs.replace(this_process(), host="before", **GONE).lives
    assert not msgspec.structs.replace(this_process(), boot="before").lives
