"""Windows: a Job Object, so that no worker outlives the process that started it, however that ends."""

from __future__ import annotations

from importlib import import_module

_held: list[int] = []


def end_children_with_this_process() -> None:
    """Put this process, and so all that it starts, into a job that ends with the job's last handle.

    That handle is this process' own and is closed by the system when the process is gone. Does nothing the
    second time, and nothing where pywin32 is missing or the system allows no job: workers then notice a lost
    parent only by themselves.
    """
    if _held:
        return
    try:
        job, process = import_module("win32job"), import_module("win32process")
        made = job.CreateJobObject(None, "")
        limits = job.QueryInformationJobObject(made, job.JobObjectExtendedLimitInformation)
        limits["BasicLimitInformation"]["LimitFlags"] |= job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        job.SetInformationJobObject(made, job.JobObjectExtendedLimitInformation, limits)
        job.AssignProcessToJobObject(made, process.GetCurrentProcess())
    except (ImportError, OSError, _error()):
        return
    # As a number: closed by Python before the process has ended, it would end this process too.
    _held.append(made.Detach())


def _error() -> type[Exception]:
    """pywintypes.error, which is no OSError."""
    try:
        found: type[Exception] = import_module("pywintypes").error
    except ImportError:
        return OSError
    return found
