"""Whose something is: a living process's, or a dead one's."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from smbench.owner import Owner, started_ticks, this_process


def test_this_process_lives() -> None:
    assert this_process().lives
    assert this_process().pid == os.getpid()


def test_a_process_that_has_ended_does_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner = Owner(pid=child.pid, started_ticks=started_ticks(child.pid), host=this_process().host)
    assert owner.lives
    child.kill()
    child.wait()
    assert not owner.lives


def test_its_number_alone_is_not_enough() -> None:
    mine = this_process()
    assert not msgspec.structs.replace(mine, started_ticks=(mine.started_ticks or 0) + 1).lives
    assert not msgspec.structs.replace(mine, started_ticks=None).lives


def test_of_another_host_nobody_can_tell() -> None:
    assert Owner(pid=2**22 + 1, started_ticks=1, host="elsewhere").lives
