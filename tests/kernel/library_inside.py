"""Stories of the executor `library`, told inside the lab's guest (see test_library.py)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cryptography
import pytest
from helpers.fidelity import ROOT
from helpers.library_lab import (
    OUT,
    SAMBA,
    STORIES,
    Replay,
    Story,
    User,
    figure,
    opens,
    opens_directory,
    play,
    until,
)

from smbench.errors import SetupError
from smbench.executors.base import Armed, ExecutorContext, KeptBreak, ShareAccess
from smbench.executors.library.executor import LibraryExecutor
from smbench.prepare.make import prepare
from smbench.secret import secret
from smbench.smb2 import ntstatus
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload import calls
from smbench.workload.store import read

LEASE, LEVEL_II, BATCH = 0xFF, 1, 9
DIALECTS = {0x0202: "2.0.2", 0x0210: "2.1.0", 0x0300: "3.0.0", 0x0302: "3.0.2", 0x0311: "3.1.1"}
READ_HANDLE_WRITE, READ_HANDLE, READ_ONLY = 7, 3, 1


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_conformance(story: Story, folder: Path, user: Callable[..., User]) -> None:
    play(story, folder, user)


def test_every_stated_difference_belongs_to_a_step() -> None:
    steps = {(story.name, number) for story in STORIES for number in range(len(story.steps))}
    assert set(SAMBA) <= steps


def leased(handle: int, path: str, state: int, **more: Any) -> calls.Open:
    return calls.Open(handle, path, calls.Create(0xC0000000, 7, 3, 0, 0, LEASE, state, **more))


@pytest.mark.parametrize("version", [1, 2])
def test_a_lease_is_broken_acknowledged_and_its_holder_lives(user: Callable[..., User], version: int) -> None:
    holder, other = user(0), user(1)
    assert holder.does(leased(1, "f", READ_HANDLE_WRITE, lease_key="11" * 16, lease_version=version)) == 0
    assert holder.does(calls.Write(1, 0, 5000)) == 5000
    began = time.monotonic()
    assert other.does(leased(2, "f", READ_HANDLE_WRITE, lease_key="22" * 16, lease_version=version)) == 0
    took_s = time.monotonic() - began
    assert until(lambda: holder.breaks()["acknowledged"] == 1)
    (told,) = holder.breaks()["events"]
    assert (told["lease"], told["from"], told["to"]) == (True, READ_HANDLE_WRITE, READ_HANDLE)
    assert holder.breaks()["acknowledgement_statuses"] == {"STATUS_SUCCESS": 1}
    assert told["acknowledged_ns"] < 200_000_000
    assert took_s < 1
    assert holder.does(calls.Read(1, 0, 5000)) == 5000
    # Each write takes the other's lease away; who had a handle to cache acknowledges that too.
    assert other.does(calls.Write(2, 0, 10)) == 10
    assert until(lambda: holder.breaks()["acknowledged"] == 2)
    assert holder.does(calls.Write(1, 0, 10)) == 10
    assert until(lambda: other.breaks()["acknowledged"] == 1)
    # Reads alone go without a word: an acknowledgement would be refused.
    assert holder.does(leased(3, "g", READ_ONLY, lease_key="33" * 16, lease_version=version)) == 0
    assert other.does(leased(4, "g", 0, lease_key="44" * 16, lease_version=version)) == 0
    assert other.does(calls.Write(4, 0, 10)) == 10
    assert until(lambda: holder.breaks()["lease"] == 3)
    assert [holder.does(calls.Close(number)) for number in (1, 3)] == [0, 0]
    assert holder.breaks()["acknowledgement_statuses"] == {"STATUS_SUCCESS": 2}
    figure(f"lease v{version}", f"acknowledged in {told['acknowledged_ns'] / 1e6:.2f} ms, "
           f"the other open took {took_s * 1e3:.2f} ms")  # fmt: skip


def test_a_break_is_answered_by_the_close_and_the_other_is_alone(user: Callable[..., User]) -> None:
    """What the other gets is told by the break of it: of an open that its holder acknowledged to keep, the
    other would have no right to write from a cache."""
    holder, other = user(0), user(1)
    holder.executor.expect_breaks({1: KeptBreak(before=0, within_ns=20 * 10**9)})
    assert holder.does(leased(1, "f", READ_HANDLE_WRITE, lease_key="11" * 16)) == 0
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.does, leased(2, "f", READ_HANDLE_WRITE, lease_key="22" * 16))
        assert until(lambda: holder.breaks()["lease"] == 1)
        time.sleep(0.05)
        assert not waiting.done()
        assert holder.does(calls.Close(1)) == 0
        assert waiting.result(5) == 0
    assert holder.does(calls.Open(3, "f", calls.Create(0xC0000000, 7, 3, 0, 0))) == 0
    assert until(lambda: other.breaks()["acknowledged"] == 1)
    (told,) = other.breaks()["events"]
    assert (told["from"], told["to"]) == (READ_HANDLE_WRITE, READ_HANDLE)
    assert (holder.breaks()["acknowledged"], holder.breaks()["answered_by_close"]) == (0, 1)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_oplock_is_broken_in_every_dialect(user: Callable[..., User], dialect: int) -> None:
    holder, other = user(0, dialect=dialect), user(1, dialect=dialect)
    assert holder.does(calls.Open(1, "f", calls.Create(0xC0000000, 7, 3, 0, 0, BATCH))) == 0
    assert other.does(calls.Open(2, "f", calls.Create(0xC0000000, 7, 3, 0, 0, LEVEL_II))) == 0
    assert until(lambda: holder.breaks()["acknowledged"] == 1)
    assert holder.breaks()["acknowledgement_statuses"] == {"STATUS_SUCCESS": 1}
    assert [(e["from"], e["to"]) for e in holder.breaks()["events"]] == [(BATCH, LEVEL_II)]
    # Level II goes to none by a write, and is not acknowledged.
    assert other.does(calls.Write(2, 0, 10)) == 10
    assert until(lambda: holder.breaks()["oplock"] == 2)
    # More requests than the window of credits is wide: none was counted that nobody granted.
    assert [holder.does(calls.Read(1, 0, 10)) for _ in range(700)] == [10] * 700
    assert holder.breaks()["acknowledged"] == 1
    assert holder.executor.statistics()["connection"]["dialect"] == DIALECTS[dialect]


@pytest.mark.parametrize("encrypt", [False, True])
def test_large_and_small_data(user: Callable[..., User], encrypt: bool, folder: Path) -> None:
    one = user(0, encrypt=encrypt)
    assert one.executor.statistics()["connection"]["encrypted"] is encrypt
    assert one.does(opens(1, "big", 3)) == 0
    length = (20 << 20) + 17
    assert one.does(calls.Write(1, 5, length)) == length
    assert (folder / "big").stat().st_size == length + 5
    assert one.does(calls.Read(1, 0, length + 100)) == length + 5
    assert one.does(calls.Read(1, length, 100)) == 5
    assert one.does(calls.Close(1)) == 0
    content = (folder / "big").read_bytes()
    assert content[:5] == bytes(5)
    assert len(set(content[5:4000])) == 256


def test_fifty_lanes_share_one_connection(user: Callable[..., User]) -> None:
    one = user(0)

    def lane(number: int) -> list[int]:
        outcomes = [one.does(opens(number, f"f{number}", 3))]
        outcomes += [one.does(calls.Write(number, 0, 1 << 20)), one.does(calls.Read(number, 0, 1 << 20))]
        for step in range(10):
            outcomes.append(one.does(calls.Write(number, step * 4096, 4096)))
            outcomes.append(one.does(calls.Stat(f"f{number}")))
        return [*outcomes, one.does(calls.Close(number))]

    with ThreadPoolExecutor(50) as lanes:
        results = list(lanes.map(lane, range(50)))
    assert results == [[0, 1 << 20, 1 << 20, *[4096, 0] * 10, 0]] * 50
    assert one.executor.statistics()["connection"]["lost"] is False


def test_a_change_and_a_close_end_a_watch(user: Callable[..., User], folder: Path) -> None:
    one = user(0)
    assert one.does(opens_directory(1, "")) == 0
    with ThreadPoolExecutor(1) as lane:
        watching = lane.submit(one.does, calls.Notify(1, 0x1, True))
        time.sleep(0.2)
        assert not watching.done()
        assert one.does(opens(2, "new", 2)) == 0
        assert watching.result(5) == 0
        watching = lane.submit(one.does, calls.Notify(1, 0x10, False))
        time.sleep(0.2)
        assert one.does(calls.Close(1)) == 0
        assert watching.result(5) == outcome_of(Status.CANCELLED)


def test_what_comes_between_two_notifications_is_the_second_s_and_an_interrupt_ends_one(
    user: Callable[..., User], folder: Path
) -> None:
    one, other = user(0), user(1)
    assert one.does(opens_directory(1, "")) == 0
    armed = threading.Event()
    notify = one.executor.notifier(Armed(armed.set, lambda: True, lambda: True))
    with ThreadPoolExecutor(1) as lane:
        watching = lane.submit(notify, calls.Notify(1, 0x1, False))
        assert armed.wait(5)
        # A busy server says that it watches before it does.
        for number in range(10, 20):
            assert other.does(opens(number, f"first{number}", 2)) == 0
            with suppress(TimeoutError):
                assert watching.result(1) == 0
                break
        assert watching.done()
        assert other.does(opens(3, "second", 2)) == 0
        assert one.does(calls.Notify(1, 0x1, False)) == 0
        watching = lane.submit(notify, calls.Notify(1, 0x1, False))
        while not watching.done():  # the server may have more to tell of the second
            if one.executor.waiting():
                one.executor.interrupt()
            time.sleep(0.01)
        assert watching.result(5) in (0, outcome_of(Status.CANCELLED))
        watching = lane.submit(notify, calls.Notify(1, 0x1, False))
        while not watching.done():
            one.executor.interrupt()
            time.sleep(0.01)
        assert watching.result(5) == outcome_of(Status.CANCELLED)
        assert one.executor.waiting() == 0
        assert one.does(calls.StatHandle(1, 1, 18)) >= 0, "the connection goes on"


def test_a_lock_that_waits_holds_up_its_lane_only(user: Callable[..., User]) -> None:
    one, other = user(0), user(1)
    assert (one.does(opens(1, "f", 3)), other.does(opens(2, "f"))) == (0, 0)
    assert one.does(calls.Lock(1, 0, 10, exclusive=True, wait=True)) == 0
    with ThreadPoolExecutor(1) as lane:
        waiting = lane.submit(other.does, calls.Lock(2, 0, 10, exclusive=True, wait=True))
        time.sleep(0.2)
        assert not waiting.done()
        assert other.does(calls.Stat("f")) == 0
        assert one.does(calls.Unlock(1, 0, 10)) == 0
        assert waiting.result(5) == 0


@pytest.mark.parametrize(
    ("access", "says"),
    [
        ({"password": secret("wrong")}, "as user01: wrong user name or password"),
        ({"share": "nope"}, "the server has no such share"),
        ({"folder": "no/such"}, "the folder 'no/such' cannot be opened"),
        ({"port": 4455}, "Failed to connect"),
        ({"dialect": 0x0202, "encrypt": True}, "encryption is required but"),
    ],
)
def test_a_refusal_is_one_sentence(access: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {
        "server": "127.0.0.1",
        "share": "share",
        "account": "user01",
        "password": secret("lab-user01"),
    }
    share = ShareAccess(**{**given, **access})
    with pytest.raises(SetupError, match=says) as told:
        LibraryExecutor(ExecutorContext(Path("/"), 0, share=share))
    assert "\n" not in str(told.value)
    assert "lab-user01" not in str(told.value) + repr(share)


@contextmanager
def captured(into: Path) -> Iterator[None]:
    """What passes port 445 meanwhile, all of it: the one CPU gives tcpdump its turn late."""
    wire = Path("/run/wire.pcap")  # writing to the host is slow enough to lose packets
    sniffer = subprocess.Popen(
        ["tcpdump", "-Z", "root", "-i", "lo", "-B", "16384", "-U", "-w", wire, "tcp port 445"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert sniffer.stderr is not None
    while "listening" not in sniffer.stderr.readline():
        pass
    yield
    size = -1
    while size < (size := wire.stat().st_size):
        time.sleep(1.5)  # longer than tcpdump waits for its buffer to fill
    sniffer.terminate()
    told = sniffer.stderr.read()
    assert sniffer.wait() == 0
    sniffer.stderr.close()
    assert "\n0 packets dropped" in told
    into.write_bytes(wire.read_bytes())


def test_the_shipped_capture_runs_as_captured_and_looks_so_on_the_wire(folder: Path) -> None:
    workload = read(OUT / "workload")
    prepare(folder, workload.namespace)
    replay = Replay(OUT / "workload", folder.name)
    with captured(OUT / "wire.pcap"):
        replay.run()
    wrong = [
        f"{operation.call}: {ntstatus.outcome_name(replay.outcomes[operation.index])}, "
        f"not {ntstatus.name(operation.expected)}"
        for operation in replay.operations
        if operation.expected is not None
        and not ntstatus.matches(operation.expected, replay.outcomes[operation.index], operation.call)
    ]
    assert not wrong
    statistics = [user.executor.statistics() for user in replay.users]
    cpu = Counter[str]()
    for one in statistics:
        assert one["connection"]["lost"] is False
        for kind, spent in one["cpu"]["calls"].items():
            cpu[kind] += spent["cpu_ns"]
    for kind, times in sorted(replay.service_ns.items()):
        middle = sorted(times)[len(times) // 2]
        figure(
            kind,
            f"{len(times)} calls, p50 {middle / 1e3:.0f} us, CPU {cpu[kind] / len(times) / 1e3:.0f} us",
        )
    figure("receiver CPU", str([one["cpu"]["receiver_cpu_ns"] for one in statistics]))
    figure("breaks", str([{**one["breaks"], "events": len(one["breaks"]["events"])} for one in statistics]))


def test_workers_read_nothing_of_the_interpreter(folder: Path) -> None:
    """It may stand where root alone may look, and the workers are an ordinary user."""
    packages = Path(cryptography.__file__).parents[1]
    mode = packages.stat().st_mode
    packages.chmod(0o700)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "smbench", "replay", OUT / "workload", f"//127.0.0.1/share/{folder.name}",
             "--users", os.environ["LAB_USERS"], "--executor", "library", "--pace", "fast",
             "-o", OUT / "unread.run"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        packages.chmod(mode)
    assert done.returncode in (0, 5), done.stderr
