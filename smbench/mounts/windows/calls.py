"""pywin32's modules, when they are asked for, and its errors as ours."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from smbench.advice import pip_install
from smbench.errors import SetupError


def pywin32(name: str) -> Any:
    """A module of pywin32, or SetupError where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        mend = pip_install("pywin32")
        raise SetupError(f"{name} of pywin32 is missing, which logons need: {mend}.") from None


def error_code(error: BaseException) -> int | None:
    """The Win32 code of a pywintypes.error or an OSError; None for anything else."""
    code = getattr(error, "winerror", None)
    return code if isinstance(code, int) else None
