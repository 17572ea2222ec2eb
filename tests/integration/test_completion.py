"""Real shells complete the command line by the script that `smbench-mount completion` prints."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command import TOOL, run
from helpers.terminal import terminal

TYPED = [
    ("repl", "replay"),
    ("--versi", "--version"),
    ("replay --execu", "replay --executor"),
    ("replay --executor nul", "replay --executor null"),
    ("completion fi", "completion fish"),
    ("inspect customer.w", "inspect customer.workload/"),
    ("replay customer.workload scr", "replay customer.workload scratch/"),
]
"""What is typed after the program's name before Tab is struck, and what stands there afterwards."""


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(shell), reason=f"no {shell} here (scripts/setup --test)")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "work" / "customer.workload").mkdir(parents=True)
    (tmp_path / "work" / "scratch").mkdir()
    (tmp_path / "work" / "scrap.pcap").touch()  # TARGET is a directory: no file stands in its way
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{TOOL.parent}:{os.environ['PATH']}",
        "TERM": "xterm",
    }


def completed(shell: list[str], load: str, home: Path) -> list[str]:
    """The lines that an interactive shell makes of TYPED."""
    lines = []
    with terminal(shell, environment(home), home / "work") as screen:
        screen.type(f"{load} && echo 'lo''aded'\n")
        screen.wait_for("loaded")
        for typed, _ in TYPED:
            # Then Ctrl-A, and the line is an argument of echo.
            screen.type(f"smbench-mount {typed}\t\x01echo 'li''ne:' \x05\n")
            lines.append(screen.wait_for("line: ").rpartition("line: ")[2].strip())
    return [line.removeprefix("smbench-mount ") for line in lines]


@needs("bash")
def test_bash_completes(home: Path) -> None:
    load = 'eval "$(smbench-mount completion bash)"'
    assert completed(["bash", "--norc", "--noprofile", "-i"], load, home) == [after for _, after in TYPED]


@needs("zsh")
@pytest.mark.parametrize(
    "load",
    [
        "smbench-mount completion zsh > ~/.zfunc/_smbench_mount_completion && fpath+=~/.zfunc && "
        "autoload -Uz compinit && compinit -u",
        'autoload -Uz compinit && compinit -u && eval "$(smbench-mount completion zsh)"',
    ],
)
def test_zsh_completes(home: Path, load: str) -> None:
    (home / ".zfunc").mkdir()
    # zsh takes a completed directory's slash away when the line is accepted.
    assert completed(["zsh", "-f", "-i"], load, home) == [after.removesuffix("/") for _, after in TYPED]


@needs("fish")
def test_fish_completes(home: Path) -> None:
    """fish says what it would complete, so that it needs no terminal."""
    script = home / ".config" / "fish" / "completions" / "smbench-mount.fish"
    script.parent.mkdir(parents=True)
    script.write_text(run("completion", "fish").out)
    for typed, after in TYPED:
        said = subprocess.run(
            ["fish", "-c", "complete -C $argv[1]", f"smbench-mount {typed}"],
            capture_output=True, text=True, env=environment(home), cwd=home / "work", check=True,
        )  # fmt: skip
        offered = [line.partition("\t")[0] for line in said.stdout.splitlines()]
        assert offered == [after.split()[-1]], said.stderr


def test_the_script_as_json() -> None:
    document = json.loads(run("completion", "zsh", "--json").out)
    assert document == {
        "schema": 1,
        "shell": "zsh",
        "script": run("completion", "zsh").out.removesuffix("\n"),
    }


def test_a_shell_that_is_not_known() -> None:
    done = run("completion", "tcsh")
    assert done.status == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in done.err


def test_the_names_of_commands_need_no_command() -> None:
    """Tab is struck by someone who waits: their modules, which load numpy and more, are not imported."""
    program = (
        "import sys, click\n"
        "from smbench.cli import main\n"
        "print(*[each.value for each in main.shell_complete(click.Context(main), 'rep')])\n"
        "print(*[name for name in sys.modules if name in ('numpy', 'rich', 'smbench.cli.replay')])\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "replay report\n\n"
