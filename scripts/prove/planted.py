"""Differences planted in captures: compare says what was planted, or names what could be otherwise."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers.aims import told
from helpers.plant_check import held
from helpers.planting import Ground
from helpers.plants import every
from helpers.sides import side_of
from helpers.synthetic import STORIES
from helpers.synthetic import told as told_story

from smbench.capture.decode import decode
from smbench.errors import UsageError
from smbench.fidelity.parameters import PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "tests/captures"
SHARED = ROOT.parent / "shared/captures"
LEAST = 20
"""Exchanges that a capture must have to plant in."""
ROUNDS = 3
SHOWN = 3


def prove() -> None:
    """Each capture with every plant that it has a place for, compared both ways."""
    captures = plants = named = 0
    wrong: list[str] = []
    parameters: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory() as scratch:
        for ground in grounds(Path(scratch)):
            captures += 1
            before = plants
            for planted in every(ground, seed=captures, rounds=ROUNDS):
                found = held(ground, planted)
                plants += 1
                named += bool(found.named)
                parameters |= planted.keys.keys() | planted.parameters.keys()
                if found.wrong:
                    wrong.append(f"{ground.name}, {planted.what}: {'; '.join(found.wrong[:2])}")
            here = plants - before
            print(f"  {ground.name:58} {len(ground.counted):>6,} exchanges {here:>4} plants", flush=True)
    for said in wrong[:SHOWN]:
        print(f"  wrong: {said}")
    table = sum(len(row.key) + len(row.compared) for row in PARAMETERS.values()) + 1
    told("planted: captures", f"{captures}", ">= 12", captures >= 12)
    told("planted: parameters of the table", f"{len(parameters)} of {table}", "all", len(parameters) == table)
    told("planted: compare says something else", f"{len(wrong):,} of {plants:,}", "0", not wrong)
    told("planted: could be otherwise, and compare says so", f"{named:,} of {plants:,}", "printed", True)


def grounds(scratch: Path) -> Iterator[Ground]:
    """Captures made by code, the shipped ones, and those of the folder beside the project, if it is there."""
    for story in STORIES:
        yield Ground.of(story.__name__, side_of(told_story(story), scratch / story.__name__))
    if not SHARED.is_dir():
        print(f"  {SHARED} is not there: the captures made by code and the shipped ones only")
    for number, path in enumerate([*sorted(SHIPPED.glob("*.pcap*")), *sorted(SHARED.rglob("*.pcap*"))]):
        folder = scratch / str(number)
        folder.mkdir()
        try:
            trace = decode([path], folder)
        except UsageError as error:
            print(f"  {path.name}: left out ({str(error).replace(str(path), 'it')[:80]} …)")
            continue
        ground = Ground.of(path.name, side_of(trace, folder / "side"))
        if len(ground.counted) >= LEAST:
            yield ground
