"""The machine with the kernel's own SMB server, for scripts/lab --server ksmbd: a stock kernel of Debian with
what qemu boots it by, and the server's programs. Standard library only, no root.

User-Mode Linux has no ksmbd.ko, so that the kernel runs in qemu, which needs no virtualisation but is slow
without it.
"""

from __future__ import annotations

import gzip
import lzma
import re
import shutil
import subprocess
from pathlib import Path

from lab_packages import Suite, UnavailableError, field, lay_over, run

FIRST = ("virtio_pci", "virtio_blk", "9pnet_virtio", "9p", "overlay", "ext4", "crc32c_generic")
"""Modules without which the machine does not reach the host's files and its disk; some may be built in."""
KEPT = {"arch", "crypto", "fs", "lib", "net"}
"""Of the kernel's folders of modules; drivers are most of the rest, of which the lab needs FIRST's."""
TOOLS = re.compile(r"lib(?!perl|python|pam|systemd)|ksmbd-tools$")
INIT = """\
#!/bin/busybox sh
# What comes before the lab's guest where qemu boots a stock kernel: the host's files, by 9p, as /.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do $b insmod "$module" || echo "lab-guest: $module does not load"; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose root /host || {
    echo "lab-guest: the host's files do not mount"
    $b poweroff -f
}
$b mount --move /dev /host/dev
$b umount /proc
exec $b switch_root -c /dev/console /host "$LAB_RUN/guest"
"""


def bring_ksmbd(_name: str, suite: Suite, draft: Path) -> str:
    """Unpack the kernel, and the server's programs to be laid over this machine's files; what they are."""
    images = [each for each in suite.needed_for("linux-image-amd64") if re.match(r"linux-image-\d", each)]
    image, *_ = suite.fetch(*images[:1])
    unpacked = suite.folder / "image"
    run("dpkg-deb", "-x", image, unpacked)
    write_image(unpacked, draft / "image", suite.folder / "initramfs")
    packages = suite.fetch(*(each for each in suite.needed_for("ksmbd-tools") if TOOLS.match(each)))
    packages.remove(image)
    lay_over(packages, {"ksmbd-tools"}, suite, draft / "over")
    (tools,) = [each for each in packages if field(each, "Package") == "ksmbd-tools"]
    return f"linux {field(image, 'Version')} and ksmbd-tools {field(tools, 'Version')}"


def write_image(unpacked: Path, image: Path, initramfs: Path) -> None:
    """From an unpacked linux-image package what is booted: `vmlinuz`, `initrd`, and modules by `uname -r`."""
    (modules,) = [path for path in unpacked.glob("**/lib/modules/*") if (path / "kernel").is_dir()]
    release = modules.name
    image.mkdir(parents=True)
    shutil.copy(unpacked / f"boot/vmlinuz-{release}", image / "vmlinuz")
    kept = image / "lib/modules" / release
    shutil.copytree(modules, kept)
    depend(image, release)
    needed = modules_for(image, release)
    for path in [path for path in (kept / "kernel").rglob("*.ko*") if path not in needed]:
        if path.relative_to(kept / "kernel").parts[0] not in KEPT:
            path.unlink()
    depend(image, release)
    write_initrd(image / "initrd", needed, initramfs)


def depend(image: Path, release: str) -> None:
    run("/sbin/depmod", "-b", image, release)


def modules_for(image: Path, release: str) -> list[Path]:
    """The files of FIRST's modules that are none of the kernel's own, in the order in which they load."""
    said = run("/sbin/modprobe", "-d", image, "-S", release, "--show-depends", "-a", *FIRST)
    return [Path(path) for path in dict.fromkeys(re.findall(r"^insmod (\S+)", said, re.MULTILINE))]


def write_initrd(initrd: Path, modules: list[Path], folder: Path) -> None:
    """The first root: busybox, these modules and INIT."""
    for name in ("bin", "modules", "proc", "dev", "host"):
        (folder / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    if not busybox:
        raise UnavailableError("busybox is not here: busybox-static")
    shutil.copy(busybox, folder / "bin/busybox")
    for number, module in enumerate(modules):
        # busybox's insmod takes no compressed ones.
        plain, _, packing = module.name.partition(".ko")
        (folder / f"modules/{number:02}-{plain}.ko").write_bytes(unpacked_module(module, packing))
    (folder / "init").write_text(INIT)
    (folder / "init").chmod(0o755)
    names = [".", *(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))]
    archive = subprocess.run(
        [busybox, "cpio", "-o", "-H", "newc"], input="\n".join(names).encode(), cwd=folder,
        capture_output=True, check=True,
    )  # fmt: skip
    initrd.write_bytes(gzip.compress(archive.stdout, 1))


def unpacked_module(module: Path, packing: str) -> bytes:
    match packing:
        case "":
            return module.read_bytes()
        case ".xz":
            return lzma.decompress(module.read_bytes())
        case _:
            raise UnavailableError(f"{module.name} is packed in a way that is not known here")
