"""Where names led in the beginning, against a model that copies every name."""

from hypothesis import given
from hypothesis import strategies as st

from smbench.prepare.moved import Moved

NAMES = ["a", "b", "a/c", "a/d", "b/c", "a/c:s"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "a/c", "a/d", "b/c", "x"]), st.sampled_from(["a", "b", "x", "y", "b/c"])
    ),
    max_size=6,
)


def under(path: str, folder: str) -> bool:
    return path == folder or path.startswith((f"{folder}/", f"{folder}:"))


@given(STEPS)
def test_a_file_is_found_by_what_it_was(steps: list[tuple[str, str]]) -> None:
    moved = Moved()
    now = {name: name for name in NAMES}
    for source, target in steps:
        if under(target, source) or under(source, target):
            continue
        taken = {name: origin for name, origin in now.items() if under(name, source)}
        now = {name: o for name, o in now.items() if name not in taken and not under(name, target)}
        now |= {target + name[len(source) :]: origin for name, origin in taken.items()}
        moved.move(source, target)
    for name, origin in now.items():
        assert moved.origin(name) == origin


def test_a_link_leads_to_the_same_file_and_its_first_name_stays() -> None:
    moved = Moved()
    moved.move("a", "b", stays=True)
    assert (moved.origin("a"), moved.origin("b")) == ("a", "a")


def test_what_was_moved_away_left_nothing() -> None:
    moved = Moved()
    moved.move("folder", "other")
    assert moved.origin("other/deep/f:s") == "folder/deep/f:s"
    assert moved.origin("folder/deep/f") is None
