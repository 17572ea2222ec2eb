"""What the first mount of a target finds out of DFS, with what the client of the lab answered there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers.privileged import InProcess

from smbench.errors import SetupError
from smbench.mounts import leading
from smbench.mounts.accounts import Account
from smbench.mounts.cifs import Mounting
from smbench.mounts.dfs import Lead, parse_referrals
from smbench.mounts.opened import NotSupportedError
from smbench.mounts.options import GIVEN, Option
from smbench.mounts.target import ShareTarget

OFF = Option("nodfs", None, "no referrals")
LINK, THERE = ShareTarget("srv", "dfs", "link"), ShareTarget("fs1", "data")
LINK_ENTRY = "cache entry: path=\\srv\\dfs\\link,type=link,ttl=600\n  \\fs1\\data (target hint)\n"
SAYS = {2: "No such file or directory", 95: "Operation not supported", 126: "Required key not available"}


class Client:
    """Answers mounts as the lab's did: by target, the errno with `nodfs` and without it; None: mounted."""

    def __init__(self, answers: dict[str, tuple[int | None, int | None]]) -> None:
        self.answers = answers
        self.mounted: list[str] = []

    def mount(
        self, *_password: int, target: Sequence[Any], options: Sequence[str], **_: object
    ) -> dict[str, Any]:
        assert "dfs" not in options  # no kernel knows it
        number = self.answers[target[0]]["nodfs" not in options]
        if number is not None:
            return {"status": 32, "said": f"mount error({number}): {SAYS[number]}\n", "log": ""}
        self.mounted.append(target[0])
        return {"status": 0, "said": "", "log": ""}

    def umount(self, **_: object) -> dict[str, Any]:
        self.mounted.pop()
        return {"failed": {}}


@pytest.fixture
def lead(tmp_path: Path) -> Iterator[Callable[..., Lead]]:
    """What is found out of a target whose mounts end as a client's, with these options."""
    helper = InProcess(tmp_path)

    def first(client: Client, target: ShareTarget, *options: Option) -> Lead:
        helper.instead.update(mount=client.mount, umount=client.umount)
        where = tmp_path / "1-00000000" / "user01"
        return leading.mount_first(Mounting(helper, Account("a"), options, where), target)

    yield first
    helper.close()


@pytest.fixture(autouse=True)
def _servers_and_referrals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "require_server", lambda _: None)
    monkeypatch.setattr(leading, "read_referrals", lambda: parse_referrals(LINK_ENTRY))


def test_a_share_without_dfs_is_mounted_once(lead: Callable[..., Lead]) -> None:
    client = Client({"//fs1/data": (None, None)})
    assert lead(client, THERE, OFF) == Lead(THERE)
    assert client.mounted == ["//fs1/data"]


def test_behind_a_link_what_it_leads_to_is_mounted(lead: Callable[..., Lead]) -> None:
    client = Client({"//srv/dfs/link": (95, None), "//fs1/data": (None, None)})
    assert lead(client, LINK, OFF) == Lead(THERE, THERE)
    assert client.mounted == ["//fs1/data"]


def test_the_client_need_not_get_there_to_tell_where_it_is(lead: Callable[..., Lead]) -> None:
    """It cannot resolve names without a program for it."""
    client = Client({"//srv/dfs/link": (95, 126), "//fs1/data": (None, None)})
    assert lead(client, LINK, OFF) == Lead(THERE, THERE)


def test_links_in_the_target_have_the_client_follow(
    lead: Callable[..., Lead], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client({"//srv/dfs": (None, None)})
    root = ShareTarget("srv", "dfs")
    monkeypatch.setattr(leading, "_in_dfs", lambda _: True)
    monkeypatch.setattr(leading, "_has_link", lambda _: True)
    assert lead(client, root, OFF) == Lead(root, follows=True)
    assert client.mounted == ["//srv/dfs"]


def test_without_nodfs_the_client_follows_and_it_is_said_where(lead: Callable[..., Lead]) -> None:
    client = Client({"//srv/dfs/link": (95, None)})
    assert lead(client, LINK) == Lead(LINK, THERE)
    assert client.mounted == ["//srv/dfs/link"]


@pytest.mark.parametrize(
    ("options", "answers", "says"),
    [
        ([OFF], {"//srv/dfs/link": (95, 2), "//fs1/data": (2, 2)},
         "cannot mount //srv/dfs/link as a: DFS leads it to //fs1/data, and there the server has no such"),
        ([], {"//srv/dfs/link": (95, 126)}, "and there the kernel cannot resolve the name fs1; .*keyutils"),
        ([Option("nodfs", None, GIVEN)], {"//srv/dfs/link": (95, None), "//srv/dfs": (None, None)},
         "'link' is in DFS, behind a link, which --mount-option nodfs keeps .*; leave that option out"),
    ],
    ids=["gone", "no-resolver", "given"],
)  # fmt: skip
def test_what_fails_in_dfs_is_said_of_dfs(
    options: list[Option],
    answers: dict[str, tuple[int | None, int | None]],
    says: str,
    lead: Callable[..., Lead],
) -> None:
    client = Client(answers)
    with pytest.raises(SetupError, match=says) as told:
        lead(client, LINK, *options)
    assert "dialect" not in str(told.value)
    assert client.mounted == []


def test_a_link_of_which_the_client_tells_nothing_is_said_to_be_one(
    lead: Callable[..., Lead], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "read_referrals", list)
    client = Client({"//srv/dfs/link": (95, 95), "//srv/dfs": (None, None)})
    with pytest.raises(SetupError, match=r"'link' is in DFS, behind a link, and .*; name the share"):
        lead(client, LINK, OFF)


def test_a_dialect_that_the_server_lacks_is_no_link(lead: Callable[..., Lead]) -> None:
    client = Client({"//srv/share/folder": (95, 95), "//srv/share": (95, 95)})
    with pytest.raises(NotSupportedError, match="dialect"):
        lead(client, ShareTarget("srv", "share", "folder"), OFF)
