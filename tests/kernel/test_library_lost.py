"""The executor `library` when its connection is cut or smbd restarted, in the lab."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.guest import LAB, ROOT, Guest, stories_of

from smbench.capture.decode import DecodeOptions, decode
from smbench.lift.lift import lift

INSIDE = Path(__file__).with_name("library_lost_inside.py")
CAPTURE = ROOT / "tests/captures/three-users.pcap"
DURABLE = ("kernel share modes = no", "posix locking = no")
"""Samba gives durable handles only where no one but itself opens and locks the files."""

pytestmark = LAB


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Guest:
    out = tmp_path_factory.mktemp("lab")
    lift(decode([CAPTURE], out, DecodeOptions(jobs=1)), out / "workload")
    return Guest(INSIDE, out, smb_conf=DURABLE)


@pytest.mark.parametrize("story", stories_of(INSIDE))
def test_in_the_lab(guest: Guest, story: str) -> None:
    guest.tell(story)
