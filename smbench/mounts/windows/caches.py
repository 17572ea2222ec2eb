"""The redirector's caches, which hide from the wire what a workload asks for: are they off? Pure.

LanmanWorkstation keeps what it learnt of files, directories and missing names for some seconds
(its parameters in the registry; Set-SmbClientConfiguration sets the same). The `wire` profile wants each of
them to be 0, as on Linux actimeo and closetimeo are set; `application` wants what Windows does by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KEY = r"SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters"
"""Under HKEY_LOCAL_MACHINE."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of the key: what Windows takes where it is not there, in seconds, and what it hides."""

    name: str
    default: int
    hides: str


SETTINGS = (
    Setting("FileInfoCacheLifetime", 10, "a stat of a file"),
    Setting("DirectoryCacheLifetime", 10, "a listing"),
    Setting("FileNotFoundCacheLifetime", 5, "a look-up of a name that is not there"),
)


@dataclass(frozen=True, slots=True)
class CacheFinding:
    """What one setting is, and the command that makes it what the profile wants (run as administrator)."""

    name: str
    value: int
    is_default: bool
    wanted: int
    hides: str
    command: str

    @property
    def ok(self) -> bool:
        return self.value == self.wanted


def check_caches(values: Mapping[str, int | None], profile: str = "wire") -> list[CacheFinding]:
    """Hold the registry's values (None or absent: not set) against what a profile wants."""
    findings = []
    for setting in SETTINGS:
        given = values.get(setting.name)
        value = setting.default if given is None else given
        wanted = 0 if profile == "wire" else setting.default
        findings.append(
            CacheFinding(
                setting.name, value, given is None, wanted, setting.hides, _command(setting, profile)
            )
        )
    return findings


def _command(setting: Setting, profile: str) -> str:
    key = f'"HKLM\\{KEY}"'
    if profile == "wire":
        return f"reg add {key} /v {setting.name} /t REG_DWORD /d 0 /f"
    return f"reg delete {key} /v {setting.name} /f"


AFTERWARDS = "powershell -Command Restart-Service LanmanWorkstation -Force"
"""What makes changed values effective; a restart of the machine does too."""


def commands(findings: Sequence[CacheFinding]) -> list[str]:
    """What mends all of them; nothing where all are well."""
    wrong = [finding.command for finding in findings if not finding.ok]
    return [*wrong, AFTERWARDS] if wrong else []
