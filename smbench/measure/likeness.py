"""What a run differs in from another that it is held against, by their run.json. Pure.

Figures of two runs say something of the target where all else was alike; what was not is told, never judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMPARED = {
    "configuration.executor": "executor",
    "configuration.profile": "profile",
    "configuration.mount_options": "mount options",
    "configuration.target": "target",
    "configuration.pace": "pace",
    "configuration.speed": "speed",
    "configuration.close_gaps_s": "--close-gaps",
    "configuration.clones": "clones",
    "configuration.namespace": "namespace of the clones",
    "configuration.stagger_s": "stagger in seconds",
    "configuration.users_per_process": "users in a process",
    "configuration.loops": "loops",
    "configuration.loop_namespace": "namespace of the loops",
    "configuration.prepared": "files prepared",
    "configuration.content": "content of the files",
    "configuration.deadline_s": "deadline in seconds",
    "warm_up.seconds": "warm-up in seconds",
    "machine.name": "machine",
    "machine.processors": "processors",
    "versions.kernel": "kernel",
    "versions.cifs": "cifs.ko",
    "versions.smbench-mount": "smbench-mount",
}
"""Where a value stands in run.json, and what it is called."""
_CAPTURES = "capture_files"
_ABSENT = object()


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not alike, as `executor null there, posix here`; what either does not tell (as older versions
    do not) is left out."""
    found = _captures(then, now)
    for place, name in _COMPARED.items():
        there, here = _at(then, place), _at(now, place)
        if there is not _ABSENT and here is not _ABSENT and there != here:
            found.append(f"{name} {_shown(there)} there, {_shown(here)} here")
    return found


def _captures(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """By what the captures begin with and their sizes where both tell it: a name may be anything."""
    files = [run.get(_CAPTURES) or [] for run in (then, now)]
    names = [_shown(_at(run, "configuration.workload")) for run in (then, now)]
    if all(files):
        if [_identity(each) for each in files[0]] == [_identity(each) for each in files[1]]:
            return []
        names = [", ".join(one["name"] for one in each) for each in files]
        return [f"another capture ({names[0]} there, {names[1]} here)"]
    return [] if names[0] == names[1] else [f"another workload ({names[0]} there, {names[1]} here)"]


def _identity(file: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(value for name, value in sorted(file.items()) if name != "name")


def _at(document: Mapping[str, Any], place: str) -> Any:
    part, name = place.split(".", 1)
    return (document.get(part) or {}).get(name, _ABSENT)


def _shown(value: Any) -> str:
    if value is None or value is _ABSENT or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return f"{value:.15g}" if isinstance(value, float) else str(value)
