"""Executors that installed packages bring, and what is said where one of them is not in order."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import packages
from helpers.packages import COUNTING

from smbench.errors import SetupError, UsageError
from smbench.executors import registry
from smbench.executors.registry import BUILT_IN, executor_class, names, native

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install(package, entry="name = module:attribute", module=source)`, as pip leaves it behind."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(package: str, entry: str, source: str = COUNTING) -> None:
        monkeypatch.delitem(sys.modules, entry.partition("=")[2].partition(":")[0].strip(), raising=False)
        packages.install(tmp_path, package, entry, source)
        importlib.invalidate_caches()
        registry._brought_by.cache_clear()

    return put


@pytest.fixture(autouse=True)
def _forget() -> object:
    yield
    registry._brought_by.cache_clear()


def test_an_executor_comes_with_a_package(install: Install) -> None:
    install("brings-mine", "mine = brought_one:Mine")
    assert names() == sorted([*(name for name, one in BUILT_IN.items() if one.runs_here), "mine"])
    assert "brought_one" not in sys.modules, "a name is known without an import"
    assert executor_class("mine").name == "mine"
    assert executor_class("mine") is sys.modules["brought_one"].Mine


@pytest.mark.parametrize(
    ("entry", "source", "why"),
    [
        ("mine = brought_two:Mine", "import no_such_thing", "ModuleNotFoundError: No module named 'no_such"),
        ("mine = brought_two:Mine", "raise ValueError('of\\nits own')", r"ValueError: of its own\)"),
        ("mine = brought_two:Mine", "", "AttributeError: .*no attribute 'Mine'"),
        ("mine = brought_two:Mine", "Mine = 3", "it is no Executor"),
        ("mine = brought_two:Mine", "class Mine: pass", "it is no Executor"),
        (
            "mine = brought_two:Mine",
            "from smbench.executors.base import Executor\nclass Mine(Executor): name = 'mine'",
            "it lacks __init__, close, handlers",
        ),
        ("yours = brought_two:Mine", COUNTING, "its class names itself 'mine'"),
    ],
)
def test_what_is_not_in_order_is_said_in_a_sentence(
    install: Install, entry: str, source: str, why: str
) -> None:
    install("brings-it", entry, source)
    name = entry.partition(" ")[0]
    assert name in names()
    with pytest.raises(SetupError, match=rf"{name}' of the package brings-it cannot be used \({why}") as told:
        executor_class(name)
    assert str(told.value).endswith("mend that package, or uninstall it")
    assert "\n" not in str(told.value)


def test_one_name_is_one_executor(install: Install) -> None:
    install("brings-one", "mine = brought_three:Mine")
    install("brings-another", "mine = brought_four:Mine")
    with pytest.raises(SetupError, match=r"brings-another and brings-one both bring an executor 'mine'"):
        executor_class("mine")
    install("brings-null", "null = brought_five:Mine")
    assert names().count("null") == 1
    with pytest.raises(SetupError, match=r"'null' is smbench-mount's own.*brings-null: uninstall that"):
        executor_class("null")
    assert executor_class("simulated").name == "simulated"


def test_what_is_not_in_order_is_nobody_else_s_trouble(install: Install) -> None:
    install("brings-rubbish", "rubbish = brought_six")
    assert "rubbish" in names()
    assert executor_class("null").name == "null"
    with pytest.raises(SetupError, match=r"brings-rubbish cannot be used \(it is no Executor\)"):
        executor_class("rubbish")


@pytest.mark.parametrize(("platform", "its"), [("linux", "posix"), ("win32", "win32")])
def test_each_system_has_an_executor_of_its_own(
    monkeypatch: pytest.MonkeyPatch, platform: str, its: str
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert native() == its
    assert {name for name, one in BUILT_IN.items() if one.platform} - set(names()) == {"posix", "win32"} - {
        its
    }


def test_an_unknown_one_is_the_user_s_mistake() -> None:
    with pytest.raises(UsageError, match="'mine' is not known; choose one of"):
        executor_class("mine")
