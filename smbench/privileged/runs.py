"""Mounts of the helper's: of each run in a folder of its own, with a state that survives a SIGKILL.

    /run/smbench-mount/RUN.json     the state, 0600: written before a mount is tried
    /run/smbench-mount/RUN/userNN   the mounts; userNN-streams is a user's second one

Each method of `Runs` is what a request may ask for (`do`), its parameters are the request's fields;
positional ones are descriptors that came with it. Only the standard library, and what of this package has no
more.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import secrets
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from smbench.errors import UsageError
from smbench.privileged.allowed import checked
from smbench.privileged.system import (
    PATH,
    RUNTIME_FOLDER,
    Caller,
    RefusedError,
    program,
    runtime_folder,
    start,
    text_of,
)
from smbench.secret import Vault, secret_in

STREAMS = "-streams"
"""What the name of a user's second mount's folder ends in."""
MOST_USERS, _MOST_RUNS = 100_000, 64
_MOST_STATE = 1 << 16
_MOST_SAID = 4096
_MOST_LOG = 1 << 16
_MOST_AT_ONCE = 256
"""Processes of umount(8)."""
_OF_CLIENT = re.compile("cifs|smb", re.IGNORECASE)
_LONGEST_S = 600.0
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
"""Flags of umount2(2)."""
_NAME = re.compile(rf"user\d{{2,7}}({STREAMS})?\Z", re.ASCII)
_RUN = re.compile(r"\d{1,10}-[0-9a-f]{8}\Z", re.ASCII)
# A comma would end an option; the rest is what `smbench.mounts.target` refuses as well.
_UNC = re.compile(r'//[\w.:%-]{1,255}(/[^/"*:<>?|,\\\x00-\x1f]{1,255})+\Z')
# The kernel gets name and domain in a list that commas divide; in a password mount.cifs doubles them.
_UNFIT = re.compile(r"[,\x00-\x1f]")
_PORT = re.compile(r"[1-9]\d{0,4}\Z", re.ASCII)


class Runs:
    """The runs of one caller."""

    def __init__(self, caller: Caller, asked: socket.socket, runtime: Path = RUNTIME_FOLDER) -> None:
        self._caller = caller
        self._asked = asked
        self._runtime = runtime
        self._own: set[str] = set()

    def client(self) -> dict[str, Any]:
        """Whether mount.cifs is here, and the kernel's client, which is loaded where it can be."""
        modprobe = program("modprobe")
        if not _has_client() and modprobe is not None:
            subprocess.run([modprobe, "cifs"], env={"PATH": PATH}, capture_output=True, check=False)
        return {"program": program("mount.cifs") is not None, "kernel": _has_client()}

    def begin(
        self, share: str, users: int, streams: Sequence[int], kept: bool, started_ticks: int | None,
        whose: Sequence[int] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """A run: its state, then a folder for each user's mount, and for the second ones of `streams`."""
        if not 0 < users <= MOST_USERS:
            raise RefusedError(f"a run has 1 to {MOST_USERS:,} users")
        if len(self._own) >= _MOST_RUNS:
            raise RefusedError(f"{_MOST_RUNS} runs are under way")
        run = f"{self._caller.pid}-{secrets.token_hex(4)}"
        state = {
            "schema": 1, "run": run, "pid": self._caller.pid,
            "started_ticks": None if started_ticks is None else _ticks(started_ticks),
            "kept": bool(kept), "share": str(share)[:_MOST_SAID], "users": users, "uid": self._caller.uid,
        }  # fmt: skip
        width = max(2, len(str(users)))
        names = [f"user{number:0{width}d}" for number in range(1, users + 1)]
        names += [f"{names[number]}{STREAMS}" for number in sorted({*streams} & {*range(users)})]
        with _opened(runtime_folder(self._runtime)) as runtime:
            _save(runtime, run, state)
            self._own.add(run)
            os.mkdir(run, 0o700, dir_fd=runtime)
            with _opened(_folder(runtime, run)) as folder:
                for name in names:
                    os.mkdir(name, 0o700, dir_fd=folder)
                # Only root and the group that the mounts are for may pass.
                os.fchown(folder, -1, self._caller.whose(whose)[1])
                os.fchmod(folder, 0o710)
        return {"run": run, "names": names}

    def mount(
        self, *password: int, run: str, name: str, account: Sequence[str], target: Sequence[Any],
        options: Sequence[str], deadline_s: float, whose: Sequence[int] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """mount.cifs. `account` is a name and a domain, or none, and the password a file that was handed over
        (none with Kerberos); `target` the share and a port, or none. `status`: mount.cifs's own; None where
        it did not end in time, or whoever asked did not wait for it."""
        found = program("mount.cifs")
        if found is None:
            raise RefusedError("mount.cifs is missing")
        if run not in self._own:
            raise RefusedError(f"{run!r} is no run that was begun here")
        where = self._mount_point(run, name)
        unc, port = target
        if not _UNC.match(unc) or {".", ".."} & {*unc.split("/")} or not _PORT.match(str(port or 1)):
            raise RefusedError(f"{unc!r} is no share")
        own, group = self._caller.whose(whose)
        words = [_option(option) for option in options]
        words += [f"port={port}"] if port else []
        words += [f"cruid={own}"] if {"sec=krb5", "sec=krb5i"} & {*words} else []
        # Last, as a later one wins.
        words += [
            f"uid={own}",
            f"gid={group}",
            "file_mode=0600",
            "dir_mode=0700",
            "nosuid",
            "nodev",
            "noexec",
        ]
        with _credentials(account, password) as credentials, _kernel_log() as log:
            words.append(f"credentials=/proc/self/fd/{credentials}")
            process = start([found, unc, str(where), "-o", ",".join(words)], credentials)
            ended = self._awaited(process, min(max(deadline_s, 0), _LONGEST_S))
            _, said = process.communicate()
            return {
                "status": process.returncode if ended else None,
                "said": said.decode(errors="replace")[:_MOST_SAID],
                "log": log(),
            }

    def umount(self, run: str, names: Sequence[str], lazily: bool, deadline_s: float) -> dict[str, Any]:
        """umount(8) of these mounts of a run, all at once; its words about those that failed."""
        if len(names) > _MOST_AT_ONCE or len({*names}) < len(names):
            raise RefusedError(f"{_MOST_AT_ONCE} mounts at once, each once")
        command = [program("umount") or "umount", "-c", *(("-l",) if lazily else ())]
        # -c: a stat of the path would wait for a dead server.
        started, failed = [], dict[str, str]()
        for name in names:
            path = self._mount_point(run, name)
            try:
                started.append((name, start([*command, str(path)])))
            except OSError as error:
                # No process more can be started, which may be why we are here at all: without one then.
                if _detach(path):
                    failed[name] = f"umount does not start: {error.strerror}"
        give_up = time.monotonic() + min(deadline_s, _LONGEST_S)
        for name, process in started:
            try:
                _, said = process.communicate(timeout=max(0.1, give_up - time.monotonic()))
                if process.returncode:
                    failed[name] = (
                        said.decode(errors="replace").strip() or f"umount exit {process.returncode}"
                    )
            except subprocess.TimeoutExpired:
                process.kill()
                failed[name] = f"umount did not end within {deadline_s:g} s"
        return {"failed": failed}

    def end(self, run: str) -> dict[str, Any]:
        """A run's folders, which nothing is mounted on any more, and its state, away."""
        self._refuse_of_others(run)
        with _opened(runtime_folder(self._runtime)) as runtime:
            with contextlib.suppress(FileNotFoundError):
                with _opened(_folder(runtime, run)) as folder:
                    for name in os.listdir(folder):  # noqa: PTH208 - of a descriptor
                        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                            os.rmdir(name, dir_fd=folder)
                os.rmdir(run, dir_fd=runtime)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{run}.json", dir_fd=runtime)
        self._own.discard(run)
        return {}

    def states(self) -> dict[str, Any]:
        """The state files of the runs that the caller may end, by the run's name, as they are."""
        found = {}
        for path in sorted(self._runtime.glob("*.json")):
            with contextlib.suppress(FileNotFoundError, RefusedError):
                if self._caller.uid != 0:  # root hears of files of other names too, which are in the way
                    self._refuse_of_others(path.stem)
                found[path.stem] = text_of(path, _MOST_STATE)
        return {"states": found}

    def _mount_point(self, run: str, name: str) -> Path:
        self._refuse_of_others(run)
        if not _NAME.match(name):
            raise RefusedError(f"{name!r} is no mount of a run")
        return self._runtime / run / name

    def _refuse_of_others(self, run: str) -> None:
        """Runs of others, which only root may end."""
        if not _RUN.match(run):
            raise RefusedError(f"{run!r} is no run")
        if run in self._own or self._caller.uid == 0:
            return
        try:
            whose = json.loads(text_of(self._runtime / f"{run}.json", _MOST_STATE))["uid"]
        except (ValueError, LookupError, TypeError, RecursionError):  # nothing that was written here
            whose = None
        if whose != self._caller.uid:
            raise RefusedError(f"run {run} is another user's")

    def _awaited(self, process: subprocess.Popen[bytes], deadline_s: float) -> bool:
        """Whether it ended; it is killed when the time is up, or whoever asked asks for something else."""
        waiting = select.poll()
        with _opened(os.pidfd_open(process.pid)) as end:
            waiting.register(end, select.POLLIN)
            waiting.register(self._asked, select.POLLIN)
            happened = {number for number, _ in waiting.poll(deadline_s * 1000)}
            if end not in happened:
                process.kill()
            return end in happened


def _ticks(number: int) -> int:
    """When a process began. RefusedError where it is no such number."""
    if not isinstance(number, int) or not 0 <= number < 1 << 63:
        raise RefusedError(f"{number!r:.20} is no time")
    return number


def _option(text: str) -> str:
    """As mount.cifs takes it; RefusedError where it is none of those that say how the client talks."""
    try:
        name, value = checked(text)
    except UsageError as error:
        raise RefusedError(str(error)) from None
    return name if value is None else f"{name}={value}"


@contextlib.contextmanager
def _credentials(account: Sequence[str], password: Sequence[int]) -> Iterator[int]:
    """A file in memory as mount.cifs(8) reads it; it has no name, and nothing is left of it. RefusedError
    where a line of it would be more than one, or a value more than one option."""
    name, domain = account
    if not name or any(_UNFIT.search(value) for value in (name, domain or "")):
        raise RefusedError("the account's name or domain has a comma or a control character")
    vault = Vault()
    with _opened(os.memfd_create("smbench-credentials", os.MFD_CLOEXEC)) as file:
        os.fchmod(file, 0o600)
        os.write(file, f"username={name}\n{f'domain={domain}' + chr(10) if domain else ''}".encode())
        try:
            for descriptor in password:
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(file, b"password=")
                secret_in(descriptor, vault).write_to(file)
                os.write(file, b"\n")
        except ValueError as error:
            raise RefusedError(f"the password {error}") from None
        finally:
            vault.close()
        os.lseek(file, 0, os.SEEK_SET)
        yield file


@contextlib.contextmanager
def _opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _folder(runtime: int, run: str) -> int:
    return os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=runtime)


def _save(runtime: int, run: str, state: dict[str, Any]) -> None:
    """Whole or not at all, and on the disk."""
    draft = f"{run}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=runtime)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(descriptor)
    os.rename(draft, f"{run}.json", src_dir_fd=runtime, dst_dir_fd=runtime)
    os.fsync(runtime)


def _detach(path: Path) -> int:
    """umount2(2) of what lies on a path, lazily, so that no server that is gone is waited for; the errno."""
    call = ctypes.CDLL(None, use_errno=True).umount2
    return ctypes.get_errno() if call(os.fsencode(path), _MNT_DETACH | _UMOUNT_NOFOLLOW) else 0


def _has_client() -> bool:
    try:
        names = Path("/proc/filesystems").read_text(encoding="ascii").split()
    except OSError:
        return False
    return "cifs" in names or "smb3" in names


@contextlib.contextmanager
def _kernel_log() -> Iterator[Callable[[], str]]:
    """What the kernel logged of its SMB client since; nothing where it may not be read."""
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        yield lambda: ""
        return

    def told() -> str:
        records: list[str] = []
        while True:
            try:
                records.append(os.read(descriptor, 8192).decode(errors="replace"))
            except BrokenPipeError:
                continue  # records were overwritten before they were read: the next read goes on after them
            except OSError:
                break
        # "level,sequence,time,flags;text" (Documentation/ABI/testing/dev-kmsg).
        texts = (record.partition(";")[2] for record in records)
        return "\n".join(text for text in texts if _OF_CLIENT.search(text))[-_MOST_LOG:]

    with _opened(descriptor):
        os.lseek(descriptor, 0, os.SEEK_END)
        yield told
