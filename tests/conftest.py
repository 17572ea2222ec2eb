"""What holds for all tests, however they are run."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from helpers import offline

# What ignores a signal when it starts goes on doing so, as a shell's jobs in the background do with SIGINT
# and what nohup starts with SIGHUP; many tests are of what these do.
_IGNORED_BY_STARTERS: dict[str, Any] = {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}
for _name, _handler in _IGNORED_BY_STARTERS.items():
    if hasattr(signal, _name) and signal.getsignal(getattr(signal, _name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, _name), _handler)

offline.watch()
# The key with which prepare signs is kept in the state folder of whoever runs it: no test leaves one there.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="state-of-tests-")


def _forget(state: str, owner: int) -> None:
    if os.getpid() == owner:  # and not a child that was forked
        shutil.rmtree(state, ignore_errors=True)


atexit.register(_forget, os.environ["XDG_STATE_HOME"], os.getpid())

LAB = ("tests/kernel/", "tests/conformance/test_on_cifs.py", "tests/integration/test_vagrant.py")
"""Where tests that boot the lab stand. Side by side (scripts/test) its guests would share a CPU by chance,
and replays in them come late: one worker has them all, while the other goes on with the rest."""


@pytest.fixture(autouse=True)
def _offline() -> Iterator[None]:
    """Who has caught what the network's watch raised fails all the same."""
    yield
    stopped = list(offline.reached)
    offline.reached.clear()
    assert stopped == [], "a test may connect to this machine only (helpers/offline.py)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    strays = {item.path.name for item in items if item.get_closest_marker("lab") and not in_lab(item.nodeid)}
    if strays:
        raise pytest.UsageError(f"{', '.join(sorted(strays))} boots the lab, and is not in LAB of {__file__}")


def in_lab(nodeid: str) -> bool:
    return nodeid.startswith(LAB)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By file, as fixtures are; those of the lab as one, and first, as they last longest."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return "the lab" if in_lab(nodeid) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return ByFile(config, log)
