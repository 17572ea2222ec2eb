"""Captures made by code: one kind of work each, always the same, told as stories (`helpers.story`)."""

from __future__ import annotations

import random
from collections.abc import Callable

from helpers.story import READ, WRITE, Client, Wire

from smbench.smb2.constants import (
    FSCTL_QUERY_ALLOCATED_RANGES,
    FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.values import CopyChunk

Story = Callable[[Wire, random.Random], None]


def editor(wire: Wire, dice: random.Random) -> None:
    """Files are written beside their old version and renamed over it."""
    ann = wire.client("ann")
    for turn in range(30):
        name = f"docs/letter{turn % 5}.txt"
        ann.looks(name)
        old = ann.opens(name, access=READ)
        old.reads(0, 4096).reads(4096, dice.randrange(1, 4096)).closes()
        new = ann.creates(f"docs/.save{turn}", share_access=dice.choice((1, 7)), options=0x40)
        for offset in range(0, 16384, 4096):
            new.writes(offset, 4096, flags=turn % 2)
        new.flushes()
        new.sets(10, target=name.replace("/", "\\"), replace=True)
        new.closes()


def polling(wire: Wire, dice: random.Random) -> None:
    """Two watch one file, again and again, while others come and go."""
    people = [wire.client(name) for name in ("ann", "bob")]
    for turn in range(80):
        people[turn % 2].looks("queue/state")
        if dice.random() < 0.3:
            people[turn % 2].opens(f"queue/job{turn}", access=READ).reads(0, 512).closes()


def listings(wire: Wire, dice: random.Random) -> None:
    """Folders are listed, each in some requests of which the last says that there are no more."""
    ann = wire.client("ann")
    for turn in range(25):
        folder = ann.opens_directory(f"tree/part{turn % 6}")
        for page in range(dice.randrange(1, 5)):
            folder.lists(*(f"file{page}-{number}" for number in range(9)), flags=int(page == 0))
        folder.ends_listing()
        if turn % 4 == 0:
            folder.lists("one", pattern="*.log", level=1, flags=2).ends_listing()
        folder.closes()


def twins(wire: Wire, dice: random.Random) -> None:
    """Three users do the same on the same files: nothing that they send tells who they are."""
    people = [wire.client(name) for name in ("ann", "bob", "eve")]
    for turn in range(20):
        for person in people:
            person.opens(f"shared{turn % 4}").reads(512 * (turn % 3), 512).closes()


def random_reads(wire: Wire, dice: random.Random) -> None:
    """One large file, at offsets that come again."""
    opened = wire.client("ann").opens("store.db", access=READ | WRITE)
    for _ in range(300):
        offset = 4096 * dice.randrange(40)
        if dice.random() < 0.25:
            opened.writes(offset, 4096)
        else:
            opened.reads(offset, 4096)
    opened.closes()


def in_flight(wire: Wire, dice: random.Random) -> None:
    """Eight requests at once, of different and of equal kinds."""
    opened = wire.client("ann").opens("film.mkv", access=READ)
    for burst in range(20):
        for number in range(8):
            at_ns = burst * 50_000_000 + 5_000_000 + number * 10_000
            opened.reads((burst * 8 + number) * 65536, 65536, at_ns=at_ns, takes_ns=20_000_000)
    opened.closes()


def locks(wire: Wire, dice: random.Random) -> None:
    """Ranges of a file are locked and freed by two users; some are refused."""
    people = [wire.client(name).opens("ledger.mdb", access=READ | WRITE) for name in ("ann", "bob")]
    for turn in range(40):
        who, place = people[turn % 2], 100 * dice.randrange(6)
        refused = dice.random() < 0.2
        who.locks((place, 50, 0x12), (place + 60, 10, 0x11), status=0xC0000055 if refused else 0)
        if not refused:
            who.writes(place, 50)
            who.locks((place, 50, 4), (place + 60, 10, 4))
    for who in people:
        who.closes()


def settings(wire: Wire, dice: random.Random) -> None:
    """Times, attributes, sizes, names and removals are set; several classes of information are asked for."""
    ann = wire.client("ann")
    for turn in range(24):
        name = f"set/file{turn}"
        opened = ann.creates(name, attributes=0x20)
        moment = 1_700_000_000_000_000_000 + turn * 1_000_000_000
        opened.sets(4, created_ns=moment, accessed_ns=moment + 1, written_ns=moment + 2,
                    changed_ns=moment + 3, attributes=0x21)  # fmt: skip
        opened.truncates(4096 * turn)
        opened.sets(0, info_type=3, additional=4)
        for level, kind in ((18, 1), (5, 1), (1, 2), (0, 3)):
            opened.asks(level, info_type=kind)
        if turn % 3 == 0:
            opened.renames(f"set/moved{turn}", replace=turn % 2 == 0)
        if turn % 3 == 1:
            opened.dooms()
        opened.closes()


def copies(wire: Wire, dice: random.Random) -> None:
    """Server-side copies, holes and ranges."""
    ann = wire.client("ann")
    for turn in range(20):
        opened = ann.opens(f"disk{turn % 3}.img", access=READ | WRITE)
        chunks = tuple(
            CopyChunk(65536 * number, 65536 * (number + turn), 65536) for number in range(1 + turn % 3)
        )
        opened.controls(FSCTL_SRV_COPYCHUNK, chunks=chunks, resume_key="ab" * 24, output_length=12)
        opened.controls(FSCTL_SET_SPARSE, sparse=turn % 2 == 0)
        opened.controls(FSCTL_SET_ZERO_DATA, offset=4096 * turn, length=4096)
        opened.controls(FSCTL_QUERY_ALLOCATED_RANGES, offset=0, length=1 << 20, output_length=1024)
        opened.closes()


def watchers(wire: Wire, dice: random.Random) -> None:
    """Folders are watched; what changes in them answers."""
    ann, bob = wire.client("ann"), wire.client("bob")
    for turn in range(15):
        folder = ann.opens_directory(f"inbox{turn % 3}")
        folder.watches(takes_ns=3_000_000)
        bob.creates(f"inbox{turn % 3}/mail{turn}").writes(0, 100 + turn).closes()
        folder.watches(status=None)
        folder.closes()


def trees(wire: Wire, dice: random.Random) -> None:
    """Folders are made and removed, with looks in between, as compounds."""
    ann = wire.client("ann")
    for turn in range(30):
        folder = f"build/{turn % 4}/{turn}"
        ann.looks(folder, Status.OBJECT_NAME_NOT_FOUND)
        ann.makes_directory(folder)
        ann.looks(folder)
        ann.creates(f"{folder}/out.o", request={"contexts": ("MxAc", "QFid")}).writes(0, 100 * turn).closes()
        ann.unlinks(f"{folder}/out.o")
        if turn % 3 == 0:
            ann.unlinks(folder, options=0x1)


def crowd(wire: Wire, dice: random.Random) -> None:
    """Twelve users, each with files of their own, and one file of all."""
    people = [wire.client(f"CORP\\user{number:02}") for number in range(12)]
    for turn in range(180):
        number = dice.randrange(12)
        name = "all/notice" if dice.random() < 0.2 else f"home/{number}/file{turn % 5}"
        request = {"lease_state": dice.choice((1, 3, 7)), "contexts": ("RqLs",)}
        opened = people[number].opens(name, access=READ | WRITE, request=request)
        opened.reads(0, 1024)
        if turn % 3:
            opened.writes(1024 * (turn % 4), 1024)
        opened.closes()


def contention(wire: Wire, dice: random.Random) -> None:
    """Two users want one file for themselves; some opens are refused."""
    people: list[Client] = [wire.client(name) for name in ("ann", "bob")]
    for turn in range(60):
        refused = dice.random() < 0.3
        opened = people[turn % 2].opens(
            "till", Status.SHARING_VIOLATION if refused else 0, access=READ | WRITE, share_access=0
        )
        if not refused:
            opened.reads(0, 256).writes(0, 256).closes()


STORIES: tuple[Story, ...] = (
    editor, polling, listings, twins, random_reads, in_flight, locks, settings, copies, watchers, trees,
    crowd, contention,
)  # fmt: skip


def told(story: Story, seed: int = 1) -> Wire:
    """The capture of a story."""
    wire = Wire()
    story(wire, random.Random(seed))
    return wire
