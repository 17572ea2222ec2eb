"""What qemu boots: the first root, and what of a kernel's modules is kept."""

from __future__ import annotations

import gzip
import lzma
import shutil
import subprocess
from pathlib import Path

import lab_image
import pytest
from lab_image import INIT, write_image, write_initrd
from lab_packages import UnavailableError

pytestmark = pytest.mark.skipif(not shutil.which("busybox"), reason="no busybox here (busybox-static)")


def unpack(initrd: Path, folder: Path) -> Path:
    folder.mkdir()
    archive = gzip.decompress(initrd.read_bytes())
    subprocess.run(
        ["busybox", "cpio", "-i", "-d"], input=archive, cwd=folder, check=True, capture_output=True
    )
    return folder


def test_the_first_root_has_its_modules_unpacked_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "z.ko").write_bytes(b"z")
    (tmp_path / "a.ko.xz").write_bytes(lzma.compress(b"a"))
    write_initrd(tmp_path / "initrd", [tmp_path / "z.ko", tmp_path / "a.ko.xz"], tmp_path / "folder")
    root = unpack(tmp_path / "initrd", tmp_path / "root")
    assert [(each.name, each.read_bytes()) for each in sorted((root / "modules").iterdir())] == [
        ("00-z.ko", b"z"),
        ("01-a.ko", b"a"),
    ]
    assert (root / "init").read_text() == INIT
    assert (root / "init").stat().st_mode & 0o777 == 0o755
    assert {"bin", "modules", "proc", "dev", "host"} <= {each.name for each in root.iterdir()}


def test_a_module_that_cannot_be_unpacked_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.ko.zst").write_bytes(b"a")
    with pytest.raises(UnavailableError, match=r"a\.ko\.zst is packed in a way that is not known here"):
        write_initrd(tmp_path / "initrd", [tmp_path / "a.ko.zst"], tmp_path / "folder")


def test_of_the_drivers_only_what_is_needed_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = tmp_path / "unpacked/usr/lib/modules/6.12-x/kernel"
    for name in ("fs/smb/client/cifs.ko", "drivers/virtio/virtio_pci.ko", "drivers/gpu/drm.ko"):
        (kernel / name).parent.mkdir(parents=True)
        (kernel / name).write_bytes(name.encode())
    (tmp_path / "unpacked/boot").mkdir()
    (tmp_path / "unpacked/boot/vmlinuz-6.12-x").write_bytes(b"kernel")
    monkeypatch.setattr(lab_image, "depend", lambda *_: None)  # depmod reads real modules only
    monkeypatch.setattr(
        lab_image, "modules_for",
        lambda image, release: [image / f"lib/modules/{release}/kernel/drivers/virtio/virtio_pci.ko"],
    )  # fmt: skip
    image = tmp_path / "image"
    write_image(tmp_path / "unpacked", image, tmp_path / "folder")
    assert (image / "vmlinuz").read_bytes() == b"kernel"
    assert {each.name for each in image.rglob("*.ko")} == {"cifs.ko", "virtio_pci.ko"}
    assert [each.name for each in (unpack(image / "initrd", tmp_path / "root") / "modules").iterdir()] == [
        "00-virtio_pci.ko"
    ]
