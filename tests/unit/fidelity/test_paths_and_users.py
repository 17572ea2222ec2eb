"""Which folder is taken off, and who is who."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from smbench.fidelity.paths import Folders, alike, common_folders, without
from smbench.fidelity.sides import AccountMapping
from smbench.fidelity.users import Namesake, UserPair, named, notes, pair_users

TREE = {"": 3, "a": 2, "a/one": 5, "a/two": 5, "b/three": 4}


def beneath(folder: str) -> dict[str, int]:
    return {"": 1, folder.partition("/")[0]: 1} | {
        f"{folder}/{path}".strip("/"): n for path, n in TREE.items()
    }


def test_case_means_nothing_nor_the_number_of_what_a_client_hides() -> None:
    assert alike("Folder/.__smbfile_silly5") == alike("folder/.__smbfile_silly1f")
    assert alike("folder/.__smbfile_silly5") != alike("other/.__smbfile_silly5")
    assert alike(".__smbfile_silly5/a") != alike(".__smbfile_silly6/a")
    assert alike("file5") != alike("file6")


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


NO_RUN: tuple[list[AccountMapping], list[AccountMapping]] = ([], [])
NAMES = ["CORP\\ann", "CORP\\bob", "CORP\\eve"]
ACCOUNTS = ["user01", "user02", "user03"]
WORK = {0: {1: 5}, 1: {2: 5}, 2: {3: 5}}
"""Each of three users does something of their own."""
REVERSE = {0: {3: 5}, 1: {2: 5}, 2: {1: 5}}
STRANGE = {number: {100 + number: 1} for number in range(3)}


def found(pairs: Sequence[UserPair]) -> list[tuple[int, int, str]]:
    return [(pair.reference, pair.candidate, pair.by) for pair in pairs]


def test_what_users_sent_says_who_they_are() -> None:
    same = pair_users(NAMES, NAMES, {}, NO_RUN, (WORK, WORK))
    assert found(same) == [(0, 0, "content"), (1, 1, "content"), (2, 2, "content")]
    assert [(pair.common, pair.sent, pair.namesake) for pair in same] == [(5, (5, 5), None)] * 3
    renamed = pair_users(NAMES, ACCOUNTS, {}, NO_RUN, (WORK, REVERSE))
    assert found(renamed) == [(0, 2, "content"), (1, 1, "content"), (2, 0, "content")]
    assert notes(renamed, NAMES, ACCOUNTS) == []


def test_swapped_accounts_are_paired_by_what_they_sent_and_it_is_said() -> None:
    swapped = pair_users(NAMES, NAMES, {}, NO_RUN, (WORK, REVERSE))
    assert found(swapped) == [(0, 2, "content"), (1, 1, "content"), (2, 0, "content")]
    assert swapped[0].namesake == Namesake(0, 0)
    assert swapped[1].namesake is None
    first, second = notes(swapped, NAMES, NAMES)
    assert first.startswith(
        "CORP\\ann is compared with CORP\\eve, by what they sent: they have 5 exchanges in"
    )
    assert "with its namesake 0 (--user 'CORP\\ann=CORP\\ann' pairs by name)" in first
    assert second.startswith("CORP\\eve is compared with CORP\\ann")


def test_names_break_ties_and_then_the_order() -> None:
    alike = {number: {7: 5} for number in range(3)}
    backwards = NAMES[::-1]
    named = pair_users(NAMES, backwards, {}, NO_RUN, (alike, alike))
    assert found(named) == [(0, 2, "name"), (1, 1, "name"), (2, 0, "name")]
    assert notes(named, NAMES, backwards) == []
    # The account alone, of another domain.
    elsewhere = ["LAB\\bob", "LAB\\ann", "LAB\\joe"]
    assert found(pair_users(NAMES, elsewhere, {}, NO_RUN, (alike, alike))) == [
        (0, 1, "name"), (1, 0, "name"), (2, 2, "order"),
    ]  # fmt: skip
    unsure = pair_users(NAMES, ACCOUNTS, {}, NO_RUN, (alike, alike))
    assert found(unsure) == [(0, 0, "order"), (1, 1, "order"), (2, 2, "order")]
    (said,) = notes(unsure, NAMES, ACCOUNTS)
    assert said.startswith("neither what they sent nor their names say who is who of 3 users (CORP\\ann, ")
    nothing = pair_users(NAMES, ACCOUNTS, {}, NO_RUN, (WORK, STRANGE))
    assert found(nothing) == [(0, 0, "order"), (1, 1, "order"), (2, 2, "order")]
    assert found(pair_users(NAMES, NAMES, {}, NO_RUN, (WORK, STRANGE))) == [
        (0, 0, "name"), (1, 1, "name"), (2, 2, "name"),
    ]  # fmt: skip


def test_made_up_names_say_nothing() -> None:
    made_up = ["unknown-0", "unknown-1", "unknown"]
    alike = {number: {7: 5} for number in range(3)}
    pairs = pair_users(made_up, made_up[::-1], {}, NO_RUN, (alike, alike))
    assert found(pairs) == [(0, 0, "order"), (1, 1, "order"), (2, 2, "order")]
    swapped = pair_users(made_up, made_up, {}, NO_RUN, (WORK, REVERSE))
    assert found(swapped) == [(0, 2, "content"), (1, 1, "content"), (2, 0, "content")]
    assert notes(swapped, made_up, made_up) == []


def test_all_pairs_together_have_most_in_common() -> None:
    """The best pair of all may not be one of them."""
    ours = {0: {1: 10, 2: 10}, 1: {1: 10}}
    theirs = {0: {1: 11, 2: 9}, 1: {2: 12}}
    pairs = pair_users(["a", "b"], ["x", "y"], {}, NO_RUN, (ours, theirs))
    assert found(pairs) == [(0, 1, "content"), (1, 0, "content")]
    assert [pair.common for pair in pairs] == [10, 10]


def test_whom_the_candidate_does_not_have_is_left_over() -> None:
    pairs = pair_users(NAMES, ["user01"], {}, NO_RUN, (WORK, {0: {2: 4, 3: 1}}))
    assert found(pairs) == [(1, 0, "content")]
    assert (pairs[0].common, pairs[0].sent) == (4, (5, 5))


def test_what_is_said_goes_before_what_is_found() -> None:
    given = {"corp\\ann": "USER02"}
    assert found(pair_users(NAMES, ACCOUNTS, given, NO_RUN, (WORK, STRANGE))) == [
        (0, 1, "given"), (1, 0, "order"), (2, 2, "order"),
    ]  # fmt: skip
    stands = [AccountMapping("CORP\\ann", "LAB\\user03"), AccountMapping("CORP\\bob", "user01", user=0)]
    assert found(pair_users(NAMES, ACCOUNTS, {}, ([], stands), (WORK, STRANGE))) == [
        (0, 2, "mounts"), (1, 0, "mounts"), (2, 1, "order"),
    ]  # fmt: skip
    # The reference is a run itself: its users on the wire hide whom they stood for.
    before = [AccountMapping("CORP\\bob", "user02", user=1), AccountMapping("CORP\\ann", "user01", user=0)]
    sent = {0: {1: 1}, 1: {2: 1}}, {0: {9: 1}, 2: {8: 1}}
    assert found(pair_users(ACCOUNTS[:2], ACCOUNTS, {}, (before, [stands[1]]), sent)) == [
        (0, 2, "order"), (1, 0, "mounts"),
    ]  # fmt: skip


def test_whom_the_caller_leaves_is_not_paired_by_what_it_sent() -> None:
    """All have a little in common; ann and bob are said to be each other's, and eve is who she was."""
    work = {user: {**sent, 50: 2} for user, sent in WORK.items()}
    pairs = pair_users(NAMES, NAMES, {NAMES[0]: NAMES[1]}, NO_RUN, (work, work))
    assert found(pairs) == [(0, 1, "given"), (1, 0, "left"), (2, 2, "content")]
    assert notes(pairs, NAMES, NAMES) == []
    as_they_are = pair_users(NAMES, NAMES, {NAMES[0]: NAMES[0]}, NO_RUN, (work, work))
    assert found(as_they_are) == [(0, 0, "given"), (1, 1, "content"), (2, 2, "content")]


@pytest.mark.parametrize(
    ("wanted", "users"),
    [
        ("corp\\ANN", [0]),
        ("ann", [0]),
        ("ann#2", [1]),
        ("LAB\\ann", []),
        ("OTHER\\joe", [4]),
        ("bob", [2, 3]),
        ("eve", []),
    ],
)
def test_a_name_says_as_few_users_as_it_can(wanted: str, users: list[int]) -> None:
    names = ["CORP\\ann", "CORP\\ann#2", "CORP\\bob", "LAB\\bob", "joe", "eve"]
    assert named(names, range(5), wanted) == users


def test_one_account_may_stand_for_several_users() -> None:
    """Who of its clients is who, what they sent says."""
    sent = {0: {1: 1}, 1: {2: 1}}
    stands = [AccountMapping("ann", "LAB\\shared"), AccountMapping("bob", "LAB\\shared")]
    for names, theirs, pairs in [
        (["LAB\\shared", "LAB\\shared#2"], sent, [(0, 0), (1, 1)]),
        (["LAB\\shared", "LAB\\shared#2"], {0: sent[1], 1: sent[0]}, [(0, 1), (1, 0)]),
        (["shared#2", "shared"], {0: {100: 1}, 1: {101: 1}}, [(0, 0), (1, 1)]),
    ]:
        paired = pair_users(["ann", "bob"], names, {}, ([], stands), (sent, theirs))
        assert [(pair.reference, pair.candidate) for pair in paired if pair.by == "mounts"] == pairs
