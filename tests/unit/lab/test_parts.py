"""The kernel and the server of scripts/lab: names, folders, what is not here."""

from __future__ import annotations

from pathlib import Path

import lab_parts
import pytest
from lab_parts import NO_LAB, QEMU, LabError, is_of, parts_of, stock_parts

TOOLS = ("smbd", "mount.cifs", "modprobe", "busybox", "ip", "mkfs.ext4")


def program(folder: Path, name: str, says: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The PATH of a machine with a Linux 6.1.176 and a Samba 4.17.12 of its own, to which 6.12 and 4.22 were
    brought."""
    for tool in TOOLS:
        program(tmp_path / "bin", tool, "Version 4.17.12-Debian" if tool == "smbd" else "")
    program(tmp_path / "bin", "linux.uml", "6.1.176")
    brought = tmp_path / "brought"
    program(brought / "linux-6.12/usr/bin", "linux.uml", "6.12.113")
    (brought / "linux-6.12/usr/lib/uml/modules").mkdir(parents=True)
    (brought / "samba-4.22").mkdir()
    monkeypatch.setattr(lab_parts, "BROUGHT", brought)
    monkeypatch.setattr(lab_parts, "SERVER_MODULES", tmp_path)
    for name in ("LAB_UML", "LAB_UML_LIBC", "LAB_OVER"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin/samba/vfs").mkdir(parents=True)
    (tmp_path / "bin/samba/vfs/streams_xattr.so").touch()
    return str(tmp_path / "bin")


def test_a_version_is_called_by_its_first_numbers() -> None:
    assert is_of("6.1", "6.1.176")
    assert is_of("4.22", "4.22")
    assert not is_of("6.1", "6.12.113")
    assert not is_of("6.1", None)


def test_what_was_brought_is_taken_by_its_version(machine: str, tmp_path: Path) -> None:
    parts = parts_of("6.12", "4.22", machine)
    assert parts.kernel == str(tmp_path / "brought/linux-6.12/usr/bin/linux.uml")
    assert parts.modules == tmp_path / "brought/linux-6.12/usr/lib/uml/modules"
    assert parts.over == tmp_path / "brought/samba-4.22"
    assert parts.libc is None


def test_a_library_in_the_kernels_folder_is_the_kernels(machine: str, tmp_path: Path) -> None:
    (tmp_path / "brought/linux-6.12/libc").mkdir()
    assert parts_of("6.12", None, machine).libc == tmp_path / "brought/linux-6.12/libc"


def test_a_folder_is_taken_by_its_path(machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parts = parts_of("brought/linux-6.12", str(tmp_path / "brought/samba-4.22"), machine)
    assert parts.modules == tmp_path / "brought/linux-6.12/usr/lib/uml/modules"
    assert parts.over == tmp_path / "brought/samba-4.22"


def test_an_option_goes_before_the_environment(
    machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_OVER", str(tmp_path))
    assert parts_of("6.12", None, machine).over == tmp_path
    assert parts_of("6.12", "4.22", machine).over == tmp_path / "brought/samba-4.22"
    assert parts_of("6.12", "4.17", machine).over is None  # the machine's own


@pytest.mark.parametrize(
    ("kernel", "samba", "status", "says"),
    [
        ("9.9", None, NO_LAB, "--kernel 9.9 is not here (6.1.176, 6.12 is): scripts/setup --kernels brings"),
        ("6.12", "3.6", NO_LAB, "--samba 3.6 is not here (4.17.12, 4.22 is)"),
        ("./nowhere", None, 2, "--kernel ./nowhere: there is no such folder"),
        (".", None, NO_LAB, "usr/lib/uml/modules not found"),
    ],
)
def test_what_is_not_here(machine: str, kernel: str, samba: str | None, status: int, says: str) -> None:
    with pytest.raises(LabError) as error:
        parts_of(kernel, samba, machine)
    assert error.value.status == status
    assert says in str(error.value)


def test_a_server_in_the_kernel_brings_its_kernel(machine: str, tmp_path: Path) -> None:
    with pytest.raises(
        LabError, match=r"--server ksmbd is not here: scripts/setup --kernels=ksmbd brings it"
    ):
        stock_parts("ksmbd", machine)
    (tmp_path / "brought/server-ksmbd").mkdir()
    with pytest.raises(LabError, match=rf"{QEMU} not found\. apt-get install qemu-system-x86$"):
        stock_parts("ksmbd", machine)
    program(tmp_path / "bin", QEMU)
    parts = stock_parts("ksmbd", machine)
    image = tmp_path / "brought/server-ksmbd/image"
    assert (parts.kernel, parts.initrd) == (str(image / "vmlinuz"), image / "initrd")
    assert parts.over == tmp_path / "brought/server-ksmbd/over"
