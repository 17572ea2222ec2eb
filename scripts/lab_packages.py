"""Packages of Debian's suites: fetched by a scratch apt configuration, unpacked, laid over a machine's files.

Standard library only, no root: the archive's signatures are checked as ever, and nothing of this machine's
own apt is known or changed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from lab_parts import is_of
from releases.release_tree import mirror_of

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PROGRAMS = {("usr", part) for part in ("bin", "sbin", "lib", "lib64", "libexec")}


class UnavailableError(Exception):
    """Why something cannot be had."""


def say(words: str) -> None:
    print(f"scripts/setup: {words}", file=sys.stderr, flush=True)


def run(*command: object, cwd: Path | str | None = None, **more: object) -> str:
    """What a command printed, with more in its environment; UnavailableError with its last words where it
    failed."""
    environment = {**os.environ, "LC_ALL": "C", **{name: str(value) for name, value in more.items()}}
    done = subprocess.run(
        [str(each) for each in command], cwd=cwd, env=environment, text=True, check=False,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        words = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise UnavailableError(f"{command[0]} {command[1]}: {words[-1] if words else done.returncode}")
    return done.stdout


class Suite:
    """Packages of one suite, in a folder that vanishes."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        for part in ("state/lists/partial", "cache/archives/partial", "none", "packages"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        release = name.removesuffix("-backports")
        archive = mirror_of("Debian")
        if archive is None:
            raise UnavailableError("this machine's apt knows no archive of Debian")
        (folder / "sources.list").write_text(
            "".join(
                f"deb [signed-by={KEYRING}] {archive} {suite} main\n"
                for suite in dict.fromkeys([release, name])
            )
        )
        settings = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": folder / "none",
            "Dir::Etc::preferences": folder / "none/preferences",
            "Dir::Etc::preferencesparts": folder / "none",
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "APT::Default-Release": name,
            # It would not see a folder that is the caller's alone.
            "APT::Sandbox::User": "root",
        }
        self.config = folder / "apt.conf"
        self.config.write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()))
        run("apt-get", "-o", "APT::Update::Error-Mode=any", "update", APT_CONFIG=self.config)

    def needed_for(self, *packages: str) -> list[str]:
        """They and what they depend on."""
        plan = run("apt-get", "install", "-s", "--no-install-recommends", *packages, APT_CONFIG=self.config)
        return re.findall(r"^Inst (\S+)", plan, re.MULTILINE)

    def fetch(self, *packages: str) -> list[Path]:
        """Their files, checked against the signed lists."""
        run("apt-get", "download", *packages, cwd=self.folder / "packages", APT_CONFIG=self.config)
        return sorted((self.folder / "packages").glob("*.deb"))


def field(package: Path, name: str) -> str:
    return run("dpkg-deb", "--field", package, name).strip()


def of_version(packages: list[Path], package: str, name: str) -> str:
    """The version of one of them, which is what was asked for."""
    (found,) = [each for each in packages if field(each, "Package") == package]
    version = field(found, "Version")
    number = re.search(r"(\d+:)?(\d+(\.\d+)*)", version)
    if not number or not is_of(name, number[2]):
        raise UnavailableError(f"Debian has {package} {version} there now")
    return f"{package} {version}"


def lay_over(packages: Collection[Path], its_own: Collection[str], suite: Suite, draft: Path) -> None:
    """Unpack programs and libraries to be laid over this machine's files: all of the packages whose sources
    are `its_own`; of the others what the machine lacks, as a library of the machine is the newer one, which
    its other programs need."""
    for package in packages:
        unpacked = suite.folder / "unpacked"
        run("dpkg-deb", "-x", package, unpacked)
        source = (field(package, "Source") or field(package, "Package")).split()[0]
        for inside, path in files_of(unpacked):
            if source in its_own or not Path("/", inside).exists():
                target = draft / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        shutil.rmtree(unpacked)


def files_of(unpacked: Path) -> Iterator[tuple[str, Path]]:
    """A package's programs and libraries, with where they belong beneath /: there /lib is a link to usr/lib,
    which a folder laid over it would hide."""
    for path in sorted(unpacked.rglob("*")):
        inside = path.relative_to(unpacked)
        if path.is_dir() and not path.is_symlink():
            continue
        if inside.parts[0] in ("lib", "lib64", "bin", "sbin"):
            inside = "usr" / inside
        if inside.parts[:2] in PROGRAMS or inside.parts[:3] == ("usr", "share", "samba"):
            yield str(inside), path
