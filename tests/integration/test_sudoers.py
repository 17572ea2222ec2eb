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
USER = "nobody"
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
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="smbench-sudoers-") as name:
        folder = Path(name, "scratch")
        folder.mkdir()
        Path(name).chmod(0o755)
        if not can_be_reachable(folder):
            pytest.skip("mounts of its own, as of a container that may make them, are needed")
        yield folder


def asked(scratch: Path, line: str, user: str, requests: str) -> subprocess.CompletedProcess[str]:
    """What the helper tells that user, where sudoers has this line and no other of ours."""
    script = (
        'mkdir "$1/etc" "$1/work" && chmod 755 "$1/etc" && '
        'mount -t overlay none -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/work" /etc && '
        'printf "%s\\n" "$2" >/etc/sudoers.d/smbench && chmod 440 /etc/sudoers.d/smbench && shift 2 && '
        'exec setpriv --reuid "$1" --regid "$(id -g "$1")" --clear-groups "$2" -c "$3" "$4"'
    )
    return subprocess.run(
        [*reachable(scratch), "sh", "-c", script, "sh", scratch, line, user, sys.executable, ASKS, requests],
        capture_output=True, text=True, check=False, cwd="/", env={**os.environ, "SMBENCH_HELPER": "sudo"},
    )  # fmt: skip


def test_the_documented_line_lets_that_user_mount_and_nobody_else(scratch: Path) -> None:
    text = (PROJECT / "smbench/docs/security.md").read_text(encoding="utf-8")
    form = r"^    alice (ALL=\(root\) NOPASSWD: )\S+/python -I -S \S+/helper\.py$"
    documented = re.search(form, text, re.MULTILINE)
    assert documented is not None
    line = f"{USER} {documented[1]}{sys.executable} -I -S {HELPER}"
    requests = (
        '[["states", {}], ["read", {"path": "/etc/shadow"}], ["end", {"run": "1-00000000"}],'
        ' ["begin", {"share": "//s/x", "users": 1, "streams": [], "kept": true, "started_ticks": null}]]'
    )
    done = asked(scratch, line, USER, requests)
    assert done.returncode == 0, done.stderr
    states, read, end, begun = json.loads(done.stdout)
    assert set(states) == {"states"}
    assert "by whoever may read it" in read
    assert "No such file" in end or "another user" in end
    assert begun["names"] == ["user01"]
    other = asked(scratch, line, "daemon", '[["states", {}]]')
    assert "cannot be asked" in other.stdout or "has ended" in other.stdout, other


def test_without_that_line_there_is_no_helper(scratch: Path) -> None:
    done = asked(scratch, "# nothing", USER, '[["states", {}]]')
    assert "cannot be asked" in done.stdout or "has ended" in done.stdout, done
