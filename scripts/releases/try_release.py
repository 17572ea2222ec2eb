"""Run README's two commands as a newcomer would, in a clean tree of a Debian or Ubuntu release.

Standard library only. The tree is the smallest there is (scripts/release-tree); what it lacks is for
scripts/setup to find out. Whatever is mounted, is so in a namespace that ends with the command, and so does
every process in it.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
NEWCOMER = "newcomer"
USERS = {"root": ["root"], "ordinary": [NEWCOMER], "both": ["root", NEWCOMER]}
PATHS = {
    "root": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    NEWCOMER: "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games",
}
# How this machine reaches its package archives and registries is handed on, whatever it is.
APT_SETTINGS = ("http", "https", "Retries", "Check-Date", "Check-Valid-Until")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
NETWORK = re.compile(r"(?i)(https?|ftp|all|no)_proxy|PIP_(.*INDEX_URL|DEFAULT_TIMEOUT|RETRIES|TRUSTED_HOST)")
# What a command says of itself: the demo's target and count, pytest's last line.
SAYS = re.compile(
    r"(?:NOT VALID|valid) .* on (\S+),|(\d+ of \d+ operations) |=+ (\d+ (?:passed|failed|error).*) =+$"
)
COMMAND_SHOWN = 60
ENVIRONMENT = 3

EPILOG = """\
Takes HEAD of this project, not what is uncommitted. Each user gets a fresh copy of the clean tree, in which
the commands run one after the other. Needs debootstrap, git and root; of this machine it hands on how it
reaches its package archives: name service, proxies, certificates, apt's and pip's settings.

exit status: 0 all commands ended with 0; 1 one did not; 2 usage; 3 no tree could be made.

examples:
  sudo scripts/try-release trixie
  sudo scripts/try-release bookworm --user ordinary --tests='-m "not lab"'
  sudo scripts/try-release noble --demo --tree-option=--keyring=ubuntu-archive-keyring.gpg
  sudo scripts/try-release sid --user root --run 'scripts/setup && scripts/try-python python3'
"""


class TryError(Exception):
    """Why nothing can be tried."""


@dataclass(frozen=True)
class Outcome:
    suite: str
    user: str
    command: str
    status: int
    took_s: float
    said: str


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/try-release",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smbench-releases"
    parser.add_argument("suites", nargs="+", metavar="SUITE", help="trixie, bookworm, sid, noble, ...")
    parser.add_argument(
        "--user", choices=list(USERS), default="both",
        help="as root, as a new user with sudo (no password), or one after the other (default)",
    )  # fmt: skip
    parser.add_argument(
        "--demo", action="store_true", help="scripts/demo alone, or with what else is asked for"
    )
    parser.add_argument("--tests", metavar="ARGUMENTS", help="scripts/test alone, with these of pytest")
    parser.add_argument("--run", metavar="COMMAND", help="another command, in the project's folder")
    parser.add_argument(
        "--cache", type=Path, default=cache, metavar="DIR",
        help="where clean trees are kept, about 250 MB each, and the logs (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--tree-option", action="append", default=[], metavar="OPTION",
        help="an option for scripts/release-tree, as --tree-option=--fresh",
    )  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="keep the trees in which the commands ran")
    return parser.parse_args(argv)


def commands_of(args: argparse.Namespace) -> list[str]:
    chosen = ["scripts/demo"] if args.demo else []
    chosen += [f"scripts/test {args.tests}".rstrip()] if args.tests is not None else []
    chosen += [args.run] if args.run else []
    return chosen or ["scripts/demo", "scripts/test"]


# --- a newcomer's machine -------------------------------------------------------------------


def clean_tree(suite: str, args: argparse.Namespace) -> Path:
    command = [PROJECT / "scripts/release-tree", suite, "--cache", args.cache, *args.tree_option]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        raise TryError(f"there is no clean tree of {suite}")
    return Path(made.stdout.strip())


def newcomers_tree(clean: Path, tree: Path, user: str, commit: str) -> dict[str, str]:
    """A copy with the user and the project in it; the variables that its commands are to have."""
    subprocess.run(["cp", "-a", "--reflink=auto", f"{clean}/.", tree], check=True)
    variables = hand_on_the_network(tree)
    home = tree / home_of(user).lstrip("/")
    if user != "root":
        subprocess.run(["chroot", tree, "useradd", "--create-home", "--shell", "/bin/bash", user], check=True)
        (tree / "etc/sudoers.d" / user).write_text(f"{user} ALL=(ALL) NOPASSWD: ALL\n")
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", PROJECT, home / "smbench"], check=True)
    subprocess.run(["git", "-C", home / "smbench", "reset", "--quiet", "--hard", commit], check=True)
    subprocess.run(["chroot", tree, "chown", "-R", f"{user}:{user}", home_of(user)], check=True)
    return variables


def home_of(user: str) -> str:
    return "/root" if user == "root" else f"/home/{user}"


def hand_on_the_network(tree: Path) -> dict[str, str]:
    """Name service, proxies, certificates, registries, in files and variables."""
    names = ["/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"]
    names += map(str, Path("/usr/local/share/ca-certificates").rglob("*.crt"))
    names += [os.environ.get(name, "") for name in CERTIFICATES]
    for name in names:
        if Path(name).is_file():
            copy(Path(name), tree / name.lstrip("/"))
    pip = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pip/pip.conf"
    if pip.is_file():
        copy(pip, tree / "etc/xdg/pip/pip.conf")
    if shutil.which("apt-config"):
        wanted = [f"Acquire::{name}" for name in APT_SETTINGS]
        settings = subprocess.run(["apt-config", "dump", *wanted], stdout=subprocess.PIPE, check=True).stdout
        (tree / "etc/apt/apt.conf.d/90try-release").write_bytes(settings)
    variables = os.environ.items()
    return {name: value for name, value in variables if name in CERTIFICATES or NETWORK.fullmatch(name)}


def copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)  # a link to what is not in the tree, perhaps
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


# --- a command in it ------------------------------------------------------------------------

# Mounts and processes of its own: none outlives it.
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--")
# The tree is a mount, or its mountinfo has no /; and no exec: a namespace's first process waits for orphans.
ENTER = """
tree=$1; shift
mount --bind "$tree" "$tree" && mount -t proc proc "$tree/proc" && mount --rbind /sys "$tree/sys" &&
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$tree/dev/pts" &&
mount -t tmpfs -o mode=1777 tmpfs "$tree/dev/shm" && ln -sf pts/ptmx "$tree/dev/ptmx" || exit 125
chroot "$tree" "$@"
"""


def die_with_me() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def run(tree: Path, user: str, variables: dict[str, str], command: str, log: Path) -> int:
    home = home_of(user)
    environment = {"HOME": home, "USER": user, "LOGNAME": user, "PATH": PATHS[user], "LANG": "C.UTF-8"}
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user != "root" else []
    words = ["/usr/bin/env", "-i", *(f"{key}={value}" for key, value in {**environment, **variables}.items())]
    shell = ["bash", "-c", f"cd {home}/smbench && {command}"]
    with log.open("wb") as output:
        return subprocess.run(
            [*APART, "sh", "-c", ENTER, "sh", tree, *become, *words, *shell],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, preexec_fn=die_with_me,
        ).returncode  # fmt: skip


def lines_of(log: Path) -> list[str]:
    return re.sub(r"\x1b\[[\d;]*m", "", log.read_text(errors="replace")).splitlines()


def said(log: Path) -> str:
    lines = lines_of(log)
    found = [group for line in lines if (match := SAYS.match(line)) for group in match.groups() if group]
    return ", ".join(found) or (lines[-1] if lines else "nothing")


def try_user(suite: str, clean: Path, user: str, commit: str, args: argparse.Namespace) -> list[Outcome]:
    tree = Path(tempfile.mkdtemp(prefix=f"{suite}-{user}-", dir=args.cache))
    tree.chmod(0o755)
    outcomes = []
    try:
        variables = newcomers_tree(clean, tree, user, commit)
        for command in commands_of(args):
            log = args.cache / f"{suite}-{user}-{Path(shlex.split(command)[0]).name}.log"
            print(f"{suite}, {user}: {command} … (log: {log})", flush=True)
            begun = time.monotonic()
            status = run(tree, user, variables, command, log)
            outcomes.append(Outcome(suite, user, command, status, time.monotonic() - begun, said(log)))
            if status:
                print("", *lines_of(log)[-15:], sep="\n  ", flush=True)
    finally:
        if args.keep:
            print(f"kept: {tree}")
        else:
            remove(tree)
    return outcomes


def remove(tree: Path) -> None:
    """Its processes may take a moment to die, where this was interrupted."""
    for _ in range(20):
        shutil.rmtree(tree, ignore_errors=True)
        if not tree.exists():
            return
        time.sleep(0.1)
    shutil.rmtree(tree)


def table(outcomes: list[Outcome]) -> str:
    rows = [("release", "user", "command", "status", "took", "said")]
    for each in outcomes:
        took = "{}:{:02d}".format(*divmod(round(each.took_s), 60))
        command = textwrap.shorten(each.command, COMMAND_SHOWN, placeholder=" …")
        rows.append((each.suite, each.user, command, str(each.status), took, each.said))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def main(argv: list[str]) -> int:
    args = parse(argv)
    args.cache = args.cache.absolute()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    outcomes = []
    try:
        if os.geteuid() != 0:
            raise TryError("it takes root to make a tree and to enter it: sudo scripts/try-release")
        if not shutil.which("git"):
            raise TryError("git not found: apt-get install git")
        head = ["git", "-C", str(PROJECT), "rev-parse", "HEAD"]
        commit = subprocess.run(head, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        print(f"trying {commit[:12]}", flush=True)
        for suite in args.suites:
            clean = clean_tree(suite, args)
            for user in USERS[args.user]:
                outcomes += try_user(suite, clean, user, commit, args)
    except TryError as error:
        print(f"scripts/try-release: {error}", file=sys.stderr)
        return ENVIRONMENT
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print(f"\n{table(outcomes)}")
    return int(any(each.status for each in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
