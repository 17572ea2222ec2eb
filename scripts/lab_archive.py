"""Bring the kernels and servers that scripts/lab takes by their versions or names, from Debian.

Standard library only, no root: packages of other suites are fetched (lab_packages), unpacked in .kernels and
installed nowhere. What is here already is left alone.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from lab_image import bring_ksmbd
from lab_packages import KEYRING, Suite, UnavailableError, field, lay_over, of_version, run, say
from lab_parts import BROUGHT, KERNELS, OPTIONS, SAMBAS, SERVERS, is_of, runs_with, version_of

LOADER = b"/lib64/ld-linux-x86-64.so.2"
SERVER = ("samba", "samba-vfs-modules", "smbclient")
ITS_OWN = {"samba", "ldb", "talloc", "tdb", "tevent"}
"""The sources of packages that belong to one Samba, whatever of them a machine has itself."""
LIBRARY = re.compile(r"lib(?!perl|python|pam-runtime|pam-systemd)|samba|smbclient|attr$|tdb-tools$")
"""The packages that a smbd without services and scripts is made of."""
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


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
    lay_over(packages, ITS_OWN, suite, draft)
    return what


Bring = Callable[[str, Suite, Path], str]
BRINGS: dict[str, tuple[dict[str, str], Bring]] = {
    "kernel": (KERNELS, bring_kernel),
    "samba": (SAMBAS, bring_samba),
    "server": (SERVERS, bring_ksmbd),
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
    known = [name for names, _ in BRINGS.values() for name in names]
    if unknown := set(only) - {*known}:
        say(f"--kernels knows {', '.join(known)}, and no {', '.join(sorted(unknown))}")
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
