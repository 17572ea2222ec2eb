"""A plan as a file, for whoever makes a run's result after its process: arrays by name, all else as JSON."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

import msgspec
import numpy as np

from smbench.errors import UsageError
from smbench.plan.model import BriefWaits, Lags, Pace, Plan, Waits
from smbench.stored import open_stored, size_of

_NESTED = {"waits": Waits, "brief": BriefWaits, "lags": Lags}
_REST = "rest"


class _Rest(msgspec.Struct, frozen=True):
    """What of a plan is no array."""

    pace: Pace
    speed: float
    users: list[str]
    processes: int
    edges_found: int
    clones: int
    loops: int
    stagger_ns: int
    closed: tuple[int, ...]
    outside: int | None


def write_plan(plan: Plan, path: Path) -> None:
    """Write it to `path`, which ends in .npz."""
    arrays: dict[str, Any] = {}
    for name, value in _values(plan):
        if name in _NESTED:
            arrays |= {f"{name}.{part}": each for part, each in _values(value)}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
    rest = _Rest(**{name: getattr(plan, name) for name in _Rest.__struct_fields__})
    arrays[_REST] = np.frombuffer(msgspec.json.encode(rest), np.uint8)
    np.savez(path, **arrays)


def read_plan(path: Path) -> Plan:
    """The plan in a file. UsageError where it cannot be read."""
    try:
        with open_stored(path, "nothing can be made of it") as file:
            _refuse_packed(file)
            with np.load(file, allow_pickle=False) as stored:
                arrays = dict(stored)
        rest = msgspec.json.decode(arrays.pop(_REST).tobytes(), type=_Rest)
        nested = {
            name: kind(**{field.name: arrays.pop(f"{name}.{field.name}") for field in fields(kind)})
            for name, kind in _NESTED.items()
        }
        missing = dict.fromkeys(("intended_ns", "think_ns", "lane_begin_ns"))
        return Plan(**(msgspec.structs.asdict(rest) | missing | nested | arrays))
    except (
        OSError, EOFError, MemoryError, RecursionError, BadZipFile, ValueError, KeyError, TypeError,
        NotImplementedError, msgspec.MsgspecError,
    ) as error:  # fmt: skip
        raise UsageError(f"{path} holds no plan of a run ({error})") from None


def _refuse_packed(file: BinaryIO) -> None:
    """ValueError where the archive tells of more than it holds: `write_plan` compresses nothing."""
    with ZipFile(file) as archive:
        if sum(each.file_size for each in archive.infolist()) > size_of(file):
            raise ValueError("it would unpack to more than it is")
    file.seek(0)


def _values(of: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(of, field.name)) for field in fields(of)]
