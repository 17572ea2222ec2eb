"""scripts/lab keeps its promises: one real boot tells most of the story, fakes tell the rest."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.guest import UML, needs_kernel

LAB = Path(__file__).resolve().parents[2] / "scripts" / "lab"
NOBODY = 65534
# Blanks and commas, which mount options and the kernel's command line would break on.
HERE = "here, and there"
OUT = "out, too"

pytestmark = pytest.mark.lab

STORY = r"""
echo from the guest >host-file
echo "$(id -u) $PWD" >"$LAB_OUT/who"
cp "$LAB_USERS" "$LAB_OUT/users.toml"
env | grep ^LAB >"$LAB_OUT/environment"
stat -c %a "$(dirname "$LAB_USERS")"/*.pw >"$LAB_OUT/modes"

mount_as() {
    mkdir -p "/mnt/$1"
    printf 'username=%s\npassword=%s\n' "$1" "$(cat "$(dirname "$LAB_USERS")/$1.pw")" >"/run/$1"
    mount -t cifs "$LAB_SHARE" "/mnt/$1" -o "credentials=/run/$1,nosharesock,vers=3.1.1,iocharset=utf8,$2"
}
mount_as user01 noserverino,nomapposix && mount_as user02 serverino || exit 1
echo written by user01 >/mnt/user01/file
echo a stream >/mnt/user01/file:named
cat /mnt/user02/file "$LAB_SHARE_PATH/file" /mnt/user01/file:named >"$LAB_OUT/read"
grep -c ConnectionId: /proc/fs/cifs/DebugData >"$LAB_OUT/connections"
umount /mnt/user01 /mnt/user02 || exit 1
printf 'username=user01\npassword=%s\n' lab-user02 >/run/wrong
mount -t cifs "$LAB_SHARE" /mnt -o credentials=/run/wrong 2>"$LAB_OUT/refused" && exit 1

# Not into LAB_OUT: tcpdump 4.99.3 gives the file to root (-Z), which the host lets only its own root do.
tcpdump -Z root -i lo --immediate-mode -U -c 1 -w /run/wire.pcap tcp port 445 2>"$LAB_OUT/tcpdump" &
until grep -q listening "$LAB_OUT/tcpdump" || ! kill -0 "$!"; do sleep 0.05; done
: </dev/tcp/127.0.0.1/445
wait
cp /run/wire.pcap "$LAB_OUT"
python3 -c '
import multiprocessing, pathlib, os
with multiprocessing.get_context("fork").Pool(2) as pool:
    pathlib.Path(os.environ["LAB_OUT"], "pool").write_text(str(pool.map(abs, [-1, -2])))
'
cat /dev/fd/0 </dev/null && date +%s >"$LAB_OUT/clock"
cat blob
cat blob >&2
exit 7
"""


def lab(
    *arguments: str, folder: Path, user: int | None = None, program: Path = LAB
) -> subprocess.CompletedProcess[bytes]:
    """Run scripts/lab in `folder`/HERE; in `folder`/tmp it keeps what it must remove."""
    for name in (HERE, "tmp"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o777)
    return subprocess.run(
        [program, *arguments],
        cwd=folder / HERE,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        capture_output=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        timeout=120,
        check=False,
    )


def leftovers(folder: Path) -> list[str]:
    """Temporary folders, and processes that mention them."""
    found = [str(path) for path in (folder / "tmp").iterdir()]
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = cmdline.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended while we looked
        if f"{folder}/tmp" in words:
            found.append(words)
    return found


class Story:
    """What STORY left behind: how it ended, where it ran, what it put under --out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.here = folder / HERE
        self.out = folder / HERE / OUT
        self.here.mkdir()
        (self.here / "host-file").write_text("the host's\n")
        self.blob = os.urandom(200_000) + b"\r\n\n\r\x00\x04"
        (self.here / "blob").write_bytes(self.blob)
        self.result = lab("--out", OUT, "--", "bash", "-c", STORY, folder=folder)

    def told(self, name: str) -> str:
        return (self.out / name).read_text()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("lab"))


@needs_kernel
class TestOneBoot:
    def test_exit_status_comes_back(self, story: Story) -> None:
        assert story.result.returncode == 7, story.result.stderr[-2000:]

    def test_streams_come_out_apart_and_whole(self, story: Story) -> None:
        expected = hashlib.sha256(story.blob).hexdigest()
        assert hashlib.sha256(story.result.stdout).hexdigest() == expected
        assert hashlib.sha256(story.result.stderr).hexdigest() == expected

    def test_root_in_the_callers_folder(self, story: Story) -> None:
        assert story.told("who") == f"0 {story.here}\n"

    def test_the_overlay_vanishes_and_the_results_stay(self, story: Story) -> None:
        assert (story.here / "host-file").read_text() == "the host's\n"
        assert sorted(path.name for path in story.here.iterdir()) == ["blob", "host-file", OUT]

    def test_accounts_and_environment(self, story: Story) -> None:
        users = tomllib.loads(story.told("users.toml"))["user"]
        assert [user["name"] for user in users] == ["user01", "user02", "user03"]
        assert story.told("modes").split() == ["600"] * 3
        environment = dict(line.split("=", 1) for line in story.told("environment").splitlines())
        assert environment["LAB"] == "1"
        assert environment["LAB_OUT"] == str(story.out)
        assert environment["LAB_SHARE"] == f"//{environment['LAB_SERVER']}/share"

    def test_two_users_share_files_on_connections_of_their_own(self, story: Story) -> None:
        assert story.told("read").splitlines() == ["written by user01"] * 2 + ["a stream"]
        assert int(story.told("connections")) == 2

    def test_anothers_password_is_refused(self, story: Story) -> None:
        assert "Permission denied" in story.told("refused")

    def test_capture_processes_and_clock(self, story: Story) -> None:
        # More than the file's header.
        assert (story.out / "wire.pcap").stat().st_size > 24, story.told("tcpdump")
        assert story.told("pool") == "[1, 2]"
        assert abs(int(story.told("clock")) - (story.out / "clock").stat().st_mtime) < 5

    def test_nothing_is_left(self, story: Story) -> None:
        assert leftovers(story.folder) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may use; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="smbench-test-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@needs_kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; the rest ran as one")
def test_as_an_ordinary_user_with_a_slow_network(open_folder: Path) -> None:
    command = """
        tc qdisc show dev lo
        mount -t cifs "$LAB_SHARE" /mnt -o username=user01,password=lab-user01 || exit 1
        grep -o signed /proc/fs/cifs/DebugData >"$LAB_OUT/security"
    """
    for file in LAB.parent.glob("lab*"):  # the project may stand where others cannot read it
        shutil.copy(file, open_folder)
    result = lab(
        *("--netem", "delay 5ms", "--smb-conf", "server signing = required", "--users", "1"),
        *("--out", OUT, "--", "bash", "-c", command),
        folder=open_folder,
        user=NOBODY,
        program=open_folder / "lab",
    )
    security = open_folder / HERE / OUT / "security"
    assert result.returncode == 0, result.stderr
    assert b"delay 5ms" in result.stdout
    assert security.read_text().startswith("signed")
    assert security.stat().st_uid == NOBODY
    assert leftovers(open_folder) == []


def another_kernel(folder: Path) -> None:
    """This machine's kernel as a package unpacked in `folder`, with what the lab needs of its modules
    compressed, as some distributions ship all of them, and no modules.dep, which names them."""
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "usr/bin/linux.uml").symlink_to(UML / "bin/linux.uml")
    (source,) = (UML / "lib/uml/modules").iterdir()
    target = folder / "usr/lib/uml/modules" / source.name
    needs = dict(line.split(":") for line in (source / "modules.dep").read_text().splitlines())
    mounting = r"kernel/(crypto/|fs/nls/).*|.*/(cifs|overlay)\.ko"
    wanted = [name for name in needs if re.fullmatch(mounting, name)]
    for name in {each for module in wanted for each in (module, *needs[module].split())}:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / f"{name}.xz").write_bytes(
            lzma.compress((source / name).read_bytes(), lzma.FORMAT_XZ, lzma.CHECK_CRC32)
        )
    for listing in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(source / listing, target)


@needs_kernel
def test_another_kernel_and_files_laid_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, over = tmp_path / "a kernel, unpacked", tmp_path / "over, it"
    another_kernel(kernel)
    (over / "etc").mkdir(parents=True)
    (over / "etc" / "laid-over").write_text("the upper one\n")
    monkeypatch.setenv("LAB_UML", str(kernel))
    monkeypatch.setenv("LAB_OVER", str(over))
    command = """
        mount -t cifs "$LAB_SHARE" /mnt -o username=user01,password=lab-user01,seal || exit 1
        cat /etc/laid-over; ls /lib/modules/*/kernel/fs/overlayfs; head -c 5 /etc/passwd
    """
    result = lab("--", "bash", "-c", command, folder=tmp_path)
    assert result.stdout.splitlines() == [b"the upper one", b"overlay.ko.xz", b"root:"], result.stderr
    assert not list(kernel.rglob("modules.dep")), "the guest wrote into the host's files"
    assert leftovers(tmp_path) == []


@needs_kernel
def test_files_to_lay_over_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_OVER", str(tmp_path / "missing"))
    result = lab("--", "true", folder=tmp_path)
    assert result.returncode == 3
    assert (
        result.stderr
        == f"scripts/lab: there is no lab here: LAB_OVER={tmp_path}/missing is no folder\n".encode()
    )


@needs_kernel
def test_sigterm_ends_the_guest_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [LAB, "--", "bash", "-c", "echo up; sleep 1000"],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"  # live, not at the end
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + signal.SIGTERM
    assert errors == "scripts/lab: ended by SIGTERM\n"
    assert leftovers(tmp_path) == []


@pytest.fixture
def fake_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A linux.uml that does as told, before the real one in PATH."""

    def make(script: str) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "linux.uml").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "linux.uml").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
        monkeypatch.delenv("LAB_UML", raising=False)

    return make


FAILURES = {
    "hangs in its boot": ("sleep 1000 & wait", ["--boot-deadline", "0.5"], 3, b"not up after 0.5 s"),
    "overruns the whole deadline": ("sleep 1000 & wait", ["--deadline", "0.5"], 124, b"not done after 0.5 s"),
    "cannot run": ("echo ptrace: Operation not permitted; exit 1", [], 3, b"Operation not permitted"),
}


@needs_kernel
@pytest.mark.parametrize("name", FAILURES)
def test_a_kernel_that(name: str, tmp_path: Path, fake_kernel: Callable[[str], None]) -> None:
    script, options, status, words = FAILURES[name]
    fake_kernel(script)
    begun = time.monotonic()
    result = lab(*options, "--", "true", folder=tmp_path)
    assert result.returncode == status
    assert words in result.stderr
    assert time.monotonic() - begun < 10
    assert leftovers(tmp_path) == []


def test_a_missing_kernel_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LAB_UML", raising=False)
    result = lab("--", "true", folder=tmp_path)
    assert result.returncode == 3
    assert result.stderr.startswith(b"scripts/lab: there is no lab here: linux.uml")
    assert b"scripts/setup" in result.stderr
