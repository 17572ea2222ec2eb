"""How much decoders may take: by the machine, by what is read, and as it is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from smbench.capture import limits
from smbench.capture.limits import Limits, machine_bytes

GIB = 1 << 30


def test_a_container_with_less_than_the_machine_is_what_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_CGROUP_LIMITS", (tmp_path / "none", tmp_path / "max", tmp_path / "v1"))
    (tmp_path / "max").write_text("max\n")
    whole = machine_bytes()
    (tmp_path / "v1").write_text(f"{GIB}\n")
    assert machine_bytes() == GIB < whole


def test_memory_is_shared_among_processes_and_never_less_than_tshark_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "machine_bytes", lambda: 16 * GIB)
    assert Limits().memory() == 12 * GIB
    assert Limits().among(4).memory() == 3 * GIB
    assert Limits(memory_bytes=8 * GIB).among(2).memory() == 4 * GIB
    assert Limits(memory_bytes=1).memory() == Limits().among(1000).memory() == GIB


def test_cpu_grows_with_what_is_read_unless_it_is_said() -> None:
    assert Limits().cpu(0) == 600
    assert Limits().cpu(100 << 20) == 1600
    assert Limits(cpu_s=5).cpu(100 << 20) == 5
    assert Limits(cpu_s=0.1).cpu(0) == 1


def test_of_a_packed_file_comes_a_gigabyte_or_a_hundred_times_itself_unless_it_is_said() -> None:
    assert Limits().unpacked(2 << 20) == GIB
    assert Limits().unpacked(20 << 20) == 2000 << 20
    assert Limits(unpacked_bytes=5).unpacked(20 << 20) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_worker_has_soft_limits_so_that_its_tshark_may_have_its_own() -> None:
    script = """
import resource
from smbench.capture.limits import Limits, confine_worker
confine_worker(Limits(memory_bytes=1 << 30, cpu_s=7), 0)
print(*resource.getrlimit(resource.RLIMIT_CPU), *resource.getrlimit(resource.RLIMIT_DATA))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    cpu, most_cpu, data, most_data = map(int, done.stdout.split())
    assert (cpu, data) == (7, 3 * GIB)
    assert most_cpu in (-1, 2**64 - 1) or most_cpu > cpu
    assert most_data in (-1, 2**64 - 1) or most_data > data
