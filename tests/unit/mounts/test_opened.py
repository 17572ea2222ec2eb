"""What fails on a mount is said of the share, as the user named it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smbench.errors import SetupError, UsageError
from smbench.mounts.opened import Mounted
from smbench.mounts.state import RunState
from smbench.mounts.target import ShareTarget

TARGET = ShareTarget("server", "share", "folder")
RUN = Path("/run/smbench-mount/4711")


@pytest.fixture
def mounted() -> Mounted:
    state = RunState("4711", 1, None, False, str(TARGET), 12)
    return Mounted([RUN / str(number) for number in range(12)], [], state)


@pytest.mark.parametrize("kind", [SetupError, UsageError])
def test_a_refusal_names_the_share_and_keeps_its_kind(mounted: Mounted, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught, mounted.naming(TARGET):
        raise kind(f"the target {RUN}/11/clone-0002 holds 'letter', and {RUN}/1 does not")
    assert str(caught.value) == (
        "the target //server/share/folder/clone-0002 holds 'letter', and //server/share/folder does not"
    )


def test_so_does_an_error_of_the_system(mounted: Mounted) -> None:
    with pytest.raises(PermissionError) as caught, mounted.naming(TARGET):
        raise PermissionError(13, "Permission denied", f"{RUN}/0/a/b")
    assert caught.value.filename == "//server/share/folder/a/b"


def test_what_is_a_directory_keeps_its_name() -> None:
    with (
        pytest.raises(SetupError, match=r"^the target /srv is full$"),
        Mounted([Path("/srv")], []).naming("x"),
    ):
        raise SetupError("the target /srv is full")
