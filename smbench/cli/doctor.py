"""`smbench-mount doctor`: what is here, what is missing, and the command that mends it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
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
from rich.table import Table

from smbench.cli.common import Console, common_options
from smbench.cli.findings import Finding
from smbench.errors import SetupError

_LIBRARIES = ("click", "hdrhistogram", "multiprocess", "numpy", "psutil", "pyarrow", "pyshark", "rich")
_PROGRAMS = (
    ("mount.cifs", "cifs-utils", "mounts a share once a user"),
    ("tcpdump", "tcpdump", "captures a replay (--wire)"),
    ("smbd", "samba", "the lab's server"),
    ("linux.uml", "user-mode-linux", "the lab's kernel"),
)
_FILES_WANTED = 4096
"""Open files that a run of many users needs: two descriptors a process, and the files held open."""


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(
        "Python", sys.version_info >= (3, 11), version, "everything", "install Python 3.11 or newer"
    )
    for library in _LIBRARIES:
        try:
            found, ok = importlib.metadata.version(library), True
        except importlib.metadata.PackageNotFoundError:
            found, ok = "missing", False
        yield Finding(f"library {library}", ok, found, "everything", f"pip install {library}")


def _tshark() -> Iterator[Finding]:
    from smbench.capture.trial import try_out

    try:
        found, ok = try_out(), True
    except SetupError as error:
        found, ok = str(error), False
    yield Finding("tshark", ok, found, "ingest", "apt-get install tshark")


def _programs() -> Iterator[Finding]:
    sbin = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    for program, package, purpose in _PROGRAMS:
        path = shutil.which(program, path=sbin)
        yield Finding(program, path is not None, path or "missing", purpose, f"apt-get install {package}")


def _kernel() -> Iterator[Finding]:
    release = platform.release()
    loaded = Path("/proc/fs/cifs").exists()
    sbin = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    modinfo = shutil.which("modinfo", path=sbin)
    known = loaded
    if not loaded and modinfo:
        known = subprocess.run([modinfo, "-n", "cifs"], capture_output=True, check=False).returncode == 0
    state = f"{release}: cifs.ko " + ("loaded" if loaded else "there, not loaded" if known else "missing")
    yield Finding("kernel CIFS client", known, state, "replay onto //server/share here",
                  "use a kernel with cifs.ko (Debian: linux-image-amd64), or scripts/lab")  # fmt: skip
    root = os.geteuid() == 0
    yield Finding("root", root, f"uid {os.geteuid()}", "mounting shares", "run it with sudo")


def _limits() -> Iterator[Finding]:
    import resource  # not everywhere

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Finding("open files", hard >= _FILES_WANTED, f"soft {soft}, hard {hard}", "many users at once",
                  f"ulimit -Hn {_FILES_WANTED}")  # fmt: skip
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor.exists():
        text = governor.read_text().strip()
        yield Finding("CPU governor", text == "performance", text, "steady latencies",
                      "cpupower frequency-set -g performance")  # fmt: skip
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


def _windows() -> Iterator[Finding]:
    from smbench.cli.doctor_windows import look

    return look()


_LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    (_python, _cores, _tshark, _windows)
    if sys.platform == "win32"
    else (_python, _cores, _tshark, _programs, _kernel, _limits)
)
_REQUIRED = ("everything",) if sys.platform == "win32" else ("everything", "ingest")
"""Windows replays what another machine has ingested."""


def examine() -> list[Finding]:
    """Look at everything that a replay needs on this machine."""
    return [finding for look in _LOOKS for finding in look()]


def _show(findings: list[Finding], out: RichConsole) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found", "needed for", "to mend it"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
        table.add_row(
            mark, finding.what, finding.found, finding.needed_for, "" if finding.ok else finding.mend
        )
    out.print(table)


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
