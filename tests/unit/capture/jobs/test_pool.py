"""Worker processes that fail: whose fault it is, and of which capture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.command import THREE_USERS

from smbench.capture import reading
from smbench.capture.decode import DecodeOptions, decode
from smbench.errors import SetupError

SMALL_DISK = """
mount -t tmpfs -o size={size}k none {disk} || exit 77
{settings} {python} - <<'END'
from pathlib import Path
from smbench.capture import reading
from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.reading import Decoder
from smbench.errors import SetupError
reading._WORTH_SHARING = 0
try:
    decode([{given}], Path("{into}"), DecodeOptions(jobs=2{options}))
except SetupError as error:
    print(error)
END
"""


def on_a_small_disk(size: int, disk: Path, into: Path, settings: str = "", captures: int = 1) -> str:
    """What a decode of the shipped capture says where `disk` has `size` KiB; by tshark, if it is `captures`
    times that."""
    given = ", ".join([f'Path("{THREE_USERS}")'] * captures)
    script = SMALL_DISK.format(
        size=size,
        disk=disk,
        into=into,
        settings=settings,
        python=sys.executable,
        given=given,
        options=", decoder=Decoder.TSHARK" if captures > 1 else "",
    )
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, check=False
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no mounts here")
    assert not done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
@pytest.mark.parametrize("size", [8, 40])
def test_a_disk_that_is_full_while_workers_write_is_named_with_the_capture(size: int, tmp_path: Path) -> None:
    assert on_a_small_disk(size, tmp_path, tmp_path) == (
        f"no room left on the disk at {tmp_path} for what is decoded of {THREE_USERS} "
        "(No space left on device): make some, or choose another place with -o"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_of_what_tshark_has_to_read_is_named_with_the_captures(tmp_path: Path) -> None:
    assert on_a_small_disk(100, tmp_path, tmp_path, captures=2) == (
        f"no room left on the disk at {tmp_path} for a copy of what tshark has to read of {THREE_USERS} and "
        f"{THREE_USERS} (No space left on device): make some, or choose another place with -o"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_of_tsharks_settings_is_another(tmp_path: Path) -> None:
    disk, into = tmp_path / "disk", tmp_path / "into"
    disk.mkdir()
    into.mkdir()
    assert on_a_small_disk(4, disk, into, f"TMPDIR={disk}") == (
        f"no room left on the disk at {disk} for tshark's settings in {disk} "
        "(No space left on device): make some, or name another place in TMPDIR"
    )


def test_another_error_of_the_systems_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_WORTH_SHARING", 0)
    (tmp_path / "x.pcap").write_bytes(THREE_USERS.read_bytes())
    start: Any = subprocess.Popen

    def without_its_capture(*arguments: object, **named: object) -> object:
        (tmp_path / "x.pcap").unlink(missing_ok=True)
        return start(*arguments, **named)

    monkeypatch.setattr(subprocess, "Popen", without_its_capture)
    with pytest.raises(SetupError, match=r"x.pcap.*No such file or directory.*x.pcap"):
        decode([tmp_path / "x.pcap"], tmp_path, DecodeOptions(jobs=2))
