"""The executor `library` at servers of SMB 2.0.2 to 3.0.2, in the lab."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from helpers.guest import LAB, ROOT, Guest, stories_of

from smbench.capture.decode import DecodeOptions, decode
from smbench.lift.lift import lift

INSIDE = Path(__file__).with_name("library_dialect_inside.py")
CAPTURE = ROOT / "tests/captures/three-users.pcap"
DIALECTS = {"2.0.2": "SMB2_02", "2.1.0": "SMB2_10", "3.0.0": "SMB3_00", "3.0.2": "SMB3_02"}
"""As Samba's `server max protocol` names them."""
DURABLE = ("kernel share modes = no", "posix locking = no")

pytestmark = LAB


@pytest.fixture(scope="module")
def guest_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Guest]:
    folder = tmp_path_factory.mktemp("lab")
    lift(decode([CAPTURE], folder, DecodeOptions(jobs=1)), folder / "workload")

    @cache
    def boot(dialect: str) -> Guest:
        out = folder / dialect
        out.mkdir()
        (folder / "workload").rename(out / "workload")
        try:
            protocol = f"server max protocol = {DIALECTS[dialect]}"
            return Guest(INSIDE, out, smb_conf=(protocol, *DURABLE), environment={"SMBENCH_DIALECT": dialect})
        finally:
            (out / "workload").rename(folder / "workload")

    return boot


@pytest.mark.parametrize("story", stories_of(INSIDE))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_in_the_lab(guest_of: Callable[[str], Guest], dialect: str, story: str) -> None:
    guest_of(dialect).tell(story)
