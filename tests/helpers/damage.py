"""Artefacts as disks, editors and other versions damage them; seeded. `helpers.damaged` reads them."""

from __future__ import annotations

import json
import os
import random
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from helpers.bombs import BOMBS, Bomb, hollow, many_columns

Damage = Callable[[Path, random.Random, Sequence[Path]], None]
"""Damages the file in place; others of its artefact may be put in its stead."""


def _rewrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


# Whatever the file is


def flip(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    changed = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 1, 1, 3, 20))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    _rewrite(path, bytes(changed))


def flip_at_the_end(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """Where Parquet keeps what it says of itself."""
    changed = bytearray(path.read_bytes())
    changed[-chance.randrange(1, min(len(changed), 4000) + 1)] ^= 1 << chance.randrange(8)
    _rewrite(path, bytes(changed))


def truncate(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    content = path.read_bytes()
    _rewrite(path, content[: chance.choice((0, 1, 8, chance.randrange(len(content)), len(content) - 1))])


def zero(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """A block that never reached the disk."""
    changed = bytearray(path.read_bytes())
    start = chance.randrange(len(changed))
    end = min(len(changed), start + chance.choice((1, 16, 512, 4096)))
    changed[start:end] = bytes(end - start)
    _rewrite(path, bytes(changed))


def grow(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    content = path.read_bytes()
    place = chance.choice((0, len(content), chance.randrange(len(content))))
    garbage = chance.choice((b"\n", b"garbage\n", chance.randbytes(64), content[:200]))
    _rewrite(path, content[:place] + garbage + content[place:])


def swap(path: Path, chance: random.Random, others: Sequence[Path]) -> None:
    other = chance.choice([other for other in others if other.name != path.name] or [path.parent / "none"])
    _rewrite(path, other.read_bytes() if other.is_file() else b"other")


def directory(path: Path, _chance: random.Random, _others: Sequence[Path]) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path, _chance: random.Random, _others: Sequence[Path]) -> None:
    path.unlink()
    os.mkfifo(path)


def device(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    path.unlink()
    path.symlink_to(chance.choice(("/dev/zero", "/dev/tty", "/dev/full")))


def link(path: Path, chance: random.Random, others: Sequence[Path]) -> None:
    """A link in its place: to the file itself elsewhere, to another one, to nowhere, to a folder."""
    elsewhere = path.parent.parent / f"elsewhere-{path.name}"
    path.rename(elsewhere)
    ends = ("nowhere", "/proc/self", path.name, *map(str, [elsewhere, elsewhere, *others[:1]]))
    path.symlink_to(chance.choice(ends))


def node(path: Path, _chance: random.Random, _others: Sequence[Path]) -> None:
    """A device itself, as tar makes it for root: /dev/zero, which has no end; for others a socket."""
    path.unlink()
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        os.mknod(path, 0o600 | stat.S_IFSOCK)


def large(path: Path, _chance: random.Random, _others: Sequence[Path]) -> None:
    """Its own content, then 100 MiB of blanks that are really there."""
    with path.open("ab") as file:
        for _ in range(100):
            file.write(b" " * (1 << 20))


def endless(path: Path, _chance: random.Random, _others: Sequence[Path]) -> None:
    """A hole of a terabyte behind what was there: whoever reads all of it has no memory left."""
    os.truncate(path, 1 << 40)


ANY: tuple[Damage, ...] = (
    flip,
    flip,
    flip_at_the_end,
    truncate,
    zero,
    grow,
    swap,
    directory,
    fifo,
    device,
    endless,
    link,
    link,
    node,
    large,
)


# JSON, a document or a line


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    if isinstance(value, dict):
        for key, each in value.items():
            found += _places(each, (*at, key))
    elif isinstance(value, list):
        for number, each in enumerate(value[:20]):
            found += _places(each, (*at, number))
    return found


_VALUES: tuple[Any, ...] = (
    None, True, "", "x", "\ud800", "a\udfff\0b", "\0",
    -1, 0, 1.5, 1 << 31, 1 << 63, 1 << 70, -(1 << 70), 1e308, [], {}, [1],
    {"a": 1}, "../../etc/passwd", "0" * 5000, [[[[[[1]]]]]],
)  # fmt: skip


def _edited(document: Any, chance: random.Random) -> Any:
    place = chance.choice(_places(document) or [()])
    if not place:
        return chance.choice(_VALUES)
    within = document
    for key in place[:-1]:
        within = within[key]
    if chance.random() < 0.4:
        del within[place[-1]]
    else:
        within[place[-1]] = chance.choice(_VALUES)
    return document


def edit_json(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """A key removed, or of another type or value."""
    path.write_text(json.dumps(_edited(json.loads(path.read_text()), chance)))


def edit_line(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """The same in one line of many."""
    lines = path.read_text().splitlines()
    number = chance.choice((0, chance.randrange(len(lines))))
    lines[number] = json.dumps(_edited(json.loads(lines[number]), chance))
    path.write_text("".join(f"{line}\n" for line in lines))


def deepen(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    depth = chance.choice((500, 100_000))
    path.write_text(chance.choice(("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth)))


_RAW = (
    "1e999", "-1e999", "NaN", "-Infinity", "9" * 5000, "1e-400", "-0", '"\\ud800"', '"\\u0000"', '"\x00"',
    "[" * 600 + "]" * 600, "[" + "[]," * 3_000_000 + "[]]", "[" + '{"":{}},' * 1_500_000 + "{}]",
    '"' + "x" * 20_000_000 + '"', "1" + "0" * 400 + ".5", "0x10", "tru",
)  # fmt: skip
"""Values as no writer of JSON writes them, or of a size that no document has."""


def raw_value(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """A value exchanged for one of those, in the text."""
    text = path.read_text()
    places = [found.span(1) for found in re.finditer(r':\s*("[^"\\]*"|[-0-9.]+|true|false|null)', text)]
    begin, end = chance.choice(places or [(0, len(text))])
    path.write_text(text[:begin] + chance.choice(_RAW) + text[end:])


def double_key(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """A key that stands there twice, the second time with another value."""
    text = path.read_text()
    places = list(re.finditer(r'("[^"\\]+"\s*:\s*)[-0-9.]+', text))
    if not places:  # an empty object, or none: a second one behind it
        path.write_bytes(path.read_bytes() * 2)
        return
    found = chance.choice(places)
    path.write_text(
        text[: found.end()] + ", " + found[1] + chance.choice(("0", "[]", '"x"', "-1")) + text[found.end() :]
    )


DOCUMENT: tuple[Damage, ...] = (
    *ANY,
    raw_value,
    raw_value,
    raw_value,
    double_key,
    edit_json,
    edit_json,
    edit_json,
    edit_json,
    edit_json,
    edit_json,
    deepen,
)
LINES: tuple[Damage, ...] = (*ANY, edit_line, edit_line, edit_line, deepen, raw_value)


# A text that people write


def edit_text(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """A line doubled, removed, or of another value."""
    lines = path.read_text().splitlines()
    number = chance.randrange(len(lines))
    name = lines[number].partition("=")[0]
    values = (
        "[",
        "true",
        "-1",
        "1e400",
        "0000-00-00",
        '"\\u0000"',
        "[[[[1]]]]",
        "{a = 1}",
        "nan",
        "9" * 5000,
    )
    changed = chance.choice(
        ([], [lines[number]] * 2, [f"{name}= {chance.choice(values)}"], ["\x00"], ["a" * 9])
    )
    path.write_text("\n".join([*lines[:number], *changed, *lines[number + 1 :]]) + "\n")


def deepen_text(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    path.write_text(chance.choice((
        "a = " + "[" * 50_000, "a" + ".b" * 5_000 + " = 1", "[" + "a." * 50_000, "[[a]]\n" * 600_000,
        "a = " + "9" * 4_000_000, "a = [" + "[]," * 1_300_000 + "]", "[a" + ".b" * 1_500_000 + "]\n",
    )))  # fmt: skip


TEXT: tuple[Damage, ...] = (*ANY, edit_text, edit_text, edit_text, edit_text, deepen_text)


# Parquet written anew


def _table(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def _chosen(table: pa.Table, chance: random.Random, fits: Callable[[pa.DataType], bool]) -> int | None:
    places = [at for at, field in enumerate(table.schema) if fits(field.type)]
    return chance.choice(places) if places else None


def drop_column(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    _table(path, lambda table: table.drop_columns([chance.choice(table.column_names)]))


def rename_column(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    def change(table: pa.Table) -> pa.Table:
        names = list(table.column_names)
        names[chance.randrange(len(names))] = chance.choice(("another", names[0]))
        return table.rename_columns(names)

    _table(path, change)


def retype_column(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    def change(table: pa.Table) -> pa.Table:
        at = _chosen(table, chance, lambda kind: not pa.types.is_nested(kind))
        if at is None:
            return table
        told = table.column(at).cast(pa.string())
        kind = chance.choice((pa.string(), pa.binary(), pa.list_(pa.string())))
        told = pa.array([[one] for one in told.to_pylist()]) if pa.types.is_list(kind) else told.cast(kind)
        return table.set_column(at, table.column_names[at], told)

    _table(path, change)


def null_values(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    def change(table: pa.Table) -> pa.Table:
        at, rows = chance.randrange(table.num_columns), chance.choice((1, len(table)))
        values = table.column(at).to_pylist()
        for row in range(min(rows, len(values))):
            values[row] = None
        return table.set_column(at, table.schema.field(at), _array(values, table.schema.field(at).type))

    _table(path, change)


def out_of_range(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    def change(table: pa.Table) -> pa.Table:
        at = _chosen(table, chance, lambda kind: pa.types.is_integer(kind) or pa.types.is_list(kind))
        if at is None or not len(table):
            return table
        field = table.schema.field(at)
        values = table.column(at).to_pylist()
        numbers = field.type.value_type if pa.types.is_list(field.type) else field.type
        if not pa.types.is_integer(numbers):
            return table
        unsigned = pa.types.is_unsigned_integer(numbers)
        most = (1 << (numbers.bit_width - (0 if unsigned else 1))) - 1
        number = chance.choice((most, most // 2, 10_000, 0 if unsigned else -2, 0 if unsigned else -most))
        values[chance.randrange(len(values))] = [number] if pa.types.is_list(field.type) else number
        return table.set_column(at, field, _array(values, field.type))

    _table(path, change)


def damage_within(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """A field of a struct, or a value of a list."""

    def change(table: pa.Table) -> pa.Table:
        at = _chosen(table, chance, pa.types.is_nested)
        if at is None or not len(table):
            return table
        field = table.schema.field(at)
        values = table.column(at).to_pylist()
        row = chance.choice([row for row, value in enumerate(values) if value] or [0])
        if isinstance(values[row], dict):
            there = [name for name, value in values[row].items() if value is not None]
            values[row][chance.choice(there or [field.type[0].name])] = None
        else:
            values[row] = chance.choice(([None], [], [*(values[row] or []), None]))
        return table.set_column(at, field, _array(values, field.type))

    _table(path, change)


def strange_word(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    def change(table: pa.Table) -> pa.Table:
        at = _chosen(table, chance, lambda kind: pa.types.is_dictionary(kind) or pa.types.is_string(kind))
        if at is None or not len(table):
            return table
        values = table.column(at).to_pylist()
        values[chance.randrange(len(values))] = chance.choice(
            ("Nonsense", "", "../../x", "a\0b", "x" * 100_000)
        )
        return table.set_column(at, table.schema.field(at), _array(values, table.schema.field(at).type))

    _table(path, change)


def no_text(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """Bytes that are no UTF-8 in a column of text."""

    def change(table: pa.Table) -> pa.Table:
        at = _chosen(table, chance, pa.types.is_string)
        if at is None or not len(table):
            return table
        values: list[Any] = [None if one is None else one.encode() for one in table.column(at).to_pylist()]
        values[chance.randrange(len(values))] = b"\xff\xfe\x80"
        raw = pa.array(values, pa.binary())
        text = pa.StringArray.from_buffers(len(raw), raw.buffers()[1], raw.buffers()[2], raw.buffers()[0])
        return table.set_column(at, table.schema.field(at), text)

    _table(path, change)


def other_rows(path: Path, chance: random.Random, _others: Sequence[Path]) -> None:
    """Rows lost, doubled, or none at all."""

    def change(table: pa.Table) -> pa.Table:
        half = len(table) // 2
        return chance.choice((table.slice(0, half), table.slice(0, 0), pa.concat_tables([table, table])))

    _table(path, change)


def hollow_footer(path: Path, _chance: random.Random, _others: Sequence[Path]) -> None:
    hollow(path)


def no_metadata(path: Path, _chance: random.Random, _others: Sequence[Path]) -> None:
    _table(path, lambda table: table.replace_schema_metadata({"smbench.schema": "99"}))


_BOMBS: dict[tuple[str, bytes], bytes] = {}
"""That were made of a content: each takes seconds."""


def _bomb(make: Bomb) -> Damage:
    def bomb(path: Path, _chance: random.Random, _others: Sequence[Path]) -> None:
        known = make.__name__, path.read_bytes()
        if known not in _BOMBS:
            try:
                make(path)
            except ValueError:  # it has no such column
                many_columns(path)
            _BOMBS[known] = path.read_bytes()
        path.write_bytes(_BOMBS[known])

    bomb.__name__ = make.__name__
    return bomb


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, kind)


ROWS: tuple[Damage, ...] = (
    *ANY, flip, flip, flip_at_the_end, flip_at_the_end, drop_column, rename_column, retype_column,
    null_values, null_values, out_of_range, out_of_range, out_of_range, damage_within, strange_word,
    strange_word, no_text, other_rows, no_metadata, hollow_footer, *map(_bomb, BOMBS),
)  # fmt: skip
"""Of a Parquet file."""

LOG: tuple[Damage, ...] = (*ANY, flip, grow, grow)
"""Of a text of one value a line that ends with a checksum."""
