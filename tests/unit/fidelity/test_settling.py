"""Shares whose connection is not in a capture: what was sent on them says which they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from helpers.sides import side_of
from helpers.story import Wire

from smbench.fidelity.comparison import Comparison, compare
from smbench.fidelity.settling import SettledShare, notes
from smbench.fidelity.sides import Side

WORK = {"ann": ("a/one", "a/two"), "bob": ("b/one", "b/two"), "eve": ("e/one", "a/one")}
"""Whose files are which: a look at the share's root, then each is opened, read and closed."""
EVERYBODY = dict.fromkeys(WORK, (9, 9, 9))
LOST, FILES = "unknown-7", "files"


@pytest.fixture
def side(tmp_path: Path) -> Callable[..., Side]:
    """Makes a side: everybody on the share that is said, in the folder that is said of it."""

    def make(
        name: str, shares: Mapping[str, str], tops: Mapping[str, str] | None = None, folder: str | None = None
    ) -> Side:
        wire = Wire()
        for user, paths in WORK.items():
            share, top = shares.get(user, FILES), (tops or {}).get(user, "")
            client = wire.client(user, share, None if share.startswith("unknown-") else 1)
            client.looks(top)
            for path in paths:
                client.opens(f"{top}/{path}".strip("/")).reads(0, 10).closes()
        made = side_of(wire, tmp_path / name)
        made.folder = folder
        return made

    return make


def scores(compared: Comparison) -> dict[str, tuple[int, int, int]]:
    return {name: (it.reference, it.candidate, it.matched) for name, it in compared.by_user.items()}


@pytest.mark.parametrize("lost", list(WORK))
def test_one_users_lost_connection_costs_nobody_anything(side: Callable[..., Side], lost: str) -> None:
    whole, damaged = side("whole", {}), side("damaged", {lost: LOST})
    for one, other, which in ((whole, damaged, 1), (damaged, whole, 0)):
        compared = compare(one, other)
        assert scores(compared) == EVERYBODY
        assert {pair.by for pair in compared.users} == {"content"}
        assert set(compared.by_path) == {"", *(path for paths in WORK.values() for path in paths)}
        assert compared.unnamed_shares[which] == [SettledShare(LOST, 9, "")]
        assert compared.unnamed_shares[1 - which] == []


@pytest.mark.parametrize(
    "shares",
    [{"bob": LOST}, {"ann": "unknown-1", "bob": "unknown-5", "eve": "unknown-5"}],
    ids=["one", "all"],
)
def test_a_damaged_capture_beside_itself_and_the_whole_one(
    side: Callable[..., Side], shares: dict[str, str]
) -> None:
    damaged, whole = side("damaged", shares), side("whole", {})
    itself = compare(damaged, damaged)
    assert scores(itself) == EVERYBODY
    assert [notes("candidate", taken, FILES) for taken in itself.unnamed_shares] == [[], []]
    assert scores(compare(damaged, whole)) == scores(compare(whole, damaged)) == EVERYBODY


def test_each_side_has_lost_another(side: Callable[..., Side]) -> None:
    compared = compare(side("one", {"ann": LOST}), side("two", {"eve": "unknown-9", "bob": "unknown-8"}))
    assert scores(compared) == EVERYBODY


def test_of_several_shares_it_is_the_one_with_its_content(side: Callable[..., Side]) -> None:
    shares = {"ann": "Music", "bob": "Books", "eve": "Music"}
    whole = side("whole", shares)
    for user, share in shares.items():
        damaged = side(f"no-{user}", {**shares, user: LOST})
        compared = compare(whole, damaged)
        assert scores(compared) == EVERYBODY
        assert compared.unnamed_shares[1] == [SettledShare(LOST, 9, share.casefold())]
        assert scores(compare(damaged, whole)) == EVERYBODY


@pytest.mark.parametrize("folder", [None, "", "deep/er"])
@pytest.mark.parametrize("shares", [{"ann": LOST}, {"ann": LOST, "bob": "unknown-8"}, {}], ids=len)
def test_a_replay_of_the_damaged_capture_is_compared_as_it_was_made(
    side: Callable[..., Side], shares: dict[str, str], folder: str | None
) -> None:
    """Its files are on one share, in the folders that the lift makes of what seem to be several; of the run
    the folder of its target is known, of a capture of it not."""
    of_share = {user: shares.get(user, FILES) if shares else "" for user in WORK}
    tops = {user: f"{folder or ''}/{top}".strip("/") for user, top in of_share.items()}
    damaged = side("damaged", shares)
    assert scores(compare(damaged, side("run", {}, tops, folder=folder))) == EVERYBODY
    assert scores(compare(damaged, side("lost", {"eve": "unknown-3"}, tops, folder=folder))) == EVERYBODY


@pytest.mark.parametrize("folder", [None, ""])
def test_a_share_on_which_nothing_was_asked_makes_the_other_one_a_folder_all_the_same(
    tmp_path: Path, folder: str | None
) -> None:
    captured, replayed = Wire(), Wire()
    captured.client("max", LOST, None)
    for wire, top in ((captured, ""), (replayed, f"{FILES}/")):
        client = wire.client("ann", FILES)
        for path in ("one", "two"):
            client.opens(f"{top}{path}").reads(0, 10).closes()
    run = side_of(replayed, tmp_path / "run")
    run.folder = folder
    assert scores(compare(side_of(captured, tmp_path / "captured"), run)) == {"ann": (6, 6, 6)}


def test_a_run_in_a_folder_of_its_share_loses_a_connection(side: Callable[..., Side]) -> None:
    tops = dict.fromkeys(WORK, "deep/er")
    for number, folder in enumerate((None, "deep/er")):
        run = side(f"run{number}", {"eve": LOST}, tops, folder=folder)
        compared = compare(side(f"whole{number}", {}), run)
        assert scores(compared) == EVERYBODY
        assert compared.folders.candidate == ("" if folder else "deep/er")


def test_nothing_in_common_keeps_the_made_up_name_beside_several_shares(
    side: Callable[..., Side], tmp_path: Path
) -> None:
    wire = Wire()
    for user, share in (("ann", "Music"), ("bob", "Books"), ("eve", LOST)):
        client = wire.client(user, share, None if share == LOST else 1)
        client.opens(f"strange/{user}").writes(7, 7).closes()
    compared = compare(
        side("one", {"ann": "Music", "bob": "Books", "eve": "Music"}), side_of(wire, tmp_path / "strange")
    )
    assert compared.unnamed_shares[1] == [SettledShare(LOST, 3, None)]


def test_what_was_taken_for_what_is_said() -> None:
    def said(*taken: SettledShare, only_share: str = FILES) -> list[str]:
        return notes("candidate", taken, only_share)

    about = "the candidate's 9 exchanges on a share whose connection is not in its capture (unknown-7) are "
    begin = f"{about}compared "
    assert said(SettledShare(LOST, 9, "")) == [f"{begin}as those of files"]
    assert said(SettledShare(LOST, 9, ""), only_share="") == [
        f"{begin}as those of the share of the other side"
    ]
    assert said(SettledShare(LOST, 9, "music")) == [f"{begin}as those beneath music"]
    assert said(SettledShare(LOST, 9, None)) == [
        f"{begin}under that name: nothing in common says which share it is"
    ]
    assert said(SettledShare(LOST, 9, LOST)) == []
    (many,) = said(*(SettledShare(f"unknown-{number}", 2, "") for number in range(5)))
    assert many.startswith(
        "the candidate's 10 exchanges on 5 shares whose connection is not in its capture "
        "(unknown-0, unknown-1, unknown-2, …) are compared "
    )


def test_of_a_run_that_dfs_led_elsewhere_the_share_of_its_files_counts(side: Callable[..., Side]) -> None:
    """The root that it was led through is another share on its wire, and no folder of it is made for that."""
    reference = side("capture", {})
    led = side("led", {"eve": "root"}, folder="")
    assert compare(reference, led).by_user["ann"].matched == 0
    led.share = FILES
    assert scores(compare(reference, led)) == EVERYBODY
