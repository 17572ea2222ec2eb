"""The machine runs out of something, or stands still."""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import subprocess
from collections.abc import Callable

from faults.ground import Ground, case, fill


def _limited(kind: int, limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (limit, limit))


@case("RLIMIT_NOFILE: 40 descriptors")
def few_descriptors(ground: Ground) -> None:
    replay = ground.replay("--pace", "fast", "--clone", 20, preexec_fn=_limited(resource.RLIMIT_NOFILE, 40))
    status, said = replay.end()
    if status == 3:
        ground.expect("descriptors" in said or "open files" in said, said[-200:])
        return
    document = ground.read(replay)
    ground.expect(not document.get("valid", True), "a run without descriptors is called valid")


@case("RLIMIT_NPROC: no process more", root=False)
def no_process(ground: Ground) -> None:
    replay = ground.replay("--pace", "fast", "--clone", 5, preexec_fn=_limited(resource.RLIMIT_NPROC, 3))
    status, said = replay.end()
    ground.expect(status == 3, f"status {status}: {said[-200:]}")


@case("RLIMIT_AS: 500 MB of address space")
def little_memory(ground: Ground) -> None:
    replay = ground.replay("--pace", "fast", preexec_fn=_limited(resource.RLIMIT_AS, 500 << 20))
    status, said = replay.end()
    if status != 0:
        ground.expect(status in (3, 5), f"status {status}: {said[-200:]}")


@case("TMPDIR is no folder")
def no_temporary_folder(ground: Ground) -> None:
    environment = ground.environment(TMPDIR=str(ground.folder / "nowhere"))
    replay = ground.replay("--speed", 2, env=environment)
    replay.end()
    ground.read(replay)


@case("/dev/shm is full", root=True)
def memory_files_full(ground: Ground) -> None:
    replay = ground.replay("--speed", 2, under=_with_full("/dev/shm"))
    status, _ = replay.end()
    ground.expect(status in (0, 5), f"status {status}")
    ground.read(replay)


@case("/dev/shm and TMPDIR are full", root=True)
def no_scratch(ground: Ground) -> None:
    replay = ground.replay("--speed", 2, under=_with_full("/dev/shm", str(ground.tmp)))
    status, said = replay.end()
    if status == 3:
        ground.expect("room" in said or "space" in said, said[-200:])
    else:
        ground.read(replay)  # Python found another folder for temporary files


def _with_full(*folders: str) -> list[str]:
    """A command that runs another where these have no room: in a mount namespace of its own, as the machine's
    folders are not ours to fill."""
    each = 'mount -t tmpfs -o size=64k tmpfs "$each"; dd if=/dev/zero of="$each/full" 2>/dev/null'
    named = " ".join(map(shlex.quote, folders))
    return ["unshare", "-m", "sh", "-c", f'for each in {named}; do {each}; done; exec "$@"', "sh"]


@case("the target's disk is full from the start", root=True)
def target_full(ground: Ground) -> None:
    ground.small_disk(ground.target, "64k")
    status, said = ground.replay().end()
    ground.expect((status, "space" in said or "room" in said) == (3, True), f"status {status}: {said[-200:]}")
    cleaned = ground.run("prepare", ground.workload, ground.target, "--clean")
    ground.expect(cleaned.returncode == 0, f"it is not cleaned: {cleaned.stderr}")


@case("the target's disk is full meanwhile", root=True)
def target_full_meanwhile(ground: Ground) -> None:
    ground.small_disk(ground.target, "8M")
    replay = ground.replay("--speed", 1).until(10)
    fill(ground.target)
    status, _ = replay.end()
    document = ground.read(replay)
    causes = {cause["got"] for cause in document.get("causes", [])}
    ground.expect(status in (0, 5) and "ENOSPC" in causes, f"status {status}, causes {causes}")


@case("the target is read-only meanwhile", root=True)
def target_read_only_meanwhile(ground: Ground) -> None:
    ground.small_disk(ground.target, "40M")
    replay = ground.replay("--speed", 1).until(10)
    # By a bind mount over it: a tmpfs with files open for writing does not become read-only.
    remounted = subprocess.run(["mount", "-o", "remount,ro", ground.target], capture_output=True, check=False)
    status, _ = replay.end()
    ground.read(replay)
    ground.expect(status in (0, 5) or remounted.returncode != 0, f"status {status}")


@case("the target is removed meanwhile")
def target_removed(ground: Ground) -> None:
    replay = ground.replay("--speed", 1).until(10)
    shutil.rmtree(ground.target)
    replay.end()
    document = ground.read(replay)
    ground.expect(document.get("operations", {}).get("errors", 0) > 0, "no error is told")


@case("stdout is closed")
def closed_stdout(ground: Ground) -> None:
    replay = ground.replay("--speed", 2, stdout=None, preexec_fn=lambda: os.close(1))
    status, _ = replay.end()
    ground.expect(status in (0, 3, 5), f"status {status}")
    ground.read(replay)


@case("whoever reads stdout and stderr has gone")
def broken_pipes(ground: Ground) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    replay = ground.replay("--speed", 2, stdout=writing, stderr=writing)
    os.close(writing)
    replay.process.wait(60)
    replay.completed()
    ground.seen.status = replay.process.returncode
    ground.expect(replay.process.returncode in (0, 5), f"status {replay.process.returncode}")
    ground.read(replay)


@case("stderr is a full disk")
def stderr_full(ground: Ground) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        replay = ground.replay("--speed", 2, stderr=full)
        replay.process.wait(60)
    replay.completed()
    ground.seen.status = replay.process.returncode
    ground.expect(replay.process.returncode in (0, 5), f"status {replay.process.returncode}")
    ground.read(replay)
