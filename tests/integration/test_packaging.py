"""What is given away: an sdist of the whole project, and a wheel of all that runs and nothing else.

Both are built by the backend itself, without isolation: nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
from helpers.command import PROJECT, THREE_USERS, run

import smbench
from smbench.cli import COMMANDS


def built(kind: str, project: Path, folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder],
        cwd=project, check=True, capture_output=True,
    )  # fmt: skip
    (package,) = folder.iterdir()
    return package


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist."""
    package = built("sdist", PROJECT, tmp_path_factory.mktemp("sdist"))
    with tarfile.open(package) as archive:
        # Debian 12's Python 3.11.2 has no filters yet.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(package.parent, **safe)  # type: ignore[arg-type]
    return package.with_name(package.name.removesuffix(".tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, built from the sdist, as it is where someone installs that."""
    package = built("wheel", sdist, tmp_path_factory.mktemp("wheel"))
    with zipfile.ZipFile(package) as archive:
        archive.extractall(package.with_suffix(""))
    return package.with_suffix("")


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    (path,) = wheel.glob("*.dist-info/METADATA")
    return message_from_string(path.read_text(encoding="utf-8"))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="no git repository: this is an sdist itself")
def test_the_sdist_is_the_project(sdist: Path) -> None:
    def listed(which: str) -> set[str]:
        done = subprocess.run(
            ["git", "ls-files", "-z", "--exclude-standard", which],
            cwd=PROJECT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return {name for name in done.stdout.split("\0") if (PROJECT / name).is_file()}

    tracked, new = listed("--cached"), listed("--others")
    assert tracked - files(sdist) == set()
    assert files(sdist) - tracked - new == {"PKG-INFO"}


def test_what_can_be_run_in_the_project_can_be_in_the_sdist(sdist: Path) -> None:
    for name in ("scripts/test", "scripts/lab", "vagrant/linux/install.sh"):
        assert os.access(sdist / name, os.X_OK) == os.access(PROJECT / name, os.X_OK), name


def test_the_wheel_has_what_runs(wheel: Path) -> None:
    package = {name for name in files(PROJECT / "smbench") if "__pycache__" not in name}
    manual = {name for name in package if name.startswith("man/")}
    assert files(wheel / "smbench") == package - manual
    (data,) = wheel.glob("*.data/data")
    assert files(data) == {f"share/man/man1/{Path(name).name}" for name in manual}
    assert {path.name.split("-")[0] for path in wheel.iterdir()} == {"smbench", "smbench_mount"}


def test_metadata(metadata: Message) -> None:
    assert metadata["Version"] == smbench.__version__
    assert run("--version").out == f"smbench-mount, version {smbench.__version__}\n"
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    # Beside an expression an index refuses them (PEP 639).
    assert not [each for each in metadata.get_all("Classifier", []) if each.startswith("License")]
    assert metadata["Author"]
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_the_command(wheel: Path) -> None:
    (entries,) = wheel.glob("*.dist-info/entry_points.txt")
    assert entries.read_text(encoding="utf-8") == "[console_scripts]\nsmbench-mount = smbench.cli:main\n"


def test_the_wheel_alone_does_the_work(wheel: Path, tmp_path: Path) -> None:
    """Ingest, replay, report and compare, in another folder, by the wheel's own files."""

    def python(*arguments: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-P", *arguments], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(wheel)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def command(*arguments: str | Path) -> str:
        return python("-m", "smbench", *arguments)

    assert Path(python("-c", "import smbench; print(smbench.__file__)").strip()).is_relative_to(wheel)
    (tmp_path / "scratch").mkdir()
    assert all(name in command("--help") for name in COMMANDS)
    ingested = json.loads(command("ingest", THREE_USERS, "-o", "w.workload", "--json"))
    ran = json.loads(command("replay", "w.workload", "scratch", "-o", "r.run", "--pace", "fast", "--json"))
    assert ran["operations"]["planned"] == sum(ingested["operations"].values())
    assert "operations" in command("report", "r.run")
    assert "<html" in (tmp_path / "r.run" / "report.html").read_text(encoding="utf-8")
    compared = json.loads(command("compare", THREE_USERS, "w.workload", "--json", "--page"))
    assert compared["candidates"][0]["wire"]["recall"] == 1.0
