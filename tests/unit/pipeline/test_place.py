"""A mount for every user, as that user's own calls ask for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers.load import Load

from smbench.mounts.options import Option
from smbench.pipeline.place import Place, place_workload
from smbench.pipeline.progress import SILENT
from smbench.pipeline.request import Destination
from smbench.workload.calls import Flush, SetTimes
from smbench.workload.model import Kind, NamespaceEntry

pytestmark = pytest.mark.skipif("sys.platform == 'win32'", reason="Windows mounts nothing")


class Heard:
    """A progress that keeps what it is warned of; the rest is as SILENT has it."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(SILENT, name)


def names(options: Sequence[Option] | None) -> set[str]:
    assert options is not None
    return {option.name for option in options}


def placed(tmp_path: Path, *, clones: int = 1, **asked: Any) -> tuple[Place, list[str]]:
    users = tmp_path / "users.toml"
    (tmp_path / "pw").write_text("x")
    (tmp_path / "pw").chmod(0o600)
    users.write_text('[[user]]\nname = "a"\npassword_file = "pw"\n')
    load = Load(users=["alice", "bob"])
    load.opens(0, 1, "f:s")
    load.reads(0, 1, length=70_000)
    load.add(0, Flush(1))
    load.opens(1, 2, "f")
    load.add(1, SetTimes(2, None, 1, 1))
    workload = load.workload
    workload.namespace = [NamespaceEntry("f:s", Kind.STREAM)]
    heard = Heard()
    destination = Destination(target="//server/share", users=users, **asked)
    return place_workload(workload, destination, heard, clones), heard.warnings  # type: ignore[arg-type]


def test_one_users_streams_are_nobody_elses(tmp_path: Path) -> None:
    place, warnings = placed(tmp_path, clones=2)
    assert [user.user for user in place.users] == ["alice@1", "bob@1", "alice@2", "bob@2"]
    assert [user.streams is not None for user in place.users] == [True, False, True, False]
    alice, bob = place.users[:2]
    for user in (alice, bob):
        assert "serverino" in names(user.options)
        assert not {"noserverino", "nomapposix"} & names(user.options)
    assert names(alice.streams) - names(alice.options) == {"noserverino", "nomapposix"}
    assert ("rsize" in names(alice.options), "rsize" in names(bob.options)) == (True, False)
    assert "nostrictsync" not in names(alice.options)
    assert "nostrictsync" in names(bob.options)
    assert warnings == []


def test_the_application_profile_has_one_mount_and_says_what_it_does_not_reach(tmp_path: Path) -> None:
    place, warnings = placed(tmp_path, profile="application")
    assert [user.streams for user in place.users] == [None, None]
    assert place.users[0].options == place.users[1].options
    assert len(warnings) == 1
    assert "alice uses alternate data streams" in warnings[0]


def test_who_gives_the_options_of_streams_gets_one_mount(tmp_path: Path) -> None:
    place, _ = placed(tmp_path, mount_options=["noserverino", "nomapposix"])
    assert [user.streams for user in place.users] == [None, None]
