"""The state file, and what may be unmounted by it."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from smbench.mounts import unmount
from smbench.mounts.mountinfo import MountEntry
from smbench.mounts.state import RunState, forget, load_all, new_state, save
from smbench.owner import started_ticks

SHARE = "//srv/share"


def test_a_state_is_read_back_until_it_is_forgotten(tmp_path: Path) -> None:
    state = new_state(SHARE, 3, kept=False)
    save(state, tmp_path)
    assert load_all(tmp_path) == ([state], [])
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]
    assert [root.name for root in state.roots(tmp_path)] == ["user01", "user02", "user03"]
    forget(state, tmp_path)
    assert load_all(tmp_path) == ([], [])


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2}', '{"schema": 1, "run": "x"}', "{", "7"])
def test_a_file_that_is_no_state_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    states, [(path, why)] = load_all(tmp_path)
    assert (states, path) == ([], tmp_path / "x.json")
    assert why.startswith(str(path))
    assert "by hand" in why


def test_a_state_cannot_claim_another_runs_folder(tmp_path: Path) -> None:
    state = new_state(SHARE, 1, kept=False)
    save(state, tmp_path)
    (tmp_path / f"{state.run}.json").rename(tmp_path / "other.json")
    assert load_all(tmp_path)[0] == []


def test_an_owner_is_known_by_pid_and_start() -> None:
    state = new_state(SHARE, 1, kept=False)
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

    def run(self, paths: Sequence[Path], *flags: str) -> dict[Path, str]:
        assert set(paths) <= self.cifs
        self.cifs -= set(paths)
        return {}


def made(tmp_path: Path, **changes: object) -> RunState:
    state = replace(new_state(SHARE, 2, kept=False), **changes)  # type: ignore[arg-type]
    save(state, tmp_path)
    for root in state.roots(tmp_path):
        root.mkdir(parents=True)
    return state


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FakeMounts:
    fake = FakeMounts([])
    monkeypatch.setattr(unmount, "read_mountinfo", lambda: fake.read())
    monkeypatch.setattr(unmount, "_run", lambda paths, *flags: fake.run(list(paths), *flags))
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
    tmp_path: Path, machine: FakeMounts, owner: dict[str, object], arguments: dict[str, object], goes: bool
) -> None:
    state = made(tmp_path, **owner)
    elsewhere = Path("/mnt/of somebody else")
    machine.cifs = {*state.roots(tmp_path), elsewhere}
    result = unmount.umount_all(runtime=tmp_path, **arguments)  # type: ignore[arg-type]
    assert (sorted(result.unmounted) == state.roots(tmp_path)) is goes
    assert elsewhere in machine.cifs
    assert (list(tmp_path.iterdir()) == []) is goes


def test_what_is_no_cifs_in_our_folder_stays(tmp_path: Path, machine: FakeMounts) -> None:
    state = made(tmp_path, **DEAD)
    machine.foreign = {state.roots(tmp_path)[0]}
    assert unmount.umount_all(runtime=tmp_path).unmounted == []


def test_nothing_to_do(tmp_path: Path) -> None:
    assert unmount.umount_all(runtime=tmp_path / "none") == unmount.Unmounted()
