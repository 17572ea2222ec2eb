"""Install the wheel in a clean virtual environment of each Python, and go the whole way there once.

Standard library only. The wheel is built once, of what lies here; no command runs in this folder, so that
the package is the installed one. Needs tshark, and of each Python its venv and ensurepip.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "*.workload", "*.run"
)
TESTED_BY = ("hypothesis", "pytest", "pytest-timeout")  # of the extra `dev`
NAMES = [f"python3.{minor}" for minor in range(11, 20)]
CAPTURE = "three-users.pcap"
TOOL = "smbench-mount"
STEPS = {
    "ingest": (TOOL, "ingest", CAPTURE, "-o", "it.workload"),
    "replay": (TOOL, "replay", "it.workload", "target", "-o", "it.run"),
    "report": (TOOL, "report", "it.run", "--csv", "tables"),
    "compare": (TOOL, "compare", CAPTURE, "it.run", "-o", "compare.html"),
}
TESTS = "unit tests"
BUSY = 5  # replay: all was done and measured, but this machine was too busy to trust the figures
NEWEST, OLDEST = "newest", "oldest"
COLUMNS = ("python", "libraries", "install", *STEPS, TESTS)

EPILOG = """\
Without PYTHON: each python3.11, python3.12, ... that PATH has.
--oldest installs, of every library in pyproject.toml, the oldest version that it allows, from wheels only: a
Python that is newer than that version's wheels is said to have none, which is no failure.

exit status: 0 all steps of all Pythons ended well; 1 one did not; 3 there is nothing to try, or no wheel.

examples:
  scripts/try-python
  scripts/try-python --oldest ~/.pyenv/versions/3.*/bin/python3
"""


class TryError(Exception):
    """Why nothing can be tried."""


@dataclass
class Row:
    """A Python with what became of each step, and what the first that failed said."""

    python: str
    libraries: str
    steps: dict[str, str] = field(default_factory=dict)
    failed: str = ""


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/try-python",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", help="interpreters, by name or path")
    parser.add_argument("--oldest", action="store_true", help="with the oldest libraries, beside the newest")
    parser.add_argument("--no-tests", action="store_true", help="leave the unit tests out")
    return parser.parse_args(argv)


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip


def build(python: str, source: Path, folder: Path) -> Path:
    """The project's wheel. Its sources go then: the tests are of what is installed."""
    venv = folder / "build"
    run(python, "-m", "venv", venv, cwd=folder)
    built = run(
        venv / "bin/python", "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source, cwd=folder
    )
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        raise TryError(f"{python} builds no wheel:\n{built.stdout[-2000:]}")
    for path in (source / "smbench").iterdir():
        if path.is_file():
            path.unlink()
        elif path.name != "man":  # not in the package, and tested where it is
            shutil.rmtree(path)
    return wheels[0]


def requirements(source: Path) -> tuple[list[str], list[str]]:
    """What the package needs, with the library; what its unit tests need beside that."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    tests = [line for line in extras["dev"] if name_of(line) in TESTED_BY]
    return [*project["dependencies"], *extras["library"]], tests


def name_of(line: str) -> str:
    """A requirement's distribution."""
    return re.split(r"[^\w.-]", line, maxsplit=1)[0]


def pinned(line: str) -> str:
    """A requirement's lower bound as the only version, its marker kept."""
    requirement, semicolon, marker = line.partition(";")
    bound = re.search(r">=\s*([\w.]+)", requirement)
    if not bound:
        raise TryError(f"pyproject.toml gives no lower bound (>=) of {line!r}")
    return f"{name_of(line)}=={bound[1]}{semicolon}{marker}"


def steps(
    python: str, source: Path, wheel: Path, libraries: str, with_tests: bool
) -> Iterator[tuple[str, tuple[str | Path, ...]]]:
    """Every step's name and command; a step may have several."""
    needed, tests = requirements(source)
    wanted = [f"{wheel}[library]", *(tests if with_tests else [])]
    if libraries == OLDEST:
        wanted += ["--only-binary", ":all:", *map(pinned, [*needed, *tests])]
    yield "install", (python, "-m", "venv", "venv")
    yield "install", ("venv/bin/python", "-m", "pip", "install", "-q", *wanted)
    yield from STEPS.items()
    if with_tests:
        # The project's own documents and folders are looked at where they are.
        left_out = f"--ignore={source / 'tests/unit/test_docs.py'}"
        yield TESTS, (
            "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", source, left_out, source / "tests/unit",
        )  # fmt: skip


def try_python(python: str, source: Path, wheel: Path, folder: Path, libraries: str, tests: bool) -> Row:
    shutil.copy(source / "tests/captures" / CAPTURE, folder)
    (folder / "target").mkdir()
    asked = run(python, "-c", "import platform; print(platform.python_version())", cwd=folder)
    row = Row(asked.stdout.strip(), libraries)
    for name, command in steps(python, source, wheel, libraries, tests):
        begun = time.monotonic()
        where = source if name == TESTS else folder
        done = run(*command, cwd=where, PATH=f"{folder}/venv/bin:{os.environ['PATH']}")
        lacking = re.search(r"No matching distribution found for (\S+)", done.stdout)
        if libraries == OLDEST and name == "install" and lacking:
            row.steps[name] = f"no wheel of {lacking[1]}"
            break
        if done.returncode and not (name == "replay" and done.returncode == BUSY):
            row.steps[name] = f"FAILED ({done.returncode})"
            row.failed = f"{row.python}, {libraries} libraries, {name}:\n{done.stdout[-3000:]}"
            break
        passed = re.findall(r"^=*\s?(\d+ passed.*?) in ", done.stdout, re.MULTILINE)
        row.steps[name] = passed[-1] if passed else f"{time.monotonic() - begun:.1f} s"
    return row


def table(rows: list[Row]) -> str:
    cells = [COLUMNS] + [
        (row.python, row.libraries, *(row.steps.get(name, "–") for name in COLUMNS[2:])) for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)


def main(argv: list[str]) -> int:
    args = parse(argv)
    rows = []
    try:
        found = [(name, shutil.which(name)) for name in args.pythons or NAMES]
        if missing := [name for name, path in found if path is None and args.pythons]:
            raise TryError(f"there is no {missing[0]}")
        pythons = [str(Path(path).absolute()) for _, path in found if path]
        if not pythons:
            raise TryError(f"PATH has none of {', '.join(NAMES)}: name interpreters")
        with tempfile.TemporaryDirectory(prefix="smbench-try-") as name:
            # A copy: building leaves traces in it, and what lies here may change meanwhile.
            shutil.copytree(PROJECT, source := Path(name, "source"), ignore=LEFT_OUT)
            wheel = build(pythons[0], source, Path(name))
            print(f"built: {wheel.name}", flush=True)
            for number, python in enumerate(pythons):
                for libraries in (NEWEST, OLDEST) if args.oldest else (NEWEST,):
                    folder = Path(name, f"{number}-{libraries}")
                    folder.mkdir()
                    rows.append(try_python(python, source, wheel, folder, libraries, not args.no_tests))
                    print(f"tried: {python}, {libraries} libraries", flush=True)
    except TryError as error:
        print(f"scripts/try-python: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    for row in rows:
        if row.failed:
            print(f"\n{row.failed}")
    print(f"\n{table(rows)}")
    return int(any(row.failed for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
