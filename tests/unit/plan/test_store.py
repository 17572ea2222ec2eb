"""A plan comes back from its file as it was."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.load import Load
from helpers.schedules import loads
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.plan import Pace, clone, plan_run
from smbench.plan.store import read_plan, write_plan


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if hasattr(one, "__dataclass_fields__"):
        return all(equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    return type(one) is type(other) and one == other


@given(loads(), st.integers(1, 3), st.sampled_from(Pace))
@settings(max_examples=50, deadline=None)
def test_a_plan_comes_back_as_it_was(tmp_path_factory, load: Load, clones: int, pace: Pace) -> None:
    plan = clone(plan_run(load.workload, load.users, pace=pace), clones)
    path = tmp_path_factory.mktemp("plan") / "plan.npz"
    write_plan(plan, path)
    assert equal(read_plan(path), plan)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no plan"])
def test_what_is_no_plan_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.npz").write_bytes(content)
    with pytest.raises(UsageError, match=r"plan\.npz holds no plan of a run"):
        read_plan(tmp_path / "plan.npz")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "plan.npz", rest=np.array([object()], object))
    with pytest.raises(UsageError, match="holds no plan"):
        read_plan(tmp_path / "plan.npz")
