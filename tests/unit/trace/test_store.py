"""Exchanges and what belongs to a trace survive the disk, whatever they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.trace import store
from smbench.trace.messages import Message, SetInfoRequest
from smbench.trace.model import Exchange
from smbench.trace.values import Value, field_names

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field may hold, by its annotation."""
    arguments = [argument for argument in get_args(hint) if argument not in (type(None), Ellipsis)]
    if getattr(hint, "__origin__", None) is tuple:
        return st.lists(values(name, arguments[0]), max_size=3).map(tuple)
    optional = st.none() if type(None) in get_args(hint) else st.nothing()
    plain = arguments[0] if arguments else hint
    if plain is bool:
        return optional | st.booleans()
    if plain is int:
        signed = name.endswith("_ns") or name in store._SIGNED
        return optional | (st.integers(-(2**63), 2**63 - 1) if signed else st.integers(0, 2**64 - 1))
    if plain is str:
        return optional | TEXT
    if plain is Message:
        return optional | st.one_of([built(kind) for kind in store.KINDS.values()])
    assert issubclass(plain, Value)
    return built(plain)


def built(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = store._hints(kind)
    return st.builds(kind, **{name: values(name, hints[name]) for name in field_names(kind)})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.lists(built(Exchange), max_size=6))
def test_any_exchanges_come_back_as_they_were(exchanges: list[Exchange]) -> None:
    assert store.from_batch(store.to_batch(exchanges)) == exchanges


@pytest.mark.parametrize("kind", store.KINDS.values())
def test_every_message_kind_has_columns_for_all_its_fields(kind: type[Message]) -> None:
    request = kind()
    exchange = Exchange(0, 0, 1, 5, 0, 0, 0, request=request, response=request)
    assert store.from_batch(store.to_batch([exchange])) == [exchange]


def test_a_file_is_read_again_and_again(tmp_path: Path) -> None:
    exchanges = [Exchange(n, 0, n, 8, n, 0, n, status=n % 2) for n in range(50)]
    assert store.write_exchanges(tmp_path / "x", iter(exchanges)) == 50
    stored = store.read_exchanges(tmp_path / "x")
    assert (len(stored), list(stored), list(stored)) == (50, exchanges, exchanges)


def test_no_exchanges_are_a_file_too(tmp_path: Path) -> None:
    assert store.write_exchanges(tmp_path / "x", []) == 0
    assert list(store.read_exchanges(tmp_path / "x")) == []


@pytest.mark.parametrize("content", [b"", b"no parquet"])
def test_what_is_no_trace_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UsageError, match="ingest the capture again"):
        store.read_exchanges(tmp_path / "x")


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    schema = store.SCHEMA.with_metadata({b"smbench.schema": b"99"})
    pq.write_table(pa.Table.from_batches([], schema), tmp_path / "x")
    with pytest.raises(UsageError, match="schema version 99"):
        store.read_exchanges(tmp_path / "x")


def test_exchanges_of_an_older_version_lack_what_was_added(tmp_path: Path) -> None:
    asked = SetInfoRequest("", 1, 15, ea_names=("a",), ea_lengths=(3,))
    exchange = Exchange(
        index=0, capture=0, frame=1, command=17, time_ns=0, connection=-1, message_id=0, session=-1, tree=-1,
        user=-1, request=asked,
    )  # fmt: skip
    path = tmp_path / store.EXCHANGES_FILE
    store.write_exchanges(path, [exchange])
    table = pq.read_table(path)
    for side in ("request", "response"):
        struct = table.column(side).combine_chunks()
        kept = [field for field in struct.type if field.name != "ea_lengths"]
        older = pa.StructArray.from_arrays(
            [struct.field(field.name) for field in kept], fields=kept, mask=struct.is_null()
        )
        table = table.set_column(table.schema.get_field_index(side), side, older)
    pq.write_table(table, path)
    [read] = store.read_exchanges(path)
    assert read.request == replace(asked, ea_lengths=())
