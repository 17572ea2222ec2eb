"""The options of scripts/lab: what may be given, and what is said of what may not."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from lab_parts import KERNELS, SAMBAS, SERVERS

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
MEM_LEAST = 64 << 20  # with less, smbd does not come up
BOOT_DEADLINE_S = {"smbd": 120.0, "ksmbd": 600.0}  # as its help says
"""By server: the one in a stock kernel waits for a machine that qemu may have to compute."""

EPILOG = """\
COMMAND runs as root, in the caller's working directory, with the caller's environment.
It sees the host's files through an overlay: it may write anywhere, and all of it
vanishes, except what it writes under --out. Its standard input is empty. It finds

  LAB=1             it runs in the lab
  LAB_OUT           the folder given by --out (without --out: one that vanishes)
  LAB_USERS         users.toml: accounts user01..userNN, password files beside it
  LAB_SERVER        127.0.0.1
  LAB_SHARE         //127.0.0.1/share; every account may do everything in it
  LAB_SHARE_PATH    the server's own folder behind the share (ext4)
  LAB_SMB_CONF      for smbd, smbstatus, smbcontrol: -s "$LAB_SMB_CONF"

scripts/setup --kernels brings the kernels and servers that have a version or name here. With
--server ksmbd a stock kernel with its own server is booted in qemu, which computes the
machine: about ten times as slow. A folder
for --kernel is one with a user-mode-linux package unpacked in it (dpkg-deb -x), for --samba
one that is laid over the guest's files, as /. What a script in between does not pass on may
stand in the environment: such folders in LAB_UML and LAB_OVER, and in LAB_UML_LIBC the
folder of the C library that the kernel is run with (an interpreter without folders in its
name is looked for there).

exit status: COMMAND's own; 3 the lab's kernel is missing or does not come up;
124 a deadline passed; 125 the lab broke; 128+N ended by signal N.

examples:
  scripts/lab -- true
  scripts/lab --users 10 --out results -- .venv/bin/smbench-mount replay ...
  scripts/lab --kernel 6.12 --samba 4.22 -- uname -r
  scripts/lab --server ksmbd --out results -- .venv/bin/smbench-mount replay ...
  scripts/lab --netem 'delay 5ms loss 0.1%' -- pytest tests/kernel
  scripts/lab --smb-conf 'smb2 leases = no' --smb-conf 'smb encrypt = required' -- bash -c '
      mount -t cifs "$LAB_SHARE" /mnt -o user=user01,pass=lab-user01 && cat /proc/fs/cifs/DebugData'
"""


def folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the name of a folder is empty")
    return Path(text)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/lab",
        usage="%(prog)s [options] -- COMMAND [ARGUMENT...]",
        description="Run COMMAND in a small Linux with real CIFS mounts and a real smbd.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--users", type=int, default=3, metavar="N", help="accounts (default 3)")
    parser.add_argument("--out", type=folder, metavar="DIR", help="the host's folder for results")
    parser.add_argument(
        "--mem", default="1500M", metavar="SIZE", help="the guest's memory, with K, M or G (default 1500M)"
    )
    parser.add_argument(
        "--kernel", metavar="VERSION|DIR",
        help=f"the guest's: {', '.join(KERNELS)}, or an unpacked package (default this machine's)",
    )  # fmt: skip
    parser.add_argument(
        "--samba", metavar="VERSION|DIR",
        help=f"its server: {', '.join(SAMBAS)}, or unpacked packages (default this machine's)",
    )  # fmt: skip
    parser.add_argument(
        "--server", choices=["smbd", *SERVERS], default="smbd",
        help="Samba's, or the kernel's own, which brings its kernel (default smbd)",
    )  # fmt: skip
    parser.add_argument("--netem", default="", help="tc-netem for the loopback, each direction")
    parser.add_argument(
        "--smb-conf", action="append", default=[], metavar="'K = V'", help="a line for smb.conf"
    )
    parser.add_argument("--deadline", type=float, metavar="SECONDS", help="for all of it")
    parser.add_argument(
        "--boot-deadline",
        type=float,
        metavar="SECONDS",
        help="until COMMAND starts (default {smbd:g}; {ksmbd:g} with --server ksmbd)".format_map(
            BOOT_DEADLINE_S
        ),
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.command[:1] == ["--"]:
        args.command = args.command[1:]
    if not args.command:
        parser.error("no COMMAND given (scripts/lab [options] -- COMMAND)")
    if args.server != "smbd" and (args.kernel or args.samba):
        parser.error(f"--server {args.server} brings its own kernel: it takes no --kernel and no --samba")
    if args.boot_deadline is None:
        args.boot_deadline = BOOT_DEADLINE_S[args.server]
    if not 1 <= args.users <= 9999:
        parser.error("--users takes 1 to 9999")
    if (wanted := memory_bytes(args.mem)) is None or not MEM_LEAST <= wanted <= machine_bytes():
        parser.error(
            f"--mem takes a number with K, M or G behind it, from {MEM_LEAST >> 20}M to the "
            f"{machine_bytes() >> 20}M of this machine, not {args.mem!r}"
        )
    if args.out is not None and (why := unfit(args.out)):
        parser.error(f"--out takes a folder to write results into, which is made where it is missing: {why}")
    for option, value in (("--deadline", args.deadline), ("--boot-deadline", args.boot_deadline)):
        if value is not None and not 0 < value < float("inf"):
            parser.error(f"{option} takes a number of seconds above 0, not {value:g}")
    if bad := [line for line in args.smb_conf if "=" not in line or "\n" in line]:
        parser.error(f"--smb-conf takes 'key = value', not {bad[0]!r}")
    return args


def memory_bytes(text: str) -> int | None:
    """As the kernel reads `mem=`; None where it is no size."""
    found = re.fullmatch(r"([1-9][0-9]{0,14})([KMG])", text, re.IGNORECASE)
    return int(found[1]) * UNITS[found[2].upper()] if found else None


def machine_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def unfit(out: Path) -> str | None:
    """Why nothing can be written there; None where it can."""
    try:
        nearest = next(path for path in (out, *out.absolute().parents) if path.exists() or path.is_symlink())
        if not nearest.is_dir():
            return f"{nearest} is no folder"
        if not os.access(nearest, os.W_OK | os.X_OK):
            return f"you may not write into {nearest}"
    except (OSError, ValueError) as error:
        return f"{out}: {getattr(error, 'strerror', None) or error}"
    return None
