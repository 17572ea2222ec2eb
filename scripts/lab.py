"""Boot the lab (User-Mode Linux or qemu, cifs.ko, smbd or ksmbd) and run one command in it as root.

Standard library only: it runs before .venv exists. The host's half of the work is in lab*.py: here streams,
deadlines and clean-up, in lab_options, lab_parts, lab_folder and lab_kernel what their names say; the
guest's half is scripts/lab-guest.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab_folder import write_run
from lab_kernel import BROKEN, DEADLINE, adopt_orphans, boot, end
from lab_options import parse
from lab_parts import NO_LAB, SERVERS, LabError, parts_of, stock_parts

# sbin is where mount.cifs, smbd and mkfs.ext4 stand, and not in an ordinary user's PATH.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
POLL_S = 0.02


class Stream:
    """One of COMMAND's streams: a file that grows under the guest's hand, copied out."""

    def __init__(self, path: Path, target: int) -> None:
        self.source = path.open("rb", buffering=0)
        self.target = target

    def pump(self) -> bool:
        moved = False
        while chunk := self.source.read(1 << 18):
            moved = True
            while chunk:
                chunk = chunk[os.write(self.target, chunk) :]
        return moved


def attend(guest: subprocess.Popen[bytes], run: Path, args: argparse.Namespace) -> int:
    """Copy the streams out until COMMAND's exit status is there."""
    streams = [Stream(run / "stdout", 1), Stream(run / "stderr", 2)]
    begun = time.monotonic()
    status = run / "status"
    while True:
        # Asked before the last look: what both leave behind is complete by then.
        gone = guest.poll() is not None
        done = status.exists()
        moved = [stream.pump() for stream in streams]
        if done:
            return int(status.read_text())
        elapsed = time.monotonic() - begun
        started = (run / "started").exists()
        if gone:
            booted = (run / "booted").exists()
            raise LabError(
                BROKEN if booted else NO_LAB,
                "the guest ended before the command did"
                if started
                else "the guest ended before the command could start",
            )
        if args.deadline and elapsed > args.deadline:
            raise LabError(DEADLINE, f"not done after {args.deadline:g} s (--deadline)")
        if not started and elapsed > args.boot_deadline:
            raise LabError(
                BROKEN if (run / "booted").exists() else NO_LAB,
                f"the guest was not up after {args.boot_deadline:g} s (--boot-deadline)",
            )
        if not any(moved):
            time.sleep(POLL_S)


def last_words(console: Path) -> list[str]:
    """What the guest's set-up said of its failure, or else the end of the kernel's messages."""
    lines = [line for line in console.read_text(errors="replace").splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("lab-guest:")]
    stack = (" ", "Stack:", "Call Trace:")
    return ["", *(said or [line for line in lines if not line.startswith(stack)][-15:])]


def interrupt(number: int, _frame: object) -> None:
    raise LabError(128 + number, f"ended by {signal.Signals(number).name}")


def main(argv: list[str]) -> int:
    args = parse(argv)
    path = f"{os.environ.get('PATH', os.defpath)}:{SBIN}"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    adopt_orphans()
    run: Path | None = None
    guest: subprocess.Popen[bytes] | None = None
    try:
        if args.server in SERVERS:
            parts = stock_parts(args.server, path)
        else:
            parts = parts_of(args.kernel, args.samba, path)
        if args.out:
            try:
                args.out.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise LabError(2, f"cannot make the folder {args.out} (--out): {error.strerror}") from None
        temporary = tempfile.gettempdir()
        plain = re.fullmatch(r"[\w./+-]+", temporary)  # it does stand on that command line
        run = Path(tempfile.mkdtemp(prefix="smbench-lab-", dir=temporary if plain else "/tmp"))
        write_run(run, args, parts, path)
        guest = boot(parts, run, args.mem)
        return attend(guest, run, args)
    except LabError as error:
        print(f"scripts/lab: {error}", file=sys.stderr)
        if run and error.status in (NO_LAB, BROKEN):
            print(*last_words(run / "console"), sep="\n  ", file=sys.stderr)
        return error.status
    except BrokenPipeError:  # whoever read the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains at its exit
        return 128 + signal.SIGPIPE
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if guest:
            end(guest)
        if run:
            shutil.rmtree(run, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
