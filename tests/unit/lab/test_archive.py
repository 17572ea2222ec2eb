"""Packages of other releases, unpacked so that the lab runs with them: real packages, made here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import lab_archive
import pytest
from lab_archive import LOADER, bring_all, bring_kernel, bring_samba, main, name_loader
from lab_packages import Suite, UnavailableError

pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb here: not a Debian")

OURS = Path(__file__).resolve()


class Archive(Suite):
    """A suite whose packages lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.name, self.folder = "a suite", folder
        self.made: list[Path] = []

    def add(self, name: str, version: str, files: dict[str, str], source: str = "") -> None:
        root = self.folder / name
        for path, content in {**files, "usr/share/doc/it": "x"}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
            (root / path).chmod(0o755)
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@example.org>\n"
            f"Description: x\n{f'Source: {source}' if source else ''}\n"
        )
        package = self.folder / f"{name}.deb"
        subprocess.run(["dpkg-deb", "-b", root, package], check=True, capture_output=True)
        self.made.append(package)

    def needed_for(self, *packages: str) -> list[str]:
        return [each.stem for each in self.made]

    def fetch(self, *packages: str) -> list[Path]:
        return [each for each in self.made if each.stem in packages]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    (tmp_path / "archive").mkdir()
    return Archive(tmp_path / "archive")


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_kernel_that_runs_here_is_left_as_it_is(archive: Archive, tmp_path: Path) -> None:
    archive.add("user-mode-linux", "6.12um1+b22", {"usr/bin/linux.uml": "#!/bin/sh\necho 6.12.113\n"})
    assert bring_kernel("6.12", archive, tmp_path / "draft") == "user-mode-linux 6.12um1+b22"
    assert files_in(tmp_path / "draft") == {"usr/bin/linux.uml", "usr/share/doc/it"}


def test_a_kernel_of_another_version_than_the_suite_had_is_none(archive: Archive, tmp_path: Path) -> None:
    archive.add("user-mode-linux", "7.3um1", {"usr/bin/linux.uml": "#!/bin/sh\necho 7.3.1\n"})
    with pytest.raises(UnavailableError, match=r"Debian has user-mode-linux 7\.3um1 there now"):
        bring_kernel("7.2", archive, tmp_path / "draft")


def test_a_program_finds_its_interpreter_where_it_is_started(tmp_path: Path) -> None:
    program = tmp_path / "true"
    shutil.copy(shutil.which("true") or "", program)
    length = program.stat().st_size
    if LOADER not in program.read_bytes():
        pytest.skip("not a machine of the lab's kind (x86-64 and glibc)")
    name_loader(program, b"ld.so")
    assert program.stat().st_size == length
    with pytest.raises(FileNotFoundError):
        subprocess.run([program], cwd=tmp_path, check=True)
    (tmp_path / "ld.so").symlink_to(LOADER.decode())
    assert subprocess.run([program], cwd=tmp_path, check=False).returncode == 0
    with pytest.raises(UnavailableError, match="another interpreter"):
        name_loader(program, b"ld.so")


def test_of_a_server_what_the_machine_has_stays_the_machines(archive: Archive, tmp_path: Path) -> None:
    archive.add(
        "samba", "2:4.22.6+dfsg-0", {"usr/sbin/smbd": "", "lib/systemd/x": "", "etc/samba/smb.conf": ""}
    )
    archive.add("libtdb1", "1.4.13", {"usr/lib/libtdb.so.1": ""}, source="tdb (1.4.13)")
    archive.add(
        "libc6", "2.36", {str(OURS.relative_to("/")): "older", "usr/lib/libnew.so": ""}, source="glibc"
    )
    archive.add("libperl5", "5", {"usr/lib/libperl.so": ""})
    assert bring_samba("4.22", archive, tmp_path / "draft") == "samba 2:4.22.6+dfsg-0"
    brought = files_in(tmp_path / "draft")
    # Not what a package brings for services, documents and perl; of libc6 what is not here.
    assert brought == {"usr/sbin/smbd", "usr/lib/systemd/x", "usr/lib/libtdb.so.1", "usr/lib/libnew.so"}


def test_what_cannot_be_had_is_said_and_the_others_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bring(name: str, _suite: object, draft: Path) -> str:
        (draft / "begun").touch()
        if name == "1.1":
            raise UnavailableError("nobody has it")
        return f"it {name}"

    (tmp_path / "x-1.3").mkdir()
    (tmp_path / "x-1.3.origin").write_text("it 1.3 of old\n")
    monkeypatch.setattr(lab_archive, "BROUGHT", tmp_path)
    monkeypatch.setattr(lab_archive, "Suite", lambda *_: None)
    versions = {"1.1": "old", "1.2": "new", "1.3": "old"}
    monkeypatch.setattr(lab_archive, "BRINGS", {"part": (versions, bring)})
    monkeypatch.setattr(lab_archive, "OPTIONS", {"part": ("x", "no-such-program")})
    assert bring_all(["1.3"])
    assert capsys.readouterr().err == "scripts/setup: --part 1.3: here already, it 1.3 of old\n"
    assert not bring_all()
    assert capsys.readouterr().err.splitlines() == [
        "scripts/setup: --part 1.1 could not be had from Debian old: nobody has it",
        "scripts/setup: --part 1.2: brought, it 1.2 of Debian new",
        "scripts/setup: --part 1.3: here already, it 1.3 of old",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "x-1.2",
        "x-1.2.origin",
        "x-1.3",
        "x-1.3.origin",
    ]


def test_a_version_that_nobody_has_is_no_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["6.12", "9"]) == 2
    assert (
        capsys.readouterr().err
        == "scripts/setup: --kernels knows 6.1, 6.12, 7.2, 4.17, 4.22, ksmbd, and no 9\n"
    )
