"""Which folder is taken off, and who is who."""

from __future__ import annotations

import pytest

from smbench.fidelity.paths import Folders, common_folders, without
from smbench.fidelity.sides import Stand
from smbench.fidelity.users import pair_users

TREE = {"": 3, "a": 2, "a/one": 5, "a/two": 5, "b/three": 4}


def beneath(folder: str) -> dict[str, int]:
    return {"": 1, folder.partition("/")[0]: 1} | {
        f"{folder}/{path}".strip("/"): n for path, n in TREE.items()
    }


@pytest.mark.parametrize(
    ("reference", "candidate", "folders"),
    [
        (TREE, TREE, Folders()),
        (TREE, beneath("replay"), Folders(candidate="replay")),
        (TREE, beneath("x/y/z"), Folders(candidate="x/y/z")),
        (beneath("x/y"), TREE, Folders(reference="x/y")),
        (TREE, {path.upper(): n for path, n in beneath("x").items()}, Folders(candidate="X")),
        (TREE, {"quite/other": 10}, Folders()),
        ({}, TREE, Folders()),
        ({"": 5}, {"": 5, "x": 5}, Folders()),
    ],
)
def test_the_folder_that_makes_the_paths_the_same(
    reference: dict[str, int], candidate: dict[str, int], folders: Folders
) -> None:
    assert common_folders(reference, candidate) == folders


def test_what_lies_outside_the_folder_meets_nothing_within() -> None:
    assert without("x/y/file", "X/Y") == "file"
    assert without("x/y", "x/y") == ""
    assert without("x/yz", "x/y") == "/x/yz"
    assert without("file", "") == "file"


def who(pairs: list[tuple[int, int, str]], *args: object) -> None:
    found = pair_users(*args)  # type: ignore[arg-type]
    assert [(pair.reference, pair.candidate, pair.by) for pair in found] == pairs


def test_users_are_found_by_what_is_known_of_them() -> None:
    sent = {0: {1: 5}, 1: {2: 5}, 2: {3: 5}}
    names = ["CORP\\ann", "CORP\\bob", "CORP\\eve"]
    accounts = ["user01", "user02", "user03"]
    reverse = {0: {3: 5}, 1: {2: 5}, 2: {1: 5}}
    none: tuple[list[Stand], list[Stand]] = ([], [])
    who([(0, 0, "name"), (1, 1, "name"), (2, 2, "name")], names, names, {}, none, (sent, sent))
    who([(0, 2, "content"), (1, 1, "content"), (2, 0, "content")], names, accounts, {}, none, (sent, reverse))
    strange = {number: {100 + number: 1} for number in range(3)}
    who([(0, 0, "order"), (1, 1, "order"), (2, 2, "order")], names, accounts, {}, none, (sent, strange))
    given = {"corp\\ann": "USER02"}
    who([(0, 1, "given"), (1, 0, "order"), (2, 2, "order")], names, accounts, given, none, (sent, strange))
    stands = [Stand("CORP\\ann", "LAB\\user03"), Stand("CORP\\bob", "user01", user=0)]
    who(
        [(0, 2, "mounts"), (1, 0, "mounts"), (2, 1, "order")],
        names,
        accounts,
        {},
        ([], stands),
        (sent, strange),
    )
    # The reference is a run itself: its users on the wire hide whom they stood for.
    before = [Stand("CORP\\bob", "user02", user=1), Stand("CORP\\ann", "user01", user=0)]
    who([(0, 2, "order"), (1, 0, "mounts")], accounts[:2], accounts, {}, (before, [stands[1]]),
        ({0: {1: 1}, 1: {2: 1}}, {0: {9: 1}, 2: {8: 1}}))  # fmt: skip


def test_one_account_may_stand_for_several_users() -> None:
    sent = {0: {1: 1}, 1: {2: 1}}
    stands = [Stand("ann", "shared"), Stand("bob", "shared")]
    who(
        [(0, 0, "mounts"), (1, 1, "mounts")],
        ["ann", "bob"],
        ["shared", "shared#2"],
        {},
        ([], stands),
        (sent, sent),
    )
