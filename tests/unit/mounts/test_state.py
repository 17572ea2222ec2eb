"""The state file, and what may be unmounted by it."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.privileged import InProcess

from smbench.mounts import unmount
from smbench.mounts.mountinfo import MountEntry
from smbench.mounts.state import RunState, load_all
from smbench.owner import started_ticks

SHARE = "//srv/share"


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    monkeypatch.setattr("smbench.mounts.state.RUNTIME_FOLDER", tmp_path)
    one = InProcess(tmp_path)
    yield one
    one.close()


def begun(helper: InProcess, **changes: Any) -> RunState:
    """A run of two users, and its state file with these changes."""
    ticks = started_ticks(os.getpid())
    run = helper.ask("begin", share=SHARE, users=2, streams=[], kept=False, started_ticks=ticks)["run"]
    path = helper.runtime / f"{run}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    [state] = [one for one in load_all(helper)[0] if one.run == run]
    return state


def roots(state: RunState) -> list[Path]:
    return sorted(state.folder.iterdir())


def test_a_state_is_read_back_until_its_run_ends(helper: InProcess) -> None:
    state = begun(helper)
    assert load_all(helper) == ([state], [])
    assert (helper.runtime / f"{state.run}.json").stat().st_mode & 0o777 == 0o600
    assert [root.name for root in roots(state)] == ["user01", "user02"]
    assert state.uid == os.getuid()
    helper.ask("end", run=state.run)
    assert load_all(helper) == ([], [])


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2}', '{"schema": 1, "run": "x"}', "{", "7"])
@pytest.mark.usefixtures("helper")
def test_a_file_that_is_no_state_is_told_to_root(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with contextlib.closing(InProcess(tmp_path, uid=0)) as of_root:
        states, [(path, why)] = load_all(of_root)
    assert (states, path) == ([], tmp_path / "x.json")
    assert why.startswith(str(path))
    assert "by hand" in why


def test_a_state_cannot_claim_another_runs_folder(helper: InProcess, tmp_path: Path) -> None:
    state = begun(helper)
    (tmp_path / f"{state.run}.json").rename(tmp_path / "other.json")
    assert load_all(helper)[0] == []


def test_an_owner_is_known_by_pid_and_start(helper: InProcess) -> None:
    state = begun(helper)
    assert state.pid == os.getpid()
    assert state.owner_lives
    assert not replace(state, started_ticks=(state.started_ticks or 0) + 1).owner_lives
    assert started_ticks(2**22 + 1) is None


class FakeMounts:
    """mountinfo and umount(8) of an imagined machine."""

    def __init__(self, paths: Sequence[Path], foreign: Sequence[Path] = ()) -> None:
        self.cifs, self.foreign = set(paths), set(foreign)

    def read(self) -> list[MountEntry]:
        return [MountEntry(p, "cifs", SHARE, {}) for p in sorted(self.cifs)] + [
            MountEntry(p, "tmpfs", "tmpfs", {}) for p in sorted(self.foreign)
        ]

    def umount(self, run: str, names: Sequence[str], **_: object) -> dict[str, dict[str, str]]:
        paths = {path for path in self.cifs if path.parent.name == run and path.name in names}
        assert len(paths) == len(names)
        self.cifs -= paths
        return {"failed": {}}


@pytest.fixture
def machine(helper: InProcess, monkeypatch: pytest.MonkeyPatch) -> FakeMounts:
    fake = FakeMounts([])
    monkeypatch.setattr(unmount, "read_mountinfo", lambda: fake.read())
    helper.instead["umount"] = fake.umount
    return fake


DEAD = {"pid": 2**22 + 1}
LIVE = {"pid": 1, "started_ticks": started_ticks(1)}


@pytest.mark.parametrize(
    ("owner", "arguments", "goes"),
    [
        (DEAD, {}, True),
        (LIVE, {}, False),
        (LIVE, {"force": True}, True),
        (LIVE | {"kept": True}, {}, True),
        (DEAD, {"share": "//SRV/share"}, True),
        (DEAD, {"share": "//srv/other"}, False),
    ],
)
def test_what_umount_takes_down(
    helper: InProcess, machine: FakeMounts, owner: dict[str, object], arguments: dict[str, Any], goes: bool
) -> None:
    state = begun(helper, **owner)
    mounts, elsewhere = roots(state), Path("/mnt/of somebody else")
    machine.cifs = {*mounts, elsewhere}
    result = unmount.umount_all(helper, **arguments)
    assert (sorted(result.unmounted) == mounts) is goes
    assert elsewhere in machine.cifs
    assert (list(helper.runtime.iterdir()) == []) is goes


def test_what_is_no_cifs_in_our_folder_stays(helper: InProcess, machine: FakeMounts) -> None:
    machine.foreign = {roots(begun(helper, **DEAD))[0]}
    assert unmount.umount_all(helper).unmounted == []


def test_nothing_to_do(helper: InProcess) -> None:
    assert unmount.umount_all(helper) == unmount.Unmounted()
