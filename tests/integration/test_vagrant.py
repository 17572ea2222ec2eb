"""vagrant/ as far as it goes without a hypervisor: its description is validated for both
providers, its Debian scripts run in clean trees, its replay script in the lab.

Not run: a machine by vagrant itself, and the PowerShell, which is only parsed.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.guest import needs_kernel

PROJECT = Path(__file__).resolve().parents[2]
VAGRANT = PROJECT / "vagrant"
SHELL_SCRIPTS = sorted(VAGRANT.glob("*/*.sh"))
POWERSHELL_SCRIPTS = sorted(VAGRANT.glob("*/*.ps1"))
MACHINES = ["server", "linux1", "linux2", "windows1"]
ENVIRONMENT = {
    "ACCOUNTS": "user01=lab-user01 user02=lab-user02",
    "CLIENTS": "linux1 windows1",
    "NETWORK": "192.168.60",
    "SERVER": "192.168.60.10",
}


def needs(*programs: str) -> pytest.MarkDecorator:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    missing = [program for program in programs if not shutil.which(program, path=path)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def run(*command: str | Path, **environment: str) -> str:
    """Run `command`; its output, or a failed test that shows it."""
    result = subprocess.run(
        command,
        env={
            **os.environ,
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
            "LC_ALL": "C.UTF-8",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command} ended with {result.returncode}:\n{result.stdout[-3000:]}"
    return result.stdout


# --- the description ------------------------------------------------------------------------


@pytest.fixture
def vagrant_environment(tmp_path: Path) -> dict[str, str]:
    """Where vagrant keeps its state, and stand-ins for what it looks for but does not use yet:
    VirtualBox's command, and the WinRM libraries, which Debian's vagrant comes without."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "VBoxManage").write_text("#!/bin/sh\necho 7.0.20r163906\n")
    (tmp_path / "bin" / "VBoxManage").chmod(0o755)
    (tmp_path / "lib").mkdir()
    for library in ("winrm-fs", "winrm-elevated"):
        (tmp_path / "lib" / f"{library}.rb").touch()
    errors = "WinRMHTTPTransportError WinRMAuthorizationError WinRMWSManFault"
    (tmp_path / "lib" / "winrm.rb").write_text(
        "module HTTPClient; KeepAliveDisconnected = Class.new(StandardError); end\n"
        f"module WinRM; %i[{errors}].each {{ |name| const_set(name, Class.new(StandardError)) }}; end\n"
    )
    return {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "RUBYLIB": str(tmp_path / "lib"),
        "VAGRANT_CWD": str(VAGRANT),
        "VAGRANT_HOME": str(tmp_path / "home"),
        "VAGRANT_DOTFILE_PATH": str(tmp_path / "state"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "WORKLOAD": str(tmp_path),
    }


@needs("vagrant")
@pytest.mark.parametrize("provider", ["virtualbox", "libvirt"])
def test_vagrant_takes_the_description(provider: str, vagrant_environment: dict[str, str]) -> None:
    environment = {**vagrant_environment, "VAGRANT_DEFAULT_PROVIDER": provider}
    if provider == "libvirt" and "vagrant-libvirt" not in run("vagrant", "plugin", "list", **environment):
        pytest.skip("vagrant's libvirt plugin is not installed (package vagrant-libvirt)")
    assert "validated successfully" in run("vagrant", "validate", **environment)
    status = run("vagrant", "status", "--machine-readable", **environment)
    assert re.findall(rf",(\w+),provider-name,{provider}$", status, re.MULTILINE) == MACHINES


@needs("ruby")
def test_the_scripts_are_told_of_accounts_and_clients() -> None:
    """The accounts and passwords are those of the other lab (scripts/lab)."""
    stand_in = "module Vagrant; def self.configure(*); end; end"
    look = "load ARGV[0]; puts ENVIRONMENT.values_at(*ARGV[1..])"
    told = run("ruby", "-w", "-e", stand_in, "-e", look, VAGRANT / "Vagrantfile", *ENVIRONMENT)
    assert told.splitlines() == [
        "user01=lab-user01 user02=lab-user02 user03=lab-user03",
        " ".join(MACHINES[1:]),
        "192.168.60",
        "192.168.60.10",
    ]


@needs("shellcheck")
def test_shellcheck_is_content() -> None:
    assert len(SHELL_SCRIPTS) == 4
    assert run("shellcheck", *SHELL_SCRIPTS) == ""


@pytest.mark.parametrize("script", POWERSHELL_SCRIPTS, ids=lambda path: path.name)
def test_powershell_parses(script: Path) -> None:
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    source = script.read_bytes()
    assert not parser.parse(source).root_node.has_error
    assert parser.parse(source + b"\nif ($x {").root_node.has_error  # it can tell


def rules(smb_conf: str) -> set[str]:
    """The lines of [global] that say how the server behaves: not its folders, not its network."""
    section = smb_conf.partition("[global]\n")[2].partition("\n[")[0]
    lines = {line for line in section.splitlines() if "=" in line and not line.startswith("#")}
    return {line for line in lines if "$" not in line and not line.startswith(("interfaces ", "hosts "))}


def test_both_labs_have_the_same_server() -> None:
    guest = (PROJECT / "scripts" / "lab-guest").read_text()
    heredoc = guest.partition("<<END\n")[2].partition("\nEND\n")[0]
    assert len(rules(heredoc)) > 10
    assert rules((VAGRANT / "server" / "smb.conf").read_text()) == rules(heredoc)


# --- the Debian scripts, in clean trees -----------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """A Debian in a folder. Its processes have process and mount namespaces of their own: they
    end with the command, and none of their mounts is the host's."""

    root: Path

    def run(self, *command: str) -> str:
        namespaces = (
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            f"--mount-proc={self.root}/proc",
        )
        return run(*namespaces, "chroot", self.root, *command, **ENVIRONMENT)

    def install(self) -> str:
        return self.run("bash", "/tmp/install.sh")


# What apt and pip need here to reach their packages.
PACKAGE_SETTINGS = (
    "/etc/apt", "/usr/share/keyrings", "/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs",
)  # fmt: skip


def debootstrap(root: Path) -> None:
    """A minimal Debian of this host's release, from where this host's apt has its packages."""
    release = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    assert release
    sources = run("apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)")
    mirror = re.search(rf"^{release[1]} main (\S+)$", sources, re.MULTILINE)
    if not mirror:
        pytest.skip(f"apt has no source here for the main packages of {release[1]}")
    # With ca-certificates, or its later installation would drop this host's own certificates.
    options = ("--variant=minbase", "--include=ca-certificates")
    run("unshare", "--mount", "debootstrap", *options, release[1], root, mirror[1])
    for name in PACKAGE_SETTINGS:
        here, there = Path(name), root / name[1:]
        if here.is_dir():
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(here, there, ignore_dangling_symlinks=True)
        elif here.exists():
            shutil.copy(here, there)
    policy = root / "usr/sbin/policy-rc.d"  # 101: no service is started
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


@pytest.fixture(scope="module")
def clean() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root makes and enters a Debian tree")
    with tempfile.TemporaryDirectory(prefix="smbench-test-") as name:
        debootstrap(Path(name) / "clean")
        yield Path(name)


def tree(clean: Path, name: str, *files: Path) -> Tree:
    run("cp", "-a", "--reflink=auto", clean / "clean", clean / name)
    for file in files:
        shutil.copy(file, clean / name / "tmp")
    return Tree(clean / name)


@pytest.fixture(scope="module")
def server(clean: Path) -> Tree:
    machine = tree(clean, "server", *(VAGRANT / "server").iterdir())
    machine.install()
    return machine


@pytest.fixture(scope="module")
def client(clean: Path) -> Tree:
    machine = tree(clean, "client", VAGRANT / "linux" / "install.sh")
    project = machine.root / "opt/smbench/project"
    project.mkdir(parents=True)
    shutil.copytree(PROJECT / "smbench", project / "smbench", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, project)
    machine.install()
    return machine


# As in the server's tree, but in a network namespace: its loopback is nobody else's.
SERVE = """
ip link set lo up
mount -t proc proc "$1/proc"
chroot "$1" smbd -D
for _ in $(seq 100); do ss -ltn | grep -q :445 && break; sleep 0.1; done
smbclient //127.0.0.1/share -U user01%lab-user01 -D linux1 -c 'put /etc/hostname one' || exit 1
smbclient //127.0.0.1/share -U user02%lab-user02 -D linux1 -c 'del one; put /etc/hostname two' || exit 1
smbclient //127.0.0.1/runs -U user02%lab-user02 -c 'mkdir linux1.run; ls' || exit 1
smbclient //127.0.0.1/share -U user02%lab-user01 -c ls && exit 1
exit 0
"""


@pytest.mark.lab
@needs("debootstrap", "unshare", "apt-get")
class TestServer:
    def test_samba_takes_the_rules(self, server: Tree) -> None:
        taken = server.run("testparm", "-s")
        assert "Loaded services file OK" in taken
        assert "Unknown parameter" not in taken
        assert "hosts allow = 127. 192.168.60." in taken
        assert "kernel oplocks = No" in server.run("testparm", "-sv")

    def test_the_accounts_are_there(self, server: Tree) -> None:
        assert re.findall(r"^(\w+):\d+:", server.run("pdbedit", "-L"), re.MULTILINE) == ["user01", "user02"]

    def test_each_client_has_a_folder(self, server: Tree) -> None:
        folders = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in (server.root / "srv/share").iterdir()
        }
        assert folders == {"linux1": 0o777, "windows1": 0o777}

    @needs("smbclient", "ip", "ss")
    def test_accounts_share_files_and_a_wrong_password_is_refused(self, server: Tree) -> None:
        namespaces = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
        told = run(*namespaces, "bash", "-c", SERVE, "serve", server.root)
        assert "NT_STATUS_LOGON_FAILURE" in told
        assert [path.name for path in (server.root / "srv/share/linux1").iterdir()] == ["two"]

    def test_a_replay_begins_with_empty_folders(self, server: Tree) -> None:
        share = server.root / "srv/share"
        (share / "linux1" / "a" / "b").mkdir(parents=True)
        (share / "linux1" / "a" / "file").touch()
        server.run("bash", "/tmp/empty.sh")
        assert sorted(share.glob("**/*")) == [share / "linux1", share / "windows1"]

    def test_installed_again(self, server: Tree) -> None:
        server.install()
        assert len(server.run("pdbedit", "-L").splitlines()) == 2


@pytest.mark.lab
@needs("debootstrap", "unshare", "apt-get")
class TestLinuxClient:
    def test_smbench_mount_runs(self, client: Tree) -> None:
        assert re.match(r"smbench-mount, version \d", client.run("smbench-mount", "--version"))

    def test_what_a_replay_needs_is_there(self, client: Tree) -> None:
        client.run("bash", "-c", "command -v tshark tcpdump mount.cifs")
        assert (client.root / "etc/hosts").read_text().endswith("192.168.60.10 server\n")

    def test_accounts_and_closed_password_files(self, client: Tree) -> None:
        users = client.root / "opt/smbench/users"
        accounts = tomllib.loads((users / "users.toml").read_text())["user"]
        assert [account["name"] for account in accounts] == ["user01", "user02"]
        assert (users / accounts[1]["password_file"]).read_text() == "lab-user02\n"
        assert {stat.S_IMODE(path.stat().st_mode) for path in users.iterdir()} == {0o600}

    def test_installed_again(self, client: Tree) -> None:
        client.install()
        assert (client.root / "etc/hosts").read_text().count("server") == 1


# --- the replay script, on real CIFS mounts -------------------------------------------------

# A stand-in: what a replay itself does is tested elsewhere.
SMBENCH_MOUNT = """#!/bin/sh
echo "$*" >>"$LAB_OUT/calls"
[ "$STATUS" = 3 ] && exit 3
mkdir /var/tmp/lab.run && echo "$STATUS" >"/var/tmp/lab.run/run.json" && touch "/var/tmp/lab.run/$STATUS"
exit "$STATUS"
"""
STORY = """
mkdir -p /opt/smbench && cp -r "$(dirname "$LAB_USERS")" /opt/smbench/users
echo 127.0.0.1 server >>/etc/hosts
mkdir -m 777 /srv/lab/runs
for STATUS in 99 5 3; do export STATUS; OPTIONS='--pace  fast' "$1"; echo $? >>"$LAB_OUT/statuses"; done
cp -r /srv/lab/runs "$LAB_OUT/runs"
grep cifs /proc/mounts >"$LAB_OUT/mounts"
exit 0
"""


@pytest.mark.lab
@needs_kernel
def test_replay_puts_the_run_on_the_server(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "smbench-mount").write_text(SMBENCH_MOUNT)
    (tmp_path / "bin" / "smbench-mount").chmod(0o755)
    (tmp_path / "runs.conf").write_text("[runs]\npath = /srv/lab/runs\n")
    out = tmp_path / "out"
    run(
        *(PROJECT / "scripts" / "lab", "--smb-conf", f"include = {tmp_path}/runs.conf", "--out", out),
        *("--", "bash", "-c", STORY, "story", VAGRANT / "linux" / "replay.sh"),
        PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    )
    call = "replay /var/tmp/replay.workload //server/share/lab --users /opt/smbench/users/users.toml"
    assert (out / "calls").read_text().splitlines() == [f"{call} -o /var/tmp/lab.run --pace fast"] * 3
    # A missed threshold and a late run are results; a refused mount is none, and leaves the last.
    assert (out / "statuses").read_text().split() == ["0", "0", "3"]
    assert sorted(path.name for path in (out / "runs/lab.run").iterdir()) == ["5", "run.json"]
    assert (out / "mounts").read_text() == ""
