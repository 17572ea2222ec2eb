"""Trials one after the other, and what of the wire belongs to each; here on this machine's own files."""

from __future__ import annotations

from pathlib import Path

import psutil

from smbench.clients.calibration import Tried, calls_of, try_all
from smbench.clients.trials import TRIALS, Called
from smbench.trace.model import Command, Exchange


class Marks:
    """A clock that goes on by a second at each mark."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 10**9
        return self.now


def at(time_ns: int, command: Command = Command.CREATE) -> Exchange:
    return Exchange(
        index=time_ns, capture=0, frame=0, command=command, time_ns=time_ns, connection=0, message_id=0
    )


def test_every_trial_is_made_and_leaves_nothing(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    before = psutil.Process().num_fds()
    tried = try_all(tmp_path, Marks(), lambda done, of: heard.append((done, of)))
    assert [one.name for one in tried] == list(TRIALS)
    assert heard[-1] == (len(TRIALS), len(TRIALS))
    assert list(tmp_path.iterdir()) == []
    assert psutil.Process().num_fds() == before
    failed = {one.name: one.failed for one in tried if one.failed}
    # What every file system refuses.
    assert failed["open what is not there"] == "ENOENT"
    assert failed["open with O_CREAT and O_EXCL what is there"] == "EEXIST"
    assert "futimens" not in failed
    assert "unlink what is open" not in failed


def test_the_call_alone_is_between_the_marks(tmp_path: Path) -> None:
    marks, seen = Marks(), []

    def trial(folder: Path) -> Called:
        seen.append(("prepares", marks.now, (folder / "a").stat().st_size))
        yield lambda: seen.append(("calls", marks.now, 0))
        seen.append(("tidies up", marks.now, 0))

    (one,) = try_all(tmp_path, marks, lambda *_: None, trials={"it": trial})
    assert one == Tried("it", 10**9, 2 * 10**9)
    assert seen == [("prepares", 0, 8192), ("calls", 10**9, 0), ("tidies up", 2 * 10**9, 0)]


def test_a_call_that_fails_is_tidied_up_after(tmp_path: Path) -> None:
    tidied = []

    def refuse() -> None:
        raise OSError(95, "no")

    def trial(_: Path) -> Called:
        yield refuse
        tidied.append(True)

    (one,) = try_all(tmp_path, Marks(), lambda *_: None, trials={"it": trial})
    assert one.failed in ("ENOTSUP", "EOPNOTSUPP")
    assert tidied == [True]


def test_what_was_sent_belongs_to_the_trial_in_whose_time_it_was() -> None:
    start = 5_000
    tried = [Tried("one", start + 10, start + 20), Tried("two", start + 30, start + 40, "EIO")]
    exchanges = [at(9), at(10), at(15, Command.ECHO), at(19, Command.CLOSE), at(20), at(30), at(40)]
    assert calls_of(tried, exchanges, start) == {"one": ["CREATE", "CLOSE"], "two": ["CREATE", "(EIO)"]}
