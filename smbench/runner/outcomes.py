"""Outcomes beside what the capture expected: names, and whether they match; once for each distinct pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.runner.call_file import KINDS
from smbench.smb2 import ntstatus
from smbench.workload.calls import Call, List, Read

_NO_ANSWER = -1
_OK = "ok"

Integers = NDArray[np.signedinteger[Any]]


def answered(expected: Integers) -> NDArray[np.bool_]:
    """Where the capture has an answer to hold an outcome against: elsewhere nothing is compared."""
    return np.asarray((expected != _NO_ANSWER) & (expected != int(ntstatus.Status.PENDING)))


def expected_name(expected: int) -> str | None:
    """`ok`, the status' name, or None where the capture has no answer (-1)."""
    if expected == _NO_ANSWER:
        return None
    return _OK if expected == 0 else ntstatus.name(expected)


def expected_names(expected: Integers) -> pa.DictionaryArray:
    """`expected_name` of each, as a dictionary column."""
    return _named(expected, expected_name)


def outcome_names(outcome: Integers, executed: NDArray[np.bool_]) -> pa.DictionaryArray:
    """`ok`, the errno's or the status' name; None where nothing was executed."""
    # All successes are one: their numbers are bytes.
    known = np.where(executed, np.minimum(outcome, 0), 1)
    return _named(known, lambda value: None if value == 1 else ntstatus.outcome_name(value))


def _named(values: Integers, name: Any) -> pa.DictionaryArray:
    alike = len(values) and (values == values[0]).all()
    distinct = values[:1] if alike else np.unique(values)
    number = np.searchsorted(distinct, values)
    words = [name(int(value)) for value in distinct]
    index = pa.array(number.astype(np.int32), mask=np.array([word is None for word in words], bool)[number])
    return pa.DictionaryArray.from_arrays(index, pa.array([word or "" for word in words], pa.string()))


class Matcher:
    """Holds outcomes against expectations by `smbench.smb2.ntstatus.matches`, remembering each answer."""

    def __init__(self) -> None:
        self._answers: dict[tuple[int, ...], bool] = {}

    def matches(
        self, kind: Integers, expected: Integers, outcome: Integers, length: Integers, calls: Integers
    ) -> NDArray[np.bool_]:
        """Whether each outcome is what the capture had; `length` of reads, `calls` of listings."""
        shape = (kind, expected, np.minimum(outcome, 1), length > 0, calls > 1)
        # One number a distinct row: sorting numbers is much faster than sorting rows.
        code = np.zeros(len(kind), np.int64)
        for values in shape:
            if len(values) and (values != values[0]).any():
                distinct, number = np.unique(values, return_inverse=True)
                code = code * len(distinct) + number
        _, first, number = np.unique(code, return_index=True, return_inverse=True)
        answers = [self._answer(tuple(int(values[at]) for values in shape)) for at in first.tolist()]
        return np.array(answers, bool)[number]

    def _answer(self, shape: tuple[int, ...]) -> bool:
        answer = self._answers.get(shape)
        if answer is None:
            kind, expected, outcome, has_length, scans = shape
            call = _example(KINDS[kind], length=has_length, calls=1 + scans)
            answer = ntstatus.matches(None if expected == _NO_ANSWER else expected, outcome, call)
            self._answers[shape] = answer
        return answer


def _example(kind: type[Call], length: int, calls: int) -> Call:
    if kind is Read:
        return Read(0, 0, length)
    if kind is List:
        return List(0, "*", 0, False, calls=calls)
    return object.__new__(kind)  # only its kind counts
