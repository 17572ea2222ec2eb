"""Two runs are alike, or every difference is named; what one of them does not tell is none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from helpers.runs import a_run

from smbench.measure.likeness import Circumstances, differences

RUN: dict[str, Any] = {
    "configuration": {
        "workload": "w.workload", "executor": "posix", "profile": "wire", "mount_options": [], "target": "/t",
        "pace": "original", "speed": 1.0, "close_gaps_s": None, "clones": 1, "users_per_process": 1,
        "loops": 1, "prepared": True, "content": "full", "deadline_s": None,
    },
    "warm_up": {"seconds": 0.0},
    "capture_files": [{"name": "a.pcap", "bytes": 10, "packing": "plain", "sha256": "aa"}],
    "machine": {"name": "here", "processors": 2},
    "versions": {"kernel": "6.1", "cifs": None, "smbench-mount": "1"},
}  # fmt: skip


def run_of(**parts: Any) -> Circumstances:
    return msgspec.convert(RUN | parts, Circumstances)


def other(place: str, value: Any, **parts: Any) -> Circumstances:
    part, name = place.split(".")
    return run_of(**{part: RUN[part] | {name: value}}, **parts)


HERE = run_of()


def test_a_run_is_like_itself():
    assert differences(HERE, run_of()) == []


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("configuration.executor", "null", "executor null there, posix here"),
        ("configuration.profile", "application", "profile application there, wire here"),
        ("configuration.mount_options", ["vers=3.0", "x"], "mount options vers=3.0,x there, none here"),
        ("configuration.target", "//s/x", "target //s/x there, /t here"),
        ("configuration.pace", "fast", "pace fast there, original here"),
        ("configuration.speed", 2.5, "speed 2.5 there, 1 here"),
        ("configuration.close_gaps_s", 10.0, "--close-gaps 10 there, none here"),
        ("configuration.clones", 3, "clones 3 there, 1 here"),
        ("configuration.users_per_process", 5, "users in a process 5 there, 1 here"),
        ("configuration.loops", 2, "loops 2 there, 1 here"),
        ("configuration.prepared", False, "files prepared no there, yes here"),
        ("configuration.content", "sparse", "content of the files sparse there, full here"),
        ("configuration.deadline_s", 60.0, "deadline in seconds 60 there, none here"),
        ("warm_up.seconds", 5.0, "warm-up in seconds 5 there, 0 here"),
        ("machine.name", "there", "machine there there, here here"),
        ("machine.processors", 64, "processors 64 there, 2 here"),
        ("versions.kernel", "6.12", "kernel 6.12 there, 6.1 here"),
        ("versions.smbench-mount", "0", "smbench-mount 0 there, 1 here"),
    ],
)
def test_every_difference_is_named(place, value, said):
    assert differences(other(place, value), HERE) == [said]


@pytest.mark.parametrize("place", ["configuration.close_gaps_s", "configuration.deadline_s", "versions.cifs"])
def test_none_is_told_where_it_says_that_there_was_none(place):
    value = "2.54" if place.startswith("versions") else 10.0
    (said,) = differences(HERE, other(place, value))
    assert f"none there, {value:g} here" in said if value == 10.0 else said == "cifs.ko none there, 2.54 here"


def test_a_capture_is_told_by_what_is_in_it_and_else_by_its_name():
    named = "configuration.workload", "v.workload"
    assert differences(other(*named), HERE) == []  # of the same capture
    another = run_of(capture_files=[{"name": "b.pcap", "bytes": 9, "packing": "plain", "sha256": "bb"}])
    assert differences(another, HERE) == ["another capture (b.pcap there, a.pcap here)"]
    assert differences(other(*named, capture_files=[]), HERE) == [
        "another workload (v.workload there, w.workload here)"
    ]


def test_what_an_older_run_does_not_tell_is_no_difference():
    asked = {"workload": "w.workload", "executor": "posix", "profile": "wire", "pace": "original"}
    older = Circumstances.of(a_run(configuration=asked))
    given = {"mount_options": ["vers=3.0"], "users_per_process": 5, "prepared": False}
    for run in (HERE, run_of(configuration=RUN["configuration"] | given)):
        assert differences(older, run) == differences(run, older) == []


def test_what_does_not_apply_is_no_difference():
    """One clone has no namespace and no stagger, nor one loop; what was not prepared has no content."""
    many = {"clones": 3, "namespace": "shared", "stagger_s": 0.5, "loops": 2, "loop_namespace": "same",
            "prepared": False, "content": None}  # fmt: skip
    several = run_of(configuration=RUN["configuration"] | many)
    assert differences(several, HERE) == [
        "clones 3 there, 1 here", "loops 2 there, 1 here", "files prepared no there, yes here"
    ]  # fmt: skip
    isolated = {**many, "namespace": "isolated", "loop_namespace": "fresh", "stagger_s": 0.25}
    assert differences(several, run_of(configuration=RUN["configuration"] | isolated)) == [
        "namespace of the clones shared there, isolated here",
        "stagger in seconds 0.5 there, 0.25 here",
        "namespace of the loops same there, fresh here",
    ]


def test_a_number_of_clones_that_is_looked_for_is_no_difference():
    assert differences(other("configuration.clones", 3), run_of(clones_known=False)) == []


def test_all_of_them_are_told():
    found = differences(other("configuration.clones", 3, machine={"name": "x", "processors": 8}), HERE)
    assert found == ["clones 3 there, 1 here", "machine x there, here here", "processors 8 there, 2 here"]
