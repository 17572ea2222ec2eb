"""Inside the lab: users at work on one share through real kernel mounts, captured until the capture is large.

    scripts/lab --users 6 --out FOLDER -- scripts/make-traffic SIZE_IN_MB [SEED]

Each user has an own mount (the client's defaults) and an own process. What they do is mixed as on a share of
an office: folders listed, files looked at, small files read and saved anew by a rename, large files copied in
and read through, records read and written in the middle of a file that several users have open, files moved
and removed, names that are not there. The loopback carries packets of an Ethernet's size, as a switch's
mirror port shows them. Writes FOLDER/large.pcap. scripts/bench-ingest calls it.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import errno
import fcntl
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

MTU = 1500
FOLDERS, FILES = 24, 12
RECORDS = 8 << 20
SIOCETHTOOL, SEGMENTATION = 0x8946, (0x1F, 0x24, 0x2C, 0x17)  # TSO, GSO, GRO, scatter and gather: off


def as_ethernet() -> None:
    """Packets on the loopback as an Ethernet would carry them."""
    subprocess.run(["ip", "link", "set", "lo", "mtu", str(MTU)], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for feature in SEGMENTATION:
            value = array.array("B", struct.pack("II", feature, 0))
            request = struct.pack("16sP8x", b"lo", value.buffer_info()[0])
            with contextlib.suppress(OSError):
                fcntl.ioctl(asking, SIOCETHTOOL, request)


def furnish(share: Path) -> None:
    for folder in range(FOLDERS):
        place = share / f"department-{folder % 4}" / f"project {folder:02d}"
        place.mkdir(parents=True)
        for number in range(FILES):
            (place / f"Report {number:02d}.docx").write_bytes(os.urandom(1000 + 4000 * number))
    (share / "shared").mkdir()
    for number in range(3):
        (share / "shared" / f"records-{number}.mdb").write_bytes(os.urandom(RECORDS))
    subprocess.run(["chmod", "-R", "a+rwX", str(share)], check=True)


class Person:
    """One user's work, a step at a time."""

    def __init__(self, mount: Path, seed: int) -> None:
        self.mount, self.chance = mount, random.Random(seed)
        self.own = mount / "shared" / f"own-{seed}"
        self.own.mkdir(exist_ok=True)
        self.made: list[Path] = []
        self.block = os.urandom(1 << 20)

    def folder(self) -> Path:
        number = self.chance.randrange(FOLDERS)
        return self.mount / f"department-{number % 4}" / f"project {number:02d}"

    def browse(self) -> None:
        for path in list(self.folder().iterdir())[:20]:
            path.stat()

    def read_document(self) -> None:
        folder = self.folder()
        (folder / f"Report {self.chance.randrange(FILES):02d}.docx").read_bytes()

    def save_document(self) -> None:
        path = self.folder() / f"Report {self.chance.randrange(FILES):02d}.docx"
        draft = path.with_name(f"~{self.chance.randrange(1 << 30):x}.tmp")
        with draft.open("wb") as out:
            out.write(self.block[: self.chance.randrange(500, 90_000)])
            os.fsync(out.fileno())
        draft.replace(path)

    def copy_in(self) -> None:
        path = self.own / f"video {len(self.made):05d}.bin"
        with path.open("wb", buffering=0) as out:
            for _ in range(self.chance.randrange(1, 5)):
                out.write(self.block)
        self.made.append(path)

    def read_large(self) -> None:
        if not self.made:
            return self.copy_in()
        with self.chance.choice(self.made).open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while file.read(1 << 20):
                pass
        return None

    def records(self) -> None:
        fd = os.open(self.mount / "shared" / f"records-{self.chance.randrange(3)}.mdb", os.O_RDWR)
        try:
            for _ in range(self.chance.randrange(10, 60)):
                at = self.chance.randrange(RECORDS // 4096) * 4096
                os.posix_fadvise(fd, at, 4096, os.POSIX_FADV_DONTNEED)
                if self.chance.random() < 0.7:
                    os.pread(fd, 4096, at)
                else:
                    os.pwrite(fd, self.block[:4096], at)
        finally:
            os.close(fd)

    def tidy(self) -> None:
        while len(self.made) > 12:
            self.made.pop(0).unlink()
        folder = self.own / f"new folder {self.chance.randrange(1000)}"
        folder.mkdir()
        folder.rename(folder.with_name(f"{folder.name} moved")).rmdir()

    def look_for_nothing(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self.folder() / f"desktop-{self.chance.randrange(99)}.ini").stat()

    def work(self) -> None:
        steps = (
            [self.browse] * 8 + [self.read_document] * 14 + [self.save_document] * 6 + [self.copy_in] * 2
            + [self.read_large] * 3 + [self.records] * 3 + [self.tidy] * 2 + [self.look_for_nothing] * 8
        )  # fmt: skip
        while True:
            try:
                self.chance.choice(steps)()
            except OSError as error:  # others work on the same files
                if error.errno not in (errno.ENOENT, errno.EACCES, errno.EBUSY, errno.ESTALE, errno.EEXIST):
                    raise
            time.sleep(self.chance.expovariate(200))


def mounted(number: int, folder: Path) -> Path:
    mount = Path(f"/mnt/u{number}")
    mount.mkdir(exist_ok=True)
    secret = (Path(os.environ["LAB_USERS"]).parent / f"user{number:02d}.pw").read_text().strip()
    credentials = folder / "credentials"
    credentials.touch(mode=0o600)
    credentials.write_text(f"username=user{number:02d}\npassword={secret}\n")
    options = f"credentials={credentials},nosharesock,iocharset=utf8,vers=3.1.1,noperm"
    subprocess.run(["mount", "-t", "cifs", os.environ["LAB_SHARE"], str(mount), "-o", options], check=True)
    credentials.unlink()
    return mount


def main(megabytes: int, seed: int) -> None:
    users = len(list(Path(os.environ["LAB_USERS"]).parent.glob("*.pw")))
    as_ethernet()
    furnish(Path(os.environ["LAB_SHARE_PATH"]))
    target = Path(os.environ["LAB_OUT"]) / "large.pcap"
    log = Path("/tmp/tcpdump.log")
    argv = ["tcpdump", "-i", "lo", "-s", "0", "-B", "262144", "-w", str(target), "tcp port 445"]
    with log.open("wb") as said:
        dump = subprocess.Popen(argv, stderr=said)
    # One CPU for all of them: the capture comes first, or most of it is lost.
    os.sched_setscheduler(dump.pid, os.SCHED_FIFO, os.sched_param(50))
    while b"listening" not in log.read_bytes():
        time.sleep(0.1)
    mounts = [mounted(number, Path("/tmp")) for number in range(1, users + 1)]
    people = []
    for number, mount in enumerate(mounts):
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            Person(mount, seed * 1000 + number).work()
        people.append(child)
    while target.stat().st_size < megabytes * 1_000_000:
        time.sleep(1)
        print(f"{target.stat().st_size / 1e6:.0f} of {megabytes} MB", end="\r", file=sys.stderr, flush=True)
    for child in people:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
    time.sleep(1)
    for mount in mounts:
        subprocess.run(["umount", "-l", str(mount)], check=False)
    time.sleep(2)
    dump.terminate()
    dump.wait()
    print(log.read_text(), file=sys.stderr)
    target.chmod(0o644)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="scripts/make-traffic", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("megabytes", type=int, metavar="SIZE_IN_MB")
    parser.add_argument("seed", type=int, nargs="?", default=1, metavar="SEED", help="(default %(default)s)")
    options = parser.parse_args()
    main(options.megabytes, options.seed)
