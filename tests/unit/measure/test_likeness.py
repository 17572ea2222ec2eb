"""Two runs are alike, or every difference is named; what one of them does not tell is none."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from smbench.measure.likeness import differences

RUN: dict[str, Any] = {
    "configuration": {
        "workload": "w.workload", "executor": "posix", "profile": "wire", "mount_options": [], "target": "/t",
        "pace": "original", "speed": 1.0, "close_gaps_s": None, "clones": 1, "users_per_process": 1,
        "loops": 1, "prepared": True, "content": "full", "deadline_s": None,
    },
    "warm_up": {"seconds": 0.0},
    "capture_files": [{"name": "a.pcap", "size": 10, "packing": "plain", "sha256": "aa"}],
    "machine": {"name": "here", "processors": 2},
    "versions": {"kernel": "6.1", "cifs": None, "smbench-mount": "1"},
}  # fmt: skip


def other(place: str, value: Any) -> dict[str, Any]:
    found = deepcopy(RUN)
    part, name = place.split(".")
    found[part][name] = value
    return found


def test_a_run_is_like_itself():
    assert differences(RUN, deepcopy(RUN)) == []


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
    assert differences(other(place, value), RUN) == [said]


def test_a_capture_is_told_by_what_is_in_it_and_else_by_its_name():
    named = other("configuration.workload", "v.workload")
    assert differences(named, RUN) == []  # of the same capture
    another = deepcopy(RUN) | {
        "capture_files": [{"name": "b.pcap", "size": 9, "packing": "plain", "sha256": "bb"}]
    }
    assert differences(another, RUN) == ["another capture (b.pcap there, a.pcap here)"]
    none: tuple[list[object] | None, ...] = ([], None)
    for files in none:
        assert differences(named | {"capture_files": files}, RUN) == [
            "another workload (v.workload there, w.workload here)"
        ]


def test_what_an_older_run_does_not_tell_is_no_difference():
    older = {"configuration": {"workload": "w.workload", "executor": "posix"}}
    assert differences(older, RUN) == []
    assert differences(RUN, older) == []


def test_all_of_them_are_told():
    found = differences(other("configuration.clones", 3) | {"machine": {"name": "x", "processors": 8}}, RUN)
    assert found == ["clones 3 there, 1 here", "machine x there, here here", "processors 8 there, 2 here"]
