"""Print the folder of a clean tree of a Debian or Ubuntu release: debootstrap's smallest, made if need be.

Standard library only. scripts/try-release copies it, so that it stays clean.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

SCRIPTS = Path("/usr/share/debootstrap/scripts")
UBUNTU = "gutsy"  # what debootstrap's script of every later Ubuntu is a link to
ALONE = ("sid", "unstable")  # suites without updates beside them
INCLUDE = "ca-certificates,sudo"
# Mounts and processes of its own: none outlives it.
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--")
ENVIRONMENT = 3

EPILOG = """\
exit status: 0; 2 usage; 3 no tree could be made.

examples:
  sudo scripts/release-tree trixie
  sudo scripts/release-tree noble --keyring ubuntu-archive-keyring.gpg
  sudo scripts/release-tree zany --script gutsy      an Ubuntu that is newer than this debootstrap
"""


class TreeError(Exception):
    """Why there is no tree."""


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/release-tree",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smbench-releases"
    parser.add_argument("suite", metavar="SUITE", help="trixie, bookworm, sid, noble, ...")
    parser.add_argument(
        "--cache", type=Path, default=cache, metavar="DIR",
        help="where trees are kept, about 250 MB each (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="make it again")
    parser.add_argument(
        "--mirror", metavar="URL",
        help="the archive (default: that of this machine's apt, or else debootstrap's own)",
    )  # fmt: skip
    parser.add_argument("--keyring", metavar="FILE", help="the release's keys, where they are not installed")
    parser.add_argument("--script", metavar="NAME", help="debootstrap's script, where it does not know SUITE")
    return parser.parse_args(argv)


def mirror_of(label: str) -> str | None:
    """The archive that this machine's apt uses, by the label of its Release files."""
    if not shutil.which("apt-get"):
        return None
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    wanted = ["Identifier: Packages", f"Label: {label}"]
    found = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False).stdout.split()
    return found[0] if found else None


def tree_of(args: argparse.Namespace) -> Path:
    if os.geteuid() != 0:
        raise TreeError("it takes root to make a tree: call it by sudo")
    if missing := [name for name in ("debootstrap", "unshare") if not shutil.which(name)]:
        raise TreeError(f"{', '.join(missing)} not found: apt-get install debootstrap util-linux")
    tree: Path = args.cache / args.suite
    args.cache.mkdir(parents=True, exist_ok=True)
    with (args.cache / f"{args.suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if args.fresh and tree.exists():
            shutil.rmtree(tree)
        if not tree.exists():
            make(tree, args)
    return tree


def make(tree: Path, args: argparse.Namespace) -> None:
    script = SCRIPTS / (args.script or args.suite)
    if not script.exists():
        raise TreeError(
            f"debootstrap knows no {script.name}. If it is newer than this debootstrap, name a script that "
            f"does for it: --script sid (Debian), --script {UBUNTU} (Ubuntu)"
        )
    ubuntu = script.resolve().name == UBUNTU
    mirror = args.mirror or mirror_of("Ubuntu" if ubuntu else "Debian") or ""
    draft, log = Path(f"{tree}.draft"), Path(f"{tree}.log")
    shutil.rmtree(draft, ignore_errors=True)
    options = ["--variant=minbase", f"--include={INCLUDE}"]
    options += [f"--keyring={args.keyring}"] if args.keyring else []
    begun = time.monotonic()
    with log.open("w") as output:
        status = subprocess.run(
            [*APART, "debootstrap", *options, args.suite, draft, mirror, script],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
        ).returncode  # fmt: skip
    words = log.read_text()
    if "cannot check Release signature" in words:  # a warning to debootstrap
        shutil.rmtree(draft, ignore_errors=True)
        keys = "ubuntu-keyring" if ubuntu else "debian-archive-keyring"
        raise TreeError(
            f"nothing here to check {args.suite}'s signature with: apt-get install {keys}, or name a file "
            "by --keyring"
        )
    if status:
        shutil.rmtree(draft, ignore_errors=True)
        last = "\n  ".join(words.splitlines()[-5:])
        raise TreeError(f"debootstrap could not make {args.suite} (its whole log: {log}):\n  {last}")
    write_sources(draft, args.suite, ubuntu, args.mirror)
    draft.rename(tree)
    print(f"{args.suite}: a clean tree after {time.monotonic() - begun:.0f} s", file=sys.stderr)


def write_sources(tree: Path, suite: str, ubuntu: bool, mirror: str | None) -> None:
    """What a fresh installation asks for packages; debootstrap wrote the suite's own line alone."""
    path = tree / "etc/apt/sources.list"
    archive = path.read_text().split()[1]
    parts = "main restricted universe multiverse" if ubuntu else "main"
    lines = [f"deb {archive} {suite} {parts}"]
    if suite not in ALONE:
        lines.append(f"deb {archive} {suite}-updates {parts}")
        # Debian's security updates have an archive of their own; beside a --mirror it is not known.
        security = archive if ubuntu else None if mirror else mirror_of("Debian-Security")
        lines += [f"deb {security} {suite}-security {parts}"] if security else []
    path.write_text("".join(f"{line}\n" for line in lines))


def main(argv: list[str]) -> int:
    args = parse(argv)
    try:
        print(tree_of(args))
    except TreeError as error:
        print(f"scripts/release-tree: {error}", file=sys.stderr)
        return ENVIRONMENT
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
