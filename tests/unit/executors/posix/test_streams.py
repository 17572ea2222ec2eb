"""Streams by a second root: here two folders, of which the second is to hold nothing else."""

from pathlib import Path

from smbench.executors.base import ExecutorContext
from smbench.executors.posix.executor import PosixExecutor
from smbench.smb2.constants import GENERIC_READ, GENERIC_WRITE, OPEN_IF
from smbench.workload.calls import Close, Create, Open, Read, Rename, Stat, Unlink, Write


def test_calls_on_streams_go_beneath_the_second_root(tmp_path: Path) -> None:
    files, streams = tmp_path / "files", tmp_path / "streams"
    for root in (files, streams):
        (root / "d").mkdir(parents=True)
    executor = PosixExecutor(ExecutorContext(files, 0, streams=streams))
    executor.warm(["d", "d/f", "d/f:s"])
    call = executor.handlers()
    create = Create(GENERIC_READ | GENERIC_WRITE, 7, OPEN_IF)
    for handle, (path, length) in enumerate({"d/f": 10, "d/f:s": 30}.items()):
        assert call[Open](Open(handle, path, create)) == 0
        assert call[Write](Write(handle, 0, length)) == length
    # Both at once, and each is its own.
    assert [call[Read](Read(handle, 0, 100)) for handle in (0, 1)] == [10, 30]
    assert call[Stat](Stat("d/f:s")) == 0
    assert call[Rename](Rename(1, "d/f:s", "d/f:t", replace=False)) == 0
    assert [call[Close](Close(handle)) for handle in (0, 1)] == [0, 0]
    assert [path.name for path in files.rglob("*")] == ["d", "f"]
    assert [path.name for path in streams.rglob("*")] == ["d", "f:t"]
    assert call[Unlink](Unlink("d/f:t")) == 0
    assert [path.name for path in streams.rglob("*")] == ["d"]
    executor.close()
