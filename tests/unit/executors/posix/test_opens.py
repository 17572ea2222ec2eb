"""A CREATE's numbers become open(2)'s flags as the mapping says."""

from __future__ import annotations

import os
import sys
from errno import EINVAL, EOPNOTSUPP

import pytest

if sys.platform != "linux":
    pytest.skip("posix runs on Linux only", allow_module_level=True)

from smbench.executors.posix.client import CIFS, CIFS_WIRE, LOCAL, LOCAL_WIRE, Client
from smbench.executors.posix.opens import open_loss, plan_open, variants
from smbench.workload.calls import Create, Open

OPEN, CREATE, OPEN_IF = 1, 2, 3


def plan(
    access=0x80000000, disposition=OPEN, options=0x40, attributes=0, directory=False, client=LOCAL_WIRE,
    compound=False,
):  # fmt: skip
    return plan_open(access, disposition, options, attributes, directory, client, compound)


@pytest.mark.parametrize(
    ("disposition", "flags"),
    [
        (0, os.O_CREAT | os.O_TRUNC),
        (1, 0),
        (2, os.O_CREAT | os.O_EXCL),
        (3, os.O_CREAT),
        (4, os.O_TRUNC),
        (5, os.O_CREAT | os.O_TRUNC),
    ],
)
def test_dispositions(disposition: int, flags: int) -> None:
    assert plan(disposition=disposition).flags == flags | os.O_RDONLY


@pytest.mark.parametrize(
    ("access", "mode"),
    [
        (0x80000000, os.O_RDONLY),
        (0x40000000, os.O_WRONLY),
        (0xC0000000, os.O_RDWR),
        (0x10000000, os.O_RDWR),
        (0x20000000, os.O_RDONLY),
        (0x00120089, os.O_RDONLY),
        (0x00120116, os.O_WRONLY),
        (0x0012019F, os.O_RDWR),
        (0x00000004, os.O_WRONLY),
        (0x00000020, os.O_RDONLY),
        (0x00100080, os.O_RDONLY),
        (0x00010000, os.O_RDONLY),
        (0x02000000, os.O_RDWR),
    ],
)
def test_access(access: int, mode: int) -> None:
    planned = plan(access)
    assert planned.flags & os.O_ACCMODE == mode
    assert planned.writable == (mode != os.O_RDONLY)


def test_maximum_allowed_falls_back_to_reading() -> None:
    assert plan(0x02000000).retry_flags == os.O_RDONLY
    assert plan(0x02000002).retry_flags is None
    assert plan(0x80000000).retry_flags is None


@pytest.mark.parametrize("client", [LOCAL, CIFS])
def test_attributes_only_opens_nothing_for_an_application(client: Client) -> None:
    assert plan(0x00100080, client=client).flags == os.O_PATH
    assert plan(0x00110080, client=client).flags == os.O_PATH
    assert plan(0x00000180, client=client).flags == os.O_RDONLY  # attributes are to be set
    assert plan(0x00100080, CREATE, client=client).flags == os.O_CREAT | os.O_EXCL


@pytest.mark.parametrize("client", [LOCAL_WIRE, CIFS_WIRE])
def test_attributes_only_reaches_the_wire_in_its_profile(client: Client) -> None:
    assert plan(0x00100080, client=client).flags == os.O_RDONLY


def test_a_compound_s_open_comes_with_its_question_on_the_kernel_s_client() -> None:
    assert plan(0x00000180, client=CIFS_WIRE, compound=True).flags == os.O_PATH
    assert plan(0x00000181, client=CIFS_WIRE, compound=True).flags == os.O_RDONLY  # data is to be read
    assert plan(0x00000180, client=LOCAL_WIRE, compound=True).flags == os.O_RDONLY
    assert plan(0x00000180, client=CIFS, compound=True).flags == os.O_RDONLY


def test_write_through_and_unbuffered_are_kept_where_they_mean_the_wire_s() -> None:
    assert plan(options=0x4A, client=CIFS_WIRE).flags == os.O_SYNC | os.O_DIRECT
    for client in (LOCAL, LOCAL_WIRE, CIFS):
        assert plan(options=0x4A, client=client).flags == 0


def test_only_a_client_that_opens_directories_late_has_to_know_of_them() -> None:
    assert plan(options=0, client=CIFS_WIRE).may_be_directory
    assert not plan(options=0x40, client=CIFS_WIRE).may_be_directory
    for client in (LOCAL, LOCAL_WIRE, CIFS):
        assert not plan(options=0, client=client).may_be_directory


def test_directories() -> None:
    for disposition, makes, new in [(OPEN, False, False), (CREATE, True, True), (OPEN_IF, True, False)]:
        planned = plan(0xC0000000, disposition, options=1)
        assert planned.flags == os.O_RDONLY | os.O_DIRECTORY
        assert (planned.make_directory, planned.must_be_new) == (makes, new)
    assert plan(0xC0000000, options=0, directory=True).flags == os.O_RDONLY | os.O_DIRECTORY
    assert plan(0xC0000000, options=0x40, directory=True).flags == os.O_RDWR
    assert plan(options=0x40).refuse_directory
    assert not plan(options=0).refuse_directory
    assert not plan(0x40000000, options=0x40).refuse_directory  # open(2) refuses by itself


def test_what_cannot_be_asked_for() -> None:
    assert plan(disposition=6).refused == EINVAL
    assert plan(options=0x41).refused == EINVAL
    assert plan(disposition=5, options=1).refused == EINVAL
    assert plan(options=0x2000).refused == EOPNOTSUPP


def test_variants_are_all_different_and_the_first_changes_nothing() -> None:
    for creating in (False, True):
        found = variants(CIFS_WIRE.own_handle_flags, creating)
        assert found[0] == 0
        assert len(set(found)) == len(found) >= 16
        assert not any(flags & (os.O_CREAT | os.O_TRUNC | os.O_ACCMODE) for flags in found)
        assert not creating or not any(flags & os.O_EXCL for flags in found)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Open(1, "a", Create(0x80000080, 7, 1, 0x40, 0)), None),
        (Open(1, "a", Create(0x80000080, 3, 1, 0x40, 0)), "share access 3"),
        (Open(1, "a", Create(0x00120089, 7, 1, 0x40, 0)), "access 0x00120089 becomes 0x80000080"),
        (Open(1, "a", Create(0xC0000080, 7, 0, 0x40, 0)), "SUPERSEDE"),
        (Open(1, "a", Create(0xC0000080, 7, 1, 0x200040, 0)), "options 0x00200000"),
        (Open(1, "a", Create(0xC0000080, 7, 1, 0x1040, 0)), "delete on close"),
        (Open(1, "a", Create(0xC0000080, 7, 2, 0x40, 0x102)), "attributes 0x00000102"),
        (Open(1, "a", Create(0xC0000080, 7, 5, 0x40, 0x1)), "read-only"),
        (Open(1, "a", Create(0xC0000080, 7, 1, 0x40, oplock=9)), "lease"),
        (Open(1, "b/a:s", Create(0xC0000080, 7, 1, 0x40, 0)), "stream"),
        (Open(1, "b", Create(0x00100081, 7, 1, 0x1, 0)), None),
    ],
)
def test_loss(call: Open, words: str | None) -> None:
    loss = open_loss(call)
    assert loss is None if words is None else words in str(loss)
