"""Executors by name: those built in, one line each, and those that other packages bring.

A package brings one by an entry point of the group `smbench.executors`, named as the executor is:

    [project.entry-points."smbench.executors"]
    mine = "my_package.executor:MyExecutor"

Names are known without an import; a module is imported when its executor is asked for, and only where it
can run.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, metadata
from typing import Any

from smbench.advice import pip_install
from smbench.errors import SetupError, UsageError
from smbench.executors.base import Executor
from smbench.quoting import quoted

GROUP = "smbench.executors"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """An executor of this package: what has to be known of it before its module is imported."""

    module: str
    attribute: str
    platform: str | None = None
    """The system that it needs, as sys.platform names it; None: any."""
    library: str | None = None
    """What it imports that only the extra of the executor's own name installs."""

    @property
    def runs_here(self) -> bool:
        return self.platform in (None, sys.platform)

    def load(self) -> type[Executor]:
        """Its class, whether it can run here or not. ImportError where its module needs what is not there."""
        found: type[Executor] = getattr(import_module(self.module), self.attribute)
        return found


BUILT_IN = {
    "library": BuiltIn("smbench.executors.library.executor", "LibraryExecutor", library="smbprotocol"),
    "memory": BuiltIn("smbench.executors.memory.executor", "MemoryExecutor"),
    "null": BuiltIn("smbench.executors.null", "NullExecutor"),
    "posix": BuiltIn("smbench.executors.posix.executor", "PosixExecutor", platform="linux"),
    "simulated": BuiltIn("smbench.executors.simulated", "SimulatedExecutor"),
    "win32": BuiltIn("smbench.executors.win32.executor", "Win32Executor", platform="win32"),
}


def names() -> list[str]:
    """The executors that can run on this system."""
    return sorted({name for name, one in BUILT_IN.items() if one.runs_here} | _brought().keys())


def native() -> str:
    """The executor of this system's own SMB client, which a replay takes unless another one is named."""
    return next((name for name, one in BUILT_IN.items() if one.platform == sys.platform), names()[0])


def extra_of(name: str) -> str:
    """What pip is asked for to have the built-in executor `name` with the library that it needs."""
    return f"smbench-mount[{name}]"


def executor_class(name: str) -> type[Executor]:
    """The executor of that name. UsageError where there is none, or where this system cannot run it;
    SetupError where two packages bring it, or its own is not in order."""
    if name not in names():
        why = "needs another operating system" if name in BUILT_IN else "is not known"
        raise UsageError(f"the executor {quoted(name)} {why}; choose one of {', '.join(names())}")
    brought, built_in = _brought().get(name, ()), BUILT_IN.get(name)
    if built_in is None:
        return _checked(name, brought)
    if brought:
        raise SetupError(
            f"the executor {quoted(name)} is smbench-mount's own, and so is one of the package "
            f"{_package(brought[0])}: uninstall that package"
        )
    try:
        return built_in.load()
    except ModuleNotFoundError as missing:
        if built_in.library is None or missing.name != built_in.library:
            raise
        raise UsageError(
            f"the executor {quoted(name)} needs {built_in.library}, which is not installed: "
            f"{pip_install(extra_of(name))}"
        ) from None


def _brought() -> dict[str, tuple[metadata.EntryPoint, ...]]:
    """The entry points of other packages by name; more than one of a name is the user's to mend."""
    return _brought_by(tuple(sys.path))


@lru_cache(maxsize=4)
def _brought_by(_path: tuple[str, ...]) -> dict[str, tuple[metadata.EntryPoint, ...]]:
    found: dict[str, tuple[metadata.EntryPoint, ...]] = {}
    for point in metadata.entry_points(group=GROUP):
        found[point.name] = (*found.get(point.name, ()), point)
    return found


def _checked(name: str, points: tuple[metadata.EntryPoint, ...]) -> type[Executor]:
    """The class that another package brings, or SetupError: what it is may be anything."""
    if len(points) > 1:
        packages = " and ".join(sorted(map(_package, points)))
        raise SetupError(
            f"the packages {packages} both bring an executor {quoted(name)}: uninstall one of them"
        )
    try:
        found = points[0].load()
        unfit = _unfit(found, name)
    except Exception as error:
        unfit = f"{type(error).__name__}: {' '.join(str(error).split()) or 'without a reason'}"
    if unfit is not None:
        raise SetupError(
            f"the executor {quoted(name)} of the package {_package(points[0])} cannot be used ({unfit}): "
            "mend that package, or uninstall it"
        )
    return found  # type: ignore[no-any-return]


def _unfit(found: Any, name: str) -> str | None:
    """Why what an entry point names is not the executor that it says."""
    if not (isinstance(found, type) and issubclass(found, Executor)):
        return "it is no Executor"
    if inspect.isabstract(found):
        return f"it lacks {', '.join(sorted(found.__abstractmethods__))}"
    if found.name != name:
        return f"its class names itself {quoted(found.name)}"
    return None


def _package(point: metadata.EntryPoint) -> str:
    return "without a name" if point.dist is None else point.dist.name
