"""Damaged artefacts through the commands that read them: what became of each, in a few words.

A folder of whole artefacts is made once. Each case copies it, damages one file (`helpers.damage`), and
carries out one command that reads it, in a process forked for it that has a deadline and a limit of memory.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import stat
import tempfile
import traceback
from dataclasses import dataclass
from importlib.resources import files
from multiprocessing.connection import Connection
from pathlib import Path

from click.testing import CliRunner
from helpers import damage
from helpers.command import THREE_USERS
from helpers.damage import Damage
from helpers.privileged import InProcess

STATUSES = frozenset((0, 2, 3, 4, 5, 99))
"""That the command line promises (docs/cli.md), without those of a defect and of signals."""
MOST_MEMORY = 8 << 30
"""Bytes of addresses: Arrow and numpy ask for some GiB that they never touch."""
MOST_RESIDENT = 640 << 20
"""Bytes in memory at once, of a command or one of its processes: whole artefacts take it to 200 MiB."""
FORK = multiprocessing.get_context("forkserver")
PRELOADED = ["helpers.damaged", *(
    f"smbench.cli.{name}"
    for name in ("replay", "compare", "report", "prepare", "anonymize", "inspect", "mount")
)]  # fmt: skip

RIGHT = "done, and what it says is right"
WARNED = "done without the file, which a warning names"
REFUSED = "refused in one sentence that names the file"
AS_TOLD = "done, by what the file says now"
TOO_MUCH = "too much memory"
GOOD = (RIGHT, WARNED, REFUSED, AS_TOLD)

PROFILE = Path(str(files("smbench.clients"))) / "profiles" / "linux-6.1.toml"

Command = tuple[str, ...]
"""Arguments; the folder's own names stand in them as they are."""


@dataclass(frozen=True)
class Subject:
    """A file of an artefact: what damages it, and the commands that read it. `believed`: nothing tells a
    value that somebody changed from one that was written, so that a command does by what it says."""

    path: str
    damages: tuple[Damage, ...]
    commands: tuple[Command, ...]
    believed: bool = False


_WORKLOAD: tuple[Command, ...] = (
    ("inspect", "W", "--json"),
    ("inspect", "W", "--operations", "--json", "--limit", "1000"),
    ("replay", "W", "target", "--executor", "null", "--pace", "fast", "-o", "out.run", "--json"),
    ("anonymize", "W", "-o", "anonymous.workload", "--key-file", "key", "--json"),
    ("prepare", "W", "empty", "--json"),
    ("compare", "W", "whole.workload", "--json"),
    ("compare", "whole.workload", "W", "--json"),
    ("compare", "W", "posix.run", "--json"),
)
_RUN: tuple[Command, ...] = (
    ("report", "posix.run", "--json", "--html", "page.html"),
    ("report", "posix.run", "--json", "--csv", "tables"),
    ("compare", "whole.workload", "posix.run", "--json"),
    ("replay", "whole.workload", "target", "--executor", "null", "--pace", "fast", "-o", "out.run", "--json",
     "--baseline", "posix.run", "--threshold", "read.response.p99<1000x"),
)  # fmt: skip


def _workload(name: str, footers: bool) -> list[Subject]:
    """A workload's files; without what its manifest tells of them, as older versions wrote it, nothing tells
    another number in a footer, or another row, from those that were written."""
    commands = tuple(tuple(name if word == "W" else word for word in command) for command in _WORKLOAD)
    files = (
        "operations.parquet",
        "namespace.parquet",
        "breaks.parquet",
        "coverage.parquet",
        "exchanges.parquet",
    )
    return [
        Subject(f"{name}/manifest.json", damage.DOCUMENT, commands, believed=True),
        *(Subject(f"{name}/{file}", damage.ROWS, commands, believed=not footers) for file in files),
    ]


SUBJECTS: tuple[Subject, ...] = (
    *_workload("three.workload", footers=True),
    *_workload("older.workload", footers=False),
    Subject("posix.run/run.json", damage.DOCUMENT, _RUN, believed=True),
    Subject("posix.run/operations.parquet", damage.ROWS, _RUN, believed=True),
    Subject("posix.run/resources.parquet", damage.ROWS, _RUN[:1], believed=True),
    Subject("posix.run/client_stats.json", damage.DOCUMENT, _RUN[:1], believed=True),
    Subject("posix.run/latency.hlog", damage.LOG, (_RUN[0], _RUN[1], _RUN[3])),
    Subject("prepared/.smbench-prepared.jsonl", damage.LINES, (
        ("prepare", "whole.workload", "prepared", "--clean", "--json"),
        ("prepare", "whole.workload", "prepared", "--json"),
    ), believed=True),
    Subject("runtime/1-abcdef01.json", damage.DOCUMENT, (("umount", "--json"),), believed=True),
    Subject("settings.toml", damage.TEXT, (
        ("inspect", "whole.workload", "--json", "--config", "settings.toml"),
    ), believed=True),
    Subject("users.toml", damage.TEXT, (
        ("mount", "//127.0.0.1/share", "--users", "users.toml", "--workload", "whole.workload", "--dry-run",
         "--json"),
    ), believed=True),
    Subject("password", (*damage.ANY, damage.deepen), (
        ("mount", "//127.0.0.1/share", "--users", "users.toml", "--workload", "whole.workload", "--dry-run",
         "--json"),
    ), believed=True),
    Subject("key", damage.ANY, (
        ("anonymize", "whole.workload", "-o", "anonymous.workload", "--key-file", "key", "--json"),
    ), believed=True),
    Subject("client.toml", damage.TEXT, (
        ("replay", "whole.workload", "//127.0.0.1/share", "--users", "users.toml", "--client-profile",
         "client.toml", "--dry-run", "--json", "-o", "out.run"),
    ), believed=True),
    Subject("search.run/capacity.json", damage.DOCUMENT, (("report", "search.run", "--json"),)),
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    status: int | None
    """None where it did not end by itself."""
    out: str = ""
    err: str = ""
    resident: int = 0
    """Bytes that it, or the largest of its processes, had in memory at most."""


def make(folder: Path) -> None:
    """A folder of whole artefacts."""
    for name in ("target", "empty", "prepared", "runtime", "search.run", "posix"):
        (folder / name).mkdir(parents=True)
    (folder / "key").write_text(hashlib.sha256(b"of a trial").hexdigest())
    (folder / "key").chmod(0o600)
    (folder / "settings.toml").write_text(
        'quiet = true\nverbose = 1\nlimit = 5\noperations = true\nuser = "user01"\n'
    )
    (folder / "password").write_text("secret\n")
    (folder / "password").chmod(0o600)
    shutil.copyfile(PROFILE, folder / "client.toml")
    (folder / "users.toml").write_text(
        "".join(
            f'[[user]]\nname = "account{n}"\npassword_file = "password"\ndomain = "CORP"\n'
            for n in range(1, 4)
        )
    )
    state = {
        "schema": 1,
        "run": "1-abcdef01",
        "pid": 1,
        "started_ticks": 1,
        "kept": True,
        "share": "//s/t",
        "users": 3,
        "uid": 0,
    }
    (folder / "runtime" / "1-abcdef01.json").write_text(json.dumps(state))
    (folder / "search.run" / "capacity.json").write_text('{"schema": 1, "clones": 3}')
    for command in (
        ("ingest", str(THREE_USERS), "-o", "whole.workload"),
        ("prepare", "whole.workload", "prepared"),
        ("replay", "whole.workload", "posix", "--executor", "posix", "--pace", "fast", "-o", "posix.run"),
    ):
        ended = carry_out(command, folder, 120)
        assert ended.status in (0, 5), ended
    for name in ("three", "older"):
        shutil.copytree(folder / "whole.workload", folder / f"{name}.workload")
    manifest = json.loads((folder / "older.workload" / "manifest.json").read_text())
    del manifest["files"]
    (folder / "older.workload" / "manifest.json").write_text(json.dumps(manifest, indent=1))


def carry_out(command: Command, folder: Path, deadline_s: float) -> Ended:
    """A command in `folder`, in a process of its own that ends by then."""
    ours, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_child, args=(command, str(folder), theirs))
    process.start()
    theirs.close()
    try:
        ended = (
            Ended(*ours.recv()) if ours.poll(deadline_s) else Ended(None, "", f"hangs for {deadline_s:g} s")
        )
    except EOFError:
        ended = Ended(None, "", "died")
    if process.is_alive() and ended.status is None:
        process.kill()
    process.join()
    ours.close()
    return ended


def _child(command: Command, folder: str, said: Connection) -> None:
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    from smbench.cli import main
    from smbench.privileged import client

    client._started = InProcess(Path(folder) / "runtime", uid=0)  # whom the files of all are told of
    try:
        ran = CliRunner().invoke(main, list(command))
        failed = ran.exception is not None and not isinstance(ran.exception, SystemExit)
        trace = "".join(traceback.format_exception(ran.exception)) if failed else ""
        said.send((ran.exit_code, ran.stdout, ran.stderr + trace, _resident()))
    except BaseException:
        said.send((1, "", traceback.format_exc(), _resident()))
    said.close()
    os._exit(0)


def _resident() -> int:
    mine = (resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(mine) << 10


@dataclass(frozen=True)
class Case:
    """What was done, and what became of it."""

    number: int
    subject: Subject
    damage: str
    command: Command
    ended: Ended
    fate: str

    def __str__(self) -> str:
        return (
            f"{self.number}: {self.damage} of {self.subject.path}, {' '.join(self.command)}: {self.fate} "
            f"(status {self.ended.status}, {self.ended.resident >> 20} MiB)\n{self.ended.err[-1500:]}"
        )


class Bench:
    """Whole artefacts in a folder, and what the commands say of them."""

    def __init__(self, folder: Path, deadline_s: float = 60) -> None:
        self.folder = folder
        self.deadline_s = deadline_s
        FORK.set_forkserver_preload(PRELOADED)
        make(folder)
        self._whole: dict[Command, str] = {}
        self.resident: dict[Command, int] = {}
        """Bytes that each command has in memory at most where nothing is damaged."""

    def one(self, seed: int, number: int) -> Case:
        """Damage one file and read it."""
        chance = random.Random(f"{seed} {number}")
        subject = SUBJECTS[number % len(SUBJECTS)]
        command = chance.choice(subject.commands)
        hurt = chance.choice(subject.damages)
        with tempfile.TemporaryDirectory(prefix="damaged-", dir=self.folder.parent) as scratch:
            folder = self._copied(Path(scratch) / "a", command)
            path = folder / subject.path
            before = path.read_bytes()
            hurt(path, chance, [each for each in sorted(path.parent.iterdir()) if each.is_file()])
            same = _content(path) == before
            ended = carry_out(command, folder, self.deadline_s)
            fate = self._fate(subject, command, ended, str(folder), same)
        return Case(number, subject, hurt.__name__, command, ended, fate)

    def whole(self, command: Command) -> str:
        """What a command says where nothing is damaged."""
        if command not in self._whole:
            with tempfile.TemporaryDirectory(prefix="damaged-", dir=self.folder.parent) as scratch:
                ended = carry_out(command, self._copied(Path(scratch) / "a", command), self.deadline_s)
            assert ended.status in (0, 5), ended
            self._whole[command] = _said(ended.out, command)
            self.resident[command] = ended.resident
        return self._whole[command]

    def _copied(self, folder: Path, command: Command) -> Path:
        shutil.copytree(self.folder, folder, symlinks=True)
        if "prepared" in command:
            # A copy of what was prepared is not what was prepared.
            shutil.rmtree(folder / "prepared")
            (folder / "prepared").mkdir()
            assert carry_out(("prepare", "whole.workload", "prepared"), folder, 120).status == 0
        return folder

    def _fate(self, subject: Subject, command: Command, ended: Ended, folder: str, same: bool) -> str:
        name = Path(subject.path).name
        if ended.status is None:
            return ended.err
        if ended.resident > MOST_RESIDENT:
            return TOO_MUCH
        if "internal error" in ended.err or "Traceback" in ended.err or ended.status == 1:
            return "internal error"
        if ended.status not in STATUSES:
            return f"status {ended.status}"
        sentences = [line for line in ended.err.splitlines() if line.startswith("smbench-mount: ")]
        if ended.status in (2, 3):
            rest = [
                line
                for line in ended.err.splitlines()
                if not line.startswith(("smbench-mount: ", "warning: "))
            ]
            if len(sentences) != 1 or rest:
                return "refused, but not in one sentence"
            known = (name, Path(subject.path).parent.name) if "capacity" in name else (name,)
            if any(each in sentences[0] for each in known):
                return REFUSED
            # The value of an option, which the sentence is about.
            return AS_TOLD if name.endswith(".toml") else "refused without the file's name"
        if _said(ended.out, command) == self.whole(command):
            warned = any(name in line for line in ended.err.splitlines() if line.startswith("warning: "))
            return WARNED if warned else RIGHT
        if subject.believed:
            return AS_TOLD
        return "done, and what it says is wrong"


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) and path.stat().st_size < 1 << 30 else None


def _said(out: str, command: Command) -> str:
    """What a command says, without what differs from time to time and from folder to folder."""
    try:
        document = json.loads(out)
    except ValueError:
        return out
    return json.dumps(document["operations"] if command[0] == "replay" else document, sort_keys=True)
