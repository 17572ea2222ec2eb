"""What a run differs in from another that it is held against. Pure.

Figures of two runs say something of the target where all else was alike; what was not is told, never judged.
"""

from __future__ import annotations

from msgspec import Struct, field

from smbench.run.model import Configuration, Run
from smbench.run.outcomes import WarmUp
from smbench.run.surroundings import Machine
from smbench.workload.model import CaptureFile

Value = str | int | float | bool | tuple[str, ...] | None


class Circumstances(Struct, frozen=True, kw_only=True):
    """How a run came about, or is going to: what of it is known before it ends."""

    configuration: Configuration
    warm_up: WarmUp = WarmUp()
    capture_files: tuple[CaptureFile, ...] = ()
    machine: Machine | None = None
    versions: dict[str, str | None] = field(default_factory=dict)
    clones_known: bool = True
    """Not where their number is looked for."""

    @classmethod
    def of(cls, run: Run) -> Circumstances:
        """Those of a run that has ended."""
        return cls(
            configuration=run.configuration, warm_up=run.warm_up, capture_files=run.capture_files,
            machine=run.machine, versions=run.versions,
        )  # fmt: skip


_VERSIONS = {"kernel": "kernel", "cifs": "cifs.ko", "smbench-mount": "smbench-mount"}
_NONE_IS_TOLD = {"--close-gaps", "deadline in seconds", *_VERSIONS.values()}
"""Of these None says that there was none; of others, that it is not told or does not apply."""


def differences(then: Circumstances, now: Circumstances) -> list[str]:
    """What is not alike, as `executor null there, posix here`; what either does not tell (as older versions
    do not), or does not apply to it, is left out."""
    here = _told(now)
    return _captures(then, now) + [
        f"{name} {_shown(value)} there, {_shown(here[name])} here"
        for name, value in _told(then).items()
        if name in here and value != here[name]
    ]


def _told(run: Circumstances) -> dict[str, Value]:
    """What a run tells, in the order in which differences are listed."""
    asked, machine = run.configuration, run.machine
    known: dict[str, Value] = {
        "executor": asked.executor,
        "profile": asked.profile,
        "mount options": asked.mount_options,
        "target": asked.target or None,
        "pace": asked.pace,
        "speed": asked.speed,
        "--close-gaps": asked.close_gaps_s,
        "clones": asked.clones if run.clones_known else None,
        "namespace of the clones": asked.namespace,
        "stagger in seconds": asked.stagger_s,
        "users in a process": asked.users_per_process,
        "loops": asked.loops,
        "namespace of the loops": asked.loop_namespace,
        "files prepared": asked.prepared,
        "content of the files": asked.content,
        "deadline in seconds": asked.deadline_s,
        "warm-up in seconds": run.warm_up.seconds,
        "machine": None if machine is None else machine.name,
        "processors": None if machine is None else machine.processors,
        **{name: run.versions[key] for key, name in _VERSIONS.items() if key in run.versions},
    }
    return {name: value for name, value in known.items() if value is not None or name in _NONE_IS_TOLD}


def _captures(then: Circumstances, now: Circumstances) -> list[str]:
    """By what the captures begin with and their sizes where both tell it: a name may be anything."""
    if then.capture_files and now.capture_files:
        if _identities(then) == _identities(now):
            return []
        there, here = (", ".join(one.name for one in run.capture_files) for run in (then, now))
        return [f"another capture ({there} there, {here} here)"]
    there, here = then.configuration.workload, now.configuration.workload
    if not there or not here or there == here:
        return []
    return [f"another workload ({there} there, {here} here)"]


def _identities(run: Circumstances) -> list[tuple[int, str, str]]:
    return [(one.bytes, one.packing, one.sha256) for one in run.capture_files]


def _shown(value: Value) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)
