"""Amounts that make no sense end in one sentence and status 2, before anything is touched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from helpers.command import TOOL, run
from helpers.load import CREATE, Load

from smbench.workload.store import write


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("amounts")
    load = Load()
    load.opens(0, 1, "f", CREATE)
    load.closes(0, 1)
    write(folder / "told.workload", load.workload)
    (folder / "target").mkdir()
    return folder / "told.workload"


def left(workload: Path) -> list[str]:
    return sorted(str(path.relative_to(workload.parent)) for path in workload.parent.rglob("*")
                  if "told.workload" not in str(path))  # fmt: skip


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--speed", "nan"], "--speed nan makes no sense"),
        (["--speed", "inf"], "take --pace fast"),
        (["--speed", "0"], "give 0.0001 to 1,000,000"),
        (["--speed", "-1"], "--speed -1 makes no sense"),
        (["--stagger", "nonsense"], "--stagger 'nonsense' is no duration"),
        (["--stagger", "-1"], "--stagger '-1' is no duration"),
        (["--stagger", "9999h"], "at most a year"),
        (["--warm-up", "soon"], "--warm-up 'soon' is no duration"),
        (["--deadline", "0"], "--deadline '0' makes no sense: give more than 0 s"),
        (["--deadline", "nan"], "--deadline 'nan' is no duration"),
        (["--max-bytes", "much"], "--max-bytes 'much' is no size"),
        (["--threshold", "nonsense"], "--threshold 'nonsense' cannot be read: it has no operator"),
        (["--threshold", "all.response.p101<1ms"], "p101 is no statistic"),
        (["--threshold", "all.response.p99<5"], "a time needs its unit"),
        (["--find-capacity", "throughput.operations_per_s>100"], "take a time, as all.response.p99<50ms"),
        (["--threshold", "errors.rate<=150%"], "no share is more than 100 %"),
        (["--max-mismatch", "150%"], "no share is more than 100 %"),
        (["--find-capacity", "nonsense"], "--find-capacity 'nonsense' cannot be read"),
        (
            ["--find-capacity", "errors.rate<0.1%", "--max-mismatch", "0"],
            "leave --threshold and --max-mismatch",
        ),
        (["--max-mismatch", "few"], "--max-mismatch 'few' cannot be read"),
        (["--clone", "100000000"], "200,000,000 users in 200,000,000 processes"),
        (["--clone", "100000000", "--users-per-process", "1000000"], "of memory, and"),
    ],
)
def test_what_makes_no_sense_is_said_and_leaves_nothing(
    workload: Path, options: list[str], says: str
) -> None:
    ran = run("replay", workload, "target", "-o", "a.run", *options, cwd=workload.parent)
    assert ran.status == 2
    assert says in ran.sentence
    assert left(workload) == ["target"]


@pytest.mark.parametrize(
    "options",
    [
        ["--clone", "0"], ["--clone", "x"], ["--loop", "0"], ["--users-per-process", "0"],
        ["--max-clones", "0"], ["--namespace", "own"], ["--pace", "slow"], ["--loop-namespace", "new"],
    ],
)  # fmt: skip
def test_what_is_out_of_range_names_the_option_and_leaves_nothing(workload: Path, options: list[str]) -> None:
    ran = run("replay", workload, "target", "-o", "a.run", *options, cwd=workload.parent)
    assert ran.status == 2
    assert f"Invalid value for '{options[0]}'" in ran.err
    assert left(workload) == ["target"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--stagger", "1"], "--stagger has no effect on one clone: give their number with --clone"),
        (["--stagger", "1", "--clone", "1"], "--stagger has no effect on one clone"),
        (["--stagger", "1", "--clone", "3", "--pace", "fast"], "--stagger has no effect with --pace fast"),
        (["--speed", "2", "--pace", "fast"], "--speed has no effect with --pace fast"),
        (["--close-gaps", "--pace", "fast"], "--close-gaps has no effect with --pace fast"),
        (["--namespace", "shared"], "--namespace has no effect on one clone"),
        (["--loop-namespace", "same"], "--loop-namespace has no effect on one loop"),
        (["--max-clones", "3"], "--max-clones has no effect without --find-capacity"),
        (["--content", "sparse", "--no-prepare"], "--content has no effect with --no-prepare"),
        (["--max-bytes", "1G", "--no-prepare"], "--max-bytes has no effect with --no-prepare"),
        (["--max-bytes", "1G", "--content", "sparse"], "--max-bytes has no effect with --content sparse"),
        (["--executor", "null", "--content", "sparse"], "--content has no effect with --executor null"),
        (["--executor", "memory", "--max-bytes", "1G"], "--max-bytes has no effect with --executor memory"),
        (["--executor", "null", "--prepare"], "--prepare has no effect with --executor null"),
        (
            ["--executor", "null", "--clone", "2", "--namespace", "shared"],
            "--namespace has no effect with --executor null, which touches no files",
        ),
        (
            ["--executor", "simulated", "--profile", "wire"],
            "--profile has no effect with --executor simulated on a directory",
        ),
        (["--executor", "library", "--profile", "wire"], "--profile has no effect with --executor library"),
        (
            ["--executor", "null", "--loop", "2", "--loop-namespace", "same"],
            "--loop-namespace has no effect where nothing is prepared and nothing is mounted",
        ),
        (
            ["--no-prepare", "--loop", "2", "--loop-namespace", "fresh"],
            "--loop-namespace has no effect where nothing is prepared and nothing is mounted",
        ),
        (
            ["--find-capacity", "all.response.p99<9s", "--clone", "3", "--max-clones", "2"],
            "--clone 3, where the search begins, lies beyond --max-clones 2",
        ),
        (["--mount-option", "vers=3.0"], "is a directory, which is not mounted: leave --mount-option"),
    ],
)
def test_what_would_be_for_nothing_is_said_and_leaves_nothing(
    workload: Path, options: list[str], says: str
) -> None:
    for dry in ([], ["--dry-run"]):
        ran = run("replay", workload, "target", "-o", "a.run", *options, *dry, cwd=workload.parent)
        assert ran.status == 2
        assert says in ran.sentence
    assert left(workload) == ["target"]


@pytest.mark.parametrize(
    "options",
    [
        ["--loop", "2", "--loop-namespace", "same"],
        ["--executor", "memory", "--clone", "2", "--namespace", "shared"],
        ["--executor", "null", "--find-capacity", "all.response.p99<9s", "--max-clones", "1"],
        ["--profile", "application"],
        ["--executor", "null", "--no-prepare"],
        ["--executor", "null", "--config", "of-others.toml"],
    ],
)
def test_what_has_an_effect_is_taken(workload: Path, tmp_path: Path, options: list[str]) -> None:
    others = tmp_path / "of-others.toml"
    others.write_text('content = "sparse"\nmax-bytes = "1G"\nprofile = "wire"\n')
    options = [str(others) if option == others.name else option for option in options]
    ran = run("replay", workload, "target", "-o", "a.run", *options, "--dry-run", cwd=workload.parent)
    assert ran.status == 0, ran.err


PREPARE = ("prepare", "WORKLOAD", "target")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ([*PREPARE, "--verify", "--clean"], "--verify looks at what --clean would remove"),
        ([*PREPARE, "--verify", "--content", "full"], "--content has no effect with --verify"),
        ([*PREPARE, "--clean", "--max-bytes", "1G"], "--max-bytes has no effect with --clean"),
        ([*PREPARE, "--clean", "--force"], "--force has no effect with --clean"),
        ([*PREPARE, "--content", "sparse", "--max-bytes", "1G"],
         "--max-bytes has no effect with --content sparse"),
        ([*PREPARE, "--max-bytes", "many"], "--max-bytes 'many'"),
        (["prepare", "WORKLOAD", "a\\b"], "the target 'a\\b' does not exist"),  # a backslash, shown once
        (["inspect", "WORKLOAD", "--operations", "--user", "D\\a"], "no user 'D\\a' in this workload"),
        (["ingest", "x.pcap", "--from", "nan"], "--from nan makes no sense"),
        (["ingest", "x.pcap", "--to", "inf"], "--to inf makes no sense"),
        (["ingest", "x.pcap", "--from", "-1"], "--from -1 makes no sense"),
        (["ingest", "x.pcap", "--from", "2", "--to", "2"], "--from 2 is not before --to 2"),
        (["inspect", "WORKLOAD", "--user", "alice"], "--user has no effect without --operations"),
        (["inspect", "WORKLOAD", "--limit", "3"], "--limit has no effect without --operations"),
        (["inspect", "WORKLOAD", "--operations", "--frame", "1", "--capture", "x"],
         "--operations has no effect with --frame"),
    ],
)  # fmt: skip
def test_other_commands_refuse_what_would_be_for_nothing(
    workload: Path, command: list[str], says: str
) -> None:
    ran = run(*[str(workload) if word == "WORKLOAD" else word for word in command], cwd=workload.parent)
    assert ran.status == 2
    assert says in ran.sentence
    assert left(workload) == ["target"]


def test_what_a_configuration_file_has_for_other_calls_is_let_be(workload: Path, tmp_path: Path) -> None:
    (tmp_path / "smbench.toml").write_text('stagger = "1"\nnamespace = "shared"\nspeed = 2.0\n')
    ran = run(
        "replay", workload, "target", "--config", tmp_path / "smbench.toml", "--dry-run", cwd=workload.parent
    )
    assert (ran.status, ran.err) == (0, "")


def test_accounts_for_a_directory_are_said_to_be_unused(workload: Path, tmp_path: Path) -> None:
    ran = run(
        "replay", workload, "target", "--users", tmp_path / "users.toml", "--dry-run", cwd=workload.parent
    )
    assert ran.status == 0
    assert "is a directory, which needs no accounts" in ran.sentence


TINY_DISK = """
mount -t tmpfs -o size=64k none {disk} && cd {disk} || exit 77
head -c 60000 /dev/zero > full
{tool} {command}; echo "status $?"
ls -A; df --output=avail . | tail -1
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("replay {workload} {target} -o a.run", "no room for the result: it may take"),
        ("anonymize {workload} -o a.workload", "no room left to write a.workload (No space left on device)"),
    ],
)
def test_a_full_disk_is_a_sentence_and_leaves_nothing_half(
    workload: Path, tmp_path: Path, command: str, sentence: str
) -> None:
    target, disk = tmp_path / "target", tmp_path / "disk"
    target.mkdir()
    disk.mkdir()
    script = TINY_DISK.format(disk=disk, tool=TOOL, command=command.format(workload=workload, target=target))
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, check=False
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no mounts here")
    assert "status 3" in done.stdout, done.stdout + done.stderr
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stdout.split("status 3")[1].split()[0] == "full"
