"""An ordinary user with a line of sudoers for the helper alone, as docs/security.md has it: by real sudo, and
with an /etc of the test's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.command import PROJECT
from helpers.reachable import can_be_reachable, reachable

from smbench.privileged.client import HELPER

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("sudo") is None,
    reason="takes root, and sudo (scripts/setup --test)",
)
USER, OTHER = "nobody", "daemon"
ENTRY = "smbench-mount-helper"
ASKS = """
import json, sys
from smbench.privileged.client import helper
told = []
for do, fields in json.loads(sys.argv[1]):
    try:
        told.append(helper().ask(do, **fields))
    except Exception as error:
        told.append(str(error))
    if do == "begin":
        helper().ask("end", run=told[-1]["run"])
print(json.dumps(told))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of root's, with the documented program in it."""
    with tempfile.TemporaryDirectory(prefix="smbench-sudoers-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "scratch").mkdir()
        if not can_be_reachable(folder / "scratch"):
            pytest.skip("mounts of its own, as of a container that may make them, are needed")
        (folder / ENTRY).write_text(program())
        (folder / ENTRY).chmod(0o755)
        yield folder


def documented() -> str:
    return (PROJECT / "smbench/docs/security.md").read_text(encoding="utf-8")


def program() -> str:
    """As documented, with the paths that are this machine's."""
    text = re.search(r"(?:^    .*\n)*^    runpy.run_path.*\n", documented(), re.MULTILINE)
    assert text is not None
    lines = [line.removeprefix("    ") for line in text[0].splitlines()]
    assert lines[0] == "#!/opt/smbench/bin/python -IS"
    lines[0] = f"#!{sys.executable} -IS"
    lines[-1], changed = re.subn(r'"/opt/\S+/helper\.py"', repr(str(HELPER)), lines[-1])
    assert changed == 1
    return "\n".join([*lines, ""])


def line_of(place: Path) -> str:
    found = re.search(
        r'^    alice (ALL=\(root\) NOPASSWD: )/usr/local/sbin/(\S+)( "")$', documented(), re.MULTILINE
    )
    assert found is not None
    assert found[2] == ENTRY
    return f"{USER} {found[1]}{place / ENTRY}{found[3]}"


def as_user(place: Path, line: str, user: str, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of that user's, where sudoers has this line and no other of ours."""
    script = (
        'mkdir "$1/etc" "$1/work" && chmod 755 "$1/etc" && '
        'mount -t overlay none -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/work" /etc && '
        'printf "%s\\n" "$2" >/etc/sudoers.d/smbench && chmod 440 /etc/sudoers.d/smbench && '
        'user="$3" && shift 3 && exec setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"'
    )
    scratch = place / "scratch"
    return subprocess.run(
        [*reachable(scratch), "sh", "-c", script, "sh", scratch, line, user, *command],
        capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL,
        env={**os.environ, "SMBENCH_HELPER": str(place / ENTRY)},
    )  # fmt: skip


def asked(place: Path, line: str, user: str, requests: str) -> subprocess.CompletedProcess[str]:
    """What the helper tells that user."""
    return as_user(place, line, user, sys.executable, "-c", ASKS, requests)


def test_the_documented_line_lets_that_user_mount_and_nobody_else(place: Path) -> None:
    requests = (
        '[["states", {}], ["read", {"path": "/etc/shadow"}], ["end", {"run": "1-00000000"}],'
        ' ["begin", {"share": "//s/x", "users": 1, "streams": [], "kept": true, "started_ticks": null}]]'
    )
    done = asked(place, line_of(place), USER, requests)
    assert done.returncode == 0, done.stderr
    states, read, end, begun = json.loads(done.stdout)
    assert set(states) == {"states"}
    assert "by whoever may read it" in read
    assert "No such file" in end or "another user" in end
    assert begun["names"] == ["user01"]
    other = asked(place, line_of(place), OTHER, '[["states", {}]]')
    assert "sudo does not start" in other.stdout, other


def test_without_that_line_there_is_no_helper(place: Path) -> None:
    done = asked(place, "# nothing", USER, '[["states", {}]]')
    assert "sudo does not start" in done.stdout, done
    assert "line of sudoers with NOPASSWD" in done.stdout


def test_that_user_cannot_say_that_root_started_it(place: Path) -> None:
    assert as_user(place, line_of(place), USER, "sudo", "-n", str(place / ENTRY)).returncode == 1
    refused = as_user(place, line_of(place), USER, "sudo", "-n", str(place / ENTRY), "root")
    assert "a password is required" in refused.stderr, refused


@pytest.mark.parametrize("named", [ENTRY, "python"])
def test_a_library_beside_a_link_to_it_is_not_loaded(place: Path, named: str) -> None:
    """sudo knows a program by inode and last name, and passes on by which name it was called; there Python
    looks for its library. A line that names Python, and not a program of root's, makes root of that user."""
    home = place / "hers"
    (home / "bin").mkdir(parents=True)
    program = Path(sys.executable).resolve() if named == "python" else place / ENTRY
    (home / "bin" / program.name).symlink_to(program)
    library = home / "lib" / f"python3.{sys.version_info.minor}"
    shutil.copytree(
        Path(os.__file__).parent, library, symlinks=True,
        ignore=shutil.ignore_patterns("site-packages", "test", "__pycache__", "lib-dynload", "config-*"),
    )  # fmt: skip
    (library / "lib-dynload").symlink_to(Path(os.__file__).parent / "lib-dynload")
    planted = f"open({str(home / 'became')!r}, 'w').write(str(__import__('os').geteuid()))\n"
    for module in ("contextlib.py", "runpy.py"):  # both are loaded by what the lines start
        with (library / module).open("a") as file:
            file.write(planted)
    (home / "pyvenv.cfg").write_text(f"home = {home / 'bin'}\n")
    arguments = ["-I", "-S", str(HELPER)] if named == "python" else []
    line = f"{USER} ALL=(root) NOPASSWD: {program} {' '.join(arguments)}" if arguments else line_of(place)
    done = as_user(place, line, USER, "sudo", "-n", str(home / "bin" / program.name), *arguments)
    became = (home / "became").read_text() if (home / "became").exists() else None
    if named == ENTRY or "a password is required" in done.stderr:  # sudo 1.9.16 looks at the whole name
        assert became is None
    else:
        assert became == "0"
