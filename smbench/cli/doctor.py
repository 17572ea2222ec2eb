"""`smbench-mount doctor`: what is here, what is missing, and the command that mends it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console as RichConsole
from rich.text import Text

import smbench
from smbench.advice import how_to_install, pip_install, this_command
from smbench.cli.common import Console, common_options
from smbench.cli.findings import Finding
from smbench.errors import SetupError
from smbench.executors.registry import BUILT_IN, extra_of
from smbench.identity import ordinary_user
from smbench.pipeline.left import left_behind
from smbench.privileged.client import helper
from smbench.report.text import plain_table

_LIBRARIES = (
    "click", "hdrhistogram", "msgspec", "multiprocess", "numpy", "psutil", "pyarrow", "pyshark", "rich",
)  # fmt: skip
_PROGRAMS = {
    "mount.cifs": "mounts a share once a user",
    "tcpdump": "captures a replay (--wire)",
    "editcap": "captures a replay (--wire)",
}
_PROGRAMS_OF_THE_LAB = {"smbd": "the lab's server", "linux.uml": "the lab's kernel"}
_LAB = Path(smbench.__file__).parents[1] / "scripts" / "lab"
"""There where the package lies in the project's own folder; what pip has copied has no lab beside it."""
_GOVERNORS = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
_FILES_WANTED = 4096
"""Open files that a run of many users needs: two descriptors a process, and the files held open."""


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(
        "Python", sys.version_info >= (3, 11), version, "everything", "install Python 3.11 or newer"
    )
    for library, needed_for, requirement in (
        *((library, "everything", library) for library in _LIBRARIES),
        *(
            (one.library, f"the executor {name}", extra_of(name))
            for name, one in BUILT_IN.items()
            if one.library is not None
        ),
    ):
        try:
            found, ok = importlib.metadata.version(library), True
        except importlib.metadata.PackageNotFoundError:
            found, ok = "missing", False
        yield Finding(f"library {library}", ok, found, needed_for, pip_install(requirement))


def _tshark() -> Iterator[Finding]:
    from smbench.capture.confinement import network_kept
    from smbench.capture.tap.trial import try_out

    mend = "run it as an ordinary user"
    try:
        ordinary_user()
        mend = how_to_install("tshark")
        found, ok = try_out(), True
    except SetupError as error:
        found, ok = str(error), False
    yield Finding("tshark", ok, found, "ingest", mend)
    if ok and sys.platform == "linux":
        kept = network_kept()
        found = f"this machine's: {kept}" if kept else "none, as it should have"
        mend = "allow user namespaces (sysctl user.max_user_namespaces; a container's seccomp profile)"
        yield Finding("tshark's network", not kept, found, "captures of strangers", mend)


def _programs() -> Iterator[Finding]:
    sbin = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    for program, purpose in {**_PROGRAMS, **(_PROGRAMS_OF_THE_LAB if _LAB.exists() else {})}.items():
        path = shutil.which(program, path=sbin)
        yield Finding(program, path is not None, path or "missing", purpose, how_to_install(program))


def _kernel() -> Iterator[Finding]:
    release = platform.release()
    loaded = Path("/proc/fs/cifs").exists()
    sbin = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    modinfo = shutil.which("modinfo", path=sbin)
    known = loaded
    if not loaded and modinfo:
        known = subprocess.run([modinfo, "-n", "cifs"], capture_output=True, check=False).returncode == 0
    state = f"{release}: cifs.ko " + ("loaded" if loaded else "there, not loaded" if known else "missing")
    mend = "install all modules of the kernel (Debian: linux-image-amd64), or replay onto a directory"
    if _LAB.exists():
        mend += ", or in scripts/lab"
    yield Finding("kernel CIFS client", known, state, "replay onto //server/share here", mend)
    yield Finding(
        "root",
        helper() is not None,
        f"uid {os.geteuid()}",
        "mounting shares",
        f"sudo {this_command()} replay …",
    )


def _limits() -> Iterator[Finding]:
    import resource  # not everywhere

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    mend = f"as root: ulimit -Hn {_FILES_WANTED}; for good: nofile in /etc/security/limits.conf"
    enough = hard >= _FILES_WANTED
    yield Finding("open files", enough, f"soft {soft}, hard {hard}", "many users at once", mend)
    governor = Path(_GOVERNORS.replace("*", "0"))
    if governor.exists():
        text = governor.read_text().strip()
        mend = f"echo performance | sudo tee {_GOVERNORS}"
        yield Finding("CPU governor", text == "performance", text, "steady latencies", mend)
    clock = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    if clock.exists():
        text = clock.read_text().strip()
        fast = re.fullmatch(r"tsc|kvm-clock|hyperv_clocksource.*|arch_sys_counter", text) is not None
        yield Finding("clock source", fast, text, "cheap clock reads", "a machine or guest with a stable TSC")


def _cores() -> Iterator[Finding]:
    cores = os.cpu_count() or 1
    yield Finding(
        "CPU cores", cores >= 2, str(cores), "load that is not late by itself", "use a larger machine"
    )


def _left() -> Iterator[Finding]:
    left = left_behind([Path()])
    recoverable = sum(one.recoverable for one in left)
    found = f"{len(left)} folders, {recoverable} with records" if left else "nothing"
    yield Finding(
        "left by runs that were cut off", not left, found, "nothing", f"{this_command()} clean (or recover)"
    )


def _windows() -> Iterator[Finding]:
    from smbench.cli.doctor_windows import look

    return look()


_LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    (_python, _cores, _tshark, _windows, _left)
    if sys.platform == "win32"
    else (_python, _cores, _tshark, _programs, _kernel, _limits, _left)
)
_REQUIRED = ("everything",) if sys.platform == "win32" else ("everything", "ingest")
"""Windows replays what another machine has ingested."""


def examine() -> list[Finding]:
    """Look at everything that a replay needs on this machine."""
    return [finding for look in _LOOKS for finding in look()]


def _show(findings: list[Finding], out: RichConsole) -> None:
    rows = [
        (
            Text("ok", "green") if finding.ok else Text("no", "red"), finding.what, finding.found,
            finding.needed_for, "" if finding.ok else finding.mend,
        )
        for finding in findings
    ]  # fmt: skip
    out.print(plain_table(("", "what", "found", "needed for", "to mend it"), rows))


@click.command(short_help=__doc__)
@common_options
def doctor(console: Console) -> None:
    """Look at this machine: what is here, what is missing, and the command that mends it.

    Exit status 3 where something is missing that every use needs (Python, a library, tshark).
    """
    findings = examine()
    missing = [f for f in findings if not f.ok and f.needed_for in _REQUIRED]
    console.result(
        {"schema": 1, "ok": not missing, "findings": [asdict(f) for f in findings]},
        lambda out: _show(findings, out),
    )
    if missing:
        raise SetupError(f"missing: {', '.join(f.what for f in missing)}; try: {missing[0].mend}")
