"""Bring the kernels and servers that scripts/lab --kernel and --samba take by their versions, from Debian.

Standard library only, no root: a scratch apt configuration, in which the archive's signatures are checked as
ever and which knows nothing of this machine's packages, fetches packages of other suites; they are unpacked
in .kernels and installed nowhere. What is here already is left alone.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from lab_parts import BROUGHT, KERNELS, OPTIONS, SAMBAS, is_of, runs_with, version_of
from releases.release_tree import mirror_of

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LOADER = b"/lib64/ld-linux-x86-64.so.2"
SERVER = ("samba", "samba-vfs-modules", "smbclient")
ITS_OWN = {"samba", "ldb", "talloc", "tdb", "tevent"}
"""The sources of packages that belong to one Samba, whatever of them a machine has itself."""
LIBRARY = re.compile(r"lib(?!perl|python|pam-runtime|pam-systemd)|samba|smbclient|attr$|tdb-tools$")
"""The packages that a smbd without services and scripts is made of."""
PROGRAMS = {("usr", part) for part in ("bin", "sbin", "lib", "lib64", "libexec")}
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


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


def bring_kernel(name: str, suite: Suite, draft: Path) -> str:
    """Unpack a User-Mode Linux so that it runs here; what it is."""
    packages = suite.fetch("user-mode-linux")
    what = of_version(packages, "user-mode-linux", name)
    run("dpkg-deb", "-x", packages[0], draft)
    program = draft / "usr/bin/linux.uml"
    if subprocess.run([program, "--version"], capture_output=True, check=False).returncode:
        (library,) = [each for each in suite.fetch("libc6") if each not in packages]
        what += f", libc6 {field(library, 'Version')}"
        unpacked = suite.folder / "libc6"
        run("dpkg-deb", "-x", library, unpacked)
        (source,) = [each.parent for each in unpacked.rglob("libc.so.6")]
        shutil.copytree(source, draft / "libc", ignore=lambda _, names: {"gconv", "audit"} & {*names})
        name_loader(program, LOADER.rpartition(b"/")[2])
        folder, libc = runs_with(draft / "libc")
        run(program, "--version", cwd=folder, **libc)
    return what


def name_loader(program: Path, loader: bytes) -> None:
    """Let a program's interpreter be looked for in its working directory: see `lab_parts.runs_with`."""
    content = program.read_bytes()
    if content.count(LOADER + b"\0") != 1:
        raise UnavailableError(f"{program.name} has another interpreter than {LOADER.decode()}")
    program.write_bytes(content.replace(LOADER + b"\0", loader.ljust(len(LOADER) + 1, b"\0")))


def bring_samba(name: str, suite: Suite, draft: Path) -> str:
    """Unpack a Samba and the libraries that this machine lacks, to be laid over its files; what it is."""
    packages = suite.fetch(*(each for each in suite.needed_for(*SERVER) if LIBRARY.match(each)))
    what = of_version(packages, "samba", name)
    for package in packages:
        unpacked = suite.folder / "unpacked"
        run("dpkg-deb", "-x", package, unpacked)
        source = (field(package, "Source") or field(package, "Package")).split()[0]
        for inside, path in files_of(unpacked):
            # A library of this machine is the newer one (see SAMBAS), which its other programs need.
            if source in ITS_OWN or not Path("/", inside).exists():
                target = draft / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        shutil.rmtree(unpacked)
    return what


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


Bring = Callable[[str, Suite, Path], str]
BRINGS: dict[str, tuple[dict[str, str], Bring]] = {
    "kernel": (KERNELS, bring_kernel),
    "samba": (SAMBAS, bring_samba),
}


def bring_all(only: Collection[str] = ()) -> bool:
    """What is neither the machine's own nor here, or what of that has one of these versions; whether all of
    it is here afterwards."""
    complete = True
    for option, (versions, bring) in BRINGS.items():
        stem, program = OPTIONS[option]
        own = version_of(program, PATH)
        for name, suite in versions.items():
            if only and name not in only:
                continue
            target = BROUGHT / f"{stem}-{name}"
            if is_of(name, own):
                say(f"--{option} {name}: this machine's own, {own}")
            elif target.is_dir():
                say(f"--{option} {name}: here already, {Path(f'{target}.origin').read_text().strip()}")
            else:
                try:
                    say(f"--{option} {name}: brought, {bring_one(name, suite, target, bring)}")
                except UnavailableError as error:
                    complete = False
                    say(f"--{option} {name} could not be had from Debian {suite}: {error}")
    return complete


def bring_one(name: str, suite: str, target: Path, bring: Bring) -> str:
    draft = Path(f"{target}.draft")
    with tempfile.TemporaryDirectory(prefix="apt-", dir=BROUGHT) as folder:
        draft.mkdir()
        try:
            what = f"{bring(name, Suite(suite, Path(folder)), draft)} of Debian {suite}"
            Path(f"{target}.origin").write_text(f"{what}\n")
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return what


def main(only: Sequence[str]) -> int:
    if unknown := set(only) - {*KERNELS, *SAMBAS}:
        say(f"--kernels knows {', '.join([*KERNELS, *SAMBAS])}, and no {', '.join(sorted(unknown))}")
        return 2
    if lacking := [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]:
        say(f"--kernels takes packages of Debian, by {', '.join(lacking)}, which is not here")
        return 1
    if not KEYRING.exists():
        say(f"--kernels checks Debian's signatures by {KEYRING}, which is not here: debian-archive-keyring")
        return 1
    try:
        BROUGHT.mkdir(exist_ok=True)
        with (BROUGHT / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in (*BROUGHT.glob("apt-*"), *BROUGHT.glob("*.draft")):  # by one that was killed
                shutil.rmtree(left)
            return 0 if bring_all(only) else 1
    except OSError as error:
        say(f"--kernels: {error.strerror}: {error.filename}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
