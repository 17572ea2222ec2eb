"""What `doctor` looks at on Windows: pywin32 for logons, and the redirector's caches for the wire profile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from smbench.advice import pip_install
from smbench.cli.findings import Finding
from smbench.mounts.windows.caches import AFTERWARDS, KEY, SETTINGS, check_caches


def look() -> Iterator[Finding]:
    """Findings of this Windows."""
    try:
        found, ok = version("pywin32"), True
    except PackageNotFoundError:
        found, ok = "missing", False
    yield Finding("pywin32", ok, found, "accounts (--users)", pip_install("pywin32"))
    for finding in check_caches(read_settings()):
        told = f"{finding.value} s" + (" (by default)" if finding.is_default else "")
        yield Finding(
            finding.name,
            finding.ok,
            told,
            f"the wire profile: it hides {finding.hides}",
            f"{finding.command} && {AFTERWARDS}",
        )


def read_settings() -> dict[str, int | None]:
    """The redirector's values in the registry; None where one is not set."""
    values: dict[str, int | None] = dict.fromkeys(setting.name for setting in SETTINGS)
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, KEY) as key:
                for name in values:
                    try:
                        value, _ = winreg.QueryValueEx(key, name)
                    except FileNotFoundError:
                        continue
                    values[name] = value if isinstance(value, int) else None
        except FileNotFoundError:
            return values
    return values
