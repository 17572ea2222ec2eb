"""Every number of a workload is judged, and what is not needed is gone or has a class."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from smbench.anonymize.classes import EPOCH_NS, HOUR_NS
from smbench.anonymize.keep import Keep
from smbench.anonymize.numbers import GONE, KEPT_NUMBERS, SESSIONS, TIMES, TOLD, Numbers
from smbench.trace.store import SCHEMA
from smbench.workload.columns import BREAKS_SCHEMA, COVERAGE_SCHEMA, NAMESPACE_SCHEMA, OPERATIONS_SCHEMA

START_NS = 1_700_000_000_000_000_000


def numbers(keep: Keep) -> Numbers:
    return Numbers(keep, START_NS, {0xABCDEF: 1})


def places(place: str, kind: pa.DataType) -> Iterator[str]:
    """The columns and fields that hold numbers."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from places(f"{place}.{field.name}", field.type)
    elif pa.types.is_list(kind):
        yield from places(place, kind.value_type)
    elif not (pa.types.is_string(kind) or pa.types.is_dictionary(kind)):
        yield place


def test_every_column_of_numbers_is_judged_once() -> None:
    found = {
        place
        for schema in (SCHEMA, OPERATIONS_SCHEMA, NAMESPACE_SCHEMA, BREAKS_SCHEMA, COVERAGE_SCHEMA)
        for field in schema
        for place in places(field.name, field.type)
    }
    names = {place.rpartition(".")[2] for place in found}
    judged = (TIMES, GONE, SESSIONS, KEPT_NUMBERS)
    assert names == frozenset().union(*judged)
    assert sum(map(len, judged)) == len(names)
    assert found >= TOLD


def test_what_nobody_has_judged_is_not_let_through() -> None:
    with pytest.raises(TypeError, match="nobody has judged what stands in price, of int64"):
        numbers(Keep.ALL).of("price", pa.array([1]))


@pytest.mark.parametrize("keep", Keep)
def test_what_no_operation_needs(keep: Keep) -> None:
    one = numbers(keep)
    sizes = pa.array([5_000, None], pa.uint64())
    assert one.of("size", sizes).equals(sizes)
    assert one.of("request.size", sizes).equals(sizes)
    for told in ("response.size", "response.entries.allocation", "response.changed_ns"):
        assert one.of(told, sizes).to_pylist() == [None, None]
    assert one.of("response.capacity", sizes).to_pylist() == [None, None]
    assert one.of("message_id", pa.array([77], pa.uint64())).to_pylist() == [0]
    ids = pa.array([0xABCDEF, 0x123456, None], pa.uint64())
    assert one.of("request.previous_session_id", ids).to_pylist() == [1, 0, None]
    times = pa.array([START_NS - 3 * HOUR_NS, -1, None], pa.int64())
    classed = [EPOCH_NS - 4 * HOUR_NS, -1, None]
    assert one.of("times", times).to_pylist() == (times.to_pylist() if keep.times else classed)
