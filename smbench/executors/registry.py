"""Executors by name. A module is imported when its executor is asked for, and only where it can run."""

from __future__ import annotations

import sys
from importlib import import_module

from smbench.advice import pip_install
from smbench.errors import UsageError
from smbench.executors.base import Executor
from smbench.quoting import quoted

# name: (module, class, the platform that it needs, as sys.platform names it, or None)
_EXECUTORS: dict[str, tuple[str, str, str | None]] = {
    "library": ("smbench.executors.library.executor", "LibraryExecutor", None),
    "memory": ("smbench.executors.memory.executor", "MemoryExecutor", None),
    "null": ("smbench.executors.null", "NullExecutor", None),
    "posix": ("smbench.executors.posix.executor", "PosixExecutor", "linux"),
    "simulated": ("smbench.executors.simulated", "SimulatedExecutor", None),
    "win32": ("smbench.executors.win32.executor", "Win32Executor", "win32"),
}

_EXTRAS = {"library": "smbprotocol"}
"""Executors whose module needs a package that only the extra of the executor's own name installs."""


def names() -> list[str]:
    """The executors that can run on this system."""
    return [name for name, (_, _, platform) in _EXECUTORS.items() if platform in (None, sys.platform)]


def executor_class(name: str) -> type[Executor]:
    """The executor of that name; UsageError where there is none, or where this system cannot run it."""
    if name not in names():
        why = "needs another operating system" if name in _EXECUTORS else "is not known"
        raise UsageError(f"the executor {quoted(name)} {why}; choose one of {', '.join(names())}")
    module, attribute, _ = _EXECUTORS[name]
    try:
        found: type[Executor] = getattr(import_module(module), attribute)
    except ModuleNotFoundError as missing:
        extra = _EXTRAS.get(name)
        if extra is None or missing.name != extra:
            raise
        raise UsageError(
            f"the executor {quoted(name)} needs {extra}, which is not installed: "
            f"{pip_install(f'smbench-mount[{name}]')}"
        ) from None
    return found
