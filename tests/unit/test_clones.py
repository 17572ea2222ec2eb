"""The folders of clones are known by their names."""

from __future__ import annotations

import pytest

from smbench.clones import clone_folder, is_clone_folder


@pytest.mark.parametrize("clone", [1, 2, 999, 9999, 10_000, 123_456])
def test_what_clones_are_given_is_known(clone: int) -> None:
    assert is_clone_folder(clone_folder(clone))


@pytest.mark.parametrize(
    "name",
    ["clone-0000", "clone-1", "clone-001", "clone-00001", "clone-0001 ", "clone-0001\n", "Clone-0001",
     "clone-00x1", "clone-\u0660\u0660\u0660\u0661", "a/clone-0001", "clone-0001/a", ""],
)  # fmt: skip
def test_other_names_are_not(name: str) -> None:
    assert not is_clone_folder(name)
