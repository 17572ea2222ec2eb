"""Stories of capturing a run and comparing it, told inside the lab's guest as root (see test_wire.py)."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.command import THREE_USERS, run
from helpers.ran import written

from smbench.capture.decode import decode
from smbench.executors.base import ExecutorContext
from smbench.executors.posix.executor import PosixExecutor
from smbench.fidelity.loading import window
from smbench.lift.lift import lift
from smbench.measure.wire import capture_wire
from smbench.mounts.accounts import load_accounts
from smbench.mounts.facts import CaptureFacts
from smbench.mounts.opened import UserMount
from smbench.mounts.options import derive_options
from smbench.mounts.session import open_target
from smbench.mounts.target import ShareTarget, parse_target
from smbench.plan import Pace, plan_run
from smbench.prepare.make import prepare
from smbench.run.store import read as read_run
from smbench.runner.run import RunOptions
from smbench.runner.run import run as run_plan
from smbench.smb2.constants import FILE_WRITE_EA, GENERIC_READ
from smbench.trace.model import Command, Trace
from smbench.trace.values import LockElement
from smbench.workload.calls import Call, Close, Create, Lock, Open, SetEa, Unlock

ACCOUNTS = load_accounts(Path(os.environ["LAB_USERS"])).accounts
SHARE = os.environ["LAB_SHARE"]


def target(folder: str = "") -> ShareTarget:
    parsed = parse_target(SHARE + folder)
    assert isinstance(parsed, ShareTarget)
    return parsed


def mounts(trace: Trace, users: list[str]) -> list[UserMount]:
    options = derive_options("wire", trace.info, CaptureFacts())
    return [UserMount(user, account, options) for user, account in zip(users, ACCOUNTS, strict=False)]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return decode([THREE_USERS], tmp_path_factory.mktemp("original"))


def test_what_a_run_sends_stands_between_its_marks(original: Trace, tmp_path: Path) -> None:
    output = tmp_path / "wire.pcapng"
    with (
        open_target(target(), mounts(original, ["one"])) as opened,
        capture_wire("127.0.0.1", 445, output, tmp_path) as wire,
    ):
        root = opened.roots[0]
        (root / "before").write_bytes(b"x" * 1000)
        wire.mark()
        with (root / "within").open("wb", buffering=0) as file:
            for _ in range(100):
                file.write(os.urandom(4096))
        wire.mark()
        (root / "after").write_bytes(b"x" * 1000)
        time.sleep(2)  # the capture waits for its marks only, and tcpdump lags
    told = wire.describe()
    assert told.notes == ()
    assert told.interface == "lo"
    assert told.packets["dropped"] == 0
    assert told.packets["captured"] > 200
    assert output.read_bytes()[:4] == bytes.fromhex("0a0d0d0a")  # a pcapng's section header
    assert list(tmp_path.iterdir()) == [output]
    trace = decode([output], tmp_path)
    assert told.window_ns is not None
    begin, end = (mark - trace.info.start_epoch_ns for mark in told.window_ns)
    inside = [exchange for exchange in trace.exchanges if begin <= exchange.time_ns <= end]
    assert {exchange.path for exchange in inside} >= {"within"}
    assert not {"before", "after"} & {exchange.path for exchange in inside}
    assert sum(exchange.command == 9 for exchange in inside) == 100
    everything = Counter(exchange.path for exchange in trace.exchanges)
    assert everything["before"]
    assert everything["after"]


def test_packets_that_the_kernel_drops_are_said(original: Trace, tmp_path: Path) -> None:
    output = tmp_path / "wire.pcapng"
    with (
        open_target(target(), mounts(original, ["one"])) as opened,
        capture_wire("127.0.0.1", 445, output, tmp_path) as wire,
    ):
        [tcpdump] = [one for one in psutil.process_iter() if one.name() == "tcpdump"]
        tcpdump.suspend()  # too slow for what comes
        with (opened.roots[0] / "much").open("wb", buffering=0) as file:
            for _ in range(12):
                file.write(bytes(4 << 20))
        tcpdump.resume()
        wire.mark()
    assert wire.packets["dropped"] > 0
    assert any("dropped" in note for note in wire.notes)


@pytest.fixture(scope="module")
def replayed(original: Trace, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The shipped capture as a workload, and a run of it with its wire, in a folder of the share."""
    folder = tmp_path_factory.mktemp("replayed")
    (folder / "w.workload").mkdir()
    workload = lift(decode([THREE_USERS], folder / "w.workload"), folder / "w.workload")
    directory = folder / "first.run"
    directory.mkdir()
    users = [user.name for user in workload.info.trace.users]
    where = Path(os.environ["LAB_SHARE_PATH"]) / "deep" / "er"
    where.mkdir(parents=True)
    there = target("/deep/er")
    with capture_wire("127.0.0.1", 445, directory / "wire.pcapng", folder) as wire:
        # Other accounts than the capture's, in another order.
        chosen = list(reversed(mounts(original, users)))
        stand = [
            UserMount(user, mount.account, mount.options) for user, mount in zip(users, chosen, strict=True)
        ]
        with open_target(there, stand) as opened:
            prepare(opened.roots[0], workload.namespace)
            for root in opened.roots:  # warmed: every name known, every file's attributes too
                subprocess.run(["ls", "-lR", root], check=True, stdout=subprocess.DEVNULL)
            plan = plan_run(workload, users, pace=Pace.FAST)

            wire.mark()
            result = run_plan(plan, workload, RunOptions("posix", opened.roots))
            wire.mark()
            described = opened.mounts
    written(
        result,
        directory,
        configuration={"target": str(there)},
        mounts=tuple(described),
        wire=wire.describe(),
    )
    assert window(read_run(directory)).end_ns == wire.marks[1]
    return folder / "w.workload", directory


def test_a_replay_is_compared_with_what_it_replayed(replayed: tuple[Path, Path]) -> None:
    workload, directory = replayed
    # A person reads this in the test's output when something below fails.
    print(run("compare", workload, directory).out)
    candidate = json.loads(run("compare", workload, directory, "--json").out)["candidates"][0]
    assert candidate["notes"]
    assert {pair["by"] for pair in candidate["users"]} == {"mounts"}
    assert [pair["candidate"] for pair in candidate["users"]] == ["user03", "user02", "user01"]
    assert candidate["folders"]["candidate"] == "deep/er"
    assert candidate["left_out"] > 50
    assert candidate["wire"]["recall"] > 0.9
    assert candidate["wire"]["precision"] > 0.6
    assert candidate["run"]["operations"]["executed"] == candidate["run"]["operations"]["planned"]
    extra = candidate["extra"]["exchanges"]
    assert all("(operation " in one["call"] for one in extra), extra


def test_a_run_compared_with_itself_is_the_same(replayed: tuple[Path, Path]) -> None:
    _, directory = replayed
    candidate = json.loads(run("compare", directory, directory, "--json").out)["candidates"][0]
    assert candidate["wire"]["recall"] == candidate["wire"]["precision"] == 1.0
    assert candidate["order"]["inverted"] == 0


def test_each_clone_of_a_run_is_like_a_run_by_itself(tmp_path: Path) -> None:
    """Three accounts, dealt round over six users: who a clone's are is known by their sessions."""
    workload = tmp_path / "w.workload"
    assert run("ingest", THREE_USERS, "-o", workload).status == 0

    def candidate(directory: str, *which: str) -> dict[str, Any]:
        told = run("compare", workload, tmp_path / directory, *which, "--json")
        assert told.out, told.err
        (only,) = json.loads(told.out)["candidates"]
        print(only["notes"], only["wire"])
        found: dict[str, Any] = only
        return found

    for directory, clones in (("alone.run", 1), ("two.run", 2)):
        (Path(os.environ["LAB_SHARE_PATH"]) / directory).mkdir(mode=0o777)
        replayed = run(
            "replay", workload, f"{SHARE}/{directory}", "--users", os.environ["LAB_USERS"], "--wire",
            "--clone", str(clones), "--pace", "fast", "-o", tmp_path / directory, "--json",
        )  # fmt: skip
        assert replayed.out, replayed.err
        assert json.loads(replayed.out)["configuration"]["clones"] == clones
    alone = candidate("alone.run")["wire"]
    for clone in (1, 2):
        told = candidate("two.run", "--clone", str(clone))
        assert f"of its 2 clones number {clone} is compared (--clone N for another)" in told["notes"]
        assert any("exchanges of the other clones are left out" in note for note in told["notes"])
        assert told["folders"]["candidate"] == f"two.run/clone-{clone:04d}"
        assert {pair["by"] for pair in told["users"]} == {"mounts"}
        assert told["outcomes"]["mismatched"] == 0
        assert all("(operation " in one["call"] for one in told["extra"]["exchanges"])
        assert told["wire"]["recall"] >= 0.98
        # What this kernel sends beside the captured one is as much for a clone as for a run by itself.
        assert abs(told["wire"]["precision"] - alone["precision"]) <= 0.02


def test_attributes_and_locks_send_what_the_capture_had(original: Trace, tmp_path: Path) -> None:
    """A setxattr is two compounds, with the call's name and length. An exclusive lock of a handle that reads
    is sent on that handle: a whole file's by flock, a part's by an open that writes, in its place."""
    folder = Path(os.environ["LAB_SHARE_PATH"]) / "sent"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "f").write_bytes(b"x" * 100)
    (folder / "f").chmod(0o666)
    whole = 1 << 64
    calls: list[Call] = [
        Open(1, "f", Create(FILE_WRITE_EA), compound=True), SetEa(1, "name", 300), SetEa(1, "name", 0),
        Close(1),
        Open(2, "f", Create(GENERIC_READ)),
        Lock(2, 0, whole - 1, exclusive=True, wait=False), Unlock(2, 0, whole - 1),
        Lock(2, 10, 5, exclusive=True, wait=False), Unlock(2, 10, 5), Close(2),
    ]  # fmt: skip
    output = tmp_path / "wire.pcapng"
    with open_target(target("/sent"), mounts(original, ["one", "two"])) as opened:
        executor = PosixExecutor(ExecutorContext(opened.roots[0], 0, "wire", 1 << 16))
        handlers = executor.handlers()
        executor.warm(["f"])
        with (
            (opened.roots[1] / "f").open("rb") as held,  # else a lease would keep the locks in the client
            capture_wire("127.0.0.1", 445, output, tmp_path) as wire,
        ):
            held.read(1)
            wire.mark()
            outcomes = [handlers[type(call)](call) for call in calls]
            wire.mark()
        executor.close()
    assert outcomes == [0] * len(calls)
    window_ns = wire.describe().window_ns
    assert window_ns is not None
    trace = decode([output], tmp_path)
    begin, end = (mark - trace.info.start_epoch_ns for mark in window_ns)
    found = (one for one in trace.exchanges if begin <= one.time_ns <= end)
    inside = [one for one in found if one.path and one.command != Command.OPLOCK_BREAK]
    assert [one.command for one in inside] == [*[5, 16, 6, 5, 17, 6] * 2, 5, 10, 10, 5, 6, 10, 10, 6]

    def asked(command: int) -> list[Any]:
        return [one.request for one in inside if one.command == command]

    told = [(request.ea_names, request.ea_lengths) for request in asked(Command.SET_INFO)]
    assert told == [(("name",), (300,)), (("name",), (0,))]
    assert [request.access for request in asked(Command.CREATE)][:4] == [8, 16] * 2
    elements = [(0, 1 << 63, 0x12), (0, 1 << 63, 4), (10, 5, 0x12), (10, 5, 4)]
    assert [one.locks for one in asked(Command.LOCK)] == [(LockElement(*element),) for element in elements]
    assert inside[13].handle == inside[12].handle
