"""The kernel and the server of scripts/lab: this machine's own, those that scripts/setup --kernels brought,
or an unpacked folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

BROUGHT = Path(__file__).resolve().parents[1] / ".kernels"
KERNELS = {"6.1": "bookworm", "6.12": "trixie", "7.2": "sid"}
SAMBAS = {"4.17": "bookworm", "4.22": "bookworm-backports"}
"""By version, the Debian suite that has it. Of Samba the oldest such suite: what it was linked against, a
newer machine's libraries serve as well."""
SERVERS = {"ksmbd": "bookworm-backports"}
"""By name, the Debian suite that has a kernel with this server in it."""
OPTIONS = {"kernel": ("linux", "linux.uml"), "samba": ("samba", "smbd"), "server": ("server", "ksmbd.mountd")}
"""By option, how the names of folders in BROUGHT begin, and the program that tells its version."""
UML_NEEDS = {"linux.uml": "user-mode-linux", "smbd": "samba"}
QEMU = "qemu-system-x86_64"
NEEDS = {
    "mount.cifs": "cifs-utils",
    "modprobe": "kmod",
    "busybox": "busybox-static",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
}

SERVER_MODULES = Path("/usr/lib")

NO_LAB = 3  # the lab's kernel is not here or does not come up: a caller may fall back


class LabError(Exception):
    """Why COMMAND's own exit status cannot be had, and what to exit with instead."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Parts:
    """What a guest is made of."""

    kernel: str
    """The program: a User-Mode Linux; of a stock kernel, what qemu boots."""
    modules: Path
    """The folder whose children are named by `uname -r`."""
    libc: Path | None
    """Where the program's C library lies, if it is not the machine's: see `runs_with`."""
    over: Path | None
    """What is laid over the machine's files, as /."""
    initrd: Path | None = None
    """A stock kernel's first root (scripts/lab_image.py); None where the kernel is a program."""


def parts_of(kernel: str | None, samba: str | None, path: str) -> Parts:
    """By the names or folders that --kernel and --samba gave, or else the environment; `path` is where
    programs are looked for."""
    uml = _folder("kernel", kernel, "LAB_UML", path)
    over = _folder("samba", samba, "LAB_OVER", path)
    if over and not over.is_dir():
        raise LabError(NO_LAB, f"there is no lab here: LAB_OVER={over} is no folder")
    modules = (uml or Path("/")) / "usr/lib/uml/modules"
    path = f"{uml}/usr/bin:{path}" if uml else path
    missing = _missing({**UML_NEEDS, **NEEDS}, path)
    if not modules.is_dir():
        missing[str(modules)] = "user-mode-linux"
    if not any(SERVER_MODULES.glob("*/samba/vfs/streams_xattr.so")):
        missing["streams_xattr.so"] = "samba-vfs-modules"
    _refuse(missing, "Run scripts/setup, or: ")
    return Parts(str(shutil.which("linux.uml", path=path)), modules, _libc(uml), over)


def stock_parts(server: str, path: str) -> Parts:
    """A machine with a stock kernel and the server in it, which scripts/setup --kernels brought."""
    stem, _ = OPTIONS["server"]
    folder = BROUGHT / f"{stem}-{server}"
    if not folder.is_dir():
        raise LabError(NO_LAB, f"--server {server} is not here: scripts/setup --kernels={server} brings it")
    _refuse(_missing({QEMU: "qemu-system-x86", **NEEDS}, path))
    image = folder / "image"
    return Parts(
        str(image / "vmlinuz"), image / "lib/modules", None, folder / "over", initrd=image / "initrd"
    )


def _missing(needs: dict[str, str], path: str) -> dict[str, str]:
    """The programs that are not here, with the packages that bring them."""
    return {tool: package for tool, package in needs.items() if not shutil.which(tool, path=path)}


def _refuse(missing: dict[str, str], advice: str = "") -> None:
    if missing:
        advice += f"apt-get install {' '.join(dict.fromkeys(missing.values()))}"
        raise LabError(NO_LAB, f"there is no lab here: {', '.join(missing)} not found. {advice}")


def runs_with(libc: Path | None) -> tuple[str, dict[str, str]]:
    """The folder to start the kernel in, and what its environment needs for its C library.

    Linked against a newer one than the machine's it cannot be started by that library's ld.so, under which it
    finds no memory (brk(2)). So its interpreter's path was replaced by a name without folders, which the
    host's kernel looks for in the working directory (scripts/lab_archive.py).
    """
    return (str(libc), {"LD_LIBRARY_PATH": str(libc)}) if libc else ("/", {})


def version_of(program: str, path: str) -> str | None:
    """What a program of this machine says of its version; None where it is not here or says nothing."""
    found = shutil.which(program, path=path)
    if not found:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"\d+(\.\d+)+", said)
    return number[0] if number else None


def is_of(name: str, version: str | None) -> bool:
    """Whether a version is one of those that are called so: 6.1.176 is a 6.1, and 6.12.113 is none."""
    return version is not None and (version == name or version.startswith(f"{name}."))


def _folder(option: str, asked: str | None, variable: str, path: str) -> Path | None:
    """Where the option's packages are unpacked, by what was asked for, or else by the environment; None for
    the machine's own."""
    if asked is not None:
        return _found(option, asked, path)
    named = os.environ.get(variable)
    return Path(named).absolute() if named else None


def _found(option: str, asked: str, path: str) -> Path | None:
    """The folder that an option means; None where the machine's own is what was asked for."""
    stem, program = OPTIONS[option]
    if "/" in asked or asked in (".", ".."):
        if not Path(asked).is_dir():
            raise LabError(2, f"--{option} {asked}: there is no such folder")
        return Path(asked).absolute()
    brought = BROUGHT / f"{stem}-{asked}"
    own = version_of(program, path)
    if is_of(asked, own):
        return None
    if brought.is_dir():
        return brought
    here = sorted({*([own] if own else []), *(each.name.removeprefix(f"{stem}-") for each in _all(stem))})
    raise LabError(
        NO_LAB,
        f"--{option} {asked} is not here ({', '.join(here) or 'none'} is): scripts/setup --kernels brings "
        "what Debian has, and a folder with the package unpacked may be named by its path",
    )


def _all(stem: str) -> list[Path]:
    return [each for each in BROUGHT.glob(f"{stem}-*") if each.is_dir() and not each.name.endswith(".draft")]


def _libc(uml: Path | None) -> Path | None:
    """The caller's, or the one that lies in the kernel's folder."""
    if named := os.environ.get("LAB_UML_LIBC"):
        return Path(named)
    inside = uml / "libc" if uml else None
    return inside if inside and inside.is_dir() else None
