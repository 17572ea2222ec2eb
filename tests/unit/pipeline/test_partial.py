"""The place of a result: claimed, and given to nobody else's work."""

from __future__ import annotations

import json
import os
import sys
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from smbench import renaming
from smbench.errors import UsageError
from smbench.measure.thresholds import parse_threshold
from smbench.pipeline import artefacts
from smbench.pipeline.artefacts import identity_of, put, whole
from smbench.pipeline.partial import KeptThreshold, claim_run, home_of, partial_of
from smbench.scratch import own


def drafted(folder: Path, name: str = "draft") -> Path:
    (folder / name).mkdir()
    (folder / name / "new").touch()
    return folder / name


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_result_takes_its_place_and_the_place_of_what_it_may_replace(
    tmp_path: Path, in_one_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_one_step:
        monkeypatch.setattr(renaming, "_renameat2", None)
    output = tmp_path / "a.run"
    assert put(drafted(tmp_path), output, identity_of(output)) == output
    (output / "old").touch()
    assert put(drafted(tmp_path), output, identity_of(output)) == output
    assert [path.name for path in output.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.run"]


@pytest.mark.parametrize("appears", ["a folder", "a file", "a link"])
def test_what_appeared_meanwhile_stays(tmp_path: Path, appears: str) -> None:
    output = tmp_path / "a.run"
    before = identity_of(output)
    if appears == "a folder":
        output.mkdir()
    elif appears == "a file":
        output.touch()
    else:
        output.symlink_to(tmp_path / "nowhere")
    assert put(drafted(tmp_path), output, before) == tmp_path / "a-2.run"
    assert put(drafted(tmp_path), output, before) == tmp_path / "a-3.run"
    assert identity_of(output) is not None


@pytest.mark.parametrize("in_one_step", [True, False])
def test_what_took_the_place_in_the_last_moment_gets_it_back(
    tmp_path: Path, in_one_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_one_step:
        monkeypatch.setattr(renaming, "_renameat2", None)
    output, draft = drafted(tmp_path, "somebody's"), drafted(tmp_path)
    (output / "precious").touch()
    assert not artefacts._replace(draft, output, (1, 2))
    assert sorted(path.name for path in output.iterdir()) == ["new", "precious"]
    assert [path.name for path in draft.iterdir()] == ["new"]


@pytest.mark.parametrize("force", [False, True])
def test_a_link_is_no_place_for_a_result(tmp_path: Path, force: bool) -> None:
    drafted(tmp_path, "old.workload")
    (tmp_path / "link.workload").symlink_to("old.workload")
    before = sorted((tmp_path / "old.workload").iterdir())
    with (
        pytest.raises(UsageError, match=r"link.workload is a link: name the place itself with -o"),
        whole(tmp_path / "link.workload", ".workload", "new", force),
    ):
        raise AssertionError("nothing is begun")
    assert (tmp_path / "link.workload").is_symlink()
    assert sorted((tmp_path / "old.workload").iterdir()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.workload", "old.workload"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no modes")
def test_what_holds_a_capture_of_the_wire_is_its_owners_alone(tmp_path: Path) -> None:
    for name, files in (("a.run", ["new"]), ("b.run", ["new", "wire.pcapng"])):
        with whole(tmp_path / name, ".run", "new", force=False) as draft:
            for file in files:
                (draft / file).touch(0o644)
    mask = os.umask(0o022)
    os.umask(mask)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.run", "b.run", "b.run/wire.pcapng")]
    assert modes == [0o777 & ~mask, 0o700, 0o600]


def test_a_partial_run_leads_to_a_home_of_the_same_user_only(tmp_path: Path) -> None:
    partial = partial_of(tmp_path / "a.run")
    partial.mkdir()
    home = tmp_path / "smbench-run-x"
    (partial / "records").symlink_to(home)
    assert home_of(partial) is None
    home.mkdir()
    assert home_of(partial) is None, "it does not say whose it is"
    (home / "owner.json").touch()
    assert home_of(partial) == home
    other = tmp_path / "precious"
    other.mkdir()
    (other / "owner.json").touch()
    (partial / "records").unlink()
    (partial / "records").symlink_to(other)
    assert home_of(partial) is None


def test_a_cut_off_run_keeps_its_place_until_it_is_said_otherwise(tmp_path: Path) -> None:
    output = tmp_path / "a.run"
    partial_of(output).mkdir()
    for force in (False, True):
        with pytest.raises(UsageError, match=r"in the way of .*, and no replay of yours made it: remove it"):
            claim_run(output, force=force)
    own(partial_of(output))
    with pytest.raises(UsageError, match=rf"being written by another replay \(process {os.getpid()}\)"):
        claim_run(output, force=True)
    told = json.loads((partial_of(output) / "owner.json").read_text())
    (partial_of(output) / "owner.json").write_text(json.dumps({**told, "started_ticks": 1}))
    with pytest.raises(UsageError, match=r"was cut off: make its result by smbench-mount recover"):
        claim_run(output, force=False)
    claim_run(output, force=True)


@pytest.mark.parametrize("baseline", [None, Fraction(1, 3)])
def test_a_threshold_comes_back_with_its_limit(baseline: Fraction | None) -> None:
    from dataclasses import replace

    asked = replace(parse_threshold("read.response.p99<1.1x"), limit=Fraction(7, 1000), baseline=baseline)
    stored = msgspec.json.encode(KeptThreshold.of(asked))
    assert msgspec.json.decode(stored, type=KeptThreshold).threshold() == asked
